/** Which values a defined property has on the images that a caller finds. */
import { type Facet, findFacets } from '../../db/image-facets.ts';
import { findAssociations } from '../../db/metadef/parts.ts';
import type { Caller } from '../../domain/caller.ts';
import { imageResourceType, type MetadefProperty } from '../../domain/metadef/metadef.ts';
import type { App } from '../app.ts';
import { checkLimit } from '../list-property-names.ts';

/**
 * Null when its namespace is not for images. The images are those that listImages gives without any filter.
 *
 * @throws ValidationError a limit out of range
 * @throws TooCostlyError, TimeoutError
 */
export async function propertyUsage(
  app: App,
  caller: Caller,
  { property, limit }: { property: MetadefProperty; limit: number },
): Promise<Facet | null> {
  checkLimit(limit);
  const associations = await findAssociations(app.db, [property.namespaceId]);
  const image = associations.find(({ resourceType }) => resourceType === imageResourceType);
  if (!image) return null;
  const name = (image.prefix ?? '') + property.name;
  const scope = { caller, filters: [], includes: new Set<never>() };
  const [facet] = await findFacets(app, scope, [{ property: name }], limit);
  return facet ?? null;
}
