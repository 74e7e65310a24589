/**
 * Questions about properties that the asker may not read: they are put about a property that no image has, so that
 * every condition, order and facet answers as it does for one that is missing.
 */
import { limits } from '../domain/fields.ts';
import { signatureProperties } from '../domain/signature.ts';
import type { FacetOf } from './facet.ts';
import type { ImageFilter } from './image-filter.ts';
import type { ImageOrder } from './image-order.ts';

/** Properties that are not there for who asks. */
export interface HiddenProperties {
  has(name: string): boolean;
  /** Of the describing properties, which free text looks into, those that may be read. */
  readonly describing: readonly string[];
}

/** Longer than the name of any property; another one for each, since conditions and facets on one belong together. */
const missing = (name: string) => name + ' '.repeat(limits.propertyNameLength + 1);

const nameFor = (hidden: HiddenProperties, name: string) => (hidden.has(name) ? missing(name) : name);

export function seenFilter(filter: ImageFilter, hidden: HiddenProperties | null): ImageFilter {
  if (hidden === null) return filter;
  const seen = filter.signature && hidesSignatures(hidden) ? withoutSignature(filter) : filter;
  const { and, or, not, properties } = seen;
  const each = (parts: ImageFilter[]) => parts.map((part) => seenFilter(part, hidden));
  return {
    ...seen,
    ...(and && { and: each(and) }),
    ...(or && { or: each(or) }),
    ...(not && { not: seenFilter(not, hidden) }),
    ...(properties && {
      properties: properties.map((property) => ({ ...property, name: nameFor(hidden, property.name) })),
    }),
  };
}

/** Who may not read one of its properties does not see the signature. */
const hidesSignatures = (hidden: HiddenProperties) => signatureProperties.some((name) => hidden.has(name));

/** As if no image had one. */
function withoutSignature({ signature = {}, ...filter }: ImageFilter): ImageFilter {
  const { isNull, ...operators } = signature;
  const asksForOne = isNull === false || Object.values(operators).some((operand) => operand !== undefined);
  return asksForOne ? { ...filter, and: [...(filter.and ?? []), { or: [] }] } : filter;
}

export function seenOrder(
  order: readonly ImageOrder[],
  hidden: HiddenProperties | null,
): readonly ImageOrder[] {
  if (hidden === null) return order;
  return order.map((key) =>
    key.field === 'property' ? { ...key, property: nameFor(hidden, key.property) } : key,
  );
}

export function seenFacet(facet: FacetOf, hidden: HiddenProperties | null): FacetOf {
  if (hidden === null || !('property' in facet)) return facet;
  return { property: nameFor(hidden, facet.property) };
}
