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
ALTER TABLE `connection` ADD `category_id` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE `webhook` ADD `mode` text DEFAULT 'push' NOT NULL;--> statement-breakpoint
ALTER TABLE `webhook` ADD `format` text DEFAULT 'bare' NOT NULL;--> statement-breakpoint
ALTER TABLE `webhook` ADD `order_by` text;--> statement-breakpoint
ALTER TABLE `webhook` ADD `concurrency` integer DEFAULT 4 NOT NULL;--> statement-breakpoint
ALTER TABLE `webhook` ADD `rate` integer;--> statement-breakpoint
ALTER TABLE `webhook` ADD `challenge` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `webhook` ADD `verified` text;--> statement-breakpoint
ALTER TABLE `webhook` ADD `disabled` text;--> statement-breakpoint
ALTER TABLE `webhook` ADD `secret` text;--> statement-breakpoint
ALTER TABLE `webhook` ADD `former_secret` text;--> statement-breakpoint
ALTER TABLE `webhook` ADD `overlap` integer;--> statement-breakpoint
ALTER TABLE `webhook` ADD `changed` integer DEFAULT 0 NOT NULL;