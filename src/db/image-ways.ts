/**
 * The ways to a page of images. Which is the quickest hangs on how many images match and where they stand in the
 * list, and no estimate of that is good for values that go together. So a search begins with a short walk where a
 * page may be found at once, and only then takes the way that is sure to end:
 *
 *   few       a term of the filter has few rows: look at them all
 *   newest    follow the rows of the shortest term in the order of time, for a while
 *   walk      follow the index that has the list's order, for a while; to the end where nothing is asked
 *   estimated the planner knows how common the values are, and chooses
 *   all       find all that match by whatever index there is, and sort them
 */
import type { ImageField } from '../domain/image.ts';
import {
  type ImageFilter,
  type PropertyFilter,
  type StringFilter,
  topConditions,
} from '../search/image-filter.ts';
import type { ImageOrder } from '../search/image-order.ts';
import {
  type Catalog,
  type Draft,
  filterSql,
  hasConditions,
  type ImageScope,
  newDraft,
} from './image-scope.ts';
import { audienceSql, visiblePieces, visibleSql } from './image-visible.ts';
import { beyondSql, type Key, keysOf, orderBySql, type Place, partsOf } from './keyset.ts';
import { findTermGroups, type Term, type TermGroup } from './term-groups.ts';
import { textConditions } from './value-filter.ts';

/** A statement that gives rows of the page, at most its limit of them, in the direction read. */
export interface Way {
  text: string;
  values: unknown[];
  /** What it gives is the page. Otherwise only when it is full. */
  isFinal: boolean;
  /** It may read much: its cost is looked at first. */
  isPriced: boolean;
  /** Its text is one of few. */
  isPrepared: boolean;
}

export interface PageWanted extends Place {
  order: readonly ImageOrder[];
  /** Rows, as SQL has them. */
  limit: number;
  /** What to read of each `images i`, with the keys of the order: as SQL. */
  columns(draft: Draft, keys: readonly Key[]): string;
}

/** All rows of a term with fewer of them are looked at. */
const fewRows = 1_000;
/** Rows looked at on a way that may not end at a full page. */
const walkRows = 1_000;
/** Index entries passed on the way to those. */
const walkEntries = 5_000;
/** Lists of more terms than this are not merged. */
const mergedTerms = 16;

/** In the order in which they are to be tried; the last is final. */
export async function* waysTo(catalog: Catalog, scope: ImageScope, page: PageWanted): AsyncGenerator<Way> {
  const way = (make: WayMaker) => make(catalog, scope, page);
  const isWalkable = isIndexed(catalog, page.order);
  if (!hasConditions(scope)) {
    if (isWalkable && !scope.caller.isAdmin) yield way(walkForAWhile);
    yield way(isWalkable && hasPieces(scope, page.order) ? walkToTheEnd : all);
    return;
  }
  if (isWalkable && isEstimable(scope.filters, noProperties)) {
    yield way(estimated);
    return;
  }
  const isHot = (name: string) => catalog.search.hot.has(name);
  const [shortest, ...others] = await findTermGroups(catalog.db, scope.filters, isHot);
  if (shortest?.terms.length === 0) {
    yield noWay;
    return;
  }
  const isMergeable = shortest && shortest.terms.length <= mergedTerms && isByTime(page.order);
  if (shortest && shortest.count <= fewRows) {
    yield way(isMergeable ? newest(shortest, others, { toTheEnd: true }) : few(shortest));
    return;
  }
  if (isMergeable) yield way(newest(shortest, others, { toTheEnd: false }));
  else if (isWalkable && isEstimable(scope.filters, catalog.search.hot)) {
    yield way(estimated);
    return;
  } else if (isWalkable) yield way(walkForAWhile);
  yield way(all);
}

/** To where no image is. */
const noWay: Way = {
  text: 'select 1 where false',
  values: [],
  isFinal: true,
  isPriced: false,
  isPrepared: false,
};

type WayMaker = (catalog: Catalog, scope: ImageScope, page: PageWanted) => Way;

/** All pieces of the list that the caller sees, each along its own index. */
const walkToTheEnd: WayMaker = (catalog, scope, page) => {
  const draft = newDraft(catalog, scope);
  const keys = keysOf(page.order, draft);
  const parts = partsOf(keys, page, draft.params);
  const pieces = visiblePieces(scope, draft.params);
  if (pieces.length === 0) return noWay;
  const columns = page.columns(draft, keys);
  const limit = draft.params.add(page.limit, 'int');
  const runs = parts.flatMap((part, n) => pieces.map((piece) => ({ part, piece, n })));
  const text = inOrder(
    runs.map(({ part: { where, orderBy }, piece, n }) => ({
      n,
      from: `images i where ${conditions([piece, ...where])}`,
      orderBy,
    })),
    { columns, keys, limit, page },
  );
  return { text, values: draft.params.values, isFinal: true, isPriced: false, isPrepared: true };
};

