/**
 * Looks after the copies of all images: their sizes, or all their bytes against the digests. What is damaged is
 * marked, and written anew from a good copy where there is one.
 */
import { randomUUID } from 'node:crypto';
import { dropLease, takeLease } from '../db/leases.ts';
import {
  type DueCopy,
  findCopiesOfOtherBytes,
  findDueCopy,
  findInstantAgo,
  findStoredCopiesAfter,
  isStillThere,
  type StoredCopy,
} from '../db/stored-copies.ts';
import { UnavailableError } from '../domain/errors.ts';
import { isWritable } from '../stores/store.ts';
import type { App } from './app.ts';
import { type Healing, healCopy } from './heal-copy.ts';
import { inTurns } from './in-turns.ts';
import { lookAtCopy, requireStoreOf } from './look-at-copy.ts';
import { type Reading, verifyCopy } from './verify-copy.ts';

/** Something wrong with a copy, and what became of it. */
export interface Finding {
  image: string;
  store: string;
  key: string;
  code: 'MISSING' | 'OTHER_SIZE' | 'OTHER_BYTES' | 'UNAVAILABLE';
  message: string;
  /**
   * 'whole' again by itself; 'unknown': the store did not answer, and is left out from then on; 'too many': so much
   * of the store is missing that it is rather the store that is wrong.
   */
  outcome: Healing | 'whole' | 'unknown' | 'too many';
}

export interface Scrubbing extends Reading {
  /** Null is all. */
  store: string | null;
  /** Nobody watches: stores that are only read belong to others and are left alone, 'too many' are not healed. */
  isUnattended: boolean;
  report(finding: Finding): void;
}

/** An empty directory in place of a disk that is not mounted must not be filled with copies of what it holds. */
const missingMax = 10;

const batch = 200;

/** What goes through a scrub, whichever. */
interface Round {
  app: App;
  scrubbing: Scrubbing;
  /** Stores that did not answer: nothing more is asked of them. */
  away: Set<string>;
  /** Store -> how many copies were missing, and how many were not. */
  tally: Map<string, { missing: number; there: number }>;
}

function beginRound(app: App, scrubbing: Scrubbing): Round {
  const others = app.stores.all.filter((store) => scrubbing.isUnattended && !isWritable(store));
  return { app, scrubbing, away: new Set(others.map(({ id }) => id)), tally: new Map() };
}

/** Counts one more. True: more are missing than can be by chance. */
function isTooMany({ scrubbing, tally }: Round, store: string, isMissing: boolean): boolean {
  const { missing, there } = tally.get(store) ?? { missing: 0, there: 0 };
  const counted = { missing: missing + Number(isMissing), there: there + Number(!isMissing) };
  tally.set(store, counted);
  return scrubbing.isUnattended && counted.missing > Math.max(missingMax, counted.there);
}

export interface SizesScrub extends Scrubbing {
  /** Goes on behind this copy. */
  after: string | null;
  /** Copies at most. */
  limit: number;
  /** Called with the id of the last copy, whenever all up to it have been looked at. */
  passed?(id: string): Promise<void>;
}

/** Compares every object's size with what was published. Returns how many were looked at: fewer than `limit` at the end. */
export async function scrubSizes(app: App, scrub: SizesScrub): Promise<number> {
  const round = beginRound(app, scrub);
  let { after } = scrub;
  let looked = 0;
  while (looked < scrub.limit) {
    const limit = Math.min(batch, scrub.limit - looked);
    const copies = await findStoredCopiesAfter(app.db, { after, store: scrub.store, limit });
    await inTurns(copies, (copy) => examine(round, copy, () => lookAtSize(app, copy, scrub.signal)));
    looked += copies.length;
    after = copies.at(-1)?.id ?? after;
    if (after !== null) await scrub.passed?.(after);
    if (copies.length < limit) break;
  }
  return looked;
}

