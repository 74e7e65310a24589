/** Ways along the terms that a filter says: lists of images in the order of time. */
import { filterSql, newDraft, sizesOf } from './image-scope.ts';
import { visibleOneSql } from './image-visible.ts';
import { conditions, imageOf, type WayMaker } from './image-way.ts';
import { keysOf, orderBySql } from './keyset.ts';
import type { TermGroup, TermGroups } from './term-groups.ts';
import { atTimes, candidatesOf, hasOneSql, isMergeable } from './term-lists.ts';

/**
 * Few rows are looked at one by one: a full page ends it, so that more may be begun than are expected. Many are read before a
 * second term is asked for all of them at once, so these are not many more than are expected.
 */
const rowsPerFew = 2.4;
const rowsPerMany = 1.5;
/** More are not expected. */
export const rowsWalked = 2_300;
/** A term with so many times as many rows has those that are asked for too far from each other. */
const denserMax = 40;
/** Terms of which one is asked for in the index; of more the image itself is. */
const probedTerms = 4;

/** So many times as many rows as are few are read to the end sooner than by what is seen of them. */
const passedPerFew = 2;

/** How far a walk along a group will go. */
export interface Reach {
  /** Rows until a page is full, about. */
  expected: number;
  /** To its end, however far that is. */
  isWhole: boolean;
}

/**
 * Along the terms of one group in the order of time. Whether a row has the terms of the other groups too, which most
 * rows have not, is seen in the index; only what is left is looked at.
 */
export const newest =
  (group: TermGroup, found: TermGroups, reach: Reach): WayMaker =>
  (catalog, scope, page) => {
    const draft = newDraft(catalog, scope);
    const { params } = draft;
    const keys = keysOf(page.order, draft);
    const inTime = keys.map((key, k) => ({ ...key, sql: k === 0 ? 't.created_at' : 't.image_id' }));
    const orderBy = orderBySql(inTime, page.backward);
    const { fewRows, fewExpected, imagesPerShare } = sizesOf(catalog);
    const isFar = Math.min(reach.expected, group.count) > fewExpected && isMergeable(group.terms);
    const rows = reach.isWhole ? null : rowsFor(reach.expected, isFar);
    const limits = { rows, passed: fewRows * passedPerFew, common: found.images / imagesPerShare };
    const walk = { group, scope, page, inTime, ...limits };
    const candidates = candidatesOf(walk, draft);
    const where = conditions([visibleOneSql(scope, params), filterSql(scope, draft)]);
    const pageFrom = (source: string, terms: readonly TermGroup[]) => `select ${page.columns(draft, keys)}
      from (select * from (${source}) as t where ${conditions(terms.map((one) => hasOneSql(one.terms, draft)))}
        order by ${orderBy} offset 0) as t ${imageOf('t.image_id')}
      where ${where} order by ${orderBy} limit ${params.add(page.limit, 'int')}`;
    const way = { values: params.values, isPriced: false, isPrepared: true };
    const others = found.groups.filter(
      ({ terms, count }) => terms !== group.terms && count < found.images / 2 && terms.length <= probedTerms,
    );
    const [next, ...rest] = others;
    if (isFar && next && next.count < group.count * denserMax) {
      const times = `with times as materialized (select array(select created_at from (${candidates}) as t) as list)`;
      const text = pageFrom(atTimes({ ...walk, group: next }, draft), [group, ...rest]);
      return { ...way, ...told(times, { text, length: '(select cardinality(list) from times)', rows }) };
    }
    if (!isFar || rows === null)
      return { ...way, text: pageFrom(candidates, others), isFinal: reach.isWhole };
    const led = `with led as materialized (${candidates})`;
    const text = pageFrom('select * from led', others);
    return { ...way, ...told(led, { text, length: '(select count(*) from led)', rows }) };
  };

/** A page which also says whether it is all there is: where the list came to its end before so many rows. */
function told(first: string, { text, length, rows }: { text: string; length: string; rows: number | null }) {
  if (rows === null) return { text: `${first} ${text}`, isFinal: true };
  const isAll = `select ${length} < ${rows} as "isAll"`;
  return {
    text: `${first} select * from (${isAll}) as whole left join (${text}) as found on true`,
    isFinal: 'told' as const,
  };
}

/** In few steps, since each is a statement of its own. */
function rowsFor(expected: number, isFar: boolean): number {
  const wanted = expected * (isFar ? rowsPerMany : rowsPerFew);
  return [125, 250, 500, 1_000, 2_000].find((rows) => rows >= wanted) ?? rowsWalked * rowsPerMany;
}
