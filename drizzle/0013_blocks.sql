CREATE TABLE "image_blocks" (
	"image_id" uuid NOT NULL,
	"part" integer NOT NULL,
	"sums" "bytea" NOT NULL,
	"digests" "bytea",
	CONSTRAINT "image_blocks_image_id_part_pk" PRIMARY KEY("image_id","part")
);
--> statement-breakpoint
ALTER TABLE "image_blocks" ADD CONSTRAINT "image_blocks_image_id_images_id_fk" FOREIGN KEY ("image_id") REFERENCES "public"."images"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
-- What a page of them or a range needs is cut out of a row without reading all of it; they do not compress.
ALTER TABLE "image_blocks" ALTER COLUMN "sums" SET STORAGE EXTERNAL;--> statement-breakpoint
ALTER TABLE "image_blocks" ALTER COLUMN "digests" SET STORAGE EXTERNAL;
