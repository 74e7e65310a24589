/** What a walk along terms looks through: lists of image_terms in the order of time, for who sees all or not. */
import type { Draft, ImageScope } from './image-scope.ts';
import { type Audiences, audienceSql, audiencesOf } from './image-visible.ts';
import { conditions, type PageWanted } from './image-way.ts';
import { beyondSql, type Key, orderBySql } from './keyset.ts';
import type { Term } from './term-counts.ts';
import type { TermGroup } from './term-groups.ts';

/** Of what is shared with a project, where its terms are not asked for in the index. */
const sharesLookedAt = 250;
/** Lists of so many terms are merged as they are read; of more the beginnings are read, then merged. */
const mergedTerms = 4;

export const isMergeable = (terms: readonly Term[]): boolean => terms.length <= mergedTerms;

/** What lists of terms hang on besides the terms. */
export interface Listing {
  scope: ImageScope;
  page: PageWanted;
  /** The keys of the order as image_terms t has them. */
  inTime: readonly Key[];
  /** Whether an array of times is looked for in one pass of an index. */
  seeks: boolean;
  /** Shares that are looked for so at most. */
  sharesAsked: number;
}

export interface TermWalk extends Listing {
  group: TermGroup;
  /** Candidates at most; null: all there are. */
  rows: number | null;
  /** Of a term with so few rows all are read, whoever sees them. */
  passed: number;
  /** A term with more rows is common. */
  common: number;
}

/** Where the page goes on, and its order, as image_terms t has it. */
function placeOf({ page, inTime }: Listing, { params }: Draft): { place: string[]; orderBy: string } {
  const { from, backward } = page;
  const place = from ? [beyondSql(inTime, { ...page, from }, params)] : [];
  return { place, orderBy: orderBySql(inTime, backward) };
}

/** Lists (created_at, image_id) as one, each image once, in the order of time. */
const united = (lists: readonly string[], orderBy: string) =>
  `select distinct on (t.created_at, t.image_id) t.*
    from (${lists.map((one) => `(${one})`).join(' union all ')}) as t order by ${orderBy}`;

/** Candidates (created_at, image_id), each image once and in the order of time: what the caller sees, and few others. */
export const candidatesOf = (walk: TermWalk, draft: Draft): string =>
  isMergeable(walk.group.terms) ? merged(walk, draft) : beginnings(walk, draft);

function merged(walk: TermWalk, draft: Draft): string {
  const { group, scope, rows, passed } = walk;
  const { params } = draft;
  const { place, orderBy } = placeOf(walk, draft);
  const limit = rows === null ? '' : `limit ${rows}`;
  const list = (from: string, where: string[]) =>
    `select t.created_at, t.image_id from ${from} t where ${conditions([...where, ...place])} order by ${orderBy} ${limit}`;
  // Few rows are passed sooner than the lists of all audiences are opened, and all that is shared asked for.
  const isPassed = rows === null && group.count <= passed;
  const audiences = isPassed ? null : audiencesOf(scope, params);
  const seen = isPassed ? (audienceSql(scope, params) ?? 'true') : 'true';
  const lists = group.terms.flatMap((term) => {
    const isTerm = `t.term = ${termSql(term, draft)}`;
    if (!audiences) return [list('image_terms', [isTerm, seen])];
    return [
      ...audiences.single.map((audience) => list('image_terms', [`t.audience = ${audience}`, isTerm])),
      ...audiences.passing.map((passing) => list('image_terms', [isTerm, passing])),
    ];
  });
  const shared = audiences ? sharedOf(audiences, walk, draft) : null;
  for (const { from, where } of shared?.lists ?? []) lists.push(list(from, where));
  const [only] = lists;
  if (only && lists.length === 1) return only;
  return `${shared?.before ?? ''} ${united(lists, orderBy)} ${limit}`;
}

interface Shared {
  /** What the lists hang on, as the beginning of a statement. */
  before?: string;
  lists: { from: string; where: string[] }[];
}

/**
 * What others share, with one of the terms. Each share is asked for a common term, as far as the page goes. Of a rarer one
 * most would be asked in vain: their times are sought in one pass along the term, unless there are too many of them.
 */
function sharedOf({ shares }: Audiences, walk: TermWalk, draft: Draft): Shared {
  const { group, seeks, common, sharesAsked } = walk;
  const { terms, count } = group;
  const eachAsked = (...where: string[]) =>
    shares.rows.map((from) => ({ from, where: [...where, hasOneSql(terms, draft)] }));
  if (shares.rows.length === 0 || count > common || !seeks) return { lists: eachAsked() };
  const { place } = placeOf(walk, draft);
  const times = shares.rows.map((from) => `select t.created_at from ${from} t where ${conditions(place)}`);
  const areFew = `(select cardinality(list) <= ${sharesAsked} from shared)`;
  const isOfShared = ['t.created_at = any ((select list from shared)::timestamptz[])', shares.isShared];
  const sought = terms.map((term) => ({
    from: 'image_terms',
    where: [areFew, `t.term = ${termSql(term, draft)}`, ...isOfShared],
  }));
  return {
    before: `with shared as materialized (
      select array(${times.join(' union all ')} limit ${sharesAsked + 1}) as list)`,
    lists: [...sought, ...eachAsked(`not ${areFew}`)],
  };
}

