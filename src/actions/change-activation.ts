/** Deactivates and reactivates images: a deactivated one stays, but only an admin can download it. */

import { recordChange } from '../db/audit.ts';
import { transaction } from '../db/client.ts';
import { type SeenImage, updateImageRow } from '../db/images.ts';
import { actorOf, changesOf, imageObject } from '../domain/audit.ts';
import type { Caller } from '../domain/caller.ts';
import { after, wrongStatus } from '../domain/lifecycle.ts';
import type { App } from './app.ts';
import { requireImage, requireLockedImage } from './require-image.ts';

/**
 * Returns the image in its new status; one that is there already stays as it is.
 *
 * @throws NotFoundError  the caller may not see the image
 * @throws ForbiddenError not the owner's
 * @throws ConflictError  WRONG_STATUS: it has no data
 */
export function deactivateImage(app: App, caller: Caller, input: { id: string }): Promise<SeenImage> {
  return change(app, caller, input.id, 'deactivate');
}

/** As deactivateImage, the other way. */
export function reactivateImage(app: App, caller: Caller, input: { id: string }): Promise<SeenImage> {
  return change(app, caller, input.id, 'reactivate');
}

async function change(
  app: App,
  caller: Caller,
  id: string,
  event: 'deactivate' | 'reactivate',
): Promise<SeenImage> {
  const goal = event === 'deactivate' ? 'deactivated' : 'active';
  await transaction(app.db, async (tx) => {
    const image = await requireLockedImage(tx, caller, { id, operation: event, policy: app.policy });
    if (image.status === goal) return;
    const status = after(image.status, event);
    if (status === null) throw wrongStatus(image, event);
    await updateImageRow(tx, image.id, { status });
    const [object, changes] = [imageObject(image), changesOf(image, { status })];
    await recordChange(tx, { by: actorOf(caller), action: `${event}Image`, object, changes });
  });
  return requireImage(app, caller, id, 'get');
}
