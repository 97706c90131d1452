CREATE TABLE `job_run` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`name` text NOT NULL,
	`user_id` integer,
	`date` text NOT NULL,
	`duration` integer NOT NULL,
	`rows` integer DEFAULT 0 NOT NULL,
	`more` integer DEFAULT false NOT NULL,
	`error` text
);
--> statement-breakpoint
CREATE INDEX `job_run_name` ON `job_run` (`tenant_id`,`name`,`id`);