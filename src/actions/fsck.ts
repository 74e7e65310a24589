/**
 * Holds rows and objects against each other, store by store: objects that no row claims, rows whose object is missing
 * or of another size. Changes nothing unless it is to repair.
 */
import { countByStore, findStoredCopiesAfter, isStillThere, type StoredCopy } from '../db/stored-copies.ts';
import { findRowless, noteStrays, type Rowless } from '../db/strays.ts';
import { NotFoundError, UnavailableError } from '../domain/errors.ts';
import type { Instant } from '../domain/image.ts';
import { isObjectKey } from '../domain/object-key.ts';
import { isWritable, type Store, type WritableStore } from '../stores/store.ts';
import type { App } from './app.ts';
import { type Healing, healIfPossible } from './heal-copy.ts';
import { inTurns } from './in-turns.ts';
import { damageOf, lookAtCopy, worksForOthers } from './look-at-copy.ts';
import { removeStray, strayGraceSeconds } from './reap.ts';
import type { Reading } from './verify-copy.ts';

/** Something that does not agree. */
export type Fault =
  | { kind: 'OBJECT_WITHOUT_ROW'; store: string; key: string; since: Instant | null; outcome: StrayOutcome }
  | {
      kind: 'ROW_WITHOUT_OBJECT' | 'OTHER_SIZE';
      store: string;
      key: string;
      image: string;
      message: string;
      outcome: Healing | 'found' | 'marked';
    }
  | { kind: 'UNREADABLE'; store: string; key: string; image: string; message: string; outcome: 'found' }
  | { kind: 'STORE_UNAVAILABLE' | 'STORE_UNKNOWN'; store: string; message: string };

/** 'waits': its grace is not over; 'kept': the store refused to remove it. */
export type StrayOutcome = 'found' | 'waits' | 'removed' | 'kept';

export interface Fsck extends Reading {
  /** Null is all. */
  store: string | null;
  /** Mark and heal copies; note objects without a row, and remove those whose grace is over. */
  repair: boolean;
  report(fault: Fault): void;
  graceSeconds?: number;
}

export interface FsckSum {
  rows: number;
  objects: number;
}

const batch = 1000;

/** One store after the other; one that does not answer is told of, and holds up no other. */
export async function fsck(app: App, check: Fsck): Promise<FsckSum> {
  const sum: FsckSum = { rows: 0, objects: 0 };
  await tellUnknownStores(app, check);
  // The staging area has objects, too.
  const stores = new Set<Store>([...app.stores.all, ...app.stores.writable]);
  for (const store of stores) {
    if (check.store !== null && check.store !== store.id) continue;
    try {
      sum.rows += await checkRows(app, store, check);
      if (isWritable(store)) sum.objects += await checkObjects(app, store, check);
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      check.report({ kind: 'STORE_UNAVAILABLE', store: store.id, message: error.message });
    }
  }
  return sum;
}

async function tellUnknownStores(app: App, { store: only, report }: Fsck): Promise<void> {
  for (const { store, copies } of await countByStore(app.db)) {
    if (app.stores.get(store) || (only !== null && only !== store)) continue;
    const message = `The settings do not name it; ${copies} copies are said to be there.`;
    report({ kind: 'STORE_UNKNOWN', store, message });
  }
}

async function checkRows(app: App, store: Store, check: Fsck): Promise<number> {
  let count = 0;
  for (let after: string | null = null; ; ) {
    const copies: StoredCopy[] = await findStoredCopiesAfter(app.db, {
      after,
      store: store.id,
      limit: batch,
    });
    await inTurns(copies, (copy) => checkRow(app, copy, check));
    count += copies.length;
    after = copies.at(-1)?.id ?? null;
    if (copies.length < batch) return count;
  }
}

/** @throws UnavailableError the store is away; not when it only refuses this object, which is told */
async function checkRow(app: App, copy: StoredCopy, check: Fsck): Promise<void> {
  check.signal.throwIfAborted();
  const { store, key, imageId: image } = copy;
  try {
    const look = check.repair ? lookAtCopy : damageOf;
    const damage = await look(app, copy, check.signal);
    if (!damage || !(await isStillThere(app.db, copy.id))) return;
    const kind = damage.code === 'MISSING' ? 'ROW_WITHOUT_OBJECT' : 'OTHER_SIZE';
    const heal = () => healIfPossible(app, copy, { ...check, isUnattended: false });
    const outcome = check.repair ? await heal() : 'found';
    check.report({ kind, store, key, image, message: damage.message, outcome });
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    if (!(await worksForOthers(app, copy, check.signal))) throw error;
    check.report({ kind: 'UNREADABLE', store, key, image, message: error.message, outcome: 'found' });
  }
}

async function checkObjects(app: App, store: WritableStore, check: Fsck): Promise<number> {
  let count = 0;
  let keys: string[] = [];
  for await (const key of store.keys(check.signal)) {
    check.signal.throwIfAborted();
    if (!isObjectKey(key)) continue;
    count++;
    keys.push(key);
    if (keys.length < batch) continue;
    await checkKeys(app, store, keys, check);
    keys = [];
  }
  await checkKeys(app, store, keys, check);
  return count;
}

async function checkKeys(app: App, store: WritableStore, keys: string[], check: Fsck): Promise<void> {
  if (keys.length === 0) return;
  const { graceSeconds = strayGraceSeconds } = check;
  const found = await findRowless(app.db, { store: store.id, keys, graceSeconds });
  const rowless: Rowless[] = [];
  for (const one of found)
    if (one.since !== null || !(await isGone(store, one.key, check.signal))) rowless.push(one);
  const news = rowless.filter(({ since }) => since === null).map(({ key }) => key);
  if (check.repair && news.length > 0) await noteStrays(app.db, store.id, news);
  for (const { key, since, isOver } of rowless) {
    const outcome = check.repair ? await cleared(app, store, { key, isOver }) : 'found';
    check.report({ kind: 'OBJECT_WITHOUT_ROW', store: store.id, key, since, outcome });
  }
}

/** A listing is older than what is removed meanwhile, such as a copy that was just healed. */
const isGone = (store: Store, key: string, signal: AbortSignal) =>
  store.stat(key, signal).then(
    () => false,
    (error) => error instanceof NotFoundError,
  );

async function cleared(
  app: App,
  store: WritableStore,
  { key, isOver }: Pick<Rowless, 'key' | 'isOver'>,
): Promise<StrayOutcome> {
  if (!isOver) return 'waits';
  return (await removeStray(app, store, { store: store.id, key })) ? 'removed' : 'kept';
}
