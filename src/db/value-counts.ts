/**
 * How many of the images that a caller lists have each value of a property, out of counts that are kept: what all
 * images have is answered without looking at them. Exact, as everything that is counted.
 */
import type { ImageFilter } from '../search/image-filter.ts';
import type { AskedValues } from './asked-values.ts';
import type { Database } from './client.ts';
import { imageFilterSql } from './image-filter.ts';
import { runPriced } from './image-pages.ts';
import { type Catalog, type ImageScope, newDraft } from './image-scope.ts';
import { piecesNotShared, sharedPiece } from './image-visible.ts';
import type { Params } from './params.ts';

/** All counts of a catalog that has none, as its triggers would have them in the end. */
export const countValuesSql = `
insert into image_value_counts (name, value, visibility, owner, hidden, images, merged)
select v.name, v.value, i.visibility, i.owner, i.hidden, count(*), true
from images as i, lateral (select '' as name, '' as value union all
  select key, vitrine_counted_value(value) from jsonb_each_text(i.properties)) as v
group by 1, 2, 3, 4, 5`;

export interface KeptCounts {
  /** By falling count, then by value; at most the limit. */
  buckets: { value: string; count: number }[];
  /** Images with any value. */
  counted: number;
  /** All images. */
  images: number;
}

/**
 * Of properties, by name; those with values too long to be kept there are left out.
 * @throws TooCostlyError, TimeoutError
 */
export async function findKeptCounts(
  catalog: Catalog,
  scope: ImageScope,
  { names, limit }: { names: readonly string[]; limit: number },
): Promise<Map<string, KeptCounts>> {
  const { params } = newDraft(catalog, scope);
  const asked = params.add(names, 'text[]');
  const { kept, shared } = pieces(scope, params);
  const counts = (which: string) => `select i.name, i.value, i.images from image_value_counts i
    where ${which} and (i.name = '' or i.name = any (${asked})) and (${kept})`;
  const ofShared = `select v.name, v.value, 1 as images from images i, lateral (select '' as name, '' as value
      union all select key, vitrine_counted_value(value) from jsonb_each_text(i.properties)
      where key = any (${asked})) as v
    where ${shared}`;
  const parts = [counts('i.merged'), counts('not i.merged'), ...(shared === null ? [] : [ofShared])];
  const text = `with counted as materialized (
      select name, value, sum(images)::float8 as count from (${parts.join(' union all ')}) as parts
      group by name, value having sum(images) <> 0
    ), placed as (
      select *, row_number() over (partition by name order by count desc, value collate "C") as place from counted
    )
    select asked.name,
      coalesce(jsonb_agg(jsonb_build_object('value', value, 'count', count) order by place)
        filter (where place <= ${params.add(limit, 'int')}), '[]') as buckets,
      coalesce(sum(count), 0)::float8 as counted,
      (select coalesce(sum(count), 0)::float8 from counted where name = '') as images,
      coalesce(bool_or(placed.name is not null and value is null), false) as "hasLong"
    from unnest(${asked}) as asked (name) left join placed using (name) group by asked.name`;
  const rows = await runPriced<KeptCounts & { name: string; hasLong: boolean }>(catalog, scope, {
    text,
    values: params.values,
  });
  return new Map(rows.filter(({ hasLong, name }) => !hasLong && name !== '').map((row) => [row.name, row]));
}

/** As these all images are kept. */
const anyImage: AskedValues = { name: '', values: [''] };

/** How many images a caller lists. @throws TooCostlyError, TimeoutError */
export async function countListed(catalog: Catalog, scope: ImageScope): Promise<number> {
  return (await countKept(catalog, scope, { of: anyImage, filters: [] })) ?? 0;
}

/**
 * How many of them have one of the values; null: one of these is too long to be kept.
 * @throws TooCostlyError, TimeoutError
 */
export function countWithValues(
  catalog: Catalog,
  scope: ImageScope,
  asked: AskedValues,
): Promise<number | null> {
  return countKept(catalog, scope, { of: asked, filters: [{ properties: [asked] }] });
}

/** What is kept of the values, and the images shared with the caller that the filters find. */
async function countKept(
  catalog: Catalog,
  scope: ImageScope,
  { of: { name, values }, filters }: { of: AskedValues; filters: readonly ImageFilter[] },
): Promise<number | null> {
  const draft = newDraft(catalog, scope);
  const { params } = draft;
  const list = params.add(values, 'text[]');
  const isAsked = `i.name = ${params.add(name, 'text')} and i.value = any(${list})`;
  // Each piece by itself is a few runs of the index.
  const parts = piecesNotShared(scope, params).flatMap((piece) =>
    ['i.merged', 'not i.merged'].map(
      (which) =>
        `select sum(i.images) as n from image_value_counts i where ${which} and ${isAsked} and ${piece}`,
    ),
  );
  const shared = sharedPiece(scope, params);
  if (shared !== null) {
    parts.push(`select count(*) from images i where ${shared} and ${imageFilterSql(filters, draft)}`);
  }
  if (parts.length === 0) return 0;
  const text = `select (select coalesce(sum(n), 0)::float8 from (${parts.join(' union all ')}) as parts) as n,
    exists (select from unnest(${list}) as v (value) where vitrine_counted_value(v.value) is null) as "hasLong"`;
  const [row] = await runPriced<{ n: number; hasLong: boolean }>(catalog, scope, {
    text,
    values: params.values,
  });
  return row && !row.hasLong ? row.n : null;
}

/**
 * Which counts are of a caller's list, and which images are to be counted besides: what is shared hangs on the image, and
 * is not much.
 */
function pieces(scope: ImageScope, params: Params): { kept: string; shared: string | null } {
  const kept = piecesNotShared(scope, params).map((piece) => `(${piece})`);
  return { kept: kept.join(' or ') || 'false', shared: sharedPiece(scope, params) };
}

/** Adds up what writers have added since: the sums stay the same at every moment. */
export async function mergeValueCounts(db: Database): Promise<void> {
  await db.query(
    `with added as (delete from image_value_counts where not merged returning *)
    insert into image_value_counts as kept (name, value, visibility, owner, hidden, images, merged)
    select name, value, visibility, owner, hidden, sum(images), true from added
    group by 1, 2, 3, 4, 5 having sum(images) <> 0 order by 1, 2, 3, 4, 5
    on conflict (name, value, visibility, owner, hidden) where merged
      do update set images = kept.images + excluded.images`,
    [],
  );
  await db.query('delete from image_value_counts where merged and images = 0', []);
}
