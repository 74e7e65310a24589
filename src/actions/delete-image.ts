/** Takes an image away for ever; its bytes follow in the background. */

import { recordChange } from '../db/audit.ts';
import { transaction } from '../db/client.ts';
import { deleteImageRow } from '../db/copies.ts';
import type { ImageRow } from '../db/images.ts';
import { actorOf, changesOf, imageObject } from '../domain/audit.ts';
import type { Caller } from '../domain/caller.ts';
import { ConflictError } from '../domain/errors.ts';
import type { App } from './app.ts';
import { requireLockedImage } from './require-image.ts';
import { requireRevision } from './update-image.ts';

/**
 * Returns the id. Works in every status: an upload under way loses its claim and cleans up after itself.
 *
 * @throws NotFoundError  the caller may not see the image
 * @throws ForbiddenError not the owner's
 * @throws ConflictError  PROTECTED, or REVISION_MISMATCH
 */
export async function deleteImage(
  app: App,
  caller: Caller,
  input: { id: string; ifRevision?: number | null },
): Promise<{ id: string }> {
  return transaction(app.db, async (tx) => {
    const image = await requireLockedImage(tx, caller, {
      id: input.id,
      operation: 'delete',
      policy: app.policy,
    });
    requireRevision(image, input.ifRevision);
    if (image.protected) {
      throw new ConflictError('PROTECTED', `Image ${image.id} is protected; set protected to false first.`);
    }
    await deleteImageRow(tx, image.id);
    const changes = changesOf(lastSeen(image), null);
    await recordChange(tx, {
      by: actorOf(caller),
      action: 'deleteImage',
      object: imageObject(image),
      changes,
    });
    return { id: image.id };
  });
}

/** What users knew of it. */
function lastSeen(image: ImageRow) {
  const { id, searchText, failure, attempt, leaseUntil, revision, createdAt, updatedAt, ...fields } = image;
  return fields;
}
