/** Filters that say nothing but that a property has one of some values: these are counted without looking at images. */
import type { ImageFilter, PropertyFilter, StringFilter } from '../search/image-filter.ts';

export interface AskedValues {
  name: string;
  values: string[];
}

/** Null: the filters ask for something else, or for more. A value may stand there twice. */
export function askedValues(filters: readonly ImageFilter[]): AskedValues | null {
  const conditions = filters.flatMap(conditionsOf);
  const [[key, asked] = []] = conditions;
  if (conditions.length !== 1 || key !== 'properties') return null;
  const [property, ...others] = asked as PropertyFilter[];
  return property && others.length === 0 ? valuesOf(property) : null;
}

/**
 * The same filter with lists of texts as such values: of an image that is at hand it is quicker to ask so, and no index
 * has it.
 */
export function withoutIndexes(filter: ImageFilter): ImageFilter {
  const { properties, and } = filter;
  return {
    ...filter,
    ...(properties && { properties: properties.map((property) => valuesOf(property) ?? property) }),
    ...(and && { and: and.map(withoutIndexes) }),
  };
}

/** What a filter asks for. All of it must hold: what stands in an `and`, however deep, is as good as beside it. */
export function conditionsOf(filter: ImageFilter): [string, unknown][] {
  return given(filter).flatMap(([key, value]) =>
    key === 'and' ? (value as ImageFilter[]).flatMap(conditionsOf) : [[key, value] as [string, unknown]],
  );
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

/** The keys of a filter that say something. */
export const given = (object: object): [string, unknown][] =>
  Object.entries(object).filter(([, value]) => value !== undefined);
