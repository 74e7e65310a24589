/** Which values image properties have on the images that a caller finds. */
import type { Facet } from '../../db/image-facets.ts';
import type { Caller } from '../../domain/caller.ts';
import type { App } from '../app.ts';
import { imageScope } from '../asked-images.ts';
import { seenFacets } from '../list-images.ts';
import { checkLimit } from '../list-property-names.ts';

/**
 * Of properties by their names on images, in their order. The images are those that listImages gives without any
 * filter.
 *
 * @throws ValidationError a limit out of range
 * @throws TooCostlyError, TimeoutError
 */
export async function propertyUsages(
  app: App,
  caller: Caller,
  { names, limit }: { names: readonly string[]; limit: number },
): Promise<Facet[]> {
  checkLimit(limit);
  const scope = imageScope(app, caller, { filters: [], includes: new Set() });
  return seenFacets(
    app,
    scope,
    names.map((property) => ({ property })),
    limit,
  );
}
