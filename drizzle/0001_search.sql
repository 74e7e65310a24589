-- A property value as a number: decimal, with sign and exponent; null when it is none or too large for a double.
create function vitrine_number(value text) returns float8 language plpgsql immutable strict parallel safe as $$
begin
  if value ~ '^[+-]?[0-9]{1,15}(\.[0-9]{0,15})?$' then
    return value::float8;
  elsif length(value) <= 100 and value ~ '^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$' then
    begin
      return value::float8;
    exception when numeric_value_out_of_range then
      return case when value ~ '[eE]-' then 0 end;
    end;
  end if;
  return null;
end $$;
--> statement-breakpoint
-- A property value as a boolean, as OpenStack writes them; null when it is none.
create function vitrine_boolean(value text) returns boolean language sql immutable strict parallel safe as $$
  select case when lower(value collate "C") in ('true', 'yes', 'on', '1') then true
    when lower(value collate "C") in ('false', 'no', 'off', '0') then false end
$$;
--> statement-breakpoint
-- A version as text that sorts, by its bytes, as versions do; null when the value is none. docs/search.md has the
-- order. The key is the epoch, then every piece: its class, a for a number (its length, its digits) or b for a
-- word (with a blank at its end); 3 ends it.
create function vitrine_version(value text) returns text language plpgsql immutable strict parallel safe as $$
declare
  key text := 'd';
  rest text := value;
  part text;
  class text;
  piece record;
  after_pre boolean := false;
begin
  if value ~ '^[0-9]{1,9}(\.[0-9]{1,9}){0,9}$' then
    foreach part in array string_to_array(value, '.') loop
      part := coalesce(nullif(ltrim(part, '0'), ''), '0');
      key := key || case when key = 'd' then 'a' else '7a' end || chr(33 + length(part)) || part;
    end loop;
    return key || '3';
  end if;
  if length(value) > 255 or value ~ '[0-9]{91}' or value !~ '^([0-9]+:)?[vV]?[0-9][0-9A-Za-z._+~ -]*$' then
    return null;
  end if;
  if position(':' in rest) > 0 then
    part := ltrim(split_part(rest, ':', 1), '0');
    if part <> '' then
      key := 'e' || chr(33 + length(part)) || part;
    end if;
    rest := substr(rest, position(':' in rest) + 1);
  end if;
  rest := ltrim(lower(rest collate "C"), 'v');
  for piece in
    select n, m[2] as text, m[2] ~ '^[0-9]' as is_number,
      case when position('~' in m[1]) > 0 then '~' else left(m[1], 1) end as before,
      coalesce(lead(m[1] || m[2]) over (order by n) ~ '^[0-9]', false) as digits_follow
    from regexp_matches(rest, '([._+~ -]*)([0-9]+|[a-z]+)', 'g') with ordinality as found (m, n)
    order by n
  loop
    class := case
      when piece.n = 1 then ''
      when piece.before = '~' then '1'
      when not piece.is_number and not after_pre and piece.before <> '+'
        and (piece.text in ('alpha', 'beta', 'rc', 'pre', 'preview', 'dev', 'snapshot', 'milestone', 'nightly',
            'canary', 'ea')
          or piece.text in ('a', 'b', 'c', 'm') and piece.digits_follow) then '2'
      when piece.before in ('-', '_', ' ') then '4'
      when piece.before = '+' then '5'
      when piece.before = '' and not piece.is_number then '6'
      else '7'
    end;
    after_pre := after_pre or class = '2';
    if piece.is_number then
      part := coalesce(nullif(ltrim(piece.text, '0'), ''), '0');
      key := key || class || 'a' || chr(33 + length(part)) || part;
    else
      key := key || class || 'b' || piece.text || ' ';
    end if;
  end loop;
  if rest ~ '~[._+~ -]*$' then
    key := key || '1b ';
  end if;
  return key || '3';
