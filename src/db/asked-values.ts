/** Filters that say nothing but that a property has one of some values: these are counted without looking at images. */
import {
  allConditions,
  given,
  type ImageFilter,
  type PropertyFilter,
  type StringFilter,
} from '../search/image-filter.ts';

export interface AskedValues {
  name: string;
  values: string[];
}

/** Null: the filters ask for something else, or for more. A value may stand there twice. */
export function askedValues(filters: readonly ImageFilter[]): AskedValues | null {
  const conditions = filters.flatMap(allConditions);
  const [[key, asked] = []] = conditions;
  if (conditions.length !== 1 || key !== 'properties') return null;
  const [property, ...others] = asked as PropertyFilter[];
  return property && others.length === 0 ? valuesOf(property) : null;
}

/**
 * The same filter with lists of texts as such values: quicker to ask of an image that is at hand, and of no use to any
 * index, so that none is chosen for it.
 */
export function withoutIndexes(filter: ImageFilter): ImageFilter {
  const { properties, and } = filter;
  return {
    ...filter,
    ...(properties && { properties: properties.map((property) => valuesOf(property) ?? property) }),
    ...(and && { and: and.map(withoutIndexes) }),
  };
}

function valuesOf({ name, ...views }: PropertyFilter): AskedValues | null {
  const [[view, asked] = [], ...others] = given(views);
  // No image has a property without a name.
  if (name === '' || others.length > 0) return null;
  if (view === 'values') return { name, values: asked as string[] };
  if (view !== 'text') return null;
  const { ignoreCase, ...operators } = asked as StringFilter;
  const [[operator, operand] = [], ...more] = given(operators);
  if (ignoreCase || more.length > 0) return null;
  if (operator === 'eq') return { name, values: [operand as string] };
  return operator === 'in' ? { name, values: operand as string[] } : null;
}
