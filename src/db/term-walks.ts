/** Ways along the terms that a filter says: lists of images in the order of time. */
import { type Catalog, type Draft, filterSql, type ImageScope, newDraft } from './image-scope.ts';
import { audienceSql, visibleSql } from './image-visible.ts';
import { conditions, imageOf, type PageWanted, sorted, type WayMaker } from './image-way.ts';
import { beyondSql, type Key, keysOf, orderBySql } from './keyset.ts';
import { type Term, type TermGroup, wordName } from './term-groups.ts';

/** Rows looked at on a way that may not end at a full page. */
const walkRows = 1_000;
/** Index entries passed on the way to those, where it is seen in an index what is to be looked at. */
const probedEntries = 3_000;
/** Index entries passed where most may be of images that the caller does not see. */
const walkEntries = 20_000;
/** Lists of more terms than this are not merged. */
const mergedTerms = 16;
/** For who sees all, a range of many values is found as quickly along the list itself. */
const mergedValues = 6;

export function isMergeable({ terms }: TermGroup, { caller }: ImageScope): boolean {
  const isOfWords = terms[0]?.name === wordName;
  return terms.length <= (caller.isAdmin && !isOfWords ? mergedValues : mergedTerms);
}

export const few =
  ({ terms }: TermGroup): WayMaker =>
  (catalog, scope, page) => {
    const draft = newDraft(catalog, scope);
    const { columns, where, tail } = sorted(scope, page, draft);
    const text = `select ${columns} from ${candidatesSql(terms, scope, draft)} where ${where} ${tail}`;
    return { text, values: draft.params.values, isFinal: true, isPriced: false, isPrepared: false };
  };

/** images i: every one that may match by one of the terms, once. */
export function candidatesSql(terms: readonly Term[], scope: ImageScope, draft: Draft): string {
  const column = (key: keyof Term) =>
    draft.params.add(
      terms.map((term) => term[key]),
      'text[]',
    );
  const audience = audienceSql(scope, draft.params);
  return `(select distinct t.image_id from image_terms t where t.term = any(array(
      select vitrine_term(k.name, k.value) from unnest(${column('name')}, ${column('value')}) as k (name, value)))
    ${audience === null ? '' : `and ${audience}`}) as found ${imageOf('found.image_id')}`;
}

/**
 * Along the terms of one group in the order of time. Whether a row has the terms of the other groups too is seen
 * in the index; only what is left is looked at.
 */
export const newest =
  (group: TermGroup, others: readonly TermGroup[], { toTheEnd }: { toTheEnd: boolean }): WayMaker =>
  (catalog, scope, page) => {
    const draft = newDraft(catalog, scope);
    const { params } = draft;
    const keys = keysOf(page.order, draft);
    const probes = others.flatMap((other) => hasTermSql(other, draft));
    const rows = probes.length > 0 ? probedEntries : walkRows;
    const walk = { scope, page, rows: toTheEnd ? null : rows };
    const { text: candidates, orderBy } = candidatesInTime(group, walk, draft, keys);
    const where = conditions([visibleSql(scope, params), filterSql(scope, draft)]);
    const text = `select ${page.columns(draft, keys)}
      from (select * from (${candidates}) as t where ${conditions(probes)}) as t ${imageOf('t.image_id')}
      where ${where} order by ${orderBy} limit ${params.add(page.limit, 'int')}`;
    const whatIsLeft = toTheEnd ? undefined : leftBehind(catalog, group, { scope, page, rows });
    return { text, values: params.values, isFinal: toTheEnd, whatIsLeft, isPriced: false, isPrepared: true };
  };

interface TermWalk {
  scope: ImageScope;
  page: PageWanted;
  /** Candidates at most; null: all there are. */
  rows: number | null;
}

/** Rows of image_terms as t, each image once: of the terms of a group, of images that the caller may see. */
function candidatesInTime(
  { terms }: TermGroup,
  { scope, page, rows }: TermWalk,
  draft: Draft,
  keys: readonly Key[],
) {
  const { params } = draft;
  const inTime = keys.map((key, k) => ({ ...key, sql: k === 0 ? 't.created_at' : 't.image_id' }));
  const orderBy = orderBySql(inTime, page.backward);
  const place = page.from ? [beyondSql(inTime, { ...page, from: page.from }, params)] : [];
  const audience = audienceSql(scope, params);
  const limitTo = (limit: number | null) => (rows === null ? '' : `limit ${limit}`);
  const entries = terms.map((term) => {
    const where = [`t.term = ${termSql(term, draft)}`, ...place].join(' and ');
    return `select t.* from image_terms t where ${where} order by ${orderBy}
      ${limitTo(audience === null ? rows : walkEntries)}`;
  });
  const merged =
    entries.length === 1
      ? entries.join('')
      : `select distinct on (t.created_at, t.image_id) t.*
        from (${entries.map((entry) => `(${entry})`).join(' union all ')}) as t order by ${orderBy}`;
  const text = `select t.* from (${merged}) as t ${audience === null ? '' : `where ${audience}`}
    order by ${orderBy} ${limitTo(rows)}`;
  return { text, entries, orderBy };
}

/** Gives a row when the candidates were not all there are. */
function leftBehind(
  catalog: Catalog,
  group: TermGroup,
  walk: TermWalk & { rows: number },
): { text: string; values: unknown[] } {
  const draft = newDraft(catalog, walk.scope);
  const { text, entries } = candidatesInTime(group, walk, draft, keysOf(walk.page.order, draft));
  const longest = walk.scope.caller.isAdmin ? walk.rows : walkEntries;
  const full = entries.map((entry) => `(select count(*) from (${entry}) as t) >= ${longest}`);
  return {
    text: `select 1 where (select count(*) from (${text}) as t) >= ${walk.rows} or ${full.join(' or ')}`,
    values: draft.params.values,
  };
}

const termSql = ({ name, value }: Term, { params }: Draft) =>
  `vitrine_term(${params.add(name, 'text')}, ${params.add(value, 'text')})`;

/** Whether the image of a row of image_terms t has one of the terms of a group. */
function hasTermSql({ terms }: TermGroup, draft: Draft): string[] {
  if (terms.length === 0 || terms.length > mergedTerms) return [];
  const hashes = terms.map((term) => termSql(term, draft)).join(', ');
  return [
    `exists (select from image_terms u
      where u.term in (${hashes}) and u.created_at = t.created_at and u.image_id = t.image_id offset 0)`,
  ];
}
