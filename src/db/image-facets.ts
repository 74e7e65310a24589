/** Which values the images of a scope have, and how many have each: what a filter sidebar shows. */
import { type FacetOf, facetName, withoutOwnCondition } from '../search/facet.ts';
import { tokenFilter } from '../search/token-filter.ts';
import { runPriced } from './image-pages.ts';
import { type Catalog, hasConditions, type ImageScope } from './image-scope.ts';
import { matchesOf } from './image-totals.ts';
import type { Params } from './params.ts';
import { findKeptCounts } from './value-counts.ts';

export interface Facet {
  of: FacetOf;
  /** By falling count, then by value. */
  buckets: { value: string; count: number }[];
  /** Sum of the counts of the values beyond the limit. */
  otherCount: number;
  /** Images without any value. */
  missingCount: number;
}

/**
 * The facets, in the order asked. Each counts as if the condition on its own attribute were not set; what a token is for
 * always holds.
 * @throws TooCostlyError, TimeoutError
 */
export async function findFacets(
  catalog: Catalog,
  scope: ImageScope,
  asked: readonly FacetOf[],
  limit: number,
): Promise<Facet[]> {
  // Those that count the same images are answered by one statement.
  const fixed = tokenFilter(scope.caller);
  const alike = new Map<string, { scope: ImageScope; facets: FacetOf[] }>();
  for (const facet of asked) {
    const filters = scope.filters.map((filter) =>
      filter === fixed ? filter : withoutOwnCondition(filter, facet),
    );
    const key = JSON.stringify(filters, (_, value) => (typeof value === 'bigint' ? String(value) : value));
    const known = alike.get(key) ?? { scope: { ...scope, filters }, facets: [] };
    if (!known.facets.some((of) => facetName(of) === facetName(facet))) known.facets.push(facet);
    alike.set(key, known);
  }
  const found = new Map<string, Facet>();
  for (const { scope, facets } of alike.values()) {
    const kept = hasConditions(scope) ? [] : await keptFacets(catalog, scope, facets, limit);
    const rest = facets.filter((of) => !kept.some((facet) => facet.of === of));
    const counted = rest.length > 0 ? await countValues(catalog, scope, rest, limit) : [];
    for (const facet of [...kept, ...counted]) found.set(facetName(facet.of), facet);
  }
  return asked.map((facet) => found.get(facetName(facet)) as Facet);
}

/** Names of properties and on how many images each is, most frequent first. @throws TooCostlyError, TimeoutError */
export async function findPropertyNames(
  catalog: Catalog,
  asked: ImageScope,
  { prefix, limit }: { prefix: string; limit: number },
): Promise<{ name: string; count: number }[]> {
  const names = await readableNames(catalog, asked);
  const { draft, from, cost, scope } = await matchesOf(catalog, asked);
  const isReadable = names ? ` and name = any(${draft.params.add(names, 'text[]')})` : '';
  const text = `select name, count(*)::float8 as count
    from (select i.properties from ${from}) as hits, jsonb_object_keys(hits.properties) as name
    where starts_with(name, ${draft.params.add(prefix, 'text')})${isReadable}
    group by name order by count desc, name collate "C" limit ${draft.params.add(limit, 'int')}`;
  return runPriced(catalog, scope, { text, values: draft.params.values, cost });
}

/**
 * The names on the images of a scope, without hidden ones; null: none are hidden from the caller. Asked before they are
 * counted, since the rules that hide them are none that the database could look at.
 */
async function readableNames(catalog: Catalog, asked: ImageScope): Promise<string[] | null> {
  const { hidden } = asked;
  if (hidden === null) return null;
  const { draft, from, cost, scope } = await matchesOf(catalog, asked);
  const text = `select distinct name from (select i.properties from ${from}) as hits,
    jsonb_object_keys(hits.properties) as name`;
  const statement = { text, values: draft.params.values, cost };
  const rows = await runPriced<{ name: string }>(catalog, scope, statement);
  return rows.flatMap(({ name }) => (hidden.has(name) ? [] : [name]));
}

/** Facets of properties of everything that a caller lists, out of the counts that are kept. */
async function keptFacets(
  catalog: Catalog,
  scope: ImageScope,
  asked: readonly FacetOf[],
  limit: number,
): Promise<Facet[]> {
  const names = new Set(asked.flatMap((of) => ('property' in of ? [of.property] : [])));
  if (names.size === 0) return [];
  const kept = await findKeptCounts(catalog, scope, { names: [...names], limit });
  return asked.flatMap((of) => {
    const counts = 'property' in of ? kept.get(of.property) : undefined;
    if (!counts) return [];
    const { buckets, counted, images } = counts;
    const shown = buckets.reduce((sum, { count }) => sum + count, 0);
    return [{ of, buckets, otherCount: counted - shown, missingCount: images - counted }];
  });
}

interface FacetRow {
  n: number;
  buckets: { value: string; count: number }[] | null;
  total: number;
  missing: number;
}

