CREATE TABLE "project_quotas" (
	"project" text collate "C" NOT NULL,
	"resource" text collate "C" NOT NULL,
	"max_amount" bigint,
	"set_by" text collate "C",
	"set_at" timestamp(6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "project_quotas_project_resource_pk" PRIMARY KEY("project","resource")
);
--> statement-breakpoint
CREATE TABLE "project_usage" (
	"owner" text collate "C" NOT NULL,
	"staged" boolean NOT NULL,
	"bytes" bigint NOT NULL,
	"merged" boolean DEFAULT false NOT NULL
);
--> statement-breakpoint
ALTER TABLE "image_copies" ADD COLUMN "owner" text collate "C";--> statement-breakpoint
ALTER TABLE "image_copies" ADD COLUMN "bytes" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "stray_objects" ADD COLUMN "owner" text collate "C";--> statement-breakpoint
ALTER TABLE "stray_objects" ADD COLUMN "bytes" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "stray_objects" ADD COLUMN "staged" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "stray_objects" ADD COLUMN "held_until" timestamp(6) with time zone;--> statement-breakpoint
CREATE UNIQUE INDEX "project_usage_merged" ON "project_usage" USING btree ("owner","staged") INCLUDE ("bytes") WHERE merged;--> statement-breakpoint
CREATE INDEX "project_usage_new" ON "project_usage" USING btree ("owner") WHERE not merged;--> statement-breakpoint
CREATE INDEX "image_copies_writing" ON "image_copies" USING btree ("owner","image_id") WHERE state in ('pending', 'uploading', 'staging', 'staged') and lease_until is null;--> statement-breakpoint
CREATE INDEX "stray_objects_owner" ON "stray_objects" USING btree ("owner") WHERE owner is not null;
--> statement-breakpoint
-- The copies of before.
update image_copies c set owner = i.owner, bytes = coalesce(c.size, 0) from images i where i.id = c.image_id;
--> statement-breakpoint
-- More, or fewer, bytes of a project.
create function vitrine_use(of_owner text, is_staged boolean, more bigint) returns void language sql as $$
  insert into project_usage (owner, staged, bytes)
  select of_owner, is_staged, more where of_owner is not null and more <> 0
$$;
--> statement-breakpoint
create function vitrine_is_staged(state text) returns boolean language sql immutable parallel safe as $$
  select state in ('staging', 'staged')
$$;
--> statement-breakpoint
-- Whose a copy is, and that its size is what counts once it is known.
create function vitrine_copy_charged() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' and new.owner is null then
    select owner into new.owner from images where id = new.image_id;
  end if;
  if new.size is not null and (tg_op = 'INSERT' or new.size is distinct from old.size) then
    new.bytes := new.size;
  end if;
  return new;
end $$;
--> statement-breakpoint
create trigger image_copies_charged before insert or update of size on image_copies
for each row execute function vitrine_copy_charged();
--> statement-breakpoint
create function vitrine_copies_counted() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    perform vitrine_use(old.owner, vitrine_is_staged(old.state), -old.bytes);
  end if;
  if tg_op <> 'DELETE' then
    perform vitrine_use(new.owner, vitrine_is_staged(new.state), new.bytes);
  end if;
  return null;
end $$;
--> statement-breakpoint
create trigger image_copies_added after insert on image_copies
for each row when (new.bytes <> 0) execute function vitrine_copies_counted();
--> statement-breakpoint
create trigger image_copies_changed after update on image_copies for each row
when ((old.owner, old.bytes, vitrine_is_staged(old.state))
  is distinct from (new.owner, new.bytes, vitrine_is_staged(new.state)))
execute function vitrine_copies_counted();
--> statement-breakpoint
create trigger image_copies_gone after delete on image_copies
for each row when (old.bytes <> 0) execute function vitrine_copies_counted();
--> statement-breakpoint
-- What a copy counted goes on counting until its object is removed. That it may go at once is for who gave it up to
-- say: what somebody else deletes has the grace of an object without a row.
create function vitrine_copy_released() returns trigger language plpgsql as $$
begin
  insert into stray_objects as s (store, key, released, owner, bytes, staged)
  values (old.store, old.key, false, old.owner, old.bytes, vitrine_is_staged(old.state))
  on conflict (store, key) do update
    set owner = excluded.owner, bytes = excluded.bytes, staged = excluded.staged;
  return null;
end $$;
--> statement-breakpoint
create trigger image_copies_released after delete on image_copies
for each row when (old.bytes <> 0 and old.state <> 'pending') execute function vitrine_copy_released();
--> statement-breakpoint
-- Another attempt writes under another key.
create trigger image_copies_left after update of key on image_copies
for each row when (old.bytes <> 0 and old.state = 'uploading' and old.key <> new.key)
execute function vitrine_copy_released();
--> statement-breakpoint
create function vitrine_strays_counted() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then perform vitrine_use(old.owner, old.staged, -old.bytes); end if;
  if tg_op <> 'DELETE' then perform vitrine_use(new.owner, new.staged, new.bytes); end if;
  return null;
end $$;
--> statement-breakpoint
create trigger stray_objects_added after insert on stray_objects
for each row when (new.bytes <> 0) execute function vitrine_strays_counted();
--> statement-breakpoint
create trigger stray_objects_changed after update on stray_objects for each row
when ((old.owner, old.bytes, old.staged) is distinct from (new.owner, new.bytes, new.staged))
execute function vitrine_strays_counted();
--> statement-breakpoint
create trigger stray_objects_gone after delete on stray_objects
for each row when (old.bytes <> 0) execute function vitrine_strays_counted();
--> statement-breakpoint
-- An image that is given to another project takes what it counts along.
create function vitrine_owner_changed() returns trigger language plpgsql as $$
begin
  update image_copies set owner = new.owner where image_id = new.id;
  return null;
end $$;
--> statement-breakpoint
create trigger images_owner_changed after update of owner on images
for each row when (old.owner is distinct from new.owner) execute function vitrine_owner_changed();
--> statement-breakpoint
-- What rows say, without the sums that are kept of it.
create view project_usage_of_rows as
select owner, staged, sum(bytes)::bigint as bytes
from (select owner, vitrine_is_staged(state) as staged, bytes from image_copies
  union all select owner, staged, bytes from stray_objects) as counted
where owner is not null and bytes <> 0 group by owner, staged;
--> statement-breakpoint
insert into project_usage (owner, staged, bytes, merged) select owner, staged, bytes, true from project_usage_of_rows;
--> statement-breakpoint
create function vitrine_copies_emptied() returns trigger language plpgsql as $$
begin
  delete from project_usage;
  insert into project_usage (owner, staged, bytes, merged) select owner, staged, bytes, true from project_usage_of_rows;
  return null;
end $$;
--> statement-breakpoint
create trigger image_copies_emptied after truncate on image_copies
for each statement execute function vitrine_copies_emptied();
--> statement-breakpoint
-- What a project has. Images whose data comes: also those that were deleted and whose writer may not know yet.
create function vitrine_usage(of_project text)
returns table (images float8, bytes float8, "stagingBytes" float8, uploads float8) language sql stable as $$
  select
    (select coalesce(sum(c.images), 0)::float8 from (
      select v.images from image_value_counts v where v.merged and v.name = '' and v.value = ''
        and v.visibility = any ('{public,community,shared,private}') and v.owner = of_project
      union all
      select v.images from image_value_counts v where not v.merged and v.name = '' and v.owner = of_project) as c),
    coalesce(sum(u.bytes) filter (where not u.staged), 0)::float8,
    coalesce(sum(u.bytes) filter (where u.staged), 0)::float8,
    (select count(*)::float8 from (
      select c.image_id::text from image_copies c where c.owner = of_project
        and c.state in ('pending', 'uploading', 'staging', 'staged') and c.lease_until is null
      union
      select s.key from stray_objects s where s.owner = of_project and s.held_until > now()) as writing)
  from (select k.bytes, k.staged from project_usage k where k.owner = of_project and k.merged
    union all select k.bytes, k.staged from project_usage k where k.owner = of_project and not k.merged) as u
$$;
