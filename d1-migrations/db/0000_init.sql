CREATE TABLE `action` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`category_id` integer DEFAULT 1 NOT NULL,
	`taxonomy_id` integer,
	`name` text NOT NULL,
	`class` text NOT NULL,
	`async` integer DEFAULT false NOT NULL,
	`config` text NOT NULL,
	`metadata` text,
	`date` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `action_name` ON `action` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE TABLE `agent` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`category_id` integer DEFAULT 1 NOT NULL,
	`connection_id` integer,
	`type` integer DEFAULT 0 NOT NULL,
	`public` integer DEFAULT false NOT NULL,
	`name` text NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`introduction` text DEFAULT '' NOT NULL,
	`temperature` real,
	`costs` integer DEFAULT 0 NOT NULL,
	`tools` text NOT NULL,
	`outgoing` text,
	`action` text,
	`metadata` text,
	`insert_date` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `agent_name` ON `agent` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE TABLE `app` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`user_id` integer NOT NULL,
	`name` text NOT NULL,
	`url` text DEFAULT '' NOT NULL,
	`parameters` text,
	`app_key` text NOT NULL,
	`app_secret` text NOT NULL,
	`scopes` text NOT NULL,
	`metadata` text,
	`date` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `app_name` ON `app` (`tenant_id`,`user_id`,`name`) WHERE status < 4;--> statement-breakpoint
CREATE UNIQUE INDEX `app_key` ON `app` (`app_key`);--> statement-breakpoint
CREATE TABLE `bundle` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`name` text NOT NULL,
	`version` text NOT NULL,
	`icon` text DEFAULT '' NOT NULL,
	`summary` text DEFAULT '' NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`cost` integer DEFAULT 0 NOT NULL,
	`config` text NOT NULL,
	`metadata` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `bundle_name` ON `bundle` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE TABLE `category` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`name` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `category_name` ON `category` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE TABLE `object_commit` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`object` text NOT NULL,
	`object_id` integer NOT NULL,
	`user_id` integer NOT NULL,
	`commit_hash` text NOT NULL,
	`content` text NOT NULL,
	`insert_date` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `object_commit_object` ON `object_commit` (`tenant_id`,`object`,`object_id`,`commit_hash`);--> statement-breakpoint
CREATE TABLE `config` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`type` integer NOT NULL,
	`name` text NOT NULL,
	`description` text NOT NULL,
	`value` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `config_name` ON `config` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE TABLE `connection` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`category_id` integer DEFAULT 1 NOT NULL,
	`name` text NOT NULL,
	`class` text NOT NULL,
	`oauth2` integer DEFAULT false NOT NULL,
	`config` text NOT NULL,
	`metadata` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `connection_name` ON `connection` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
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
CREATE TABLE `cronjob` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`category_id` integer DEFAULT 1 NOT NULL,
	`taxonomy_id` integer,
	`name` text NOT NULL,
	`cron` text NOT NULL,
	`action` text NOT NULL,
	`timezone` text DEFAULT 'UTC' NOT NULL,
	`missed` text DEFAULT 'one' NOT NULL,
	`missed_limit` integer DEFAULT 10 NOT NULL,
	`overlap` text DEFAULT 'forbid' NOT NULL,
	`timeout` integer DEFAULT 30000 NOT NULL,
	`metadata` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `cronjob_name` ON `cronjob` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE TABLE `event` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`category_id` integer DEFAULT 1 NOT NULL,
	`taxonomy_id` integer,
	`name` text NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`schema` text,
	`metadata` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `event_name` ON `event` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE TABLE `firewall` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`name` text NOT NULL,
	`type` integer NOT NULL,
	`ip` text NOT NULL,
	`expire` text,
	`metadata` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `firewall_name` ON `firewall` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE TABLE `form` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`name` text NOT NULL,
	`operation_id` integer NOT NULL,
	`ui_schema` text,
	`metadata` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `form_name` ON `form` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE TABLE `app_grant` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`user_id` integer NOT NULL,
	`app_id` integer NOT NULL,
	`allow` integer DEFAULT true NOT NULL,
	`date` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `app_grant_user` ON `app_grant` (`tenant_id`,`user_id`,`app_id`);--> statement-breakpoint