/** Other bytes of the right size are not seen by their size: what is known of them stands. */
async function lookAtSize(app: App, copy: StoredCopy, signal: AbortSignal) {
  return (await lookAtCopy(app, copy, signal)) ?? (copy.damage?.code === 'OTHER_BYTES' ? copy.damage : null);
}

export interface DeepScrub extends Scrubbing {
  /** Only copies that nobody has read for so long. */
  olderThanSeconds: number;
  limit: number;
  /** Also those that are known to have other bytes: perhaps somebody brought the right ones back. */
  others: boolean;
  /** Asked before each copy: false ends it. */
  mayGoOn?(): boolean;
}

/** Reads copies, those first that nobody has read for the longest time. Returns how many. */
export async function scrubBytes(app: App, scrub: DeepScrub): Promise<number> {
  const round = beginRound(app, scrub);
  const { olderThanSeconds, store } = scrub;
  const before = await findInstantAgo(app.db, olderThanSeconds);
  let after: DueCopy | null = null;
  let read = 0;
  for (const copy of scrub.others ? await findCopiesOfOtherBytes(app.db, store) : []) {
    await examine(round, copy, () => verifyCopy(app, copy, scrub));
    read++;
  }
  while (read < scrub.limit && (scrub.mayGoOn?.() ?? true)) {
    const due = await findDueCopy(app.db, { after, before, store, without: [...round.away] });
    if (!due) break;
    await examine(round, due, () => verifyCopy(app, due, scrub));
    after = due;
    read++;
  }
  return read;
}

/** Whether it is the store that is away, and not one object that cannot be read. */
async function answers(app: App, id: string): Promise<boolean> {
  try {
    await requireStoreOf(app, { store: id }).probe();
    return true;
  } catch {
    return false;
  }
}

/** One copy: `look` says what is wrong with it. */
async function examine(
  round: Round,
  copy: StoredCopy,
  look: () => Promise<StoredCopy['damage']>,
): Promise<void> {
  const { app, scrubbing, away } = round;
  scrubbing.signal.throwIfAborted();
  if (away.has(copy.store)) return;
  const { imageId: image, store, key } = copy;
  try {
    const damage = await look();
    const tooMany = isTooMany(round, store, damage?.code === 'MISSING');
    const { code, message } = damage ?? copy.damage ?? { code: null, message: '' };
    if (code === null || !(await isStillThere(app.db, copy.id))) return;
    const heal = () => (tooMany ? 'too many' : healCopy(app, copy, scrubbing));
    const outcome = damage === null ? 'whole' : await heal();
    scrubbing.report({ image, store, key, code, message, outcome });
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    // A copy that cannot be healed since another store is away says nothing of this one.
    if (error.store === store && !(await answers(app, store))) away.add(store);
    app.log.warn({ err: error, image, store }, 'a copy could not be looked after; it is tried again');
    scrubbing.report({ image, store, key, code: 'UNAVAILABLE', message: error.message, outcome: 'unknown' });
  }
}

const renewEveryMs = 10_000;

/**
 * Runs `work` when nobody else scrubs, on any machine. False: somebody does. `work` is given up when the lease cannot
 * be held.
 */
export async function asOnlyScrubber(
  app: App,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<boolean> {
  const holder = randomUUID();
  if (!(await takeLease(app.db, 'scrub', holder))) return false;
  const lost = new AbortController();
  const timer = setInterval(() => {
    takeLease(app.db, 'scrub', holder).then(
      (holds) => !holds && lost.abort(new Error('Somebody else scrubs.')),
      (error) => app.log.warn({ err: error }, 'the lease of the scrub could not be renewed'),
    );
  }, renewEveryMs);
  timer.unref();
  try {
    await work(AbortSignal.any([signal, lost.signal]));
    return true;
  } finally {
    clearInterval(timer);
    await dropLease(app.db, 'scrub', holder).catch(() => {});
  }
}
