/** Digests that an image, and each of its blocks, was published without, out of whichever copy can be read; those it has are checked too. */
import { findBlocksOf } from '../db/blocks.ts';
import { findStoredCopies } from '../db/stored-copies.ts';
import { UnavailableError } from '../domain/errors.ts';
import type { App } from './app.ts';
import { type Reading, verifyCopy } from './verify-copy.ts';

/**
 * Does nothing for an image that is gone or has it. A copy whose bytes are others is marked, and the next one is read.
 * @throws UnavailableError no copy can be read now: again later
 */
export async function digestImage(app: App, imageId: string, reading: Reading): Promise<void> {
  const copies = await findStoredCopies(app.db, imageId);
  let unavailable: UnavailableError | null = null;
  for (const copy of copies.toSorted((a, b) => app.stores.weightOf(b.store) - app.stores.weightOf(a.store))) {
    if (copy.digests.sha256 && (copy.size === 0 || (await findBlocksOf(app.db, imageId, copy.size))?.digests))
      return;
    if (copy.damage?.code === 'OTHER_BYTES') continue;
    try {
      if ((await verifyCopy(app, copy, reading)) === null) return;
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      unavailable = error;
    }
  }
  if (unavailable) throw unavailable;
}
