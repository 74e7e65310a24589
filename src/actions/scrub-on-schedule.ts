/** The scrub as the settings ask for it, in pieces: each goes on where the one before it stopped, on any machine. */
import { findScrubRound, saveScrubRound } from '../db/scrub-round.ts';
import type { App } from './app.ts';
import { asOnlyScrubber, type Finding, scrubBytes, scrubSizes } from './scrub.ts';
import { byteRate } from './slowly.ts';

/** A piece ends after this long, but for the copy that is being read. */
const pieceMs = 60_000;

/** Copies whose sizes one piece looks at: for these, time is not looked at. */
const sizesPerPiece = 20_000;

/** True: there is more to do at once. Does nothing while somebody else scrubs. */
export async function scrubOnSchedule(app: App, signal: AbortSignal): Promise<boolean> {
  let isMore = false;
  await asOnlyScrubber(app, signal, async (held) => {
    const ends = performance.now() + pieceMs;
    const { sizesMs, deepMs } = app.scrub;
    if (sizesMs !== null) isMore = await sizesPiece(app, sizesMs, held);
    if (deepMs !== null && !isMore) isMore = await deepPiece(app, { deepMs, ends }, held);
  });
  return isMore;
}

/** Damage and healing are told where they happen; what was left as it is, here: once for each store. */
function teller(app: App): (finding: Finding) => void {
  const told = new Set<string>();
  return ({ store, outcome }) => {
    if (outcome !== 'too many' || told.has(store)) return;
    told.add(store);
    app.log.error({ store }, 'much of a store is missing: is it mounted? vitrine scrub heals all the same');
  };
}

async function sizesPiece(app: App, sizesMs: number, signal: AbortSignal): Promise<boolean> {
  const round = await findScrubRound(app.db, sizesMs / 1000);
  if (round === null) return false;
  const rate = byteRate(app.scrub.rate);
  const report = teller(app);
  const looked = await scrubSizes(app, {
    ...{ rate, signal, report, store: null, isUnattended: true },
    after: round.after,
    limit: sizesPerPiece,
    passed: (after) => saveScrubRound(app.db, { after, isOver: false }),
  });
  const isOver = looked < sizesPerPiece;
  if (isOver) await saveScrubRound(app.db, { after: null, isOver });
  return !isOver;
}

async function deepPiece(
  app: App,
  { deepMs, ends }: { deepMs: number; ends: number },
  signal: AbortSignal,
): Promise<boolean> {
  const rate = byteRate(app.scrub.rate);
  const report = teller(app);
  await scrubBytes(app, {
    ...{ rate, signal, report, store: null, isUnattended: true },
    olderThanSeconds: deepMs / 1000,
    others: false,
    limit: Number.POSITIVE_INFINITY,
    mayGoOn: () => performance.now() < ends,
  });
  return performance.now() >= ends;
}
