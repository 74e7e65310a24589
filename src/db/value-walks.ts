/**
 * The way along the values of a hot property in their order, for who does not see all: the rows of a value in
 * image_terms say whose an image is, and the index in the order of the property does not.
 */
import { type Catalog, filterSql, type ImageScope, newDraft, sizesOf } from './image-scope.ts';
import { audienceSql, visibleOneSql } from './image-visible.ts';
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

/** No row when a value is not known whole, or there are too few or too many: another way finds the page then. */
export const walkValues: WayMaker = (catalog, scope, page) => {
  const [first] = page.order;
  if (first?.field !== 'property') throw new Error('The order is not by a property.');
  const draft = newDraft(catalog, scope);
  const { params } = draft;
  const keys = keysOf(page.order, draft);
  const name = params.add(first.property, 'text');
  const column = first.as === 'text' ? 'value' : first.as;
  const [byValue, ...rest] = keys.map(
    (key, k): Key => ({ ...key, isNullable: false, sql: k === 0 ? 'v.key' : 't.image_id' }),
  );
  if (!byValue) throw new Error('An order has a key.');
  const inOrder = [byValue, ...rest];
  const { from } = page;
  const start = from ? [beyondSql([byValue], { ...page, from: from.slice(0, 1), orAt: true }, params)] : [];
  const values = `select v.* from (select value, ${column} as key from image_vocabulary where name = ${name}) as v
    where ${conditions(['v.key is not null', ...start])} order by ${orderBySql([byValue], page.backward)}`;
  const known = `select count(*) between ${sizesOf(catalog).fewValues} and ${valuesMax} and max(length(value)) < ${orderedLength}
    from (select value from image_vocabulary where name = ${name} limit ${valuesMax + 1}) as v`;
  const place = from ? [beyondSql(inOrder, { ...page, from }, params)] : [];
  const orderBy = orderBySql(inOrder, page.backward);
  const candidates = `select v.key, t.image_id from (${values}) as v
    cross join lateral (select t.image_id, t.audience from image_terms t
      where t.term = vitrine_term(${name}, v.value) offset 0) as t
    where ${conditions([`(${known})`, audienceSql(scope, params) ?? 'true', ...place])} order by ${orderBy}`;
  const where = conditions([visibleOneSql(scope, params), filterSql(scope, draft)]);
  const outer = orderBySql(
    inOrder.map((key, k) => ({ ...key, sql: k === 0 ? 'c.key' : 'c.image_id' })),
    page.backward,
  );
  const text = `select ${page.columns(draft, keys)} from (${candidates}) as c ${imageOf('c.image_id')}
    where ${where} order by ${outer} limit ${params.add(page.limit, 'int')}`;
  return { text, values: params.values, isFinal: false, isPriced: false, isPrepared: true };
};
