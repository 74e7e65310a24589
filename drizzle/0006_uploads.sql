CREATE TABLE "uploads" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"image_id" uuid NOT NULL,
	"attempt" integer NOT NULL,
	"store" text collate "C" NOT NULL,
	"key" text collate "C" NOT NULL,
	"length" bigint,
	"received" bigint DEFAULT 0 NOT NULL,
	"expected" jsonb NOT NULL,
	"metadata" text collate "C",
	"write_state" jsonb,
	"tail" "bytea",
	"digest_state" jsonb,
	"turn" integer DEFAULT 0 NOT NULL,
	"held_until" timestamp(6) with time zone,
	"expires_at" timestamp(6) with time zone NOT NULL,
	"created_at" timestamp(6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "uploads" ADD CONSTRAINT "uploads_image_id_images_id_fk" FOREIGN KEY ("image_id") REFERENCES "public"."images"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "uploads_image" ON "uploads" USING btree ("image_id");--> statement-breakpoint
CREATE INDEX "uploads_expiry" ON "uploads" USING btree ("expires_at");