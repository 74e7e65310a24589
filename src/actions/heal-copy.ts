/**
 * Writes a damaged copy anew from a good one: under a new key, past the digests, and only what agrees with them is
 * read from. The damaged object goes when the new one is there.
 */
import {
  beginReplacement,
  dropReplacement,
  publishReplacement,
  type Replacement,
  renewReplacement,
} from '../db/replacements.ts';
import { findStoredCopies, type StoredCopy } from '../db/stored-copies.ts';
import { NotFoundError, UnavailableError, ValidationError } from '../domain/errors.ts';
import { instantOf } from '../domain/instant.ts';
import { isWritable, type StoreWriter, type WritableStore } from '../stores/store.ts';
import type { App } from './app.ts';
import { newKey, patiently } from './hold-claim.ts';
import { ingest } from './ingest.ts';
import { lookAtCopy, noteDamage, requireStoreOf } from './look-at-copy.ts';
import { slowly } from './slowly.ts';
import { allDigests, mismatch, type Reading } from './verify-copy.ts';

/** What became of a damaged copy. 'left' is as it was: somebody else has it in hand, or it is gone. */
export type Healing = 'healed' | 'no good copy' | 'read-only store' | 'left';

const renewEveryMs = 10_000;

/**
 * @throws UnavailableError a store does not answer, or is full: nothing is left of the attempt
 * @throws the signal's reason
 */
export async function healCopy(app: App, damaged: StoredCopy, reading: Reading): Promise<Healing> {
  const store = requireStoreOf(app, damaged);
  if (!isWritable(store)) return 'read-only store';
  let unavailable: UnavailableError | null = null;
  for (const source of await findSources(app, damaged)) {
    try {
      if ((await lookAtCopy(app, source, reading.signal)) !== null) continue;
      const healing = await copyFrom(app, { damaged, source, store }, reading);
      if (healing !== null) return healing;
    } catch (error) {
      // Where it cannot be written, no other source helps.
      if (!(error instanceof UnavailableError) || error.store === store.id) throw error;
      unavailable = error;
    }
  }
  if (unavailable) throw unavailable;
  return 'no good copy';
}

/** The heaviest first. */
async function findSources(app: App, damaged: StoredCopy): Promise<StoredCopy[]> {
  const weight = ({ store }: StoredCopy) => app.stores.weightOf(store);
  return (await findStoredCopies(app.db, damaged.imageId))
    .filter(({ id, damage, store }) => id !== damaged.id && damage === null && app.stores.get(store))
    .toSorted((a, b) => weight(b) - weight(a));
}

interface Healed {
  damaged: StoredCopy;
  source: StoredCopy;
  store: WritableStore;
}

/** Null: the source is damaged as well, and marked. */
async function copyFrom(app: App, { damaged, source, store }: Healed, reading: Reading) {
  const key = newKey(damaged.imageId);
  const replacement = await beginReplacement(app.db, damaged, key);
  if (!replacement) return 'left';
  const hold = holdReplacement(app, replacement);
  try {
    const signal = AbortSignal.any([reading.signal, hold.lost]);
    const wrong = await write(app, { source, store, key }, { ...reading, signal });
    if (wrong === null && (await patiently(() => publishReplacement(app.db, replacement, source.size)))) {
      const { imageId: image } = damaged;
      app.log.info({ image, store: store.id, from: source.store }, 'a damaged copy was written anew');
      return 'healed';
    }
    if (wrong === null) return 'left';
    await noteDamage(app, source, { code: 'OTHER_BYTES', message: wrong, at: instantOf(app.now()) });
    return null;
  } catch (error) {
    // Of an image that was deleted the object goes as well: what the store then says is not the reason.
    const holds = await renewReplacement(app.db, replacement).catch(() => true);
    if (hold.lost.aborted || !holds) return 'left';
    throw error;
  } finally {
    hold.stop();
    // Of one that was published nothing goes. Where the database is away, the reaper does it once the lease is over.
    await dropReplacement(app.db, replacement).catch((error) =>
      app.log.warn({ err: error, key }, 'an unfinished copy waits for the reaper'),
    );
  }
}

/** Says that the writer lives, until stopped; `lost` is given when the row is gone. */
function holdReplacement(app: App, replacement: Replacement): { lost: AbortSignal; stop(): void } {
  const lost = new AbortController();
  const timer = setInterval(() => {
    renewReplacement(app.db, replacement).then(
      (holds) => !holds && lost.abort(new Error('The copy was given up.')),
      (error) => app.log.warn({ err: error, key: replacement.key }, 'a lease could not be renewed'),
    );
  }, renewEveryMs);
  timer.unref();
  return { lost: lost.signal, stop: () => clearInterval(timer) };
}

/** The bytes, durable; or what is wrong with those of the source, and then nothing. */
async function write(
  app: App,
  { source, store, key }: Omit<Healed, 'damaged'> & { key: string },
  { rate, signal }: Reading,
): Promise<string | null> {
  const writer = await store.create(key, { size: source.size }, signal);
  try {
    const bytes = await requireStoreOf(app, source).read(source.key, undefined, signal);
    const { digests } = await ingest(app.hashes, writer, slowly(bytes, rate, signal), {
      algorithms: allDigests,
      sizeLimit: Number.MAX_SAFE_INTEGER,
      expectedSize: source.size,
      signal,
    });
    const wrong = mismatch(source, digests);
    if (wrong === null) await writer.commit();
    else await leave(app, writer, key);
    return wrong;
  } catch (error) {
    await leave(app, writer, key);
    if (!(error instanceof ValidationError || error instanceof NotFoundError)) throw error;
    const message = `Store ${source.store} does not give the bytes that it says it has.`;
    throw new UnavailableError(message, { store: source.store }, { cause: error });
  }
}

async function leave(app: App, writer: StoreWriter, key: string): Promise<void> {
  await writer.cancel().catch((error) => app.log.warn({ err: error, key }, 'a part could not be removed'));
}
