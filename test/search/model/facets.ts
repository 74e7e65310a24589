/** Totals by value: facets, and the names of properties in use. */
import { type ModelImage, propertyOf, storesOf } from './catalog.ts';
import { type Conditions, type Filter, matches } from './filter.ts';
import { compareText } from './values.ts';
import { type Asked, found, shownTo } from './visible.ts';

export type FacetAsked = { attribute: string } | { property: string };

export interface Bucket {
  value: string;
  count: number;
}

export interface Facet {
  attribute: string | null;
  property: string | null;
  buckets: Bucket[];
  otherCount: number;
  missingCount: number;
}

/** Which condition of a filter is an attribute's own; PROPERTY_NAME has none. */
const ownCondition: Record<string, keyof Conditions> = {
  KIND: 'kind',
  STATUS: 'status',
  VISIBILITY: 'visibility',
  OWNER: 'owner',
  DISK_FORMAT: 'diskFormat',
  CONTAINER_FORMAT: 'containerFormat',
  TAG: 'tags',
  STORE: 'store',
};

/** What is seen stays as the whole filter has it; only what must match loses the facet's own condition. */
export function facetOf(catalog: readonly ModelImage[], asked: Asked, of: FacetAsked, limit: number): Facet {
  const where = withoutOwn(asked.where, of);
  const images = shownTo(catalog, asked).filter((image) => matches(image, where, asked.caller));
  const values = images.map((image) => valuesOf(image, of));
  const buckets = bucketsOf(values.flat());
  return {
    attribute: 'attribute' in of ? of.attribute : null,
    property: 'property' in of ? of.property : null,
    buckets: buckets.slice(0, limit),
    otherCount: buckets.slice(limit).reduce((sum, { count }) => sum + count, 0),
    missingCount: values.filter((of) => of.length === 0).length,
  };
}

/** Names of the properties of what is found, most frequent first. */
export function propertyNames(
  catalog: readonly ModelImage[],
  asked: Asked,
  { prefix, limit }: { prefix: string; limit: number },
): { name: string; count: number }[] {
  const names = found(catalog, asked).flatMap((image) => Object.keys(image.properties));
  return bucketsOf(names.filter((name) => name.startsWith(prefix)))
    .slice(0, limit)
    .map(({ value, count }) => ({ name: value, count }));
}

function bucketsOf(values: string[]): Bucket[] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const buckets = [...counts].map(([value, count]) => ({ value, count }));
  return buckets.sort((a, b) => b.count - a.count || compareText(a.value, b.value));
}

function withoutOwn(where: Filter, of: FacetAsked): Filter {
  const { and, ...top } = where;
  return { ...withoutOwnHere(top, of), ...(and && { and: and.map((one) => withoutOwnHere(one, of)) }) };
}

function withoutOwnHere(where: Filter, of: FacetAsked): Filter {
  if ('property' in of) {
    return { ...where, properties: where.properties?.filter(({ name }) => name !== of.property) };
  }
  const key = ownCondition[of.attribute];
  return key ? { ...where, [key]: null } : where;
}

function valuesOf(image: ModelImage, of: FacetAsked): string[] {
  const value = 'property' in of ? propertyOf(image, of.property) : attributeOf(image, of.attribute);
  if (Array.isArray(value)) return value;
  return value === null || value === undefined ? [] : [value];
}

function attributeOf(image: ModelImage, attribute: string): string | string[] | null {
  switch (attribute) {
    case 'KIND':
      return image.kind;
    case 'STATUS':
      return image.status;
    case 'VISIBILITY':
      return image.visibility;
    case 'OWNER':
      return image.owner;
    case 'DISK_FORMAT':
      return image.diskFormat;
    case 'CONTAINER_FORMAT':
      return image.containerFormat;
    case 'TAG':
      return image.tags;
    case 'STORE':
      return storesOf(image);
    case 'PROPERTY_NAME':
      return Object.keys(image.properties);
    default:
      throw new Error(`No facet of ${attribute}.`);
  }
}
