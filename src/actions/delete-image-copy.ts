/** Takes one of several copies of an image away; its bytes follow in the background. */

import { recordChange } from '../db/audit.ts';
import { transaction } from '../db/client.ts';
import { deleteCopiesIn, findCopyStates } from '../db/copies.ts';
import type { SeenImage } from '../db/images.ts';
import { findStoredCopies } from '../db/stored-copies.ts';
import { actorOf, changesOf, imageObject } from '../domain/audit.ts';
import type { Caller } from '../domain/caller.ts';
import { ConflictError, invalid, NotFoundError, UnavailableError } from '../domain/errors.ts';
import { hasData } from '../domain/lifecycle.ts';
import type { App } from './app.ts';
import { lookAtCopy } from './look-at-copy.ts';
import { requireImage, requireLockedImage } from './require-image.ts';

/**
 * Returns the image. A damaged copy may always go; of those that can be read one has to stay.
 *
 * @throws ValidationError UNKNOWN_STORE: neither the settings nor the image know it
 * @throws NotFoundError   the caller may not see the image, or it is not in that store
 * @throws ForbiddenError  not an admin
 * @throws ConflictError   LAST_COPY; BUSY: it is being written
 * @throws UnavailableError the store of the only other copy does not answer
 */
export async function deleteImageCopy(
  app: App,
  caller: Caller,
  { imageId: id, store }: { imageId: string; store: string },
): Promise<SeenImage> {
  await lookForAnother(app, (await requireImage(app, caller, id, 'deleteCopy')).id, store);
  await transaction(app.db, async (tx) => {
    // The lock: two who delete at once see each other's work.
    const image = await requireLockedImage(tx, caller, { id, operation: 'deleteCopy', policy: app.policy });
    const copies = await findCopyStates(tx, image.id);
    const here = copies.filter((copy) => copy.store === store);
    if (here.length === 0) throw notThere(app, image.id, store);
    const isWhole = here.some(({ state }) => state === 'active');
    if (!isWhole && !here.some(({ state }) => state === 'failed')) {
      const message = `The copy of image ${image.id} in store ${JSON.stringify(store)} is being written; wait until it is active.`;
      throw new ConflictError('BUSY', message);
    }
    // A store that the settings no longer name reads nothing.
    const isElsewhere = copies.some(
      (copy) => copy.state === 'active' && copy.store !== store && app.stores.get(copy.store) !== null,
    );
    if (isWhole && hasData(image.status) && !isElsewhere) {
      const message = `The copy in store ${JSON.stringify(store)} is the only good one of image ${image.id}; copy it elsewhere first, or delete the image.`;
      throw new ConflictError('LAST_COPY', message);
    }
    await deleteCopiesIn(tx, image.id, store);
    await recordChange(tx, {
      by: actorOf(caller),
      action: 'deleteImageCopy',
      object: imageObject(image),
      changes: changesOf({ copies: { [store]: isWhole ? 'active' : 'failed' } }, { copies: {} }),
    });
  });
  return requireImage(app, caller, id, 'get');
}

/**
 * Looks at copies elsewhere until one is there: those that are missing are marked, and count no more.
 * @throws UnavailableError none is known to be there, and a store does not answer
 */
async function lookForAnother(app: App, imageId: string, store: string): Promise<void> {
  const copies = await findStoredCopies(app.db, imageId);
  // A damaged one may go in any case.
  if (copies.find((copy) => copy.store === store)?.damage !== null) return;
  let unavailable: UnavailableError | null = null;
  for (const copy of copies) {
    if (copy.store === store || copy.damage !== null || !app.stores.get(copy.store)) continue;
    try {
      if ((await lookAtCopy(app, copy)) === null) return;
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      unavailable = error;
    }
  }
  if (unavailable) throw unavailable;
}

function notThere(app: App, imageId: string, store: string) {
  const shown = JSON.stringify(store.slice(0, 64));
  if (app.stores.get(store)) return new NotFoundError(`Image ${imageId} has no copy in store ${shown}.`);
  const known = app.stores.all.map(({ id }) => id).join(', ');
  return invalid(['store'], 'UNKNOWN_STORE', `There is no store ${shown}; there is: ${known}.`);
}
