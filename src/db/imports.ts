/**
 * Imports as rows: an image and its copies while a task works on them. The number of the task's attempt is the fence:
 * every statement that ends an attempt holds only for the attempt that is the last.
 */
import { and, eq, inArray, isNotNull, isNull, ne, or, sql } from 'drizzle-orm';
import { type Actor, changesOf, imageObject, serviceFor } from '../domain/audit.ts';
import { propertiesBeside } from '../domain/fields.ts';
import { type CopyState, type Image, type ImageFailure, type ImageStatus, kindOf } from '../domain/image.ts';
import { type ImportOrder, importQueue } from '../domain/import.ts';
import { recordChange } from './audit.ts';
import type { Database, Statements } from './client.ts';
import { transaction } from './client.ts';
import { asGivenUp, queuedAgain, releaseObjects, type StoredBytes } from './copies.ts';
import { type ImageRow, lockImage } from './images.ts';
import { enqueueDigest } from './missing-digests.ts';
import { copies, images, tasks, workers } from './tables.ts';
import { enqueueTask, rememberedHours } from './tasks.ts';

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

/** What an import brought, beside bytes. */
export interface Imported extends StoredBytes {
  /** Ids of copies that are whole. */
  written: readonly string[];
  /** Store.id -> why there is no copy. */
  failed: Readonly<Record<string, ImageFailure>>;
  /** Fields of the image that the source knows better. */
  change: Partial<Pick<Image, 'containerFormat' | 'properties'>>;
  message: string | null;
}

/**
 * How an attempt ended: as asked, or not, since it is another's, or was published before (by a commit whose answer was
 * lost), or the image is gone.
 */
export type RunEnd = 'done' | 'lost' | 'published' | 'gone';

const isThis = ({ id, attempt }: ImportRun) =>
  and(eq(tasks.id, id), eq(tasks.attempt, attempt), eq(tasks.status, 'processing'));

const over = {
  order: null,
  updatedAt: sql`now()`,
  expiresAt: sql`now() + make_interval(hours => ${rememberedHours})`,
} as const;

/** Makes the copies readable, and the image active where it was importing. */
export async function publishRun(db: Database, run: ImportRun, imported: Imported): Promise<RunEnd> {
  return transaction(db, async (tx) => {
    const stores = run.targets.filter(({ id }) => imported.written.includes(id)).map(({ store }) => store);
    const held = await tx
      .update(tasks)
      .set({
        ...over,
        status: 'success',
        done: imported.size,
        total: imported.size,
        message: imported.message,
        result: { stores, failedStores: imported.failed },
      })
      .where(isThis(run))
      .returning({ id: tasks.id });
    if (held.length === 0) return whyNotHeld(tx, run);
    const image = await lockImage(tx, run.imageId);
    if (!image) {
      await endAsGone(tx, run);
      return 'gone';
    }
    const change = image.status === 'importing' ? await activate(tx, image, imported) : {};
    await tx
      .update(copies)
      .set({ state: 'active', size: imported.size })
      .where(inArray(copies.id, [...imported.written]));
    const rest = run.targets.filter(({ id }) => !imported.written.includes(id));
    await releaseObjects(tx, rest);
    if (rest.length > 0) {
      const ids = rest.map(({ id }) => id);
      // Under another key: what the store has under this one is claimed by nobody, and goes.
      await tx
        .update(copies)
        .set({ state: 'failed', key: sql`${copies.key} || '.none'`, bytes: 0 })
        .where(inArray(copies.id, ids));
    }
    await dropStaged(tx, run.imageId);
    await recordChange(tx, {
      by: run.by,
      action: 'finishImport',
      object: imageObject(image),
      changes: [...changesOf(image, change), ...copyChanges(run, imported)],
      message: imported.message,
    });
    return 'done';
  });
}

function copyChanges({ targets }: ImportRun, { written }: Imported) {
  const copies = (stateOf: (id: string) => CopyState) => ({
    copies: Object.fromEntries(targets.map(({ id, store }) => [store, stateOf(id)])),
  });
  return changesOf(
    copies(() => 'uploading'),
    copies((id) => (written.includes(id) ? 'active' : 'failed')),
  );
}

async function whyNotHeld(tx: Statements, { id, attempt }: ImportRun): Promise<'published' | 'lost'> {
  const rows = await tx
    .select({ id: tasks.id })
    .from(tasks)
    .where(and(eq(tasks.id, id), eq(tasks.attempt, attempt), eq(tasks.status, 'success')));
  return rows.length > 0 ? 'published' : 'lost';
}

/** Returns what is different then. */
async function activate(tx: Statements, image: ImageRow, imported: Imported): Promise<Partial<ImageRow>> {
  const { md5, ...digests } = imported.digests;
  const { properties, ...rest } = imported.change;
  const change = {
    ...rest,
    ...(properties ? withProperties(image, properties) : {}),
    status: 'active' as const,
    size: imported.size,
    checksum: md5 ?? null,
    digests,
  };
  await tx
    .update(images)
    .set({
      ...change,
      failure: null,
      revision: sql`${images.revision} + 1`,
      updatedAt: sql`now()`,
    })
    .where(eq(images.id, image.id));
  if (!digests.sha256) await enqueueDigest(tx, image.id);
  return change;
}

