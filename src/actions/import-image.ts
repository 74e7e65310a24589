/** Asks for an import: what can be known is checked now, the bytes are a task's. */
import { recordChange } from '../db/audit.ts';
import { transaction } from '../db/client.ts';
import type { ImageRow, SeenImage } from '../db/images.ts';
import { findStaged, findStoresOfImage, insertPendingCopies, markImporting } from '../db/imports.ts';
import { takeRoom } from '../db/quotas.ts';
import { findTask, insertTask } from '../db/tasks.ts';
import { actorOf, changesOf, imageObject } from '../domain/audit.ts';
import type { Caller } from '../domain/caller.ts';
import { ConflictError, invalid } from '../domain/errors.ts';
import { type ImportMethod, importQueue, queueOfMachine, shownOrder, targetsOf } from '../domain/import.ts';
import { hasData, wrongStatus } from '../domain/lifecycle.ts';
import { mayReadAll } from '../domain/policy.ts';
import type { Allowance } from '../domain/quota.ts';
import type { Task, TaskType } from '../domain/task.ts';
import { isWritable } from '../stores/store.ts';
import { withRoom } from './allowance.ts';
import type { App } from './app.ts';
import { checkFormats, requireWritableStore } from './check-data.ts';
import { newKey } from './hold-claim.ts';
import { requireImage, requireLockedImage } from './require-image.ts';
import { requireTurn } from './require-turn.ts';
import { isPacked } from './unpack-source.ts';

export interface ImportImage {
  id: string;
  method: ImportMethod;
  /** Store.id of each; null: not said. */
  stores: readonly string[] | null;
  allStores: boolean;
  allMustSucceed: boolean;
  /** What the task is called, and what it shows of what was asked for; of a task of images when left out. */
  task?: { type: TaskType; input: unknown };
}

/**
 * Returns the image as it now stands and the task that works on it.
 *
 * @throws NotFoundError   the caller may not see the image
 * @throws ForbiddenError  not the owner's; a copy to more stores is an admin's to ask for
 * @throws ValidationError a method that is switched off, stores that are not there, formats that are missing, a URL
 *                         that this service may not fetch
 * @throws QuotaExceededError its project has no room for so much
 * @throws ConflictError   WRONG_STATUS; ALREADY_EXISTS: one of the stores named, or each there is, has it or will have
 * @throws RateLimitedError the project has as many imports under way as it may
 */
export async function importImage(
  app: App,
  caller: Caller,
  input: ImportImage,
): Promise<{ image: SeenImage; task: Task }> {
  const { method } = input;
  const isCopy = method.name === 'copy-image';
  const operation = isCopy ? 'copy' : 'import';
  const seen = await requireImage(app, caller, input.id, operation);
  requireMethod(app, method);
  const asked = input.stores?.map((id, n) => requireWritableStore(app, id, ['stores', String(n)]).id) ?? null;
  const writable = app.stores.all.filter(isWritable).map(({ id }) => id);
  const targets = targetsOf(writable, { asked, all: input.allStores, usual: app.stores.default.id });
  if (method.name === 'web-download') app.egress.requireUrl(method.url, ['method', 'webDownload', 'url']);

  const { policy } = app;
  const begin = (allowance: Allowance) =>
    transaction(app.db, async (tx) => {
      await requireTurn(app, tx, caller);
      const image = await requireLockedImage(tx, caller, { id: seen.id, operation, policy });
      checkStatus(image, method);
      const there = await findStoresOfImage(tx, image.id);
      const stores = targets.filter((store) => !there.has(store));
      if (stores.length < targets.length && (stores.length === 0 || !input.allStores)) {
        throw alreadyThere(
          image.id,
          targets.filter((store) => there.has(store)),
        );
      }
      if (image.owner !== allowance.project) {
        throw new ConflictError(
          'BUSY',
          `Image ${image.id} was given to another project just now; try again.`,
        );
      }
      const staged = await findStaged(tx, image.id);
      const size = sizeToCome(app, image, { method, staged: staged?.size ?? null });
      await takeRoom(tx, allowance, { uploads: staged ? 0 : 1, bytes: (size ?? 1) * stores.length });
      const { allMustSucceed } = input;
      const { project, roles } = caller;
      const isAdmin = mayReadAll(policy, caller);
      const order = { method, stores, allMustSucceed, project, isAdmin, roles };
      const shown = shownOrder(order);
      const id = await insertTask(tx, {
        imageId: image.id,
        owner: image.owner,
        queue: queueFor(app, staged?.store ?? null, method),
        order,
        ...(input.task ?? { type: 'api_image_import', input: shown }),
        user: caller.user,
        requestId: caller.requestId ?? null,
      });
      const planned = stores.map((store) => ({ store, key: newKey(image.id) }));
      await insertPendingCopies(tx, { imageId: image.id, taskId: id, planned, bytes: size ?? 0 });
      if (!isCopy) await markImporting(tx, image.id);
      await recordChange(tx, {
        by: actorOf(caller),
        action: 'importImage',
        object: imageObject(image),
        changes: [
          ...(isCopy ? [] : changesOf(image, { status: 'importing' })),
          ...changesOf(null, { task: id, copies: Object.fromEntries(stores.map((one) => [one, 'pending'])) }),
          ...changesOf(null, shown),
        ],
      });
      return id;
    });
  const taskId = await withRoom(app, seen.owner, begin);
  const task = await findTask(app.db, taskId);
  if (!task) throw new Error(`Task ${taskId} is gone.`);
  return { image: await requireImage(app, caller, seen.id, operation), task };
}

function requireMethod(app: App, { name }: ImportMethod): void {
  if (app.imports.methods.includes(name)) return;
  const there = app.imports.methods.join(', ') || 'none';
  throw invalid(
    ['method'],
    'METHOD_OFF',
    `The import method ${name} is switched off here; there is: ${there}.`,
  );
}

/** @throws ConflictError, ValidationError as importImage */
function checkStatus(image: ImageRow, { name }: ImportMethod): void {
  if (name === 'copy-image') {
    if (!hasData(image.status)) throw wrongStatus(image, 'copy');
    return;
  }
  const isStaged = image.status === 'uploading' && image.leaseUntil === null;
  if (name === 'glance-direct' ? !isStaged : image.status !== 'queued') {
    throw wrongStatus(image, name === 'glance-direct' ? 'importStaged' : 'beginImport');
  }
  checkFormats(image);
}

function alreadyThere(id: string, stores: readonly string[]): ConflictError {
  const where = stores.length === 1 ? `Store ${stores[0]} has` : `Stores ${stores.join(', ')} have`;
  return new ConflictError(
    'ALREADY_EXISTS',
    `${where} image ${id} already, or gets it, or has a damaged copy, which a scrub writes anew.`,
  );
}

/** Bytes of each copy; null: only the worker will know. */
function sizeToCome(
  app: App,
  image: ImageRow,
  { method, staged }: { method: ImportMethod; staged: number | null },
): number | null {
  if (method.name === 'copy-image') return image.size;
  return method.name === 'glance-direct' && !isPacked(app, image) ? staged : null;
}

/** Any worker's, but for what is staged on one machine alone. */
function queueFor(app: App, store: string | null, { name }: ImportMethod): string {
  if (name !== 'glance-direct') return importQueue;
  const isShared = store === null || app.stores.all.some(({ id }) => id === store);
  return isShared ? importQueue : queueOfMachine(store);
}
