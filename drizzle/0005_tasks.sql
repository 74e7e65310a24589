CREATE TABLE "tasks" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"type" text collate "C" NOT NULL,
	"status" text collate "C" DEFAULT 'pending' NOT NULL,
	"image_id" uuid,
	"owner" text collate "C",
	"queue" text collate "C" NOT NULL,
	"order" jsonb,
	"input" jsonb,
	"result" jsonb,
	"message" text collate "C",
	"done" bigint,
	"total" bigint,
	"attempt" integer DEFAULT 0 NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"stops" integer DEFAULT 0 NOT NULL,
	"user_id" text collate "C",
	"request_id" text collate "C",
	"created_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp(6) with time zone
);
--> statement-breakpoint
CREATE TABLE "workers" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"seen_at" timestamp(6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "image_copies" ADD COLUMN "task_id" uuid;--> statement-breakpoint
CREATE INDEX "tasks_image" ON "tasks" USING btree ("image_id","created_at","id");--> statement-breakpoint
CREATE INDEX "tasks_unfinished" ON "tasks" USING btree ("created_at") WHERE status in ('pending', 'processing');--> statement-breakpoint
CREATE INDEX "tasks_expires" ON "tasks" USING btree ("expires_at") WHERE expires_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "image_copies_once" ON "image_copies" USING btree ("image_id","store") WHERE state in ('pending', 'uploading', 'active');--> statement-breakpoint
CREATE INDEX "image_copies_task" ON "image_copies" USING btree ("task_id") WHERE task_id is not null;--> statement-breakpoint
CREATE INDEX "image_copies_staged" ON "image_copies" USING btree ("created_at") WHERE state = 'staged';