end $$;
--> statement-breakpoint
-- The text that bare words are looked for in, its parts kept apart by U+001F. The describing properties are a
-- setting: the server writes this function anew when they are others (src/db/search-text.ts).
create function vitrine_search_text(name text, tags text[], properties jsonb) returns text
language plpgsql immutable parallel safe as $$
begin
  return lower(concat_ws(E'\x1f', name, array_to_string(tags, E'\x1f'),
    properties->>'os_distro', properties->>'os_version', properties->>'title', properties->>'description',
    properties->>'image_description', properties->>'summary', properties->>'display_name') collate "default");
end $$;
--> statement-breakpoint
-- The words of a text in lower case: what stands between blanks and the punctuation of ASCII (but dots), from three
-- characters. A word that is too long for an index is the one word U+0003.
create function vitrine_words(value text) returns setof text language sql immutable parallel safe as $$
  select distinct case when length(word) <= 200 then word else E'\x03' end
  from unnest(string_to_array(
    regexp_replace(value, E'[ \t\n\r\x1f!-\\-/:-@\\[-`{-~]+', ' ', 'g'), ' ')) as word
  where length(word) >= 3
$$;
--> statement-breakpoint
-- What stands for a value in image_terms: of a property, by its name; of a tag, '' ; of a word, U+0001; of the first
-- 8 digits of a digest, U+0002.
create function vitrine_term(name text, value text) returns bigint language sql immutable parallel safe as $$
  select hashtextextended((name || E'\x01' || value) collate "C", 0)
$$;
--> statement-breakpoint
create function vitrine_terms(tags text[], properties jsonb, search_text text, checksum text, digests jsonb)
returns setof bigint language sql immutable parallel safe as $$
  select vitrine_term('', tag) from unnest(tags) as tag
  union select vitrine_term(key, value) from jsonb_each_text(properties)
  union select vitrine_term(E'\x01', word) from vitrine_words(search_text) as word
  union select vitrine_term(E'\x02', left(value, 8)) from jsonb_each_text(digests)
  union select vitrine_term(E'\x02', left(checksum, 8)) where checksum is not null
$$;
--> statement-breakpoint
create function vitrine_audience(visibility text, owner text) returns int language sql immutable parallel safe as $$
  select case visibility when 'public' then 0 when 'community' then 1
    else hashtext(coalesce(owner, '') collate "C") end
