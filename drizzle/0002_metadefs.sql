CREATE TABLE "metadef_associations" (
	"namespace_id" uuid NOT NULL,
	"resource_type" text collate "C" NOT NULL,
	"prefix" text collate "C",
	"properties_target" text collate "C",
	"created_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "metadef_associations_namespace_id_resource_type_pk" PRIMARY KEY("namespace_id","resource_type")
);
--> statement-breakpoint
CREATE TABLE "metadef_namespaces" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"namespace" text collate "C" NOT NULL,
	"display_name" text collate "C",
	"description" text collate "C",
	"visibility" text collate "C" NOT NULL,
	"protected" boolean DEFAULT false NOT NULL,
	"owner" text collate "C",
	"revision" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "metadef_namespaces_name" UNIQUE("namespace")
);
--> statement-breakpoint
CREATE TABLE "metadef_objects" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"namespace_id" uuid NOT NULL,
	"name" text collate "C" NOT NULL,
	"description" text collate "C",
	"required" text[] collate "C" DEFAULT '{}' NOT NULL,
	"created_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "metadef_objects_name" UNIQUE("namespace_id","name")
);
--> statement-breakpoint
CREATE TABLE "metadef_properties" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"namespace_id" uuid NOT NULL,
	"object_id" uuid,
	"name" text collate "C" NOT NULL,
	"definition" jsonb NOT NULL,
	"created_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "metadef_properties_name" UNIQUE NULLS NOT DISTINCT("namespace_id","object_id","name")
);
--> statement-breakpoint
CREATE TABLE "metadef_resource_types" (
	"name" text collate "C" PRIMARY KEY NOT NULL,
	"protected" boolean DEFAULT false NOT NULL,
	"created_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "metadef_tags" (
	"namespace_id" uuid NOT NULL,
	"name" text collate "C" NOT NULL,
	"created_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "metadef_tags_namespace_id_name_pk" PRIMARY KEY("namespace_id","name")
);
--> statement-breakpoint
CREATE TABLE "metadef_version" (
	"only" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"version" integer DEFAULT 1 NOT NULL
);
--> statement-breakpoint
ALTER TABLE "metadef_associations" ADD CONSTRAINT "metadef_associations_namespace_id_metadef_namespaces_id_fk" FOREIGN KEY ("namespace_id") REFERENCES "public"."metadef_namespaces"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "metadef_associations" ADD CONSTRAINT "metadef_associations_resource_type_metadef_resource_types_name_fk" FOREIGN KEY ("resource_type") REFERENCES "public"."metadef_resource_types"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "metadef_objects" ADD CONSTRAINT "metadef_objects_namespace_id_metadef_namespaces_id_fk" FOREIGN KEY ("namespace_id") REFERENCES "public"."metadef_namespaces"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "metadef_properties" ADD CONSTRAINT "metadef_properties_namespace_id_metadef_namespaces_id_fk" FOREIGN KEY ("namespace_id") REFERENCES "public"."metadef_namespaces"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "metadef_properties" ADD CONSTRAINT "metadef_properties_object_id_metadef_objects_id_fk" FOREIGN KEY ("object_id") REFERENCES "public"."metadef_objects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "metadef_tags" ADD CONSTRAINT "metadef_tags_namespace_id_metadef_namespaces_id_fk" FOREIGN KEY ("namespace_id") REFERENCES "public"."metadef_namespaces"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "metadef_associations_type" ON "metadef_associations" USING btree ("resource_type");--> statement-breakpoint
CREATE INDEX "metadef_properties_object" ON "metadef_properties" USING btree ("object_id","name");
--> statement-breakpoint
INSERT INTO metadef_version DEFAULT VALUES;
--> statement-breakpoint
create function vitrine_metadefs_changed() returns trigger language plpgsql as $$
begin
  update metadef_version set version = version + 1;
  return null;
end $$;
--> statement-breakpoint
create trigger metadefs_changed after insert or update or delete or truncate on metadef_namespaces
for each statement execute function vitrine_metadefs_changed();
--> statement-breakpoint
-- The elements of a list that is written as text (src/domain/metadef/elements.ts): a JSON array; words after
-- operators such as <or>; otherwise what stands between commas.
create function vitrine_elements(value text) returns text[] language plpgsql immutable strict parallel safe as $$
declare
  rest text := btrim(value, E' \t\n\r');
  words text[];
begin
  if left(rest, 1) = '[' then
    begin
      return array(select case jsonb_typeof(item) when 'string' then item #>> '{}' else item::text end
        from jsonb_array_elements(rest::jsonb) with ordinality as list (item, n) order by n);
    exception when others then
      null;
    end;
  end if;
  words := regexp_split_to_array(rest, E'[ \t\n\r]+');
  if words[1] ~ '^<(in|or|and|all-in)>$' then
    return array(select word from unnest(words) with ordinality as list (word, n)
      where word !~ '^<(in|or|and|all-in)>$' order by n);
  end if;
  return array(select item from (
      select btrim(part, E' \t\n\r') as item, n from unnest(string_to_array(rest, ',')) with ordinality as list (part, n)
    ) as items where item <> '' order by n);
end $$;
