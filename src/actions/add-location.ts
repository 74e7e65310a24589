/** Asks for an image to consist of bytes that another server has, where they stay. */
import { recordChange } from '../db/audit.ts';
import type { Statements } from '../db/client.ts';
import { transaction } from '../db/client.ts';
import { findStoresOfImage, insertPendingCopies, markImporting } from '../db/imports.ts';
import { takeRoom } from '../db/quotas.ts';
import { insertTask } from '../db/tasks.ts';
import { actorOf, changesOf, imageObject } from '../domain/audit.ts';
import type { Caller } from '../domain/caller.ts';
import { ConflictError, invalid } from '../domain/errors.ts';
import { importQueue, type KnownDigest, type Registration } from '../domain/import.ts';
import { wrongStatus } from '../domain/lifecycle.ts';
import { mayReadAll } from '../domain/policy.ts';
import type { Allowance } from '../domain/quota.ts';
import type { Store } from '../stores/store.ts';
import { withRoom } from './allowance.ts';
import type { App } from './app.ts';
import { checkFormats } from './check-data.ts';
import { type LockedImage, requireImage, requireLockedImage } from './require-image.ts';
import { requireTurn } from './require-turn.ts';

export interface AddLocation {
  id: string;
  location: Registration;
  /** What the task shows of what was asked for. */
  shown: unknown;
  /** Also where the image has its bytes: these have to be the same. */
  isOneMore?: boolean;
}

/**
 * Returns the id of the task that looks at them: the image is active when it is done.
 *
 * @throws NotFoundError      the caller may not see the image, nor is it a service
 * @throws ForbiddenError     not the owner's
 * @throws ValidationError    no store here reads what web servers have, a URL that this service may not ask, or formats
 *                            that are missing
 * @throws ConflictError      WRONG_STATUS: not queued
 * @throws QuotaExceededError its project has no room
 * @throws RateLimitedError   as many imports are under way as may be
 */
export async function addLocation(
  app: App,
  caller: Caller,
  { id, location, shown, isOneMore = false }: AddLocation,
): Promise<string> {
  const operation = 'addLocation';
  const { policy } = app;
  const seen = await requireImage(app, caller, id, operation);
  const store = requireStoreFor(app, location);
  app.egress.requireUrl(location.url, ['url']);
  return withRoom(app, seen.owner, (allowance: Allowance) =>
    transaction(app.db, async (tx) => {
      await requireTurn(app, tx, caller);
      const image = await requireLockedImage(tx, caller, { id: seen.id, operation, policy });
      const isActive = isOneMore && image.status === 'active';
      if (image.status !== 'queued' && !isActive) throw wrongStatus(image, 'beginImport');
      if (isActive) await requireNotThere(tx, image.id, store.id);
      checkFormats(image);
      if (image.owner !== allowance.project) {
        throw new ConflictError(
          'BUSY',
          `Image ${image.id} was given to another project just now; try again.`,
        );
      }
      await takeRoom(tx, allowance, { uploads: 1, bytes: 1 });
      const method = isActive ? { ...location, digest: sameBytesAs(image) } : location;
      const { project, roles, user, requestId = null } = caller;
      const isAdmin = mayReadAll(policy, caller);
      const task = await insertTask(tx, {
        type: 'location_import',
        imageId: image.id,
        owner: image.owner,
        queue: importQueue,
        order: { method, stores: [store.id], allMustSucceed: true, project, isAdmin, roles },
        input: shown,
        user,
        requestId,
      });
      const planned = [{ store: store.id, key: location.url }];
      await insertPendingCopies(tx, { imageId: image.id, taskId: task, planned, bytes: 0 });
      if (!isActive) await markImporting(tx, image.id);
      await recordChange(tx, {
        by: actorOf(caller),
        action: 'addImageLocation',
        object: imageObject(image),
        changes: [
          ...(isActive ? [] : changesOf(image, { status: 'importing' })),
          ...changesOf(null, { task, copies: { [store.id]: 'pending' } }),
        ],
      });
      return task;
    }),
  );
}

/** @throws ConflictError ALREADY_EXISTS: it is there, or on its way */
async function requireNotThere(tx: Statements, imageId: string, store: string): Promise<void> {
  if (!(await findStoresOfImage(tx, imageId)).has(store)) return;
  throw new ConflictError('ALREADY_EXISTS', `Image ${imageId} has a copy in store ${store}, or gets one.`);
}

/** @throws ConflictError BUSY: what they are is not known yet */
function sameBytesAs({ id, digests, checksum }: LockedImage): KnownDigest {
  const { sha512 } = digests;
  if (sha512) return { algorithm: 'sha512', value: sha512 };
  if (checksum) return { algorithm: 'md5', value: checksum };
  throw new ConflictError('BUSY', `The digests of image ${id} are being computed; try again later.`);
}

function requireStoreFor({ stores }: App, { url }: Registration): Store {
  const store = stores.all.find(({ type }) => type === 'http');
  if (store) return store;
  const { protocol } = new URL(url);
  const message = `No store here reads what is at ${protocol} URLs (a store of type http would); send the bytes.`;
  throw invalid(['url'], 'NO_STORE', message);
}
