/** Cleans up after writers that died and images that were deleted: nothing stays in a store that no row claims. */
import { giveUpForgottenStages, giveUpSilentClaims } from '../db/given-up.ts';
import { failTasksOfLostMachines } from '../db/import-ends.ts';
import { dropSilentReplacements } from '../db/replacements.ts';
import {
  findRemovable,
  forgetStray,
  forgetUnreachable,
  isClaimed,
  noteStrays,
  postponeStray,
  type StrayObject,
} from '../db/strays.ts';
import { giveUpExpiredUploads } from '../db/uploads.ts';
import { UnavailableError } from '../domain/errors.ts';
import {
  machineLost,
  machineLostHours,
  stagedDays,
  stageForgotten,
  uploadExpired,
  writerSilent,
} from '../domain/failure.ts';
import { instantOf } from '../domain/instant.ts';
import { isObjectKey } from '../domain/object-key.ts';
import type { WritableStore } from '../stores/store.ts';
import type { App } from './app.ts';
import { sweepConversions } from './sweep-conversions.ts';

/**
 * An object found without a row waits this long, by the database's clock, before it goes: time to notice that
 * an old database was restored over a newer store. Objects that a row gave up go at once.
 */
export const strayGraceSeconds = 3600;

const listBatch = 1000;

export interface Reaped {
  /** Images given back as queued: their writer was silent, their upload or what was staged expired, or is out of reach. */
  claims: number;
  /** Objects removed from the stores. */
  objects: number;
}

/** `list` also looks through the stores for objects without a row, which costs a listing of each. */
export async function reap(
  app: App,
  { list, graceSeconds = strayGraceSeconds }: { list: boolean; graceSeconds?: number },
): Promise<Reaped> {
  const at = instantOf(app.now());
  const expired = await giveUpExpiredUploads(app.db, uploadExpired(at));
  const forgotten = await giveUpForgottenStages(app.db, { days: stagedDays, failure: stageForgotten(at) });
  const lost = await failTasksOfLostMachines(app.db, { hours: machineLostHours, failure: machineLost(at) });
  if (lost > 0)
    app.log.error({ tasks: lost }, 'imports failed: the machines that have their staged data are away');
  const claims = expired + forgotten + lost + (await giveUpSilentClaims(app.db, writerSilent(at)));
  await dropSilentReplacements(app.db);
  await forgetUnreachable(
    app.db,
    app.stores.writable.map(({ id }) => id),
  );
  const counts = await Promise.all(
    app.stores.writable.map((store) => reapStore(app, store, { list, graceSeconds })),
  );
  const objects = counts.reduce((sum, count) => sum + count, 0);
  if (claims + objects > 0)
    app.log.info({ claims, objects }, 'cleaned up after unfinished and deleted images');
  return { claims, objects };
}

/** The same for the staging area of this machine alone, which no other can reach, and for what conversions left there. */
export async function reapStaging(app: App): Promise<void> {
  await sweepConversions(app);
  await reapStore(app, app.stores.staging, { list: true, graceSeconds: strayGraceSeconds });
}

/** How many objects went. A store that does not answer is left for the next time, and holds no other up. */
async function reapStore(
  app: App,
  store: WritableStore,
  { list, graceSeconds }: { list: boolean; graceSeconds: number },
): Promise<number> {
  let objects = 0;
  try {
    if (list) await noteAllStrays(app, store);
    for (const stray of await findRemovable(app.db, [store.id], graceSeconds)) {
      if (await removeStray(app, store, stray)) objects++;
    }
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    app.log.warn({ err: error, store: store.id }, 'a store could not be listed; it is tried again');
  }
  return objects;
}

async function noteAllStrays(app: App, store: WritableStore): Promise<void> {
  let batch: string[] = [];
  for await (const key of store.keys()) {
    if (!isObjectKey(key)) continue;
    batch.push(key);
    if (batch.length < listBatch) continue;
    await noteStrays(app.db, store.id, batch);
    batch = [];
  }
  if (batch.length > 0) await noteStrays(app.db, store.id, batch);
}

/** True when the object is gone. A store that refuses keeps it for the next time. */
export async function removeStray(app: App, store: WritableStore, stray: StrayObject): Promise<boolean> {
  try {
    const claimed = await isClaimed(app.db, stray);
    if (!claimed) await store.remove(stray.key);
    await forgetStray(app.db, stray);
    return !claimed;
  } catch (error) {
    app.log.warn({ err: error, ...stray }, 'an object could not be removed; it is tried again');
    await postponeStray(app.db, stray).catch(() => {});
    return false;
  }
}