/**
 * Rows with one of the terms at the `list` of `times` of other rows, in their order: of what the caller sees, a pass along an
 * index each, from time to time. Some are of other images, which happen to be of the same time.
 */
export function atTimes({ terms, ...listing }: Listing & { terms: readonly Term[] }, draft: Draft): string {
  const { place, orderBy } = placeOf(listing, draft);
  const isAtTime = 't.created_at = any ((select list from times)::timestamptz[])';
  const list = (from: string, ...where: string[]) =>
    `select t.created_at, t.image_id from ${from} t where ${conditions([...where, isAtTime, ...place])} order by ${orderBy}`;
  const audiences = audiencesOf(listing.scope, draft.params);
  const lists = terms.flatMap((term) => {
    const isTerm = `t.term = ${termSql(term, draft)}`;
    if (!audiences) return [list('image_terms', isTerm)];
    return [
      ...audiences.single.map((audience) => list('image_terms', `t.audience = ${audience}`, isTerm)),
      ...audiences.passing.map((passing) => list('image_terms', isTerm, passing)),
    ];
  });
  for (const shares of audiences?.shares.rows ?? []) lists.push(list(shares, hasOneSql(terms, draft)));
  return united(lists, orderBy);
}

/**
 * The same from the beginnings of many lists, each as long as the page and a row more: as far as the first of them
 * ends that has more.
 */
function beginnings(walk: TermWalk, draft: Draft): string {
  const { scope, page, inTime } = walk;
  const { terms } = walk.group;
  const { params } = draft;
  const { place, orderBy } = placeOf(walk, draft);
  const limit = params.add(page.limit, 'int');
  const isDescending = inTime[0]?.descending !== page.backward;
  const [last, further] = isDescending ? ['max', '>'] : ['min', '<'];
  const numbered = (from: string, list: string, length: string) =>
    `select t.created_at, t.image_id, row_number() over (partition by ${list} order by ${orderBy}) > ${length} as is_more
      from ${from}`;
  const audiences = audiencesOf(scope, params);
  const hashes = `${hashesSql(terms, draft)} as h (term)`;
  const rowsOf = (...where: string[]) =>
    `cross join lateral (select t.created_at, t.image_id from image_terms t
      where ${conditions(['t.term = h.term', ...where, ...place])} order by ${orderBy} limit ${limit} + 1) as t`;
  const lists: string[] = [];
  if (!audiences) lists.push(numbered(`${hashes} ${rowsOf()}`, 'h.term', limit));
  else {
    const single = `unnest(array[${audiences.single.join(', ')}]) as a (audience)`;
    const from = `${hashes} cross join ${single} ${rowsOf('t.audience = a.audience')}`;
    lists.push(numbered(from, 'h.term, a.audience', limit));
    for (const passing of audiences.passing)
      lists.push(numbered(`${hashes} ${rowsOf(passing)}`, 'h.term', limit));
    // Which of these have one of the terms the images themselves say.
    for (const shares of audiences.shares.rows) {
      const some = `(select t.* from ${shares} t where ${conditions(place)} order by ${orderBy} limit ${sharesLookedAt + 1}) as t`;
      lists.push(numbered(some, '1', String(sharesLookedAt)));
    }
  }
  return `select distinct on (t.created_at, t.image_id) t.* from (
      select t.*, ${last}(t.created_at) filter (where t.is_more) over () as bound from (${lists.join(' union all ')}) as t) as t
    where t.bound is null or t.created_at ${further} t.bound order by ${orderBy}`;
}

const termSql = ({ name, value }: Term, { params }: Draft) =>
  `vitrine_term(${params.add(name, 'text')}, ${params.add(value, 'text')})`;

/** The hashes of terms as a column. */
function hashesSql(terms: readonly Term[], { params }: Draft): string {
  const column = (key: keyof Term) =>
    params.add(
      terms.map((term) => term[key]),
      'text[]',
    );
  return `(select distinct vitrine_term(k.name, k.value)
    from unnest(${column('name')}, ${column('value')}) as k (name, value))`;
}

/** Whether the image of a candidate t has one of the terms. */
export const hasOneSql = (terms: readonly Term[], draft: Draft) =>
  `exists (select from image_terms u
    where u.term in (${terms.map((term) => termSql(term, draft)).join(', ')})
      and u.created_at = t.created_at and u.image_id = t.image_id offset 0)`;
