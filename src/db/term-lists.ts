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

export interface TermWalk {
  group: TermGroup;
  scope: ImageScope;
  page: PageWanted;
  /** The keys of the order as image_terms t has them. */
  inTime: readonly Key[];
  /** Candidates at most; null: all there are. */
  rows: number | null;
  /** Of a term with so few rows all are read, whoever sees them. */
  passed: number;
  /** A term with more rows is common. */
  common: number;
}

/** Candidates (created_at, image_id), each image once and in the order of time: what the caller sees, and few others. */
export const candidatesOf = (walk: TermWalk, draft: Draft): string =>
  isMergeable(walk.group.terms) ? merged(walk, draft) : beginnings(walk, draft);

function merged(walk: TermWalk, draft: Draft): string {
  const { group, scope, page, inTime, rows, passed } = walk;
  const { params } = draft;
  const orderBy = orderBySql(inTime, page.backward);
  const place = page.from ? [beyondSql(inTime, { ...page, from: page.from }, params)] : [];
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
  return `${shared?.before ?? ''} select distinct on (t.created_at, t.image_id) t.*
    from (${lists.map((one) => `(${one})`).join(' union all ')}) as t order by ${orderBy} ${limit}`;
}

interface Shared {
  /** What the lists hang on, as the beginning of a statement. */
  before?: string;
  lists: { from: string; where: string[] }[];
}

/**
 * What others share, with one of the terms. A common term is asked for as far as the page goes. Of others one pass along
 * the index, from the time of one share to that of the next, takes a fifth of that.
 */
function sharedOf(
  { shares }: Audiences,
  { group: { terms, count }, common }: TermWalk,
  draft: Draft,
): Shared {
  if (shares.rows.length === 0) return { lists: [] };
  if (count > common)
    return { lists: shares.rows.map((from) => ({ from, where: [hasOneSql(terms, draft)] })) };
  const rows = shares.rows.map((from) => `select created_at from ${from} as s`).join(' union all ');
  const isOfShared = ['t.created_at = any ((select list from shared)::timestamptz[])', shares.isShared];
  return {
    before: `with shared as materialized (select array(${rows}) as list)`,
    lists: terms.map((term) => ({
      from: 'image_terms',
      where: [`t.term = ${termSql(term, draft)}`, ...isOfShared],
    })),
  };
}

/**
 * Rows of a group at the `list` of `times` of another, in their order: of what the caller sees, one pass along an index
 * each, from time to time. Most are of other images, which happen to be of the same time.
 */
export function atTimes({ group: { terms }, scope, page, inTime }: TermWalk, draft: Draft): string {
  const { params } = draft;
  const orderBy = orderBySql(inTime, page.backward);
  const place = page.from ? [beyondSql(inTime, { ...page, from: page.from }, params)] : [];
  const isAtTime = 't.created_at = any ((select list from times)::timestamptz[])';
  const list = (from: string, where: string[]) =>
    `select t.created_at, t.image_id from ${from} t where ${conditions([...where, isAtTime, ...place])}`;
  const isTerm = `t.term in (${hashesOf(terms, draft)})`;
  const audiences = audiencesOf(scope, params);
  const lists = audiences
    ? [
        ...audiences.single.map((audience) => list('image_terms', [`t.audience = ${audience}`, isTerm])),
        ...audiences.passing.map((passing) => list('image_terms', [isTerm, passing])),
        ...audiences.shares.rows.map((shares) => list(shares, [hasOneSql(terms, draft)])),
      ]
    : [list('image_terms', [isTerm])];
  return `select distinct on (t.created_at, t.image_id) t.*
    from (${lists.map((one) => `(${one} order by ${orderBy})`).join(' union all ')}) as t order by ${orderBy}`;
}

/**
 * The same from the beginnings of many lists, each as long as the page and a row more: as far as the first of them
 * ends that has more.
 */
function beginnings({ group: { terms }, scope, page, inTime }: TermWalk, draft: Draft): string {
  const { params } = draft;
  const orderBy = orderBySql(inTime, page.backward);
  const place = page.from ? [beyondSql(inTime, { ...page, from: page.from }, params)] : [];
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
    where u.term in (${hashesOf(terms, draft)}) and u.created_at = t.created_at and u.image_id = t.image_id offset 0)`;

const hashesOf = (terms: readonly Term[], draft: Draft) =>
  terms.map((term) => termSql(term, draft)).join(', ');