/** What the user has set counts for more, also when that was during the import. */
function withProperties({ diskFormat, ...image }: ImageRow, found: Record<string, string>) {
  const properties = { ...propertiesBeside(image.properties, found), ...image.properties };
  return { properties, kind: kindOf({ diskFormat, properties }) };
}

/** The attempt failed for good: the image waits for data again, what was written or staged goes. */
export async function failRun(db: Database, run: ImportRun, failure: ImageFailure): Promise<RunEnd> {
  return transaction(db, async (tx) => {
    const held = await tx
      .update(tasks)
      .set({
        ...over,
        status: 'failure',
        failures: sql`${tasks.failures} + 1`,
        message: failure.message,
        result: { failure },
      })
      .where(isThis(run))
      .returning({ id: tasks.id });
    if (held.length === 0) return whyNotHeld(tx, run);
    await giveBack(tx, run, failure);
    return 'done';
  });
}

/** Of a task that failed: its image waits for data again, and what was written or staged goes. */
async function giveBack(
  tx: Statements,
  run: Pick<ImportRun, 'id' | 'imageId' | 'owner' | 'by'>,
  failure: ImageFailure,
): Promise<void> {
  const { id, imageId } = run;
  const image = await lockImage(tx, imageId); // before its copies, as everybody does
  const gone = await tx
    .delete(copies)
    .where(and(eq(copies.taskId, id), inArray(copies.state, ['pending', 'uploading'])))
    .returning({ store: copies.store, key: copies.key });
  await releaseObjects(tx, gone);
  const importing = and(eq(images.id, imageId), eq(images.status, 'importing' satisfies ImageStatus));
  const given = await tx
    .update(images)
    .set({ ...queuedAgain, failure })
    .where(importing)
    .returning({ id: images.id });
  if (given.length > 0) await dropStaged(tx, imageId);
  const { changes, ...failed } = asGivenUp('importing', failure);
  await recordChange(tx, {
    ...failed,
    by: run.by,
    action: 'failImport',
    object: objectOf(run, image),
    changes: given.length > 0 ? changes : [],
  });
}

/**
 * Fails tasks that only one machine can do, when nothing was heard of them nor of that machine for `hours`; returns
 * how many. A machine says that it lives under the name of its queue.
 */
export async function failTasksOfLostMachines(
  db: Database,
  { hours, failure }: { hours: number; failure: ImageFailure },
): Promise<number> {
  return transaction(db, async (tx) => {
    const longAgo = sql`now() - make_interval(hours => ${hours})`;
    const lost = await tx
      .select({
        id: tasks.id,
        imageId: tasks.imageId,
        owner: tasks.owner,
        order: tasks.order,
        user: tasks.user,
        requestId: tasks.requestId,
      })
      .from(tasks)
      .where(
        and(
          inArray(tasks.status, ['pending', 'processing']),
          ne(tasks.queue, importQueue),
          sql`${tasks.updatedAt} < ${longAgo}`,
          sql`not exists (select from ${workers} w where w.id = ${tasks.queue} and w.seen_at > ${longAgo})`,
        ),
      )
      .for('update', { skipLocked: true });
    for (const { id, imageId, owner, order, user, requestId } of lost) {
      await tx
        .update(tasks)
        .set({ ...over, status: 'failure', message: failure.message, result: { failure } })
        .where(eq(tasks.id, id));
      await tx.execute(sql`select graphile_worker.remove_job(${`task:${id}`})`);
      const by = serviceFor({ user, project: order?.project ?? owner, requestId });
      if (imageId !== null) await giveBack(tx, { id, imageId, owner, by }, failure);
    }
    return lost.length;
  });
}

/** Hands the task on, to whoever is next after `seconds`; not `failed`: its worker only stops. */
export async function putBackRun(
  db: Database,
  run: ImportRun,
  next: { seconds: number; message: string | null; failed: boolean },
): Promise<RunEnd> {
  return transaction(db, async (tx) => {
    const held = await tx
      .update(tasks)
      .set({
        status: 'pending',
        message: next.message,
        ...(next.failed ? { failures: sql`${tasks.failures} + 1` } : { stops: sql`${tasks.stops} + 1` }),
        updatedAt: sql`now()`,
      })
      .where(isThis(run))
      .returning({ id: tasks.id });
    if (held.length === 0) return whyNotHeld(tx, run);
    await enqueueTask(tx, run.id, next.seconds);
    return 'done';
  });
}

/** Of an image that is gone meanwhile it is known whose it was. */
const objectOf = ({ imageId, owner }: Pick<ImportRun, 'imageId' | 'owner'>, image: ImageRow | null) =>
  imageObject(image ?? { id: imageId, name: null, owner });

async function endAsGone(tx: Statements, run: ImportRun): Promise<void> {
  const message = `Image ${run.imageId} was deleted while it was imported.`;
  await tx
    .update(tasks)
    .set({ status: 'failure', message, result: { failure: { code: 'GONE', message } } })
    .where(eq(tasks.id, run.id));
  const failed = { action: 'failImport', result: 'failed', message } as const;
  await recordChange(tx, { ...failed, by: run.by, object: objectOf(run, null) });
}

async function dropStaged(tx: Statements, imageId: string): Promise<void> {
  const staged = await tx
    .delete(copies)
    .where(and(eq(copies.imageId, imageId), eq(copies.state, 'staged')))
    .returning({ store: copies.store, key: copies.key });
  await releaseObjects(tx, staged);
}
