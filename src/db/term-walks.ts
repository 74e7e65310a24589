/** Ways along the terms that a filter says: lists of images in the order of time. */
import { filterSql, newDraft, type Sizes, sizesOf } from './image-scope.ts';
import { visibleOneSql } from './image-visible.ts';
import { conditions, imageOf, type Way, type WayMaker } from './image-way.ts';
import { keysOf, orderBySql } from './keyset.ts';
import type { TermGroup, TermGroups } from './term-groups.ts';
import { atTimes, candidatesOf, hasOneSql, isMergeable } from './term-lists.ts';

/**
 * Few rows are looked at one by one: a full page ends it, so that more may be begun than are expected. Many are read before
 * a second term is asked for all of them at once, so these are not many more than are expected.
 */
const rowsPerFew = 2.4;
const rowsPerMany = 1.5;
/** No walk that may be in vain is begun where more rows are expected until a page is full. */
export const expectedMax = 2_300;
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
    const sizes = sizesOf(catalog);
    const isFar = isMergeable(group.terms) && Math.min(reach.expected, group.count) > sizes.fewExpected;
    const rows = reach.isWhole ? null : rowsFor(reach.expected, isFar, sizes);
    const walk = { scope, page, inTime, seeks: found.seeks, sharesAsked: sizes.sharesAsked };
    const passed = sizes.fewRows * passedPerFew;
    const common = found.images / sizes.imagesPerShare;
    const candidates = candidatesOf({ ...walk, group, rows, passed, common }, draft);
    const where = conditions([visibleOneSql(scope, params), filterSql(scope, draft)]);
    const pageFrom = (source: string, others: readonly TermGroup[]) => `select ${page.columns(draft, keys)}
      from (select * from (${source}) as t where ${conditions(others.map(({ terms }) => hasOneSql(terms, draft)))}
        order by ${orderBy} offset 0) as t ${imageOf('t.image_id')}
      where ${where} order by ${orderBy} limit ${params.add(page.limit, 'int')}`;
    const others = probed(group, found);
    const next = isFar ? soughtWith(group, found) : null;
    const way = { values: params.values, isPriced: false, isPrepared: true };
    if (next) {
      const rest = others.filter((other) => other !== next);
      const times = `with times as materialized (select array(select created_at from (${candidates}) as t) as list)`;
      const text = pageFrom(atTimes({ ...walk, terms: next.terms }, draft), [group, ...rest]);
      return { ...way, ...told(times, text, { length: '(select cardinality(list) from times)', rows }) };
    }
    if (isFar && rows !== null) {
      const led = `with led as materialized (${candidates})`;
      const text = pageFrom('select * from led', others);
      return { ...way, ...told(led, text, { length: '(select count(*) from led)', rows }) };
    }
    return { ...way, text: pageFrom(candidates, others), isFinal: reach.isWhole };
  };

/** The group whose rows are sought at the times of another's, in one pass of the index; null: each row is asked by itself. */
export function soughtWith(group: TermGroup, found: TermGroups): TermGroup | null {
  const [next] = probed(group, found);
  const isDense = next !== undefined && next.count < group.count * denserMax;
  return isDense && found.seeks && isMergeable(group.terms) ? next : null;
}

/** The other groups of which the index is asked: nearly every image has one of the rest, or they are long. */
const probed = (group: TermGroup, { groups, images }: TermGroups): TermGroup[] =>
  groups.filter(
    ({ terms, count }) => terms !== group.terms && count < images / 2 && terms.length <= probedTerms,
  );

/** A page which also says whether it is all there is: whether the lists came to their end before so many rows. */
function told(
  before: string,
  page: string,
  { length, rows }: { length: string; rows: number | null },
): Pick<Way, 'text' | 'isFinal'> {
  if (rows === null) return { text: `${before} ${page}`, isFinal: true };
  const isAll = `select ${length} < ${rows} as "isAll"`;
  const text = `${before} select * from (${isAll}) as whole left join (${page}) as found on true`;
  return { text, isFinal: 'told' };
}

function rowsFor(expected: number, isFar: boolean, { rowSteps }: Sizes): number {
  const wanted = expected * (isFar ? rowsPerMany : rowsPerFew);
  return rowSteps.find((rows) => rows >= wanted) ?? Math.max(...rowSteps);
}
