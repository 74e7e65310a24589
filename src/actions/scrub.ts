/**
 * Looks after the copies of all images: their sizes, or all their bytes against the digests. What is damaged is
 * marked, and written anew from a good copy where there is one.
 */
import { randomUUID } from 'node:crypto';
import { dropLease, takeLease } from '../db/leases.ts';
import {
  countUnread,
  type DueCopy,
  findCopiesOfBadBytes,
  findDueCopy,
  findInstantAgo,
  findStoredCopiesAfter,
  findUnreadableCopies,
  isStillThere,
  type StoredCopy,
} from '../db/stored-copies.ts';
import { UnavailableError } from '../domain/errors.ts';
import type { CopyDamage } from '../domain/image.ts';
import { instantOf } from '../domain/instant.ts';
import { isWritable } from '../stores/store.ts';
import type { App } from './app.ts';
import { type Healing, healIfPossible, type Mending } from './heal-copy.ts';
import { inTurns } from './in-turns.ts';
import { isOfBytes, lookAtCopy, noteDamage, worksForOthers } from './look-at-copy.ts';
import { verifyCopy } from './verify-copy.ts';

/** Something wrong with a copy, and what became of it. */
export interface Finding {
  image: string;
  store: string;
  key: string;
  code: CopyDamage['code'] | 'UNAVAILABLE';
  message: string;
  /**
   * 'whole' again by itself; 'marked': could not be healed now; 'again': could not be read, and is not marked yet;
   * 'unknown': the store did not answer, and is left out from then on; 'too many': so much of the store is missing
   * that it is rather the store that is wrong.
   */
  outcome: Healing | 'marked' | 'whole' | 'again' | 'unknown' | 'too many';
}

/** Unattended, stores that are only read belong to others and are left alone, and 'too many' are not healed. */
export interface Scrubbing extends Mending {
  /** Null is all. */
  store: string | null;
  report(finding: Finding): void;
}

/** An empty directory in place of a disk that is not mounted must not be filled with copies of what it holds. */
const missingMax = 10;

/** So often in a row a copy cannot be read, though its store works for others, before it counts as damaged. */
const unreadMax = 3;
/** In between; by hand there is no pause. */
const unreadPauseSeconds = 3600;

const batch = 200;

/** What goes through a scrub, whichever. */
interface Round {
  app: App;
  scrubbing: Scrubbing;
  /** Stores that did not answer: nothing more is asked of them. */
  away: Set<string>;
  /** Store -> how many copies were missing or unreadable, and how many were not. */
  tally: Map<string, { missing: number; there: number }>;
}

function beginRound(app: App, scrubbing: Scrubbing): Round {
  const others = app.stores.all.filter((store) => scrubbing.isUnattended && !isWritable(store));
  return { app, scrubbing, away: new Set(others.map(({ id }) => id)), tally: new Map() };
}

/** Counts one more. True: more are missing, or unreadable, than can be by chance. */
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
    await inTurns(copies, (copy) => examine(round, copy, 'size'));
    looked += copies.length;
    after = copies.at(-1)?.id ?? after;
    if (after !== null) await scrub.passed?.(after);
    if (copies.length < limit) break;
  }
  return looked;
}

/** What is known of the bytes is not seen by their number, and stands. */
async function lookAtSize(app: App, copy: StoredCopy, signal: AbortSignal) {
  return (
    (await lookAtCopy(app, copy, signal)) ?? (copy.damage && isOfBytes(copy.damage) ? copy.damage : null)
  );
}

export interface DeepScrub extends Scrubbing {
  /** Only copies that nobody has read for so long. */
  olderThanSeconds: number;
  limit: number;
  /**
   * When there is time left, also those that are known to have bad bytes: perhaps somebody brought the right ones back.
   * Otherwise only those that could not be read for a day.
   */
  others: boolean;
  /** Asked before each copy: false ends it. */
  mayGoOn?(): boolean;
}

