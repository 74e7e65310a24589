DROP INDEX "image_copies_due";--> statement-breakpoint
ALTER TABLE "image_copies" ADD COLUMN "unread_times" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "image_copies" ADD COLUMN "unread_at" timestamp(6) with time zone;--> statement-breakpoint
CREATE INDEX "image_copies_store_due" ON "image_copies" USING btree ("store",coalesce(verified_at, created_at),"id") WHERE state = 'active';