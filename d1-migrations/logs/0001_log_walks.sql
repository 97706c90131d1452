CREATE INDEX `log_error_tenant` ON `log_error` (`tenant_id`);--> statement-breakpoint
CREATE INDEX `log_category` ON `log` (`tenant_id`,`category_id`,`date`) WHERE category_id <> 1;--> statement-breakpoint
CREATE INDEX `log_failed` ON `log` (`tenant_id`,`date`) WHERE response_code >= 400;--> statement-breakpoint
CREATE INDEX `log_body` ON `log` (`tenant_id`,`date`) WHERE body IS NOT NULL;