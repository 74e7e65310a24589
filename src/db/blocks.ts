/** What the blocks of images have to be, as rows: `blocksAtOnce` in each. */
import { sql } from 'drizzle-orm';
import { type BlockRange, type Blocks, blocksIn, digestBytes, sumBytes } from '../domain/blocks.ts';
import type { Database, Statements } from './client.ts';
import { imageBlocks } from './tables.ts';

/** 1 GiB of an image in a row: 8 KiB of sums and 32 KiB of digests. */
const blocksAtOnce = 1024;

/** So many rows in one statement: of an image of 1 TiB there are 1024. */
const rowsAtOnce = 64;

/**
 * In the transaction that publishes the bytes. What is known stays: bytes that are copied are the same.
 */
export async function insertBlocks(tx: Statements, imageId: string, blocks: Blocks): Promise<void> {
  for (const rows of rowsOf(imageId, blocks)) await tx.insert(imageBlocks).values(rows).onConflictDoNothing();
}

/** In place of what was known, of bytes that were found to be those that were published. */
export async function replaceBlocks(tx: Statements, imageId: string, blocks: Blocks): Promise<void> {
  for (const rows of rowsOf(imageId, blocks)) {
    await tx
      .insert(imageBlocks)
      .values(rows)
      .onConflictDoUpdate({
        target: [imageBlocks.imageId, imageBlocks.part],
        set: { sums: sql`excluded.sums`, digests: sql`coalesce(excluded.digests, ${imageBlocks.digests})` },
      });
  }
}

function* rowsOf(imageId: string, { sums, digests }: Blocks) {
  const parts = Math.ceil(sums.length / sumBytes / blocksAtOnce);
  const partOf = (all: Uint8Array, each: number, part: number) =>
    all.subarray(part * blocksAtOnce * each, (part + 1) * blocksAtOnce * each);
  for (let from = 0; from < parts; from += rowsAtOnce) {
    yield Array.from({ length: Math.min(rowsAtOnce, parts - from) }, (_, n) => ({
      imageId,
      part: from + n,
      sums: partOf(sums, sumBytes, from + n),
      digests: digests && partOf(digests, digestBytes, from + n),
    }));
  }
}

/** Those of a range, by image; none of an image for which not all of them are known. */
export async function findBlocks(
  db: Database,
  imageIds: readonly string[],
  { start, end }: BlockRange,
): Promise<Map<string, Blocks>> {
  const text = `select image_id as "imageId",
      string_agg(${slice('sums', sumBytes)}, ''::bytea order by part) as sums,
      string_agg(${slice('digests', digestBytes)}, ''::bytea order by part) as digests
    from image_blocks
    where image_id = any($1::uuid[]) and part between $2::int / ${blocksAtOnce} and ($3::int - 1) / ${blocksAtOnce}
    group by image_id`;
  const rows = await db.query<Blocks & { imageId: string }>(text, [imageIds, start, end]);
  const count = end - start;
  return new Map(
    rows
      .filter(({ sums }) => sums.length === count * sumBytes)
      .map(({ imageId, sums, digests }) => [
        imageId,
        { sums, digests: digests?.length === count * digestBytes ? digests : null },
      ]),
  );
}

/** What a row has of blocks $2 to $3. */
const slice = (column: string, each: number) => `substring(${column}
  from greatest($2::int - part * ${blocksAtOnce}, 0) * ${each} + 1
  for (least($3::int - part * ${blocksAtOnce}, ${blocksAtOnce}) - greatest($2::int - part * ${blocksAtOnce}, 0)) * ${each})`;

/** All of an image of so many bytes; null when they are not known, or there are none. */
export async function findBlocksOf(db: Database, imageId: string, size: number): Promise<Blocks | null> {
  if (size === 0) return null;
  return (await findBlocks(db, [imageId], { start: 0, end: blocksIn(size) })).get(imageId) ?? null;
}
