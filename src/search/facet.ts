/** Facets: what values are counted of, and which condition is not set while they are. */
import type { ImageFilter } from './image-filter.ts';

export const facetAttributes = [
  'KIND',
  'STATUS',
  'VISIBILITY',
  'OWNER',
  'DISK_FORMAT',
  'CONTAINER_FORMAT',
  'TAG',
  'STORE',
  'PROPERTY_NAME',
] as const;
export type FacetAttribute = (typeof facetAttributes)[number];

export type FacetOf = { attribute: FacetAttribute } | { property: string };

/** One text for one facet. */
export const facetName = (facet: FacetOf) =>
  'attribute' in facet ? facet.attribute : `property ${facet.property}`;

const conditionOf: Partial<Record<FacetAttribute, keyof ImageFilter>> = {
  KIND: 'kind',
  STATUS: 'status',
  VISIBILITY: 'visibility',
  OWNER: 'owner',
  DISK_FORMAT: 'diskFormat',
  CONTAINER_FORMAT: 'containerFormat',
  TAG: 'tags',
  STORE: 'store',
};

/**
 * The filter without the facet's own condition, where that stands at the top or in the top-level `and`: so that a
 * sidebar offers the other values too.
 */
export function withoutOwnCondition(filter: ImageFilter, facet: FacetOf): ImageFilter {
  const rest = withoutOwn(filter, facet);
  return rest.and ? { ...rest, and: rest.and.map((part) => withoutOwn(part, facet)) } : rest;
}

function withoutOwn(filter: ImageFilter, facet: FacetOf): ImageFilter {
  if ('attribute' in facet) {
    const condition = conditionOf[facet.attribute];
    if (condition === undefined || !(condition in filter)) return filter;
    const { [condition]: _, ...rest } = filter;
    return rest;
  }
  if (!filter.properties) return filter;
  const { properties, ...rest } = filter;
  const others = properties.filter((property) => property.name !== facet.property);
  return others.length > 0 ? { ...rest, properties: others } : rest;
}
