CREATE TABLE "image_value_counts" (
	"name" text collate "C" NOT NULL,
	"value" text collate "C",
	"visibility" text collate "C" NOT NULL,
	"owner" text collate "C",
	"hidden" boolean NOT NULL,
	"images" bigint NOT NULL,
	"merged" boolean DEFAULT false NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "image_value_counts_merged" ON "image_value_counts" USING btree ("name","value","visibility","owner","hidden") INCLUDE ("images") NULLS NOT DISTINCT WHERE merged;--> statement-breakpoint
CREATE INDEX "image_value_counts_new" ON "image_value_counts" USING btree ("name") WHERE not merged;--> statement-breakpoint
CREATE INDEX "image_value_counts_none" ON "image_value_counts" USING btree ("name") WHERE images = 0;
--> statement-breakpoint
-- A value as image_value_counts has it: null where it is too long for an index.
create function vitrine_counted_value(value text) returns text language sql immutable parallel safe as $$
  select case when octet_length(value) <= 512 then value end
$$;
--> statement-breakpoint
-- Adds what a statement changed, and nothing where it changed nothing.
create function vitrine_values_written() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into image_value_counts (name, value, visibility, owner, hidden, images)
    select v.name, v.value, i.visibility, i.owner, i.hidden, count(*)
    from added as i, lateral (select '' as name, '' as value union all
      select key, vitrine_counted_value(value) from jsonb_each_text(i.properties)) as v
    group by 1, 2, 3, 4, 5;
  elsif tg_op = 'DELETE' then
    insert into image_value_counts (name, value, visibility, owner, hidden, images)
    select v.name, v.value, i.visibility, i.owner, i.hidden, -count(*)
    from gone as i, lateral (select '' as name, '' as value union all
      select key, vitrine_counted_value(value) from jsonb_each_text(i.properties)) as v
    group by 1, 2, 3, 4, 5;
  elsif exists (
    select from gone join added using (id)
    where (gone.properties, gone.visibility, gone.owner, gone.hidden)
      is distinct from (added.properties, added.visibility, added.owner, added.hidden)) then
    insert into image_value_counts (name, value, visibility, owner, hidden, images)
    select v.name, v.value, i.visibility, i.owner, i.hidden, sum(i.n)
    from (select 1 as n, properties, visibility, owner, hidden from added
        union all select -1, properties, visibility, owner, hidden from gone) as i,
      lateral (select '' as name, '' as value union all
        select key, vitrine_counted_value(value) from jsonb_each_text(i.properties)) as v
    group by 1, 2, 3, 4, 5 having sum(i.n) <> 0;
  end if;
  return null;
end $$;
--> statement-breakpoint
create trigger images_values_added after insert on images referencing new table as added
for each statement execute function vitrine_values_written();
--> statement-breakpoint
create trigger images_values_changed after update on images referencing old table as gone new table as added
for each statement execute function vitrine_values_written();
--> statement-breakpoint
create trigger images_values_gone after delete on images referencing old table as gone
for each statement execute function vitrine_values_written();
--> statement-breakpoint
create function vitrine_values_emptied() returns trigger language plpgsql as $$
begin
  truncate image_value_counts;
  return null;
end $$;
--> statement-breakpoint
create trigger images_values_emptied after truncate on images for each statement execute function vitrine_values_emptied();
--> statement-breakpoint
-- The images of before.
insert into image_value_counts (name, value, visibility, owner, hidden, images, merged)
select v.name, v.value, i.visibility, i.owner, i.hidden, count(*), true
from images as i, lateral (select '' as name, '' as value union all
  select key, vitrine_counted_value(value) from jsonb_each_text(i.properties)) as v
group by 1, 2, 3, 4, 5;
