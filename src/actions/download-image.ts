/** Opens the bytes of an image for reading. */

import type { SeenImage } from '../db/images.ts';
import type { Caller } from '../domain/caller.ts';
import { hasData } from '../domain/lifecycle.ts';
import type { ByteRange } from '../stores/store.ts';
import type { App } from './app.ts';
import { openCopies } from './read-copies.ts';
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
  const copies = await openCopies(app, image);
  return { image, size: image.size, open: copies.read };
}
