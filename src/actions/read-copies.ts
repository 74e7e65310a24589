/**
 * The bytes of an image out of its copies: the heaviest that can be read, and from another one at the same place
 * when it fails, stalls, ends short or has other bytes. None goes on before its block was looked at. Each copy is tried
 * once; when none is left, those are asked for that came meanwhile.
 */
import { findStoredCopies, type StoredCopy } from '../db/stored-copies.ts';
import { DamagedError, DomainError, UnavailableError } from '../domain/errors.ts';
import type { Image } from '../domain/image.ts';
import type { ByteRange, Store } from '../stores/store.ts';
import type { App } from './app.ts';
import { lookAtCopy, requireStoreOf } from './look-at-copy.ts';
import { readOn } from './read-on.ts';

export interface OpenCopies {
  /**
   * All bytes, or those of a range inside them: once. Resolves when the first of them are here. As any reading of a
   * store, it is iterated or returned.
   * @throws DamagedError, UnavailableError as openCopies
   */
  read(range: ByteRange | null, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

/**
 * Looks at the object before anything is promised: one that is missing or of another size is marked and not offered.
 * Nobody is asked whether he may.
 *
 * @throws DamagedError     no copy has the bytes that were published
 * @throws UnavailableError the stores do not answer
 */
export async function openCopies(app: App, image: Pick<Image, 'id' | 'size'>): Promise<OpenCopies> {
  const copies = goodCopies(app, image.id);
  const { value: first } = await copies.next();
  return {
    read: (range, signal) => readOn(app, { first, copies, size: image.size ?? 0 }, range, signal),
  };
}

/** A copy that is there, with the store to read it from. */
export interface GoodCopy {
  copy: StoredCopy;
  store: Store;
}

/**
 * Copies that are there, with as many bytes as were published, in the order in which they are read. Each is looked
 * at when it is asked for. Those that were not there lately come last: when nothing else is left they are asked again.
 */
async function* goodCopies(app: App, imageId: string): AsyncGenerator<GoodCopy, never> {
  let unavailable: UnavailableError | null = null;
  const tried = new Set<string>();
  for (;;) {
    // A download goes on for hours: meanwhile a copy may have been written anew, or to another store.
    const copies = (await findReadable(app, imageId)).filter(({ id }) => !tried.has(id));
    if (copies.length === 0) throw unavailable ?? damaged(imageId);
    for (const copy of copies) {
      tried.add(copy.id);
      try {
        if ((await lookAtCopy(app, copy)) === null) yield { copy, store: requireStoreOf(app, copy) };
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        if (error instanceof UnavailableError) unavailable = error;
        app.log.warn({ err: error, image: imageId, store: copy.store }, 'a copy cannot be read');
      }
    }
  }
}

/** The heaviest first. */
async function findReadable(app: App, imageId: string): Promise<StoredCopy[]> {
  const rank = ({ damage, store }: StoredCopy) => (damage ? -1 : app.stores.weightOf(store));
  return (await findStoredCopies(app.db, imageId))
    .filter(({ damage, store }) => damage?.code !== 'OTHER_BYTES' && app.stores.get(store))
    .toSorted((a, b) => rank(b) - rank(a));
}

const damaged = (imageId: string) =>
  new DamagedError(
    `The stored bytes of image ${imageId} are missing or damaged; the operator's log has the details.`,
  );