CREATE TABLE `identity` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`app_id` integer,
	`role_id` integer,
	`name` text NOT NULL,
	`icon` text DEFAULT '' NOT NULL,
	`class` text NOT NULL,
	`config` text NOT NULL,
	`allow_create` integer DEFAULT true NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `identity_name` ON `identity` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE TABLE `operation` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`category_id` integer DEFAULT 1 NOT NULL,
	`taxonomy_id` integer,
	`active` integer DEFAULT true NOT NULL,
	`public` integer DEFAULT false NOT NULL,
	`stability` integer DEFAULT 1 NOT NULL,
	`description` text,
	`http_method` text NOT NULL,
	`http_path` text NOT NULL,
	`http_code` integer DEFAULT 200 NOT NULL,
	`name` text NOT NULL,
	`parameters` text,
	`incoming` text,
	`outgoing` text,
	`throws` text,
	`action` text NOT NULL,
	`costs` integer DEFAULT 0 NOT NULL,
	`scopes` text NOT NULL,
	`options` text,
	`versions` text,
	`metadata` text,
	`route_key` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `operation_name` ON `operation` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE UNIQUE INDEX `operation_route` ON `operation` (`tenant_id`,`route_key`) WHERE status > 0;--> statement-breakpoint
CREATE INDEX `operation_list` ON `operation` (`tenant_id`,`status`,`category_id`);--> statement-breakpoint
CREATE TABLE `outbox` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`event_id` text NOT NULL,
	`name` text NOT NULL,
	`payload` text NOT NULL,
	`time` integer NOT NULL,
	`after` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `outbox_event` ON `outbox` (`event_id`);--> statement-breakpoint
CREATE TABLE `page` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`title` text NOT NULL,
	`slug` text NOT NULL,
	`content` text DEFAULT '' NOT NULL,
	`metadata` text,
	`date` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `page_slug` ON `page` (`tenant_id`,`slug`) WHERE status > 0;--> statement-breakpoint
CREATE TABLE `plan` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`name` text NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`price` integer DEFAULT 0 NOT NULL,
	`points` integer DEFAULT 0 NOT NULL,
	`period` integer,
	`external_id` text,
	`scopes` text NOT NULL,
	`metadata` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `plan_name` ON `plan` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE TABLE `rate` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`priority` integer DEFAULT 0 NOT NULL,
	`name` text NOT NULL,
	`rate_limit` integer NOT NULL,
	`timespan` text NOT NULL,
	`allocation` text NOT NULL,
	`mode` text DEFAULT 'leased' NOT NULL,
	`on_error` text DEFAULT 'open' NOT NULL,
	`metadata` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `rate_name` ON `rate` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE TABLE `role` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`category_id` integer DEFAULT 1 NOT NULL,
	`name` text NOT NULL,
	`scopes` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `role_name` ON `role` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE TABLE `schema` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`category_id` integer DEFAULT 1 NOT NULL,
	`taxonomy_id` integer,
	`name` text NOT NULL,
	`source` text NOT NULL,
	`compiled` text NOT NULL,
	`form` text,
	`metadata` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `schema_name` ON `schema` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE TABLE `scope` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`category_id` integer DEFAULT 1 NOT NULL,
	`name` text NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`metadata` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `scope_name` ON `scope` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE TABLE `audit` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`app_id` integer,
	`user_id` integer NOT NULL,
	`ref_id` integer,
	`event` text NOT NULL,
	`ip` text DEFAULT '' NOT NULL,
	`message` text NOT NULL,
	`content` text,
	`date` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `audit_date` ON `audit` (`tenant_id`,`date`);--> statement-breakpoint
