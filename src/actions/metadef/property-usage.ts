/** Which values image properties have on the images that a caller finds. */
import { type Facet, findFacets } from '../../db/image-facets.ts';
import { imageScope } from '../../db/image-scope.ts';
import type { Caller } from '../../domain/caller.ts';
import type { App } from '../app.ts';
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
  return findFacets(
    app,
    imageScope(caller, [], new Set()),
    names.map((property) => ({ property })),
    limit,
  );
}
