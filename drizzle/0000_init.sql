create extension if not exists pg_trgm;
--> statement-breakpoint
CREATE TABLE "image_copies" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"image_id" uuid NOT NULL,
	"store" text collate "C" NOT NULL,
	"key" text collate "C" NOT NULL,
	"state" text collate "C" NOT NULL,
	"size" bigint,
	"created_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	"verified_at" timestamp(6) with time zone
);
--> statement-breakpoint
CREATE TABLE "images" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text collate "C",
	"status" text collate "C" NOT NULL,
	"visibility" text collate "C" NOT NULL,
	"owner" text collate "C",
	"kind" text collate "C" NOT NULL,
	"disk_format" text collate "C",
	"container_format" text collate "C",
	"size" bigint,
	"virtual_size" bigint,
	"min_disk" integer DEFAULT 0 NOT NULL,
	"min_ram" integer DEFAULT 0 NOT NULL,
	"checksum" text collate "C",
	"digests" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"protected" boolean DEFAULT false NOT NULL,
	"hidden" boolean DEFAULT false NOT NULL,
	"tags" text[] collate "C" DEFAULT '{}' NOT NULL,
	"properties" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"lease_until" timestamp(6) with time zone,
	"created_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	"p_os_distro" text collate "C" GENERATED ALWAYS AS (left(properties->>'os_distro', 255)) STORED,
	"p_os_version" text collate "C" GENERATED ALWAYS AS (left(properties->>'os_version', 255)) STORED,
	"p_os_type" text collate "C" GENERATED ALWAYS AS (left(properties->>'os_type', 255)) STORED,
	"p_architecture" text collate "C" GENERATED ALWAYS AS (left(coalesce(properties->>'hw_architecture', properties->>'architecture'), 255)) STORED,
	"p_hypervisor_type" text collate "C" GENERATED ALWAYS AS (left(properties->>'hypervisor_type', 255)) STORED,
	"p_image_type" text collate "C" GENERATED ALWAYS AS (left(properties->>'image_type', 255)) STORED,
	CONSTRAINT "images_visibility" CHECK ("images"."visibility" in ('public', 'community', 'shared', 'private'))
);
--> statement-breakpoint
CREATE TABLE "installation" (
	"name" text collate "C" PRIMARY KEY NOT NULL,
	"value" text collate "C" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "image_members" (
	"image_id" uuid NOT NULL,
	"project" text collate "C" NOT NULL,
	"status" text collate "C" DEFAULT 'pending' NOT NULL,
	"created_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "image_members_image_id_project_pk" PRIMARY KEY("image_id","project")
);
--> statement-breakpoint
CREATE TABLE "stray_objects" (
	"store" text collate "C" NOT NULL,
	"key" text collate "C" NOT NULL,
	"released" boolean NOT NULL,
	"seen_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "stray_objects_store_key_pk" PRIMARY KEY("store","key")
);
--> statement-breakpoint
CREATE TABLE "image_tombstones" (
	"id" uuid PRIMARY KEY NOT NULL,
	"owner" text collate "C",
	"deleted_at" timestamp(6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "image_copies" ADD CONSTRAINT "image_copies_image_id_images_id_fk" FOREIGN KEY ("image_id") REFERENCES "public"."images"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "image_members" ADD CONSTRAINT "image_members_image_id_images_id_fk" FOREIGN KEY ("image_id") REFERENCES "public"."images"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "image_copies_image" ON "image_copies" USING btree ("image_id");--> statement-breakpoint
CREATE INDEX "image_copies_object" ON "image_copies" USING btree ("store","key");--> statement-breakpoint
CREATE INDEX "images_created" ON "images" USING btree ("created_at" DESC NULLS LAST,"id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "images_updated" ON "images" USING btree ("updated_at" DESC NULLS LAST,"id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "images_name" ON "images" USING btree ("name","id");--> statement-breakpoint
CREATE INDEX "images_name_desc" ON "images" USING btree ("name" DESC NULLS LAST,"id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "images_owner_created" ON "images" USING btree ("owner","created_at" DESC NULLS LAST,"id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "images_owner_name" ON "images" USING btree ("owner","name","id");--> statement-breakpoint
CREATE INDEX "images_public_created" ON "images" USING btree ("visibility","created_at" DESC NULLS LAST,"id" DESC NULLS LAST) WHERE visibility in ('public', 'community');--> statement-breakpoint
CREATE INDEX "images_public_name" ON "images" USING btree ("visibility","name","id") WHERE visibility in ('public', 'community');--> statement-breakpoint
CREATE INDEX "images_shared" ON "images" USING btree ("id") WHERE visibility = 'shared';--> statement-breakpoint
CREATE INDEX "images_kind_created" ON "images" USING btree ("kind","created_at" DESC NULLS LAST,"id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "images_properties" ON "images" USING gin (properties jsonb_path_ops);--> statement-breakpoint
CREATE INDEX "images_tags" ON "images" USING gin ("tags");--> statement-breakpoint
CREATE INDEX "images_name_trgm" ON "images" USING gin (name gin_trgm_ops);--> statement-breakpoint
CREATE INDEX "images_owner_os_distro" ON "images" USING btree ("owner","p_os_distro");--> statement-breakpoint
CREATE INDEX "images_public_os_distro" ON "images" USING btree ("visibility","p_os_distro") WHERE visibility in ('public', 'community');--> statement-breakpoint
CREATE INDEX "images_os_distro" ON "images" USING btree ("p_os_distro");--> statement-breakpoint
CREATE INDEX "images_checksum" ON "images" USING btree ("checksum");--> statement-breakpoint
CREATE INDEX "images_sha512" ON "images" USING btree ((digests->>'sha512'));--> statement-breakpoint
CREATE INDEX "images_sha256" ON "images" USING btree ((digests->>'sha256'));--> statement-breakpoint
CREATE INDEX "images_lease" ON "images" USING btree ("lease_until") WHERE lease_until is not null;--> statement-breakpoint
CREATE INDEX "image_members_who" ON "image_members" USING btree ("project","status","image_id");