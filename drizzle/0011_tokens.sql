CREATE TABLE "tokens" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"digest" text collate "C" NOT NULL,
	"project" text collate "C" NOT NULL,
	"user_id" text collate "C",
	"name" text collate "C" NOT NULL,
	"description" text collate "C",
	"roles" text[] collate "C" NOT NULL,
	"read_only" boolean DEFAULT false NOT NULL,
	"image_filter" jsonb,
	"created_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp(6) with time zone,
	"last_used_at" timestamp(6) with time zone
);
--> statement-breakpoint
ALTER TABLE "audit_log" ADD COLUMN "actor_robot" uuid;--> statement-breakpoint
CREATE UNIQUE INDEX "tokens_digest" ON "tokens" USING btree ("digest");--> statement-breakpoint
CREATE INDEX "tokens_project" ON "tokens" USING btree ("project","created_at","id");