$$;
--> statement-breakpoint
CREATE TABLE "hot_properties" (
	"name" text collate "C" PRIMARY KEY NOT NULL
);
--> statement-breakpoint
CREATE TABLE "image_terms" (
	"term" bigint NOT NULL,
	"created_at" timestamp(6) with time zone NOT NULL,
	"image_id" uuid NOT NULL,
	"audience" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "image_vocabulary" (
	"name" text collate "C" NOT NULL,
	"value" text collate "C" NOT NULL,
	CONSTRAINT "image_vocabulary_name_value_pk" PRIMARY KEY("name","value")
);
--> statement-breakpoint
DROP INDEX "images_name_desc";--> statement-breakpoint
DROP INDEX "images_checksum";--> statement-breakpoint
DROP INDEX "images_sha512";--> statement-breakpoint
DROP INDEX "images_sha256";--> statement-breakpoint
DROP INDEX "images_created";--> statement-breakpoint
DROP INDEX "images_updated";--> statement-breakpoint
DROP INDEX "images_owner_created";--> statement-breakpoint
DROP INDEX "images_public_created";--> statement-breakpoint
DROP INDEX "images_kind_created";--> statement-breakpoint
ALTER TABLE "images" ADD COLUMN "failure" jsonb;--> statement-breakpoint
ALTER TABLE "images" ADD COLUMN "search_text" text collate "C" GENERATED ALWAYS AS (vitrine_search_text(name, tags, properties)) STORED;--> statement-breakpoint
CREATE INDEX "image_terms_newest" ON "image_terms" USING btree ("term","created_at","image_id","audience");--> statement-breakpoint
CREATE INDEX "image_vocabulary_words" ON "image_vocabulary" USING gin (value gin_trgm_ops) WHERE name = '';--> statement-breakpoint
CREATE INDEX "images_size" ON "images" USING btree ("size","id");--> statement-breakpoint
CREATE INDEX "images_search_text" ON "images" USING gin (search_text gin_trgm_ops);--> statement-breakpoint
-- What is in these besides their order says who sees an image, so that a walk need not look at it to know.
CREATE INDEX "images_created" ON "images" USING btree ("created_at","id") INCLUDE ("visibility","owner","hidden","name");--> statement-breakpoint
DROP INDEX "images_name";--> statement-breakpoint
CREATE INDEX "images_name" ON "images" USING btree ("name","id") INCLUDE ("visibility","owner","hidden");--> statement-breakpoint
DROP INDEX "images_shared";--> statement-breakpoint
CREATE INDEX "images_audience" ON "images" USING btree ("visibility","owner","hidden");--> statement-breakpoint
CREATE INDEX "images_updated" ON "images" USING btree ("updated_at","id");--> statement-breakpoint
CREATE INDEX "images_owner_created" ON "images" USING btree ("owner","created_at","id");--> statement-breakpoint
CREATE INDEX "images_public_created" ON "images" USING btree ("visibility","created_at","id") WHERE visibility in ('public', 'community');--> statement-breakpoint
CREATE INDEX "images_kind_created" ON "images" USING btree ("kind","created_at","id");
--> statement-breakpoint
-- Prefixes of names, and the values of properties, are estimated by many more samples than the default.
ALTER TABLE images ALTER COLUMN name SET STATISTICS 1000, ALTER COLUMN owner SET STATISTICS 500;
--> statement-breakpoint
ALTER TABLE image_terms ALTER COLUMN term SET STATISTICS 1000;
--> statement-breakpoint
-- Keeps image_terms and image_vocabulary as the images are, whoever writes them; a statement at a time.
create function vitrine_images_written() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if not exists (
      select from gone join added using (id)
      where (gone.tags, gone.properties, gone.search_text, gone.checksum, gone.digests, gone.created_at,
          gone.visibility, gone.owner)
        is distinct from (added.tags, added.properties, added.search_text, added.checksum, added.digests,
          added.created_at, added.visibility, added.owner)) then
      return null;
    end if;
  end if;
  if tg_op <> 'INSERT' then
    delete from image_terms as t
    using gone as i, vitrine_terms(i.tags, i.properties, i.search_text, i.checksum, i.digests) as old_term
    where t.term = old_term and t.created_at = i.created_at and t.image_id = i.id;
  end if;
  if tg_op <> 'DELETE' then
    insert into image_terms (term, created_at, image_id, audience)
    select term, i.created_at, i.id, vitrine_audience(i.visibility, i.owner)
    from added as i, vitrine_terms(i.tags, i.properties, i.search_text, i.checksum, i.digests) as term;
    -- In one order, so that two writers of the same words wait for each other and never both.
    insert into image_vocabulary (name, value)
    select distinct '', word from added as i, vitrine_words(i.search_text) as word
    union
    select hot.name, left(i.properties ->> hot.name, 255) from added as i join hot_properties as hot on i.properties ? hot.name
    order by 1, 2
    on conflict do nothing;
  end if;
  return null;
end $$;
--> statement-breakpoint
create trigger images_added after insert on images referencing new table as added
for each statement execute function vitrine_images_written();
--> statement-breakpoint
create trigger images_changed after update on images referencing old table as gone new table as added
for each statement execute function vitrine_images_written();
--> statement-breakpoint
create trigger images_gone after delete on images referencing old table as gone
for each statement execute function vitrine_images_written();
--> statement-breakpoint
create function vitrine_images_emptied() returns trigger language plpgsql as $$
begin
  truncate image_terms, image_vocabulary;
  return null;
end $$;
--> statement-breakpoint
create trigger images_emptied after truncate on images for each statement execute function vitrine_images_emptied();
--> statement-breakpoint
-- The images of before.
insert into image_terms (term, created_at, image_id, audience)
select term, i.created_at, i.id, vitrine_audience(i.visibility, i.owner)
from images as i, vitrine_terms(i.tags, i.properties, i.search_text, i.checksum, i.digests) as term;
--> statement-breakpoint
insert into image_vocabulary (name, value)
select distinct '', word from images as i, vitrine_words(i.search_text) as word;

--> statement-breakpoint
-- The properties that are hot from the start (src/db/hot-properties.ts): three indexes each, named by the hash of the
-- name, and their values in the vocabulary.
insert into hot_properties (name) values
  ('os_distro'), ('os_version'), ('os_type'), ('architecture'), ('hw_architecture'), ('hypervisor_type'), ('image_type');
--> statement-breakpoint
insert into image_vocabulary (name, value)
select distinct hot.name, left(i.properties ->> hot.name, 255) from images as i join hot_properties as hot on i.properties ? hot.name
on conflict do nothing;
--> statement-breakpoint
create index images_hot_22dfdc7d93b8_text on images ((left((properties ->> 'os_distro'), 255) collate "C"), id);
--> statement-breakpoint
create index images_hot_22dfdc7d93b8_number on images (vitrine_number(properties ->> 'os_distro'), id);
--> statement-breakpoint
create index images_hot_22dfdc7d93b8_version on images ((vitrine_version(properties ->> 'os_distro') collate "C"), id);
--> statement-breakpoint
create index images_hot_ebae7cca91fe_text on images ((left((properties ->> 'os_version'), 255) collate "C"), id);
--> statement-breakpoint
create index images_hot_ebae7cca91fe_number on images (vitrine_number(properties ->> 'os_version'), id);
--> statement-breakpoint
create index images_hot_ebae7cca91fe_version on images ((vitrine_version(properties ->> 'os_version') collate "C"), id);
--> statement-breakpoint
create index images_hot_b4ea0af913b7_text on images ((left((properties ->> 'os_type'), 255) collate "C"), id);
--> statement-breakpoint
create index images_hot_b4ea0af913b7_number on images (vitrine_number(properties ->> 'os_type'), id);
--> statement-breakpoint
create index images_hot_b4ea0af913b7_version on images ((vitrine_version(properties ->> 'os_type') collate "C"), id);
--> statement-breakpoint
create index images_hot_4ca303a3bf7d_text on images ((left((properties ->> 'architecture'), 255) collate "C"), id);
--> statement-breakpoint
create index images_hot_4ca303a3bf7d_number on images (vitrine_number(properties ->> 'architecture'), id);
--> statement-breakpoint
create index images_hot_4ca303a3bf7d_version on images ((vitrine_version(properties ->> 'architecture') collate "C"), id);
--> statement-breakpoint
create index images_hot_f90fd013c555_text on images ((left((properties ->> 'hw_architecture'), 255) collate "C"), id);
--> statement-breakpoint
create index images_hot_f90fd013c555_number on images (vitrine_number(properties ->> 'hw_architecture'), id);
--> statement-breakpoint
create index images_hot_f90fd013c555_version on images ((vitrine_version(properties ->> 'hw_architecture') collate "C"), id);
--> statement-breakpoint
create index images_hot_335baa1a92ef_text on images ((left((properties ->> 'hypervisor_type'), 255) collate "C"), id);
--> statement-breakpoint
create index images_hot_335baa1a92ef_number on images (vitrine_number(properties ->> 'hypervisor_type'), id);
--> statement-breakpoint
create index images_hot_335baa1a92ef_version on images ((vitrine_version(properties ->> 'hypervisor_type') collate "C"), id);
--> statement-breakpoint
create index images_hot_6a805cce273c_text on images ((left((properties ->> 'image_type'), 255) collate "C"), id);
--> statement-breakpoint
create index images_hot_6a805cce273c_number on images (vitrine_number(properties ->> 'image_type'), id);
--> statement-breakpoint
create index images_hot_6a805cce273c_version on images ((vitrine_version(properties ->> 'image_type') collate "C"), id);
