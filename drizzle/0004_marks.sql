DROP INDEX "images_owner_os_distro";--> statement-breakpoint
DROP INDEX "images_public_os_distro";--> statement-breakpoint
DROP INDEX "images_os_distro";--> statement-breakpoint
ALTER TABLE "images" DROP COLUMN "p_os_distro";--> statement-breakpoint
ALTER TABLE "images" DROP COLUMN "p_os_version";--> statement-breakpoint
ALTER TABLE "images" DROP COLUMN "p_os_type";--> statement-breakpoint
ALTER TABLE "images" DROP COLUMN "p_architecture";--> statement-breakpoint
ALTER TABLE "images" DROP COLUMN "p_hypervisor_type";--> statement-breakpoint
ALTER TABLE "images" DROP COLUMN "p_image_type";--> statement-breakpoint
-- The marks of an image, in one list: the terms that image_terms has of it (vitrine_terms, vitrine_term), and what
-- has no row there: each four characters of its name, U+0003; its visibility, U+0004; its owner, U+0005. An index
-- calls it with an empty search path, so that everything in it is PostgreSQL's own.
create function vitrine_marks(name text, tags text[], properties jsonb, search_text text, checksum text, digests jsonb,
  visibility text, owner text)
returns bigint[] language sql immutable parallel safe cost 1000 as $$
  select array(
    select hashtextextended((mark.name || E'\x01' || mark.value) collate "C", 0) from (
      select '', tag from unnest(tags) as tag
      union all select key, value from jsonb_each_text(properties)
      union all select E'\x01', case when length(word) <= 200 then word else E'\x03' end
        from unnest(string_to_array(
          regexp_replace(search_text, E'[ \t\n\r\x1f!-\\-/:-@\\[-`{-~]+', ' ', 'g'), ' ')) as word
        where length(word) >= 3
      union all select E'\x02', left(value, 8) from jsonb_each_text(digests)
      union all select E'\x02', left(checksum, 8) where checksum is not null
      union all select E'\x03', substr($1, n, 4) from generate_series(1, length($1) - 3) as n
      union all select E'\x04', visibility
      union all select E'\x05', owner where owner is not null
    ) as mark (name, value))
$$;
--> statement-breakpoint
-- What was written lately is looked through by every search: little of it waits to be sorted in.
CREATE INDEX "images_marks" ON "images" USING gin (vitrine_marks(name, tags, properties, search_text, checksum, digests, visibility, owner)) WITH (gin_pending_list_limit = 256);--> statement-breakpoint
-- No statistics: to take them all marks of 300,000 images would be made, and no plan hangs on them.
ALTER INDEX "images_marks" ALTER COLUMN 1 SET STATISTICS 0;
--> statement-breakpoint
-- So that a range of a hot property is found without reading each value anew.
ALTER TABLE "image_vocabulary" ADD COLUMN "number" double precision GENERATED ALWAYS AS (case when name <> '' then vitrine_number(value) end) STORED;--> statement-breakpoint
ALTER TABLE "image_vocabulary" ADD COLUMN "version" text collate "C" GENERATED ALWAYS AS (case when name <> '' then vitrine_version(value) end) STORED;
--> statement-breakpoint
-- Community images have their owner's mark too, in a range of their own: a list without them passes those of others.
create or replace function vitrine_audience(visibility text, owner text) returns int
language sql immutable parallel safe as $$
  select case visibility when 'public' then 0 when 'community' then 1 + (hashtext(coalesce(owner, '') collate "C") & 65535)
    else hashtext(coalesce(owner, '') collate "C") end
$$;
--> statement-breakpoint
update image_terms as t set audience = vitrine_audience(i.visibility, i.owner)
from images as i where t.image_id = i.id and i.visibility = 'community';