/** Reads copies, those first that nobody has read for the longest time. Returns how many. */
export async function scrubBytes(app: App, scrub: DeepScrub): Promise<number> {
  const round = beginRound(app, scrub);
  const before = await findInstantAgo(app.db, scrub.olderThanSeconds);
  const stores = () =>
    app.stores.all
      .map(({ id }) => id)
      .filter((id) => (scrub.store === null || id === scrub.store) && !round.away.has(id));
  const bad = scrub.others
    ? await findCopiesOfBadBytes(app.db, scrub.store)
    : await findUnreadableCopies(app.db, stores());
  const pause = scrub.isUnattended ? unreadPauseSeconds : 0;
  let after: DueCopy | null = null;
  let read = 0;
  const mayGoOn = () => read < scrub.limit && (scrub.mayGoOn?.() ?? true);
  while (mayGoOn()) {
    const due = await findDueCopy(app.db, { after, before, stores: stores(), unreadPauseSeconds: pause });
    if (!due) break;
    await examine(round, due, 'bytes');
    after = due;
    read++;
  }
  for (const copy of bad) {
    if (!mayGoOn()) break;
    await examine(round, copy, 'bytes');
    read++;
  }
  return read;
}

/** One copy: by its size, or all its bytes. */
async function examine(round: Round, copy: StoredCopy, by: 'size' | 'bytes'): Promise<void> {
  const { app, scrubbing, away } = round;
  scrubbing.signal.throwIfAborted();
  if (away.has(copy.store)) return;
  const found = await lookOrTell(round, copy, by);
  if (found === null) return;
  const { code, message } = found.damage ?? copy.damage ?? { code: null, message: '' };
  if (code === null || !(await isStillThere(app.db, copy.id))) return;
  const heal = () => (found.isTooMuch ? 'too many' : healIfPossible(app, copy, scrubbing));
  const outcome = found.damage === null ? 'whole' : await heal();
  const { imageId: image, store, key } = copy;
  scrubbing.report({ image, store, key, code, message, outcome });
}

interface Found {
  damage: CopyDamage | null;
  isTooMuch: boolean;
}

/** What is wrong with it. Null: that cannot be said, and was told. */
async function lookOrTell(round: Round, copy: StoredCopy, by: 'size' | 'bytes'): Promise<Found | null> {
  const { app, scrubbing } = round;
  try {
    const damage = await (by === 'size'
      ? lookAtSize(app, copy, scrubbing.signal)
      : verifyCopy(app, copy, scrubbing));
    return { damage, isTooMuch: isTooMany(round, copy.store, damage?.code === 'MISSING') };
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    return unread(round, copy, { by, error });
  }
}

/** Either its store is away, and nothing is said against it; or it is the only one that cannot be read. */
async function unread(
  round: Round,
  copy: StoredCopy,
  { by, error }: { by: 'size' | 'bytes'; error: UnavailableError },
): Promise<Found | null> {
  const { app, scrubbing, away } = round;
  const { imageId: image, store, key } = copy;
  const { message } = error;
  if (!(await worksForOthers(app, copy, scrubbing.signal))) {
    if (away.has(store)) return null; // by another one at the same time
    away.add(store);
    app.log.warn(
      { err: error, image, store },
      'a store does not answer; its copies are looked at another time',
    );
    scrubbing.report({ image, store, key, code: 'UNAVAILABLE', message, outcome: 'unknown' });
    return null;
  }
  const isTooMuch = isTooMany(round, store, true);
  const times = by === 'bytes' ? await countUnread(app.db, copy.id) : 0;
  if (copy.damage) return { damage: copy.damage, isTooMuch };
  if (times < unreadMax) {
    if (!(await isStillThere(app.db, copy.id))) return null;
    app.log.warn({ err: error, image, store, key, times }, 'a copy cannot be read; it is tried again');
    scrubbing.report({ image, store, key, code: 'UNREADABLE', message, outcome: 'again' });
    return null;
  }
  const damage: CopyDamage = { code: 'UNREADABLE', message, at: instantOf(app.now()) };
  if (!isTooMuch) await noteDamage(app, copy, damage);
  return { damage, isTooMuch };
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
