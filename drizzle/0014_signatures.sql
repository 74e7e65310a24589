ALTER TABLE "images" ADD COLUMN "signature" jsonb;--> statement-breakpoint
-- What is known of the signature of an image: 'valid' where the properties are still those that were checked (signature
-- has them), 'unchecked' where any of the four is there, otherwise null. An index calls it with an empty search path, so
-- that everything in it is PostgreSQL's own.
create function vitrine_signature_state(properties jsonb, signature jsonb)
returns text language sql immutable parallel safe as $$
  select case
    when not $1 ?| '{img_signature,img_signature_hash_method,img_signature_key_type,img_signature_certificate_uuid}'::text[]
      then null
    when $1 @> ($2 -> 'properties') then 'valid'
    else 'unchecked'
  end
$$;
--> statement-breakpoint
CREATE INDEX "images_signed" ON "images" USING btree ("created_at","id") WHERE vitrine_signature_state(properties, signature) is not null;--> statement-breakpoint
-- So that the planner knows how few are signed: those of an index would be of the signed ones alone.
CREATE STATISTICS "images_signature" ON (vitrine_signature_state(properties, signature)) FROM "images";