async function countValues(
  catalog: Catalog,
  asked: ImageScope,
  facets: readonly FacetOf[],
  limit: number,
): Promise<Facet[]> {
  const countsNames = facets.some((facet) => 'attribute' in facet && facet.attribute === 'PROPERTY_NAME');
  const names = countsNames ? await readableNames(catalog, asked) : null;
  const { draft, from, cost, scope } = await matchesOf(catalog, asked);
  const sources = facets.map((facet, n) => sourceOf(facet, n, { params: draft.params, names }));
  const max = draft.params.add(limit, 'int');
  const counted = sources.map(({ counted }, n) => `counted_${n} as (${counted})`);
  const selects = sources.map(
    ({ missing }, n) => `select ${n} as n, (
        select jsonb_agg(jsonb_build_object('value', value, 'count', count) order by count desc, value collate "C")
        from (select value, count from counted_${n} where value is not null
          order by count desc, value collate "C" limit ${max}) as top) as buckets,
      (select coalesce(sum(count), 0)::float8 from counted_${n} where value is not null) as total,
      (${missing ?? `select coalesce(sum(count), 0) from counted_${n} where value is null`})::float8 as missing`,
  );
  const text = `with ${hitsSql(sources, from)}, ${counted.join(', ')} ${selects.join(' union all ')} order by n`;
  const rows = await runPriced<FacetRow>(catalog, scope, { text, values: draft.params.values, cost });
  return rows.map(({ n, buckets, total, missing }) => {
    const shown = buckets ?? [];
    const otherCount = total - shown.reduce((sum, bucket) => sum + bucket.count, 0);
    return { of: facets[n] as FacetOf, buckets: shown, otherCount, missingCount: missing };
  });
}

interface Source {
  /** What of images i it needs. */
  column: string;
  /** The same column in `alike`, if it is counted from there. */
  alike?: string;
  /** Values and how many images have each. */
  counted: string;
  /** How many images have none; when nothing is said these are counted as a value that is null. */
  missing?: string;
}

/**
 * What is counted: `hits`, which PostgreSQL only keeps where several sources ask for them, and `alike`, how many of them
 * have the same in a column, for all columns in one pass. For one column it would sort them, unless they are kept; and
 * without a fence it takes each image's properties, and what is read of them, for different from all others.
 */
function hitsSql(sources: readonly Source[], from: string): string {
  const columns = [...new Set(sources.map(({ column }) => column))];
  const alike = [...new Set(sources.flatMap((source) => source.alike ?? []))];
  const kept = alike.length === 1 ? 'materialized ' : '';
  const hits = `hits as ${kept}(select ${columns.join(', ')} from ${from} offset 0)`;
  if (alike.length === 0) return hits;
  const isBy = alike.map((column) => `grouping(${column}) = 0 as by_${column}`);
  const sets = alike.map((column) => `(${column})`);
  return `${hits}, alike as (select ${[...alike, ...isBy].join(', ')}, count(*) as images from hits
    group by grouping sets (${sets.join(', ')}))`;
}

/** `shown`: what is made of a value once it is counted. */
const single = (column: string, shown = column): Source => ({
  column: `i.${column}`,
  alike: column,
  counted: `select ${shown} as value, images as count from alike where by_${column}`,
});

const enumValue = (column: string) => single(column, `upper(${column} collate "C")`);

/** Of rows (value, ...), one for each image. */
const each = (values: string) => `select value, count(*) as count from (${values}) as v group by value`;

const attributes: Record<Extract<FacetOf, { attribute: string }>['attribute'], Source> = {
  KIND: enumValue('kind'),
  STATUS: enumValue('status'),
  VISIBILITY: enumValue('visibility'),
  OWNER: single('owner'),
  DISK_FORMAT: enumValue('disk_format'),
  CONTAINER_FORMAT: enumValue('container_format'),
  TAG: {
    column: 'i.tags',
    alike: 'tags',
    counted: `select value, sum(images)::bigint as count
      from (select unnest(tags) as value, images from alike where by_tags) as v group by value`,
    missing: `select coalesce(sum(images), 0) from alike where by_tags and tags = '{}'`,
  },
  STORE: {
    column: 'i.id',
    counted: each(`select distinct c.store as value, hits.id
      from hits join image_copies c on c.image_id = hits.id and c.state = 'active'`),
    missing: `select count(*) from hits
      where not exists (select from image_copies c where c.image_id = hits.id and c.state = 'active')`,
  },
  PROPERTY_NAME: {
    column: 'i.properties',
    counted: each('select jsonb_object_keys(properties) as value from hits'),
    missing: `select count(*) from hits where properties = '{}'`,
  },
};

/** Of all names only these. */
function someNames(names: readonly string[], params: Params): Source {
  const readable = params.add(names, 'text[]');
  return {
    column: 'i.properties',
    counted: each(
      `select name as value from hits, jsonb_object_keys(properties) as name where name = any(${readable})`,
    ),
    missing: `select count(*) from hits where not properties ?| ${readable}`,
  };
}

/** Of a property only its value is carried along. `names`: those that may be told; null: all. */
function sourceOf(
  facet: FacetOf,
  n: number,
  { params, names }: { params: Params; names: readonly string[] | null },
): Source {
  if ('attribute' in facet) {
    if (facet.attribute === 'PROPERTY_NAME' && names) return someNames(names, params);
    return attributes[facet.attribute];
  }
  const value = `i.properties ->> ${params.add(facet.property, 'text')}`;
  return { ...single(`value_${n}`), column: `${value} as value_${n}` };
}
