/** Ways along the terms that a filter says: lists of images in the order of time. */
import { type Draft, filterSql, type ImageScope, newDraft, sizesOf } from './image-scope.ts';
import { audienceSql, audiencesOf, visibleOneSql } from './image-visible.ts';
import { conditions, imageOf, type PageWanted, type WayMaker } from './image-way.ts';
import { beyondSql, type Key, keysOf, orderBySql } from './keyset.ts';
import type { Term } from './term-counts.ts';
import type { TermGroup, TermGroups } from './term-groups.ts';

/** Rows looked at on a way that may not end at a full page: at most, and as many times those that are expected. */
export const walkRows = 1_000;
const rowsPerExpected = 4;
/** Of what is shared with a project, where its terms are not asked for in the index. */
const sharesLookedAt = 250;
/** So many times as many rows as are few are read to the end sooner than by what is seen of them. */
const passedPerFew = 2;
/** Lists of so many terms are merged as they are read; of more the beginnings are read, then merged. */
const mergedTerms = 4;

export const isMergeable = (terms: readonly Term[]): boolean => terms.length <= mergedTerms;

/**
 * Along the terms of one group in the order of time. Whether a row has the terms of the other groups too, which most
 * rows have not, is seen in the index; only what is left is looked at. `expected`: how many rows that will be for a
 * page, about; null: all there are.
 */
export const newest =
  (group: TermGroup, { groups, images }: TermGroups, expected: number | null): WayMaker =>
  (catalog, scope, page) => {
    const draft = newDraft(catalog, scope);
    const { params } = draft;
    const keys = keysOf(page.order, draft);
    const others = groups.filter((other) => other !== group);
    const probes = others
      .filter(({ count }) => count < images / 2)
      .flatMap((other) => hasOneSql(other.terms, draft));
    const inTime = keys.map((key, k) => ({ ...key, sql: k === 0 ? 't.created_at' : 't.image_id' }));
    const passed = sizesOf(catalog).fewRows * passedPerFew;
    const walk = { group, scope, page, inTime, rows: expected === null ? null : rowsFor(expected), passed };
    const candidates = isMergeable(group.terms) ? merged(walk, draft) : beginnings(walk, draft);
    const where = conditions([visibleOneSql(scope, params), filterSql(scope, draft)]);
    const text = `select ${page.columns(draft, keys)}
      from (select * from (${candidates}) as t where ${conditions(probes)}) as t ${imageOf('t.image_id')}
      where ${where} order by ${orderBySql(inTime, page.backward)} limit ${params.add(page.limit, 'int')}`;
    return { text, values: params.values, isFinal: expected === null, isPriced: false, isPrepared: true };
  };

/** In few steps, since each is a statement of its own. */
const rowsFor = (expected: number) =>
  [125, 250, 500].find((rows) => rows >= expected * rowsPerExpected) ?? walkRows;

interface TermWalk {
  group: TermGroup;
  scope: ImageScope;
  page: PageWanted;
  /** The keys of the order as image_terms t has them. */
  inTime: readonly Key[];
  /** Candidates at most; null: all there are. */
  rows: number | null;
  /** Of a term with so few rows all are read, whoever sees them. */
  passed: number;
}

/** Candidates (created_at, image_id), each image once and in the order of time: what the caller sees, and few others. */
function merged(
  { group: { terms, count }, scope, page, inTime, rows, passed }: TermWalk,
  draft: Draft,
): string {
  const { params } = draft;
  const orderBy = orderBySql(inTime, page.backward);
  const place = page.from ? [beyondSql(inTime, { ...page, from: page.from }, params)] : [];
  const limit = rows === null ? '' : `limit ${rows}`;
  const list = (from: string, where: string[]) =>
    `select t.created_at, t.image_id from ${from} t where ${conditions([...where, ...place])} order by ${orderBy} ${limit}`;
  // Few rows are passed sooner than the lists of all audiences are opened, and all that is shared asked for.
  const isPassed = rows === null && count <= passed;
  const audiences = isPassed ? null : audiencesOf(scope, params);
  const seen = isPassed ? (audienceSql(scope, params) ?? 'true') : 'true';
  const lists = terms.flatMap((term) => {
    const isTerm = `t.term = ${termSql(term, draft)}`;
    if (!audiences) return [list('image_terms', [isTerm, seen])];
    return [
      ...audiences.single.map((audience) => list('image_terms', [`t.audience = ${audience}`, isTerm])),
      ...audiences.passing.map((passing) => list('image_terms', [isTerm, passing])),
    ];
  });
  for (const shares of audiences?.shares ?? []) lists.push(list(shares, hasOneSql(terms, draft)));
  const [only] = lists;
  if (only && lists.length === 1) return only;
  return `select distinct on (t.created_at, t.image_id) t.*
    from (${lists.map((one) => `(${one})`).join(' union all ')}) as t order by ${orderBy} ${limit}`;
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
    for (const shares of audiences.shares) {
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

/** Terms of which one is asked for in the index; of more the image itself is. */
const probedTerms = 4;

/** Whether the image of a candidate t has one of the terms; not asked of many. */
function hasOneSql(terms: readonly Term[], draft: Draft): string[] {
  if (terms.length === 0 || terms.length > probedTerms) return [];
  const hashes = terms.map((term) => termSql(term, draft)).join(', ');
  return [
    `exists (select from image_terms u
      where u.term in (${hashes}) and u.created_at = t.created_at and u.image_id = t.image_id offset 0)`,
  ];
}
