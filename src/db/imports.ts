/**
 * Imports as rows: what is asked for, and the attempt that begins. How attempts end is in import-ends.ts; the number of
 * the attempt is the fence.
 */
import { and, eq, inArray, isNotNull, isNull, or, sql } from 'drizzle-orm';
import { type Actor, serviceFor } from '../domain/audit.ts';
import type { CopyState } from '../domain/image.ts';
import type { ImportOrder } from '../domain/import.ts';
import type { Database, Statements } from './client.ts';
import { transaction } from './client.ts';
import { releaseObjects } from './copies.ts';
import { type ImageRow, lockImage } from './images.ts';
import { copies, images, tasks } from './tables.ts';

const alive: CopyState[] = ['pending', 'uploading', 'active'];

/** The image waits for a task; its former failure is over when that works. */
export async function markImporting(tx: Statements, imageId: string): Promise<void> {
  await tx
    .update(images)
    .set({ status: 'importing', revision: sql`${images.revision} + 1`, updatedAt: sql`now()` })
    .where(eq(images.id, imageId));
}

/** Stores in which there is a copy of the image already, damaged or not, or one is being made. */
export async function findStoresOfImage(tx: Statements, imageId: string): Promise<Set<string>> {
  const rows = await tx
    .select({ store: copies.store })
    .from(copies)
    .where(and(eq(copies.imageId, imageId), or(isNotNull(copies.damage), inArray(copies.state, alive))));
  return new Set(rows.map(({ store }) => store));
}

/** Where the staged data of an image waits, and how much it is; null when there is none. */
export async function findStaged(
  tx: Statements,
  imageId: string,
): Promise<{ store: string; size: number | null } | null> {
  const [row] = await tx
    .select({ store: copies.store, size: copies.size })
    .from(copies)
    .where(and(eq(copies.imageId, imageId), eq(copies.state, 'staged')));
  return row ?? null;
}

export interface PlannedCopy {
  store: string;
  key: string;
}

/**
 * Rows for copies that `taskId` will make, in place of those in the same stores that never came to be. Each counts
 * `bytes` from now on.
 */
export async function insertPendingCopies(
  tx: Statements,
  {
    imageId,
    taskId,
    planned,
    bytes,
  }: { imageId: string; taskId: string; planned: readonly PlannedCopy[]; bytes: number },
): Promise<void> {
  const stores = planned.map(({ store }) => store);
  const failed = await tx
    .delete(copies)
    .where(
      and(
        eq(copies.imageId, imageId),
        eq(copies.state, 'failed'),
        isNull(copies.damage),
        inArray(copies.store, stores),
      ),
    )
    .returning({ store: copies.store, key: copies.key });
  await releaseObjects(tx, failed);
  await tx
    .insert(copies)
    .values(
      planned.map(({ store, key }) => ({ imageId, store, key, state: 'pending' as const, taskId, bytes })),
    );
}

/** An attempt at an import. */
export interface ImportRun {
  id: string;
  attempt: number;
  /** How many attempts failed before. */
  failures: number;
  /** How many workers died at it. */
  deaths: number;
  order: ImportOrder;
  /** The service, for who asked. */
  by: Actor;
  imageId: string;
  /** The project of the image when it was asked for. */
  owner: string | null;
  /** Null: it was deleted meanwhile. */
  image: ImageRow | null;
  /** To be written by this attempt, each under a key of its own. */
  targets: (PlannedCopy & { id: string })[];
  /** What attempts before have left: to be removed before as much is written again. */
  left: PlannedCopy[];
  /** What waits in the staging area; null: nothing does. */
  staged: (PlannedCopy & { size: number | null }) | null;
}

/**
 * Begins an attempt: whoever was at it before may no longer end it, and what it wrote goes. Null when the task is
 * over, or there is none.
 */
export async function beginRun(
  db: Database,
  taskId: string,
  newKey: (imageId: string) => string,
): Promise<ImportRun | null> {
  return transaction(db, async (tx) => {
    const [task] = await tx
      .update(tasks)
      .set({ status: 'processing', attempt: sql`${tasks.attempt} + 1`, done: 0, updatedAt: sql`now()` })
      .where(and(eq(tasks.id, taskId), inArray(tasks.status, ['pending', 'processing'])))
      .returning();
    if (!task?.imageId || !task.order) return null;
    const { id, imageId, owner, attempt, failures, stops, order, user, requestId } = task;
    const deaths = attempt - 1 - failures - stops;
    const image = await lockImage(tx, imageId);
    const { targets, left } = await renewTargets(tx, taskId, () => newKey(imageId));
    const [staged] = await tx
      .select({ store: copies.store, key: copies.key, size: copies.size })
      .from(copies)
      .where(and(eq(copies.imageId, imageId), eq(copies.state, 'staged')));
    return {
      id,
      attempt,
      failures,
      deaths,
      order,
      by: serviceFor({ user, project: order.project, requestId }),
      imageId,
      owner,
      image,
      targets,
      left,
      staged: staged ?? null,
    };
  });
}

async function renewTargets(tx: Statements, taskId: string, newKey: () => string) {
  const rows = await tx
    .select({ id: copies.id, store: copies.store, key: copies.key, state: copies.state })
    .from(copies)
    .where(and(eq(copies.taskId, taskId), inArray(copies.state, ['pending', 'uploading'])))
    .orderBy(copies.store);
  const left = rows.filter(({ state }) => state === 'uploading').map(({ store, key }) => ({ store, key }));
  await releaseObjects(tx, left);
  const targets: ImportRun['targets'] = [];
  for (const { id, store } of rows) {
    const key = newKey();
    await tx.update(copies).set({ key, state: 'uploading' }).where(eq(copies.id, id));
    targets.push({ id, store, key });
  }
  return { targets, left };
}
