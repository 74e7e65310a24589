/**
 * The way along the values of a hot property in their order, for who does not see all: the rows of a value in
 * image_terms say whose an image is, and the index in the order of the property does not.
 */
import { type Catalog, filterSql, type ImageScope, newDraft } from './image-scope.ts';
import { audiencesOf, visibleOneSql } from './image-visible.ts';
import { conditions, imageOf, type PageWanted, type WayMaker } from './image-way.ts';
import { beyondSql, type Key, keysOf, orderBySql } from './keyset.ts';
import { orderedLength } from './property-value.ts';

/** Values that are looked through; of a property with more of them the images are looked at. */
const valuesMax = 500;

/** Whether the page is one of images that have the property, in its order and then by id. */
export function isAlongValues({ search }: Catalog, scope: ImageScope, { order, from, backward }: PageWanted) {
  const [first, second] = order;
  if (first?.field !== 'property' || second?.field !== 'id' || second.direction !== first.direction)
    return false;
  const startsAtValue = from === null ? !backward : from[0] !== null;
  return scope.sight !== 'all' && search.hot.has(first.property) && startsAtValue;
}

/** Candidates besides the rows of a page: some the caller does not see after all. */
const candidatesMore = 4;

/**
 * What is in audiences comes first, value by value; then what is shared, as far as that goes. No row when a value is not
 * known whole, or there are too many values or too few candidates: another way finds the page then.
 */
export const walkValues: WayMaker = (catalog, scope, page) => {
  const [first] = page.order;
  if (first?.field !== 'property') throw new Error('The order is not by a property.');
  const draft = newDraft(catalog, scope);
  const { params } = draft;
  const audiences = audiencesOf(scope, params);
  if (!audiences) throw new Error('Who sees all goes along the index.');
  const keys = keysOf(page.order, draft);
  const name = params.add(first.property, 'text');
  const column = first.as === 'text' ? 'value' : first.as;
  const keysAs = (value: string, id: string) =>
    keys.map((key, k): Key => ({ ...key, isNullable: false, sql: k === 0 ? value : id }));
  const inOrder = keysAs('v.key', 't.image_id');
  const byValue = inOrder.slice(0, 1);
  const { from, backward } = page;
  const start = from ? [beyondSql(byValue, { backward, from: from.slice(0, 1), orAt: true }, params)] : [];
  const values = (more: string[]) => `(select v.* from (
      select value, ${column} as key from image_vocabulary where name = ${name}) as v
    where ${conditions(['v.key is not null', ...start, ...more])} order by ${orderBySql(byValue, backward)}) as v`;
  const known = `select count(*) <= ${valuesMax} and max(length(value)) < ${orderedLength}
    from (select value from image_vocabulary where name = ${name} limit ${valuesMax + 1}) as v`;
  const place = from ? [beyondSql(inOrder, { ...page, from }, params)] : [];
  const isSeen = [`t.audience in (${audiences.single.join(', ')})`, ...audiences.passing].join(' or ');
  // A number that the planner knows, and one of few.
  const count = 2 ** Math.ceil(Math.log2(page.limit + candidatesMore));
  const [past, not] = (keys[0]?.descending ?? false) === backward ? ['<=', 'desc'] : ['>=', 'asc'];
  const shares = audiences.shares.rows.map((shared) => {
    const near = `select v.key, v.value, t.created_at, t.image_id
      from last, ${values([`v.key ${past} (select key from last)`])} cross join ${shared} t
      where ${conditions([`(v.key, t.image_id) ${past} (last.key, last.image_id)`, ...place])} offset 0`;
    return `select s.key, s.image_id from (${near}) s
      where exists (select from image_terms u where u.term = vitrine_term(${name}, s.value)
        and u.created_at = s.created_at and u.image_id = s.image_id offset 0)`;
  });
  const candidates = ['select key, image_id from seen', ...shares].join(' union ');
  const where = conditions([visibleOneSql(scope, params), filterSql(scope, draft)]);
  const text = `with seen as materialized (
      select v.key, t.image_id from ${values([])} cross join lateral (
        select t.image_id from image_terms t where t.term = vitrine_term(${name}, v.value) and (${isSeen}) offset 0) as t
      where ${conditions([`(${known})`, ...place])} order by ${orderBySql(inOrder, backward)} limit ${count}
    ), last as materialized (
      select key, image_id from seen where (select count(*) from seen) = ${count}
      order by key ${not}, image_id ${not} limit 1
    )
    select ${page.columns(draft, keys)} from last cross join (${candidates}) as c ${imageOf('c.image_id')}
    where ${where} order by ${orderBySql(keysAs('c.key', 'c.image_id'), backward)} limit ${params.add(page.limit, 'int')}`;
  return { text, values: params.values, isFinal: false, isPriced: false, isPrepared: true };
};
