/** Ways along the terms that a filter says: lists of images in the order of time. */
import { type Draft, filterSql, newDraft, sizesOf } from './image-scope.ts';
import { visibleOneSql } from './image-visible.ts';
import { conditions, imageOf, type WayMaker } from './image-way.ts';
import { keysOf, orderBySql } from './keyset.ts';
import type { TermGroup, TermGroups } from './term-groups.ts';
import { candidatesOf, hasOneOfAllSql, hasOneSql, isMergeable } from './term-lists.ts';

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
    const isFar = Math.min(reach.expected, group.count) > fewExpected;
    const rows = reach.isWhole ? null : rowsFor(reach.expected, isFar);
    const limits = { rows, passed: fewRows * passedPerFew, common: found.images / imagesPerShare };
    const candidates = candidatesOf({ group, scope, page, inTime, ...limits }, draft);
    const { isTogether, probes } = probesOf(group, found, isFar, draft);
    const where = conditions([visibleOneSql(scope, params), filterSql(scope, draft)]);
    const pageFrom = (source: string) => `select ${page.columns(draft, keys)}
      from (select * from ${source} as t where ${probes} order by ${orderBy} offset 0) as t ${imageOf('t.image_id')}
      where ${where} order by ${orderBy} limit ${params.add(page.limit, 'int')}`;
    const way = { values: params.values, isFinal: reach.isWhole, isPriced: false, isPrepared: true };
    const isTold = rows !== null && isFar && isMergeable(group.terms);
    if (!isTold && !isTogether) return { ...way, text: pageFrom(`(${candidates})`) };
    const first = `with led as materialized (${candidates}),
      times as materialized (select array(select created_at from led) as list)`;
    if (!isTold) return { ...way, text: `${first} ${pageFrom('led')}` };
    // Where the lists came to their end before so many rows, the page has all there are.
    const text = `${first} select * from (select cardinality(list) < ${rows} as "isAll" from times) as whole
      left join (${pageFrom('led')}) as found on true`;
    return { ...way, text, isFinal: 'told' };
  };

/** The conditions on a row t that its image has the terms of the other groups; of common ones the image itself is asked. */
function probesOf(group: TermGroup, { groups, images }: TermGroups, isFar: boolean, draft: Draft) {
  const others = groups.filter(
    ({ terms, count }) => terms !== group.terms && count < images / 2 && terms.length <= probedTerms,
  );
  const [next] = others;
  const isTogether = isFar && next !== undefined && next.count < group.count * denserMax;
  const probes = others.map(({ terms }) =>
    isTogether && terms === next.terms ? hasOneOfAllSql(terms, draft) : hasOneSql(terms, draft),
  );
  return { isTogether, probes: conditions(probes) };
}

/** In few steps, since each is a statement of its own. */
function rowsFor(expected: number, isFar: boolean): number {
  const wanted = expected * (isFar ? rowsPerMany : rowsPerFew);
  return [125, 250, 500, 1_000, 2_000].find((rows) => rows >= wanted) ?? rowsWalked * rowsPerMany;
}
