DROP INDEX "image_members_who";--> statement-breakpoint
ALTER TABLE "image_members" ADD COLUMN "image_created_at" timestamp(6) with time zone DEFAULT '-infinity' NOT NULL;--> statement-breakpoint
update image_members as m set image_created_at = i.created_at from images as i where i.id = m.image_id;
--> statement-breakpoint
-- What is shared with a project in the order of time, whoever writes it.
create function vitrine_member_added() returns trigger language plpgsql as $$
begin
  select i.created_at into new.image_created_at from images as i where i.id = new.image_id;
  new.image_created_at := coalesce(new.image_created_at, '-infinity');
  return new;
end $$;
--> statement-breakpoint
create trigger image_members_added before insert on image_members for each row execute function vitrine_member_added();
--> statement-breakpoint
create function vitrine_image_moved() returns trigger language plpgsql as $$
begin
  update image_members set image_created_at = new.created_at where image_id = new.id;
  return null;
end $$;
--> statement-breakpoint
create trigger images_moved after update of created_at on images for each row
when (old.created_at is distinct from new.created_at) execute function vitrine_image_moved();
--> statement-breakpoint
CREATE INDEX "image_members_who" ON "image_members" USING btree ("project","status","image_created_at","image_id");--> statement-breakpoint
-- What a project sees of a term: a few runs of this index, and what is shared with it.
CREATE INDEX "image_terms_audience" ON "image_terms" USING btree ("audience","term","created_at","image_id");
