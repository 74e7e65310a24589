/**
 * Copies that are written to take the place of damaged ones: a row of their own from before the first byte, a lease
 * while they are written, and one transaction in which the one comes and the other goes.
 */
import { and, eq, inArray, isNotNull, sql } from 'drizzle-orm';
import { changesOf, imageObject, serviceFor } from '../domain/audit.ts';
import { hasData } from '../domain/lifecycle.ts';
import { recordChange } from './audit.ts';
import type { Database, Statements } from './client.ts';
import { transaction } from './client.ts';
import { releaseObjects } from './copies.ts';
import { lockImage } from './images.ts';
import type { StoredCopy } from './stored-copies.ts';
import { copies } from './tables.ts';

export interface Replacement {
  id: string;
  imageId: string;
  store: string;
  key: string;
  /** The damaged copy. */
  replaces: string;
}

/** Its writer says much more often that it lives. */
const lease = sql`now() + interval '30 seconds'`;

/** Null: the damaged copy is damaged no more, or gone, or its store has another copy or gets one. */
export async function beginReplacement(
  db: Database,
  damaged: Pick<StoredCopy, 'id' | 'imageId' | 'store'>,
  key: string,
): Promise<Replacement | null> {
  const { id: replaces, imageId, store } = damaged;
  return transaction(db, async (tx) => {
    const image = await lockImage(tx, imageId);
    if (!image || !hasData(image.status)) return null;
    const there = await tx
      .select({ id: copies.id, state: copies.state, damage: copies.damage })
      .from(copies)
      .where(and(eq(copies.imageId, imageId), eq(copies.store, store)));
    if (!there.some(({ id, damage }) => id === replaces && damage !== null)) return null;
    if (there.some(({ state }) => state !== 'failed')) return null;
    const [row] = await tx
      .insert(copies)
      .values({ imageId, store, key, state: 'uploading', leaseUntil: lease })
      // A copy that is whole again takes its place without the lock of the image.
      .onConflictDoNothing()
      .returning({ id: copies.id });
    return row ? { id: row.id, imageId, store, key, replaces } : null;
  });
}

const isBeingWritten = ({ id }: Replacement) => and(eq(copies.id, id), eq(copies.state, 'uploading'));

/** False: it was given up, and the writer must stop. */
export async function renewReplacement(db: Database, replacement: Replacement): Promise<boolean> {
  return transaction(db, async (tx) => {
    const rows = await tx
      .update(copies)
      .set({ leaseUntil: lease })
      .where(isBeingWritten(replacement))
      .returning({ id: copies.id });
    return rows.length > 0;
  });
}

/** It is read from now on, and the object of the damaged one goes. False: it was given up. */
export async function publishReplacement(
  db: Database,
  replacement: Replacement,
  size: number,
): Promise<boolean> {
  return transaction(db, async (tx) => {
    const image = await lockImage(tx, replacement.imageId);
    const rows = await tx
      .update(copies)
      .set({ state: 'active', size, leaseUntil: null, verifiedAt: sql`now()` })
      .where(isBeingWritten(replacement))
      .returning({ id: copies.id });
    if (rows.length === 0) return isActive(tx, replacement);
    const gone = await tx
      .delete(copies)
      .where(and(eq(copies.id, replacement.replaces), isNotNull(copies.damage)))
      .returning({ store: copies.store, key: copies.key });
    await releaseObjects(tx, gone);
    const { store } = replacement;
    const changes = changesOf({ copies: { [store]: 'failed' } }, { copies: { [store]: 'active' } });
    if (image)
      await recordChange(tx, { by: serviceFor(), action: 'healCopy', object: imageObject(image), changes });
    return true;
  });
}

/** After a commit whose answer was lost. */
async function isActive(tx: Statements, { id }: Replacement): Promise<boolean> {
  const rows = await tx
    .select({ id: copies.id })
    .from(copies)
    .where(and(eq(copies.id, id), eq(copies.state, 'active')));
  return rows.length > 0;
}

/** What was written of it goes. Does nothing to one that was published, whatever became of it since. */
export async function dropReplacement(db: Database, replacement: Replacement): Promise<void> {
  await transaction(db, async (tx) => {
    const gone = await tx.delete(copies).where(isBeingWritten(replacement)).returning({ id: copies.id });
    if (gone.length === 0) {
      const left = await tx.select({ id: copies.id }).from(copies).where(eq(copies.id, replacement.id));
      if (left.length > 0) return;
    }
    await releaseObjects(tx, [replacement]);
  });
}

/** Gives up those whose writer has been silent too long; returns how many. */
export async function dropSilentReplacements(db: Database): Promise<number> {
  return transaction(db, async (tx) => {
    const silent = await tx
      .select({ id: copies.id })
      .from(copies)
      .where(and(eq(copies.state, 'uploading'), sql`${copies.leaseUntil} < now()`))
      .for('update', { skipLocked: true });
    if (silent.length === 0) return 0;
    const ids = silent.map(({ id }) => id);
    const gone = await tx
      .delete(copies)
      .where(inArray(copies.id, ids))
      .returning({ store: copies.store, key: copies.key });
    await releaseObjects(tx, gone);
    return gone.length;
  });
}