/**
 * Along the order for some thousand entries of its index: what the index itself has is looked at there, and the
 * rest at the images that are left.
 */
const walkForAWhile: WayMaker = (catalog, scope, page) => {
  const draft = newDraft(catalog, scope);
  const keys = keysOf(page.order, draft);
  const visible = visibleSql(scope, draft.params);
  const filter = filterSql(scope, draft);
  const named = isByTime(page.order) ? nameSql(scope, draft) : 'true';
  const columns = page.columns(draft, keys);
  const limit = draft.params.add(page.limit, 'int');
  const isCovered = coveredFields.has(page.order[0]?.field ?? '');
  const runs = partsOf(keys, page, draft.params).map(({ where, orderBy }, n) => {
    const covered = `i.id, i.visibility, i.owner, i.hidden, i.name, i.created_at`;
    const entries = isCovered
      ? `select ${covered} from images i where ${conditions(where)} order by ${orderBy} limit ${walkEntries}`
      : `select i.* from images i where ${conditions(where)} order by ${orderBy} limit ${walkRows}`;
    const candidates = `select i.id, ${keys.map((key, k) => `${key.sql} as "at ${k}"`).join(', ')}
      from (${entries}) i where ${conditions([visible, named])} order by ${orderBy} limit ${walkRows}`;
    const inPlace = orderBySql(
      keys.map((key, k) => ({ ...key, sql: `c."at ${k}"` })),
      page.backward,
    );
    return { n, from: `(${candidates}) c ${imageOf('c.id')} where ${filter}`, orderBy: inPlace };
  });
  const text = inOrder(runs, { columns, keys, limit, page });
  return { text, values: draft.params.values, isFinal: false, isPriced: false, isPrepared: false };
};

/** The conditions on the name, which the index by time has too. */
function nameSql({ filters }: ImageScope, { params }: Draft): string {
  const tops = filters.flatMap(topConditions);
  return conditions(tops.flatMap(({ name }) => (name ? textConditions('i.name', name, params) : [])));
}

/** The image of a candidate, found by its id whatever the planner hopes of other indexes. */
const imageOf = (id: string) => `cross join lateral (select * from images i where i.id = ${id} offset 0) i`;

interface Run {
  /** Of which part of the list. */
  n: number;
  /** Up to its where. */
  from: string;
  orderBy: string;
}

interface Selected {
  columns: string;
  keys: readonly Key[];
  limit: string;
  page: Place;
}

/** Rows of several runs as one list: in the order of the parts, then of the keys. */
function inOrder(runs: Run[], { columns, keys, limit, page }: Selected): string {
  const [only] = runs;
  if (only && runs.length === 1)
    return `select ${columns} from ${only.from} order by ${only.orderBy} limit ${limit}`;
  const places = keys.map((key, k) => `${key.sql} as "key ${k}"`).join(', ');
  const selects = runs.map(
    ({ n, from, orderBy }) =>
      `(select ${columns}, ${n} as part, ${places} from ${from} order by ${orderBy} limit ${limit})`,
  );
  const named = keys.map((key, k) => ({ ...key, sql: `"key ${k}"` }));
  return `select * from (${selects.join(' union all ')}) as runs
    order by part, ${orderBySql(named, page.backward)} limit ${limit}`;
}

const estimated: WayMaker = (catalog, scope, page) => {
  const draft = newDraft(catalog, scope);
  const { columns, where, tail } = sorted(scope, page, draft);
  const text = `select ${columns} from images i where ${where} ${tail}`;
  return { text, values: draft.params.values, isFinal: true, isPriced: false, isPrepared: false };
};

/** Its fence keeps the planner from hoping to find a page early along the order. */
const all: WayMaker = (catalog, scope, page) => {
  const draft = newDraft(catalog, scope);
  const { columns, where, tail } = sorted(scope, page, draft);
  const text = `select ${columns} from (select i.* from images i where ${where} offset 0) i ${tail}`;
  return { text, values: draft.params.values, isFinal: true, isPriced: true, isPrepared: false };
};

const few =
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

/** The page as one statement over images i: what is read, which, and in what order. */
function sorted(scope: ImageScope, page: PageWanted, draft: Draft) {
  const keys = keysOf(page.order, draft);
  const place = page.from ? [beyondSql(keys, { ...page, from: page.from }, draft.params)] : [];
  const where = conditions([visibleSql(scope, draft.params), filterSql(scope, draft), ...place]);
  const tail = `order by ${orderBySql(keys, page.backward)} limit ${draft.params.add(page.limit, 'int')}`;
  return { columns: page.columns(draft, keys), where, tail };
}

const conditions = (parts: string[]) =>
  parts
    .filter((part) => part !== 'true')
    .map((part) => `(${part})`)
    .join(' and ') || 'true';

