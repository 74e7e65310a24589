/** One way to a page of images: a statement, and what all ways are made of. */
import type { ImageOrder } from '../search/image-order.ts';
import { type Catalog, type Draft, filterSql, type ImageScope } from './image-scope.ts';
import { visibleSql } from './image-visible.ts';
import { beyondSql, type Key, keysOf, orderBySql, type Place } from './keyset.ts';

/** A statement that gives rows of the page, at most its limit of them, in the direction read. */
export interface Way {
  text: string;
  values: unknown[];
  /**
   * What it gives is the page. Otherwise only when it is full. Told: or when `isAll` says so, which stands in each row;
   * where none is found there is one without an id.
   */
  isFinal: boolean | 'told';
  /** It may read much: its cost is looked at first. */
  isPriced: boolean;
  /** What it will cost, about, where that is known: units of PostgreSQL's planner. */
  cost?: number;
  /** Its text is one of few. */
  isPrepared: boolean;
}

/** To look at an image that an index has found. */
export const imageCost = 2.5;

export interface PageWanted extends Place {
  order: readonly ImageOrder[];
  /** Rows, as SQL has them. */
  limit: number;
  /** What to read of each `images i`, its id among it, with the keys of the order: as SQL. */
  columns(draft: Draft, keys: readonly Key[]): string;
}

/** To where no image is. */
export const noWay: Way = {
  text: 'select 1 where false',
  values: [],
  isFinal: true,
  isPriced: false,
  isPrepared: false,
};

export type WayMaker = (catalog: Catalog, scope: ImageScope, page: PageWanted) => Way;

/** The image of a candidate, found by its id whatever the planner hopes of other indexes. */
export const imageOf = (id: string) =>
  `cross join lateral (select * from images i where i.id = ${id} offset 0) i`;

/** The page as one statement over images i: what is read, which, and in what order. */
export function sorted(scope: ImageScope, page: PageWanted, draft: Draft) {
  const keys = keysOf(page.order, draft);
  const place = page.from ? [beyondSql(keys, { ...page, from: page.from }, draft.params)] : [];
  const where = conditions([visibleSql(scope, draft.params), filterSql(scope, draft), ...place]);
  const tail = `order by ${orderBySql(keys, page.backward)} limit ${draft.params.add(page.limit, 'int')}`;
  return { columns: page.columns(draft, keys), where, tail };
}

export const conditions = (parts: string[]) =>
  parts
    .filter((part) => part !== 'true')
    .map((part) => `(${part})`)
    .join(' and ') || 'true';
