CREATE TABLE `dead_letter` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`kind` text NOT NULL,
	`receiver_id` integer NOT NULL,
	`message` text NOT NULL,
	`event` text NOT NULL,
	`date` text NOT NULL,
	`attempts` integer NOT NULL,
	`code` integer,
	`error` text,
	`died` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `dead_letter_message` ON `dead_letter` (`tenant_id`,`kind`,`receiver_id`,`message`);--> statement-breakpoint
CREATE INDEX `dead_letter_date` ON `dead_letter` (`tenant_id`,`date`);