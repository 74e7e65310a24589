CREATE TABLE "leases" (
	"name" text collate "C" PRIMARY KEY NOT NULL,
	"holder" text collate "C" NOT NULL,
	"held_until" timestamp(6) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "image_copies" ADD COLUMN "damage" jsonb;--> statement-breakpoint
ALTER TABLE "image_copies" ADD COLUMN "lease_until" timestamp(6) with time zone;--> statement-breakpoint
CREATE INDEX "image_copies_due" ON "image_copies" USING btree (coalesce(verified_at, created_at),"id") WHERE state = 'active';--> statement-breakpoint
CREATE INDEX "image_copies_unverified" ON "image_copies" USING btree ("created_at") WHERE state = 'active' and verified_at is null;--> statement-breakpoint
CREATE INDEX "image_copies_damaged" ON "image_copies" USING btree ("store") WHERE damage is not null;--> statement-breakpoint
CREATE INDEX "image_copies_lease" ON "image_copies" USING btree ("lease_until") WHERE lease_until is not null;