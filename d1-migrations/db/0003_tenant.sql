CREATE TABLE `tenant` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`name` text NOT NULL,
	`hosts` text NOT NULL,
	`insert_date` text NOT NULL,
	`removed` text,
	`purged` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tenant_name` ON `tenant` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE INDEX `tenant_purge` ON `tenant` (`id`) WHERE status = 0 AND purged IS NULL;