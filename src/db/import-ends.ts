/**
 * How attempts at an import end, as rows: published, failed, handed on. The number of the task's attempt is the fence:
 * every statement here holds only for the attempt that is the last.
 */
import { and, eq, inArray, ne, sql } from 'drizzle-orm';
import { changesOf, imageObject, serviceFor } from '../domain/audit.ts';
import { propertiesBeside } from '../domain/fields.ts';
import { type CopyState, type Image, type ImageFailure, type ImageStatus, kindOf } from '../domain/image.ts';
import { importQueue } from '../domain/import.ts';
import { recordChange } from './audit.ts';
import { insertBlocks } from './blocks.ts';
import type { StoredBytes } from './claims.ts';
import type { Database, Statements } from './client.ts';
import { transaction } from './client.ts';
import { releaseObjects } from './copies.ts';
import { asGivenUp, queuedAgain } from './given-up.ts';
import { type ImageRow, lockImage } from './images.ts';
import type { ImportRun } from './imports.ts';
import { enqueueDigest } from './missing-digests.ts';
import { copies, images, tasks, workers } from './tables.ts';
import { enqueueTask, rememberedHours } from './tasks.ts';

/** What an import brought, beside bytes. */
export interface Imported extends StoredBytes {
  /** Ids of copies that are whole. */
  written: readonly string[];
  /** Store.id -> why there is no copy. */
  failed: Readonly<Record<string, ImageFailure>>;
  /** Fields of the image that the source knows better. */
  change: Partial<Pick<Image, 'diskFormat' | 'containerFormat' | 'properties'>>;
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
  const change = {
    ...changed(image, imported.change),
    status: 'active' as const,
    size: imported.size,
    checksum: md5 ?? null,
    digests,
    inspection: imported.inspection,
    virtualSize: imported.virtualSize,
  };
  await tx
    .update(images)
    .set({
      ...change,
      signature: imported.signature ?? null,
      failure: null,
      revision: sql`${images.revision} + 1`,
      updatedAt: sql`now()`,
    })
    .where(eq(images.id, image.id));
  if (imported.blocks) await insertBlocks(tx, image.id, imported.blocks);
  await enqueueDigest(tx, image.id);
  return change;
}

/** What the user has set counts for more than found properties, also when that was during the import. */
function changed(image: ImageRow, { properties: found, ...formats }: Imported['change']) {
  const properties = found && { ...propertiesBeside(image.properties, found), ...image.properties };
  const kind = kindOf({ ...image, ...formats, ...(properties ? { properties } : {}) });
  return { ...formats, ...(properties ? { properties } : {}), kind };
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
