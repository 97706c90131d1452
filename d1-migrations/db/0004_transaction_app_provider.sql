ALTER TABLE `transaction` ADD `app_id` integer;--> statement-breakpoint
ALTER TABLE `transaction` ADD `provider` text;