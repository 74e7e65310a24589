/** Ways along an index that has the order of the list: to the end, or for a while. */
import type { ImageField } from '../domain/image.ts';
import { topConditions } from '../search/image-filter.ts';
import type { ImageOrder } from '../search/image-order.ts';
import {
  type Catalog,
  type Draft,
  filterInOrderSql,
  filterSql,
  type ImageScope,
  newDraft,
} from './image-scope.ts';
import { type PieceInTime, piecesInTime, visiblePieces, visibleSql } from './image-visible.ts';
import { conditions, imageOf, noWay, type WayMaker } from './image-way.ts';
import { beyondSql, type Key, keysOf, orderBySql, type Place, partsOf } from './keyset.ts';
import { newParams } from './params.ts';
import { textConditions } from './value-filter.ts';

/** Rows looked at on a way that may not end at a full page. */
const walkRows = 1_000;
/** The same where names are asked for: what part of them fits is known better than what else is asked. */
const namedRows = 2_500;
/** Rows read where their index does not say who sees them. */
export const readRows = 4_000;
/** Index entries passed where most may be of images that the caller does not see. */
export const walkEntries = 20_000;

/** All pieces of the list that the caller sees, each along its own index. */
export const walkToTheEnd: WayMaker = (catalog, scope, page) => {
  const draft = newDraft(catalog, scope);
  const keys = keysOf(page.order, draft);
  const runs = isByTime(page.order) ? runsInTime(scope, keys, page, draft) : runsOf(scope, keys, page, draft);
  if (runs.length === 0) return noWay;
  const columns = page.columns(draft, keys);
  const limit = draft.params.add(page.limit, 'int');
  const text = inOrder(runs, { columns, keys, limit, page });
  return { text, values: draft.params.values, isFinal: true, isPriced: false, isPrepared: true };
};

/** Each piece of each part of the list. */
function runsOf(scope: ImageScope, keys: readonly Key[], page: Place, { params }: Draft): Run[] {
  const parts = partsOf(keys, page, params);
  const pieces = visiblePieces(scope, params);
  return parts.flatMap(({ where, orderBy }, n) =>
    pieces.map((piece) => ({ n, from: `images i where ${conditions([piece, ...where])}`, orderBy })),
  );
}

/** The same where memberships have the order too. */
function runsInTime(scope: ImageScope, keys: readonly Key[], page: Place, { params }: Draft): Run[] {
  return piecesInTime(scope, params).flatMap((piece) =>
    partsOf(keysIn(piece, keys), page, params).map(({ where, orderBy }, n) => ({
      n,
      from: `${piece.from} where ${conditions([piece.where, ...where])}`,
      orderBy,
    })),
  );
}

/** Time and id as a piece has them. */
const keysIn = ({ time, id }: Pick<PieceInTime, 'time' | 'id'>, keys: readonly Key[]): Key[] =>
  keys.map((key, k) => ({ ...key, sql: k === 0 ? time : id }));

/** The first images in the order of time that the caller sees, whatever is asked of them. */
const seenForAWhile: WayMaker = (catalog, scope, page) => {
  const draft = newDraft(catalog, scope);
  const { params } = draft;
  const keys = keysOf(page.order, draft);
  const most = seenRows(scope);
  const pieces = piecesInTime(scope, params).map((piece) => {
    const inPiece = keysIn(piece, keys);
    const place = page.from ? [beyondSql(inPiece, { ...page, from: page.from }, params)] : [];
    return `(select i.*, ${piece.time} as time, ${piece.id} as place from ${piece.from}
      where ${conditions([piece.where, ...place])} order by ${orderBySql(inPiece, page.backward)} limit ${most})`;
  });
  if (pieces.length === 0) return noWay;
  const orderBy = orderBySql(keysIn({ time: 'i.time', id: 'i.place' }, keys), page.backward);
  const text = `select ${page.columns(draft, keys)} from (
      select * from (${pieces.join(' union all ')}) as i order by ${orderBy} limit ${most}) as i
    where ${filterInOrderSql(scope, draft)} order by ${orderBy} limit ${params.add(page.limit, 'int')}`;
  return { text, values: params.values, isFinal: false, isPriced: false, isPrepared: true };
};

/**
 * Along the order for some thousand entries of its index: what the index itself has is looked at there, and the
 * rest at the images that are left.
 */
