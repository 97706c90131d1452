CREATE TABLE `flush` (
	`id` text PRIMARY KEY NOT NULL,
	`date` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `log_error` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`log_id` integer,
	`request_id` text,
	`message` text NOT NULL,
	`trace` text,
	`file` text,
	`line` integer,
	`count` integer DEFAULT 1 NOT NULL,
	`insert_date` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `log_error_log` ON `log_error` (`log_id`) WHERE log_id IS NOT NULL;--> statement-breakpoint
CREATE TABLE `log` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`category_id` integer DEFAULT 1 NOT NULL,
	`operation_id` integer,
	`operation_name` text,
	`app_id` integer,
	`user_id` integer,
	`request_id` text DEFAULT '' NOT NULL,
	`ip` text DEFAULT '' NOT NULL,
	`user_agent` text DEFAULT '' NOT NULL,
	`method` text NOT NULL,
	`path` text NOT NULL,
	`header` text,
	`body` text,
	`response_code` integer NOT NULL,
	`error_code` text,
	`execution_time` integer NOT NULL,
	`upstream_time` integer DEFAULT 0 NOT NULL,
	`revision` integer DEFAULT 0 NOT NULL,
	`points` integer DEFAULT 0 NOT NULL,
	`explain` text,
	`date` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `log_date` ON `log` (`tenant_id`,`date`);--> statement-breakpoint
CREATE INDEX `log_operation` ON `log` (`tenant_id`,`operation_id`,`date`) WHERE operation_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `log_user` ON `log` (`tenant_id`,`user_id`,`date`) WHERE user_id IS NOT NULL;--> statement-breakpoint
CREATE TABLE `rollup_day` (
	`tenant_id` text DEFAULT '' NOT NULL,
	`date` text NOT NULL,
	`category_id` integer NOT NULL,
	`operation_id` integer NOT NULL,
	`app_id` integer NOT NULL,
	`user_id` integer NOT NULL,
	`status_class` integer NOT NULL,
	`count` integer NOT NULL,
	`duration` integer NOT NULL,
	`upstream` integer NOT NULL,
	`duration_max` integer NOT NULL,
	`points` integer NOT NULL,
	`ms_5` integer DEFAULT 0 NOT NULL,
	`ms_10` integer DEFAULT 0 NOT NULL,
	`ms_25` integer DEFAULT 0 NOT NULL,
	`ms_50` integer DEFAULT 0 NOT NULL,
	`ms_100` integer DEFAULT 0 NOT NULL,
	`ms_250` integer DEFAULT 0 NOT NULL,
	`ms_500` integer DEFAULT 0 NOT NULL,
	`ms_1000` integer DEFAULT 0 NOT NULL,
	`ms_2500` integer DEFAULT 0 NOT NULL,
	`ms_10000` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`tenant_id`, `date`, `category_id`, `operation_id`, `app_id`, `user_id`, `status_class`)
);
--> statement-breakpoint
CREATE TABLE `rollup_hour` (
	`tenant_id` text DEFAULT '' NOT NULL,
	`date` text NOT NULL,
	`category_id` integer NOT NULL,
	`operation_id` integer NOT NULL,
	`app_id` integer NOT NULL,
	`user_id` integer NOT NULL,
	`status_class` integer NOT NULL,
	`count` integer NOT NULL,
	`duration` integer NOT NULL,
	`upstream` integer NOT NULL,
	`duration_max` integer NOT NULL,
	`points` integer NOT NULL,
	`ms_5` integer DEFAULT 0 NOT NULL,
	`ms_10` integer DEFAULT 0 NOT NULL,
	`ms_25` integer DEFAULT 0 NOT NULL,
	`ms_50` integer DEFAULT 0 NOT NULL,
	`ms_100` integer DEFAULT 0 NOT NULL,
	`ms_250` integer DEFAULT 0 NOT NULL,
	`ms_500` integer DEFAULT 0 NOT NULL,
	`ms_1000` integer DEFAULT 0 NOT NULL,
	`ms_2500` integer DEFAULT 0 NOT NULL,
	`ms_10000` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`tenant_id`, `date`, `category_id`, `operation_id`, `app_id`, `user_id`, `status_class`)
);
