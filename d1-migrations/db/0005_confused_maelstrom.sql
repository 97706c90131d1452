CREATE TABLE `cronjob_run` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`cronjob_id` integer NOT NULL,
	`minute` integer,
	`attempt` integer DEFAULT 0 NOT NULL,
	`cause` text NOT NULL,
	`status` text NOT NULL,
	`settled` integer DEFAULT 0 NOT NULL,
	`lane` integer NOT NULL,
	`token` text,
	`created` integer NOT NULL,
	`started` integer,
	`deadline` integer,
	`ended` integer,
	`exit_code` integer,
	`code` integer,
	`answer` text,
	`error` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `cronjob_run_minute` ON `cronjob_run` (`tenant_id`,`cronjob_id`,`minute`,`attempt`);--> statement-breakpoint
CREATE INDEX `cronjob_run_job` ON `cronjob_run` (`cronjob_id`);--> statement-breakpoint
CREATE INDEX `cronjob_run_open` ON `cronjob_run` (`tenant_id`) WHERE settled = 0;--> statement-breakpoint
CREATE TABLE `cronjob_state` (
	`tenant_id` text DEFAULT '' NOT NULL,
	`cronjob_id` integer NOT NULL,
	`version` integer NOT NULL,
	`schedule` text NOT NULL,
	`cursor` integer NOT NULL,
	`next` integer,
	PRIMARY KEY(`tenant_id`, `cronjob_id`)
);
--> statement-breakpoint
ALTER TABLE `cronjob` ADD `timezone` text DEFAULT 'UTC' NOT NULL;--> statement-breakpoint
ALTER TABLE `cronjob` ADD `missed` text DEFAULT 'one' NOT NULL;--> statement-breakpoint
ALTER TABLE `cronjob` ADD `missed_limit` integer DEFAULT 10 NOT NULL;--> statement-breakpoint
ALTER TABLE `cronjob` ADD `overlap` text DEFAULT 'forbid' NOT NULL;--> statement-breakpoint
ALTER TABLE `cronjob` ADD `timeout` integer DEFAULT 30000 NOT NULL;