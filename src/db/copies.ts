/** Where the bytes of images are, as rows, and what of them is to be removed. */
import { and, eq, inArray, isNotNull, notInArray, or, sql } from 'drizzle-orm';
import { lease } from './claims.ts';
import type { Database, Statements } from './client.ts';
import { copies, images, strays, tombstones } from './tables.ts';

/** In what state the copies of an image are. */
export async function findCopyStates(
  tx: Statements,
  imageId: string,
): Promise<{ store: string; state: string }[]> {
  return tx
    .select({ store: copies.store, state: copies.state })
    .from(copies)
    .where(and(eq(copies.imageId, imageId), notInArray(copies.state, ['staging', 'staged'])));
}

/**
 * Takes the copies of an image in a store away, and what is being written there in place of a damaged one; what an
 * import writes stays.
 */
export async function deleteCopiesIn(tx: Statements, imageId: string, store: string): Promise<void> {
  const isOver = or(inArray(copies.state, ['active', 'failed']), isNotNull(copies.leaseUntil));
  const gone = await tx
    .delete(copies)
    .where(and(eq(copies.imageId, imageId), eq(copies.store, store), isOver))
    .returning({ store: copies.store, key: copies.key });
  await releaseObjects(tx, gone);
}

/** Objects that no row needs any more: removed in the background, and at once where the task runs. */
export async function releaseObjects(
  tx: Statements,
  objects: readonly { store: string; key: string }[],
): Promise<void> {
  if (objects.length === 0) return;
  await tx
    .insert(strays)
    .values(objects.map(({ store, key }) => ({ store, key, released: true })))
    .onConflictDoUpdate({ target: [strays.store, strays.key], set: { released: true, heldUntil: null } });
  await tx.execute(sql`select graphile_worker.add_job('reap', job_key => 'reap')`);
}

/** The image that a copy belongs to; null when there is no such copy. */
export async function findImageOfCopy(db: Database, copyId: string): Promise<string | null> {
  const text = 'select image_id as "imageId" from image_copies where id = $1::uuid';
  const [row] = await db.query<{ imageId: string }>(text, [copyId]);
  return row?.imageId ?? null;
}

/**
 * Takes the image away for ever: its row, its copies and members; the id stays taken, the objects follow. Those whose
 * writer lives are his until he has heard of it, so that they count as long as he may write.
 */
export async function deleteImageRow(tx: Statements, id: string): Promise<void> {
  const objects = await tx
    .select({ store: copies.store, key: copies.key })
    .from(copies)
    .where(eq(copies.imageId, id));
  await releaseObjects(tx, objects);
  await tx.execute(sql`
    update stray_objects s set held_until =
      case when c.task_id is not null then ${lease} when u.id is not null then u.held_until else i.lease_until end
    from image_copies c join images i on i.id = c.image_id
      left join uploads u on u.image_id = i.id and u.attempt = i.attempt
    where c.image_id = ${id} and c.state in ('uploading', 'staging') and s.store = c.store and s.key = c.key`);
  await tx.execute(sql`
    with gone as (delete from ${images} where ${images.id} = ${id} returning id, owner)
    insert into ${tombstones} (id, owner) select id, owner from gone`);
}

/** Whether an image of this id was deleted. */
export async function isTombstoned(tx: Statements, id: string): Promise<boolean> {
  const rows = await tx.select({ id: tombstones.id }).from(tombstones).where(eq(tombstones.id, id));
  return rows.length > 0;
}
