/** Where the bytes of an image are, for services that read them there. */
import { findStoredCopies } from '../db/stored-copies.ts';
import type { Caller } from '../domain/caller.ts';
import type { App } from './app.ts';
import { requireImage } from './require-image.ts';

export interface Location {
  /** Without secrets: who follows it has its own. */
  url: string;
  /** Store.id. */
  store: string;
}

/**
 * Of copies that can be read, in the order in which they are.
 *
 * @throws NotFoundError  missing, or the caller may not see the image, nor is it a service
 * @throws ForbiddenError seen, but where its bytes are is not for this caller
 */
export async function listLocations(app: App, caller: Caller, imageId: string): Promise<Location[]> {
  const { id } = await requireImage(app, caller, imageId, 'listLocations');
  return locationsOf(
    app,
    (await findStoredCopies(app.db, id)).filter(({ damage }) => damage === null),
  );
}

/** Of these copies, in the order in which they are read. */
export function locationsOf(
  { stores }: App,
  places: readonly { store: string; key: string }[],
): Promise<Location[]> {
  const sorted = places.toSorted((a, b) => stores.weightOf(b.store) - stores.weightOf(a.store));
  return Promise.all(sorted.map(async ({ store, key }) => ({ url: await stores.urlOf(store, key), store })));
}
