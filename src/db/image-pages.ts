/** Questions about lists of images: one page, and whether there is more. */
import type { Caller } from '../domain/caller.ts';
import { TooCostlyError } from '../domain/errors.ts';
import type { KeyValue } from '../search/cursor.ts';
import type { ImageFilter } from '../search/image-filter.ts';
import type { ImageOrder } from '../search/image-order.ts';
import type { Catalog, ImageScope } from './image-scope.ts';
import { whoWaits } from './image-visible.ts';
import type { PageWanted, Way } from './image-way.ts';
import { waysTo } from './image-ways.ts';
import { columnsSql, type SeenField, type SeenImage } from './images.ts';
import { hasPatterns } from './patterns.ts';

/**
 * What somebody will ask of a list: only totals; the page; or also where the page stands, which is what cursors
 * are made of and whether there is more.
 */
export type Reads = 'totals' | 'page' | 'place';

export interface ImagePage {
  /** Only these are read; with 'place' also what cursors are made of. */
  fields: readonly SeenField[];
  /** Total: ends with id. */
  order: readonly ImageOrder[];
  limit: number;
  /** Where to go on: the values of the order's keys at a row; null at the end of the list. */
  from: readonly KeyValue[] | null;
  /** Towards the start of the list; the rows still come in the list's order. */
  backward: boolean;
  reads?: Reads;
}

/** An image at its place: with the values of the order's keys that are no fields of it. */
export interface PlacedImage extends SeenImage {
  [key: `place ${number}`]: KeyValue;
}

/**
 * A page, in the list's order, and whether there is more in the direction read.
 * @throws TooCostlyError  it would read too much of the catalog
 * @throws TimeoutError    it took too long all the same
 */
export async function findImagePage(
  catalog: Catalog,
  scope: ImageScope,
  page: ImagePage,
): Promise<{ images: PlacedImage[]; hasMore: boolean }> {
  const { order, limit, from, backward, reads = 'place' } = page;
  if (reads === 'totals') return { images: [], hasMore: false };
  const fields = new Set<SeenField>(['id', ...page.fields]);
  if (reads === 'place') for (const key of order) if (isField(key)) fields.add(key.field);
  const rows = await findRows<PlacedImage>(catalog, scope, {
    order,
    from,
    backward,
    limit: limit + (reads === 'place' ? 1 : 0),
    columns(draft, keys) {
      const columns = columnsSql(fields, scope.caller, draft.params);
      const places = keys.flatMap((key, k) =>
        reads === 'page' || isField(order[k]) ? [] : [`${key.sql} as "place ${k}"`],
      );
      return [columns, ...places].join(', ');
    },
  });
  const hasMore = rows.length > limit;
  if (hasMore) rows.length = limit;
  return { images: backward ? rows.reverse() : rows, hasMore };
}

type FieldOrder = Exclude<ImageOrder, { field: 'property' | 'relevance' }>;

function isField(key: ImageOrder | undefined): key is FieldOrder {
  return key !== undefined && key.field !== 'property' && key.field !== 'relevance';
}

/** The place of an image in a list of this order, for a cursor. */
export function placeOf(image: PlacedImage, order: readonly ImageOrder[]): KeyValue[] {
  return order.map((key, k) => (isField(key) ? image[key.field] : (image[`place ${k}`] ?? null)));
}

/** Whether any image of the scope stands at that row of the order or on the far side of it. */
export async function existsAtOrBeyond(
  catalog: Catalog,
  scope: ImageScope,
  at: { order: readonly ImageOrder[]; values: readonly KeyValue[]; backward: boolean },
): Promise<boolean> {
  const { order, values: from, backward } = at;
  const page = { order, from, backward, orAt: true, limit: 1, columns: () => 'i.id' };
  return (await findRows(catalog, scope, page)).length > 0;
}

async function findRows<Row>(catalog: Catalog, scope: ImageScope, page: PageWanted): Promise<Row[]> {
  for await (const way of waysTo(catalog, scope, page)) {
    const { rows, isAll } = outcomeOf(way, await runWay<Row>(catalog, scope, way));
    if (isAll || rows.length === page.limit) return rows;
  }
  throw new Error('No way to a page was the last one.');
}

/** What a way has found, and whether that is all there is. */
function outcomeOf<Row>({ isFinal }: Way, rows: Row[]): { rows: Row[]; isAll: boolean } {
  if (isFinal !== 'told') return { rows, isAll: isFinal };
  const [first] = rows as { id: unknown; isAll: boolean }[];
  return { rows: first?.id === null ? [] : rows, isAll: first?.isAll ?? false };
}

async function runWay<Row>(catalog: Catalog, scope: ImageScope, way: Way): Promise<Row[]> {
  if (way.isPriced) return runPriced<Row>(catalog, scope, way);
  const isCostly = (way.cost ?? 0) > cheapCost;
  const costlyFor = isCostly ? whoWaits(scope.caller) : patternsWait(scope.filters, scope.caller);
  return catalog.db.search<Row>(way.text, way.values, { prepared: way.isPrepared, costlyFor });
}

/** Who waits for statements with a regular expression, which to read alone may take any time. */
const patternsWait = (filters: readonly ImageFilter[], caller: Caller) =>
  hasPatterns(filters) ? whoWaits(caller) : undefined;

/** Above this a statement waits for its turn. */
const cheapCost = 10_000;

/**
 * Runs a statement that may read much: its cost is looked at first, unless it is known, and when it is no small one, or nobody can
 * tell for a regular expression, it waits until those of others have had their turn.
 * @throws TooCostlyError it would read too much
 */
export async function runPriced<Row>(
  { db, search }: Catalog,
  { caller, filters }: ImageScope,
  { text, values, cost: known }: { text: string; values: unknown[]; cost?: number | null },
): Promise<Row[]> {
  const cost = known ?? (await explainedCost({ db, search }, { caller, filters }, { text, values }));
  if (cost > search.costMax) {
    throw new TooCostlyError(
      `This reads too much of the catalog (cost ${cost}, limit ${search.costMax}): add a condition that an index ` +
        'serves, such as a word of three letters, a tag, the whole value of a property, the beginning of a name or a time.',
      { cost, limit: search.costMax },
    );
  }
  const costlyFor = cost > cheapCost ? whoWaits(caller) : patternsWait(filters, caller);
  return db.search<Row>(text, values, { costlyFor, prepared: known !== undefined && known !== null });
}

async function explainedCost(
  { db }: Catalog,
  { caller, filters }: Pick<ImageScope, 'caller' | 'filters'>,
  { text, values }: { text: string; values: unknown[] },
): Promise<number> {
  const [row] = await db.search<{ 'QUERY PLAN': [{ Plan: { 'Total Cost': number } }] }>(
    `explain (format json) ${text}`,
    values,
    { costlyFor: patternsWait(filters, caller) },
  );
  return Math.round(row?.['QUERY PLAN'][0].Plan['Total Cost'] ?? 0);
}
