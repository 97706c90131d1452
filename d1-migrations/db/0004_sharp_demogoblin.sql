CREATE TABLE `test` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`category_id` integer DEFAULT 1 NOT NULL,
	`operation_id` integer NOT NULL,
	`message` text,
	`response` text,
	`config` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `test_operation` ON `test` (`tenant_id`,`operation_id`);