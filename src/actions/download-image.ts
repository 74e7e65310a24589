/** Opens the bytes of an image for reading. */

import { findActiveCopies } from '../db/copies.ts';
import type { SeenImage } from '../db/images.ts';
import type { Caller } from '../domain/caller.ts';
import { DamagedError, DomainError, UnavailableError } from '../domain/errors.ts';
import { hasData } from '../domain/lifecycle.ts';
import type { ByteRange, Store } from '../stores/store.ts';
import type { App } from './app.ts';
import { requireImage } from './require-image.ts';

export interface ImageBytes {
  image: SeenImage;
  /** Bytes in all; null: the image has no data yet. */
  size: number | null;
  /** The bytes, or those of a range inside them. To be iterated, once. Not there without data. */
  open(range: ByteRange | null, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

/**
 * Looks at the stored object before promising anything: one that is missing or of another size is not offered.
 *
 * @throws NotFoundError    the caller may not see the image
 * @throws ForbiddenError   the role does not allow it, or the image is deactivated
 * @throws DamagedError     no copy has the bytes that were published
 * @throws UnavailableError the stores do not answer
 */
export async function downloadImage(app: App, caller: Caller, id: string): Promise<ImageBytes> {
  const image = await requireImage(app, caller, id, 'download');
  if (!hasData(image.status) || image.size === null) {
    return { image, size: null, open: () => Promise.reject(new Error('There is no data to open.')) };
  }
  const { store, key } = await findGoodCopy(app, image);
  return { image, size: image.size, open: (range, signal) => store.read(key, range ?? undefined, signal) };
}

/**
 * The bytes of an image that has some, for work of our own: nobody is asked whether he may.
 * @throws DamagedError, UnavailableError as downloadImage
 */
export async function openCopies(
  app: App,
  image: Pick<SeenImage, 'id' | 'size'>,
  range: ByteRange | null,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const { store, key } = await findGoodCopy(app, image);
  return store.read(key, range ?? undefined, signal);
}

async function findGoodCopy(
  app: App,
  image: Pick<SeenImage, 'id' | 'size'>,
): Promise<{ store: Store; key: string }> {
  let unavailable: UnavailableError | null = null;
  const copies = await findActiveCopies(app.db, image.id);
  const weight = ({ store }: { store: string }) => app.stores.weightOf(store);
  for (const copy of copies.toSorted((a, b) => weight(b) - weight(a))) {
    const store = app.stores.get(copy.store);
    if (!store) continue;
    try {
      const { size } = await store.stat(copy.key);
      if (size === image.size) return { store, key: copy.key };
      app.log.error(
        { image: image.id, store: store.id, size, expected: image.size },
        'a stored image has another size',
      );
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      if (error instanceof UnavailableError) unavailable = error;
      app.log.error({ err: error, image: image.id, store: store.id }, 'a stored image cannot be read');
    }
  }
  if (unavailable) throw unavailable;
  throw new DamagedError(
    `The stored bytes of image ${image.id} are missing or damaged; the operator's log has the details.`,
  );
}
