/** Asks for an import: what can be known is checked now, the bytes are a task's. */
import { type Statements, transaction } from '../db/client.ts';
import type { ImageRow, SeenImage } from '../db/images.ts';
import { findStagedStore, findStoresOfImage, insertPendingCopies, markImporting } from '../db/imports.ts';
import { countUnfinished, findTask, insertTask } from '../db/tasks.ts';
import type { Caller } from '../domain/caller.ts';
import { ConflictError, invalid, RateLimitedError } from '../domain/errors.ts';
import { type ImportMethod, importQueue, queueOfMachine, shownOrder, targetsOf } from '../domain/import.ts';
import { hasData, wrongStatus } from '../domain/lifecycle.ts';
import type { Task } from '../domain/task.ts';
import { isWritable } from '../stores/store.ts';
import type { App } from './app.ts';
import { checkFormats, requireWritableStore } from './check-data.ts';
import { newKey } from './hold-claim.ts';
import { requireImage, requireLockedImage } from './require-image.ts';

export interface ImportImage {
  id: string;
  method: ImportMethod;
  /** Store.id of each; null: not said. */
  stores: readonly string[] | null;
  allStores: boolean;
  allMustSucceed: boolean;
  /** Of the request that asks for it. */
  requestId: string | null;
}

/**
 * Returns the image as it now stands and the task that works on it.
 *
 * @throws NotFoundError   the caller may not see the image
 * @throws ForbiddenError  not the owner's; a copy to more stores is an admin's to ask for
 * @throws ValidationError a method that is switched off, stores that are not there, formats that are missing, a URL
 *                         that this service may not fetch
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

  const taskId = await transaction(app.db, async (tx) => {
    await requireTurn(app, tx, caller);
    const image = await requireLockedImage(tx, caller, { id: seen.id, operation });
    checkStatus(image, method);
    const there = await findStoresOfImage(tx, image.id);
    const stores = targets.filter((store) => !there.has(store));
    if (stores.length < targets.length && (stores.length === 0 || !input.allStores)) {
      throw alreadyThere(
        image.id,
        targets.filter((store) => there.has(store)),
      );
    }
    const { allMustSucceed } = input;
    const { project, isAdmin } = caller;
    const order = { method, stores, allMustSucceed, project, isAdmin };
    const id = await insertTask(tx, {
      type: 'api_image_import',
      imageId: image.id,
      owner: image.owner,
      queue: await queueFor(app, tx, { imageId: image.id, method }),
      order,
      input: shownOrder(order),
      user: caller.user,
      requestId: input.requestId,
    });
    const planned = stores.map((store) => ({ store, key: newKey(image.id) }));
    await insertPendingCopies(tx, { imageId: image.id, taskId: id, planned });
    if (!isCopy) await markImporting(tx, image.id);
    return id;
  });
  const task = await findTask(app.db, taskId);
  if (!task) throw new Error(`Task ${taskId} is gone.`);
  return { image: await requireImage(app, caller, seen.id, operation), task };
}

/** How long an import takes nobody knows: this is when it is worth asking again. */
const retrySeconds = 10;

async function requireTurn({ limits }: App, tx: Statements, { project }: Caller): Promise<void> {
  if (limits.imports === null || project === null) return;
  if ((await countUnfinished(tx, project)) < limits.imports) return;
  throw new RateLimitedError(
    `Project ${project} may have ${limits.imports} imports under way; try again when one of them is done.`,
    retrySeconds,
  );
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

/** Any worker's, but for what is staged on one machine alone. */
async function queueFor(
  app: App,
  tx: Statements,
  { imageId, method }: { imageId: string; method: ImportMethod },
): Promise<string> {
  if (method.name !== 'glance-direct') return importQueue;
  const store = await findStagedStore(tx, imageId);
  const isShared = store === null || app.stores.all.some(({ id }) => id === store);
  return isShared ? importQueue : queueOfMachine(store);
}