CREATE TABLE `content` (
	`tenant_id` text DEFAULT '' NOT NULL,
	`hash` text NOT NULL,
	`body` text NOT NULL,
	`revision` integer NOT NULL,
	`dropped` integer,
	PRIMARY KEY(`tenant_id`, `hash`)
);
--> statement-breakpoint
CREATE INDEX `content_dropped` ON `content` (`tenant_id`,`dropped`) WHERE dropped IS NOT NULL;--> statement-breakpoint
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
CREATE INDEX `job_run_name` ON `job_run` (`tenant_id`,`name`,`id`);--> statement-breakpoint
CREATE TABLE `revision` (
	`tenant_id` text DEFAULT '' NOT NULL,
	`number` integer NOT NULL,
	`manifest` text NOT NULL,
	`attempt` text NOT NULL,
	`user_id` integer NOT NULL,
	`app_id` integer,
	`message` text DEFAULT '' NOT NULL,
	`changes` text NOT NULL,
	`change_count` integer NOT NULL,
	`date` text NOT NULL,
	PRIMARY KEY(`tenant_id`, `number`)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `revision_attempt` ON `revision` (`attempt`);--> statement-breakpoint
CREATE TABLE `signing_key` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`kid` text NOT NULL,
	`alg` text NOT NULL,
	`public` text NOT NULL,
	`private` text NOT NULL,
	`created` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `taxonomy` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`parent_id` integer,
	`name` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `taxonomy_name` ON `taxonomy` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE TABLE `test` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`category_id` integer DEFAULT 1 NOT NULL,
	`operation_id` integer NOT NULL,
	`operation_name` text DEFAULT '' NOT NULL,
	`message` text,
	`response` text,
	`config` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `test_operation` ON `test` (`tenant_id`,`operation_id`);--> statement-breakpoint
CREATE TABLE `token` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`user_id` integer NOT NULL,
	`app_id` integer,
	`category_id` integer DEFAULT 1 NOT NULL,
	`name` text,
	`jti` text NOT NULL,
	`family` text,
	`scopes` text NOT NULL,
	`ip` text DEFAULT '' NOT NULL,
	`expire` text NOT NULL,
	`date` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `token_jti` ON `token` (`jti`);--> statement-breakpoint
CREATE INDEX `token_user` ON `token` (`tenant_id`,`user_id`,`status`);--> statement-breakpoint
CREATE INDEX `token_app` ON `token` (`tenant_id`,`app_id`,`status`);--> statement-breakpoint
CREATE INDEX `token_family` ON `token` (`tenant_id`,`family`);--> statement-breakpoint
CREATE TABLE `transaction` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`user_id` integer NOT NULL,
	`plan_id` integer,
	`transaction_id` text NOT NULL,
	`amount` integer NOT NULL,
	`points` integer NOT NULL,
	`period_start` text,
	`period_end` text,
	`insert_date` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `transaction_user` ON `transaction` (`tenant_id`,`user_id`,`insert_date`);--> statement-breakpoint
CREATE INDEX `transaction_date` ON `transaction` (`tenant_id`,`insert_date`);--> statement-breakpoint
CREATE TABLE `trigger` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`category_id` integer DEFAULT 1 NOT NULL,
	`taxonomy_id` integer,
	`name` text NOT NULL,
	`event` text NOT NULL,
	`action` text NOT NULL,
	`metadata` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `trigger_name` ON `trigger` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE INDEX `trigger_event` ON `trigger` (`tenant_id`,`event`);--> statement-breakpoint
CREATE TABLE `upload` (
	`tenant_id` text DEFAULT '' NOT NULL,
	`id` text NOT NULL,
	`part` integer NOT NULL,
	`body` blob NOT NULL,
	`created` text NOT NULL,
	PRIMARY KEY(`tenant_id`, `id`, `part`)
);
--> statement-breakpoint
CREATE INDEX `upload_created` ON `upload` (`created`);--> statement-breakpoint
CREATE TABLE `user` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`role_id` integer NOT NULL,
	`plan_id` integer,
	`identity_id` integer,
	`remote_id` text,
	`external_id` text,
	`name` text NOT NULL,
	`email` text,
	`password` text,
	`points` integer DEFAULT 0 NOT NULL,
	`scopes` text NOT NULL,
	`metadata` text,
	`date` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `user_name` ON `user` (`tenant_id`,`name`) WHERE status > 0;--> statement-breakpoint
CREATE UNIQUE INDEX `user_email` ON `user` (`tenant_id`,`email`) WHERE status > 0;--> statement-breakpoint
CREATE TABLE `webhook` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` text DEFAULT '' NOT NULL,
	`status` integer DEFAULT 1 NOT NULL,
	`event_id` integer NOT NULL,
	`user_id` integer NOT NULL,
	`name` text NOT NULL,
	`endpoint` text NOT NULL,
	`mode` text DEFAULT 'push' NOT NULL,
	`format` text DEFAULT 'bare' NOT NULL,
	`order_by` text,
	`concurrency` integer DEFAULT 4 NOT NULL,
	`rate` integer,
	`challenge` integer DEFAULT false NOT NULL,
	`verified` text,
	`disabled` text,
	`secret` text,
	`former_secret` text,
	`overlap` integer,
	`changed` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE INDEX `webhook_event` ON `webhook` (`event_id`);