export const walkForAWhile: WayMaker = (catalog, scope, page) => {
  if (scope.sight !== 'all' && isByTime(page.order)) return seenForAWhile(catalog, scope, page);
  const draft = newDraft(catalog, scope);
  const keys = keysOf(page.order, draft);
  const visible = visibleSql(scope, draft.params);
  const named = isByTime(page.order) ? nameSql(scope, draft) : 'true';
  const columns = page.columns(draft, keys);
  const limit = draft.params.add(page.limit, 'int');
  // Who sees all, and asks for no name, passes nothing in the index; and images of one time stand side by side.
  const isCovered =
    coveredFields.has(page.order[0]?.field ?? '') && !(scope.sight === 'all' && named === 'true');
  const filter = isCovered ? filterSql(scope, draft) : filterInOrderSql(scope, draft);
  // The same parts of the candidates, in the order in which they come.
  const inPlace = partsOf(keys.map(ofCandidate), page, newParams()).map(({ orderBy }) => orderBy);
  const runs = partsOf(keys, page, draft.params).map(({ where, orderBy }, n) => {
    if (!isCovered) {
      // The first that are seen are taken as they are read: to sort them the key of every row would be made again.
      // So nothing here may become a join: not the filter, nor who sees an image, where memberships stand under an or.
      const rows = `select i.* from images i where ${conditions(where)} order by ${orderBy} limit ${readRows}`;
      const seen = `select i.* from (${rows}) i where ${conditions([visible, filter])} limit ${limit}`;
      return { n, from: `(${seen}) i where true`, orderBy };
    }
    const covered = `i.id, i.visibility, i.owner, i.hidden, i.name, i.created_at`;
    const entries = `select ${covered} from images i where ${conditions(where)} order by ${orderBy} limit ${walkEntries}`;
    const candidates = `select i.* from (${entries}) i where ${conditions([visible, named])}
      order by ${orderBy} limit ${walkRows}`;
    return {
      n,
      from: `(${candidates}) c ${imageOf('c.id')} where ${filter}`,
      orderBy: inPlace[n] ?? orderBy,
    };
  });
  const text = inOrder(runs, { columns, keys, limit, page });
  return {
    text,
    values: draft.params.values,
    isFinal: false,
    isPriced: false,
    isPrepared: true,
  };
};

/** Of so many of the newest names. */
const namesSampled = 1_000;

/** What part of the names fits: of the newest ones, which are read from an index. */
export async function shareOfNames(catalog: Catalog, scope: ImageScope): Promise<number> {
  const draft = newDraft(catalog, scope);
  const text = `select count(*) filter (where ${nameSql(scope, draft)})::float8 / greatest(1, count(*)) as share
    from (select i.name from images i order by i.created_at desc, i.id desc limit ${namesSampled}) as i`;
  const [row] = await catalog.db.search<{ share: number }>(text, draft.params.values, { prepared: true });
  return row?.share ?? 0;
}

/** Keys of a covered order are columns. */
const ofCandidate = (key: Key): Key => ({ ...key, sql: key.sql.replace(/^i\./, 'c.') });

/** Images that who does not see all has looked at in the order of time. */
export const seenRows = ({ filters }: ImageScope) =>
  filters.flatMap(topConditions).some(({ name }) => name) ? namedRows : walkRows;

/** The conditions on the name, which the index by time has too. */
function nameSql({ filters }: ImageScope, { params }: Draft): string {
  const tops = filters.flatMap(topConditions);
  return conditions(tops.flatMap(({ name }) => (name ? textConditions('i.name', name, params) : [])));
}

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

export const isByTime = (order: readonly ImageOrder[]) => order[0]?.field === 'createdAt' && isOneRun(order);

/** One key and id after it in its direction, or id alone. */
function isOneRun(order: readonly ImageOrder[]): boolean {
  const [first, second, ...rest] = order;
  if (first?.field === 'id') return true;
  return second?.field === 'id' && second.direction === first?.direction && rest.length === 0;
}

/**
 * The same, with the time between the two: the index has it but for images of one name, or of one size, which are put
 * in order as they are met. So it is where Glance's order is asked for.
 */
function isNearlyOneRun(order: readonly ImageOrder[]): boolean {
  const [first, second, ...rest] = order;
  const isTimeBetween = second?.field === 'createdAt' && second.direction === first?.direction;
  return first !== undefined && isOneRun(isTimeBetween ? [first, ...rest] : order);
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

export function isIndexed({ search }: Catalog, order: readonly ImageOrder[]): boolean {
  const [first] = order;
  if (!first || !isNearlyOneRun(order)) return false;
  return first.field === 'property' ? search.hot.has(first.property) : indexedFields.has(first.field);
}

/** Whether each piece of what the caller sees has an index in this order: those by owner and by visibility. */
export const hasPieces = ({ sight }: ImageScope, order: readonly ImageOrder[]) =>
  sight === 'all' || coveredFields.has(order[0]?.field ?? '');
