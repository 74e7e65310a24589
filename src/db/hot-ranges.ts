/**
 * Ranges of hot properties as the values that lie in them: the vocabulary has all values of these, and to compare a
 * value is cheaper than to read it as a number or a version. It is asked anew each time, since an answer hangs on it.
 */
import { type ImageFilter, type PropertyFilter, topConditions } from '../search/image-filter.ts';
import type { Catalog, ImageScope } from './image-scope.ts';
import { newParams, type Params } from './params.ts';
import { orderedLength } from './property-value.ts';
import { rangeConditions } from './value-filter.ts';

/** Values of a property that are looked through; with more of them its own index is the better way. */
const valuesMax = 500;

interface Found {
  n: number;
  values: string[];
  /** All values of the property are known, each of them whole. */
  is_known: boolean;
}

/** The same scope, with lists of values in place of such ranges at the tops of its filters. */
export async function withValues({ db, search }: Catalog, scope: ImageScope): Promise<ImageScope> {
  const ranges = scope.filters
    .flatMap(topConditions)
    .flatMap(({ properties = [] }) => properties)
    .filter((property) => search.hot.has(property.name) && isRange(property));
  if (ranges.length === 0) return scope;
  const params = newParams();
  const text = ranges.map((range, n) => valuesSql(range, n, params)).join(' union all ');
  const values = new Map<PropertyFilter, string[]>();
  for (const found of await db.search<Found>(text, params.values, { prepared: true })) {
    if (found.is_known) values.set(ranges[found.n] as PropertyFilter, found.values);
  }
  return { ...scope, filters: scope.filters.map((filter) => replaced(filter, values)) };
}

/** Only views that read the value; what is asked of its text besides stays beside it. */
const isRange = ({ number, version, boolean, text }: PropertyFilter) =>
  text === undefined && (number !== undefined || version !== undefined || boolean !== undefined);

function valuesSql({ name, number, version, boolean }: PropertyFilter, n: number, params: Params): string {
  const conditions = [
    ...(number ? ['number is not null', ...rangeConditions('number', 'float8', number, params)] : []),
    ...(version
      ? ['version is not null', ...rangeConditions('version', 'version once', version, params)]
      : []),
    ...(boolean === undefined ? [] : [`vitrine_boolean(value) = ${params.add(boolean, 'boolean')}`]),
  ];
  return `select ${n} as n, coalesce(array_agg(value) filter (where ${conditions.join(' and ')}), '{}') as values,
      count(*) <= ${valuesMax} and coalesce(max(length(value)), 0) < ${orderedLength} as is_known
    from (select value, number, version from image_vocabulary
      where name = ${params.add(name, 'text')} limit ${valuesMax + 1}) as known`;
}

function replaced(filter: ImageFilter, values: ReadonlyMap<PropertyFilter, string[]>): ImageFilter {
  const { properties, and } = filter;
  return {
    ...filter,
    ...(properties && { properties: properties.map((property) => valued(property, values)) }),
    ...(and && { and: and.map((part) => replaced(part, values)) }),
  };
}

/** Takes out only what the values answer: whatever else is asked of the property is still to be looked at. */
function valued(property: PropertyFilter, values: ReadonlyMap<PropertyFilter, string[]>): PropertyFilter {
  const list = values.get(property);
  if (!list) return property;
  const { number: _number, version: _version, boolean: _boolean, ...rest } = property;
  return { ...rest, values: list };
}