/**
 * Along the terms of one group in the order of time. Whether a row has the terms of the other groups too is seen
 * in the index; only what is left is looked at.
 */
const newest =
  ({ terms }: TermGroup, others: readonly TermGroup[], { toTheEnd }: { toTheEnd: boolean }): WayMaker =>
  (catalog, scope, page) => {
    const draft = newDraft(catalog, scope);
    const { params } = draft;
    const keys = keysOf(page.order, draft);
    const inTime = keys.map((key, k) => ({ ...key, sql: k === 0 ? 't.created_at' : 't.image_id' }));
    const orderBy = orderBySql(inTime, page.backward);
    const place = page.from ? [beyondSql(inTime, { ...page, from: page.from }, params)] : [];
    const seen = [
      audienceSql(scope, params) ?? 'true',
      ...others.flatMap((group) => hasTermSql(group, draft)),
    ];
    const limitTo = (rows: number) => (toTheEnd ? '' : `limit ${rows}`);
    const runs = terms.map((term) => {
      const where = [`t.term = ${termSql(term, draft)}`, ...place].join(' and ');
      const entries = `select t.* from image_terms t where ${where} order by ${orderBy} ${limitTo(walkEntries)}`;
      return `select t.created_at, t.image_id from (${entries}) as t where ${conditions(seen)}
        order by ${orderBy} ${limitTo(walkRows)}`;
    });
    const candidates =
      runs.length === 1
        ? runs.join('')
        : `select distinct t.created_at, t.image_id from (${runs.map((run) => `(${run})`).join(' union all ')}) as t
          order by ${orderBy} ${limitTo(walkRows)}`;
    const where = conditions([visibleSql(scope, params), filterSql(scope, draft)]);
    const text = `select ${page.columns(draft, keys)} from (${candidates}) as t ${imageOf('t.image_id')}
      where ${where} order by ${orderBy} limit ${params.add(page.limit, 'int')}`;
    return { text, values: params.values, isFinal: toTheEnd, isPriced: false, isPrepared: false };
  };

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

const isByTime = (order: readonly ImageOrder[]) => order[0]?.field === 'createdAt' && isOneRun(order);

/** One key and id after it in its direction, or id alone. */
function isOneRun(order: readonly ImageOrder[]): boolean {
  const [first, second, ...rest] = order;
  if (first?.field === 'id') return true;
  return second?.field === 'id' && second.direction === first?.direction && rest.length === 0;
}

const indexedFields: ReadonlySet<string> = new Set([
  'createdAt',
  'updatedAt',
  'name',
  'size',
  'id',
] satisfies ImageField[]);
/** Those whose index also has what decides who sees an image. */
const coveredFields: ReadonlySet<string> = new Set(['createdAt', 'name'] satisfies ImageField[]);

function isIndexed({ search }: Catalog, order: readonly ImageOrder[]): boolean {
  const [first] = order;
  if (!first || !isOneRun(order)) return false;
  return first.field === 'property' ? search.hot.has(first.property) : indexedFields.has(first.field);
}

/** Whether each piece of what the caller sees has an index in this order: those by owner and by visibility. */
const hasPieces = ({ caller }: ImageScope, order: readonly ImageOrder[]) =>
  caller.isAdmin || coveredFields.has(order[0]?.field ?? '');

const estimableFields: ReadonlySet<string> = new Set([
  'id',
  'kind',
  'status',
  'visibility',
  'diskFormat',
  'containerFormat',
  'size',
  'virtualSize',
  'minDisk',
  'minRam',
  'protected',
  'hidden',
  'createdAt',
  'updatedAt',
] satisfies (keyof ImageFilter)[]);

type Names = { has(name: string): boolean };
const noProperties: Names = new Set<string>();

/** Whether PostgreSQL has statistics on all that is asked: it has none on properties but the hot ones. */
function isEstimable(filters: readonly ImageFilter[], hot: Names): boolean {
  return filters.every((filter) =>
    Object.entries(filter).every(([key, value]) => {
      if (key === 'and' || key === 'or') return isEstimable(value as ImageFilter[], hot);
      if (key === 'not') return isEstimable([value as ImageFilter], hot);
      if (key === 'name' || key === 'owner') return isEstimableText(value as StringFilter);
      if (key === 'properties')
        return filter.properties?.every((property) => isEstimableProperty(property, hot));
      return estimableFields.has(key);
    }),
  );
}

const isEstimableProperty = ({ name, number, version, text, boolean }: PropertyFilter, hot: Names) =>
  hot.has(name) && (number !== undefined || version !== undefined) && !text && boolean === undefined;

function isEstimableText({ contains, endsWith, matches, ignoreCase }: StringFilter): boolean {
  return contains === undefined && endsWith === undefined && matches === undefined && !ignoreCase;
}
