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
import { addSha256, findStoredCopies, type StoredCopy } from '../db/stored-copies.ts';
import { NotFoundError, UnavailableError, ValidationError } from '../domain/errors.ts';
import { isWritable, type StoreWriter, type WritableStore } from '../stores/store.ts';
import type { App } from './app.ts';
import { newKey, patiently } from './hold-claim.ts';
import { ingest } from './ingest.ts';
import { lookAtCopy, requireStoreOf } from './look-at-copy.ts';
import { slowly } from './slowly.ts';
import { allDigests, mismatch, type Reading, verifyCopy } from './verify-copy.ts';

/** What became of a damaged copy. 'left' is as it was: somebody else has it in hand, or it is gone. */
export type Healing = 'healed' | 'no good copy' | 'read-only store' | 'left';

export interface Mending extends Reading {
  /** Nobody watches: nothing is written to a directory that holds nothing, which may be a disk that is not mounted. */
  isUnattended: boolean;
}

const renewEveryMs = 10_000;

/** The same, but that a store which does not answer, or is full, leaves the copy 'marked': it is tried again. */
export async function healIfPossible(
  app: App,
  damaged: StoredCopy,
  mending: Mending,
): Promise<Healing | 'marked'> {
  try {
    return await healCopy(app, damaged, mending);
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    app.log.warn({ err: error, image: damaged.imageId, store: damaged.store }, 'a copy could not be healed');
    return 'marked';
  }
}

/**
 * @throws UnavailableError a store does not answer, or is full: nothing is left of the attempt
 * @throws the signal's reason
 */
export async function healCopy(app: App, damaged: StoredCopy, mending: Mending): Promise<Healing> {
  const store = requireStoreOf(app, damaged);
  if (!isWritable(store)) return 'read-only store';
  let unavailable: UnavailableError | null = null;
  for (const source of await findSources(app, damaged)) {
    try {
      if ((await lookAtCopy(app, source, mending.signal)) !== null) continue;
      const healing = await copyFrom(app, { damaged, source, store }, mending);
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
async function copyFrom(app: App, { damaged, source, store }: Healed, mending: Mending) {
  const key = newKey(damaged.imageId);
  const replacement = await beginReplacement(app.db, damaged, key);
  if (!replacement) return 'left';
  const hold = holdReplacement(app, replacement);
  try {
    const signal = AbortSignal.any([mending.signal, hold.lost]);
    const { wrong, sha256 } = await write(app, { source, store, key }, { ...mending, signal });
    const { imageId: image } = damaged;
    // Before: a copy that was read whole is not looked at for it again.
    if (wrong === null && sha256 && !source.digests.sha256) await addSha256(app.db, image, sha256);
    if (wrong === null && (await patiently(() => publishReplacement(app.db, replacement, source.size)))) {
      app.log.info({ image, store: store.id, from: source.store }, 'a damaged copy was written anew');
      return 'healed';
    }
    if (wrong === null) return 'left';
    // One reading is not enough to mark it.
    if ((await verifyCopy(app, source, { ...mending, signal })) !== null) return null;
    const message = `Store ${source.store} gave wrong bytes once, and the right ones when it was asked again.`;
    throw new UnavailableError(message, { store: source.store });
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

/** The bytes, durable, and their SHA-256; or what is wrong with those of the source, and then nothing. */
async function write(
  app: App,
  { source, store, key }: Omit<Healed, 'damaged'> & { key: string },
  { rate, signal, isUnattended }: Mending,
): Promise<{ wrong: string | null; sha256: string | undefined }> {
  const writer = await store.create(key, { size: source.size, onlyWhereUsed: isUnattended }, signal);
  try {
    const bytes = await requireStoreOf(app, source).read(source.key, undefined, signal);
    const { digests } = await ingest(app.hashes, writer, slowly(bytes, rate, signal), {
      algorithms: allDigests,
      blocks: 'none',
      sizeLimit: Number.MAX_SAFE_INTEGER,
      expectedSize: source.size,
      signal,
    });
    const wrong = mismatch(source, digests);
    if (wrong === null) await writer.commit();
    else await leave(app, writer, key);
    return { wrong, sha256: digests.sha256 };
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
