/** A page of the images that a caller may list, narrowed by a filter. */

import {
  countImages,
  existsAtOrBeyond,
  findImagePage,
  type ImageScope,
  type SeenField,
  type SeenImage,
  sumImageSizes,
} from '../db/images.ts';
import { keyTypes } from '../db/keyset.ts';
import type { Caller } from '../domain/caller.ts';
import { invalid } from '../domain/errors.ts';
import { type KeyValue, makeCursor, readCursor } from '../search/cursor.ts';
import { type ImageFilter, type ImageInclude, impliedIncludes } from '../search/image-filter.ts';
import { type ImageOrder, orderName, totalOrder } from '../search/image-order.ts';
import type { App } from './app.ts';
import { requireToken } from './require-image.ts';

/** first/after or last/before, not both. */
export interface PageInput {
  first?: number | null;
  after?: string | null;
  last?: number | null;
  before?: string | null;
}

export const pageSize = { default: 25, max: 1000 } as const;

export interface ListImages {
  where: ImageFilter;
  include: readonly ImageInclude[];
  orderBy: readonly ImageOrder[];
  page: PageInput;
  /** Only these fields of the images are read. */
  fields: readonly SeenField[];
  /** Nobody will ask for cursors, nor for what comes before and after: it is not read. */
  pageOnly?: boolean;
}

/** What costs a statement of its own is a function: asked only when somebody wants to know. */
export interface ImageList {
  images: SeenImage[];
  cursorOf(image: SeenImage): string;
  hasNextPage(): Promise<boolean>;
  hasPreviousPage(): Promise<boolean>;
  /** Exact number of matches, whatever the page. */
  totalCount(): Promise<number>;
  /** Sum of size over all matches, bytes. */
  totalSize(): Promise<number>;
}

/**
 * @throws ValidationError a page size out of range, or both directions at once
 * @throws BadCursorError  the cursor is of another order, or not ours
 */
export async function listImages(app: App, caller: Caller, input: ListImages): Promise<ImageList> {
  requireToken(caller);
  const scope: ImageScope = {
    caller,
    where: input.where,
    includes: new Set([...input.include, ...impliedIncludes(input.where)]),
  };
  const order = totalOrder(input.orderBy);
  const cursorScope = `images:${orderName(order)}`;
  const { limit, cursor, backward } = readPage(input.page);
  const from = cursor === null ? null : readCursor(cursor, cursorScope, keyTypes(order));
  const { images, hasMore } = await findImagePage(app.db, scope, {
    fields: input.fields,
    order,
    limit,
    from,
    backward,
    pageOnly: input.pageOnly,
  });
  // Against the direction read there is more when anything stands at the cursor or behind it.
  const moreBehind = async () =>
    from !== null && existsAtOrBeyond(app.db, scope, { order, values: from, backward: !backward });
  return {
    images,
    cursorOf: (image) => makeCursor(cursorScope, keyValues(image, order)),
    hasNextPage: async () => (backward ? moreBehind() : hasMore),
    hasPreviousPage: async () => (backward ? hasMore : moreBehind()),
    totalCount: () => countImages(app.db, scope),
    totalSize: () => sumImageSizes(app.db, scope),
  };
}

const keyValues = (image: SeenImage, order: readonly ImageOrder[]): KeyValue[] =>
  order.map((o) => image[o.field]);

/** The page as a limit, a place and a direction. @throws ValidationError */
export function readPage(page: PageInput): { limit: number; cursor: string | null; backward: boolean } {
  const backward = isGiven(page.last) || isGiven(page.before);
  if (backward && (isGiven(page.first) || isGiven(page.after))) {
    throw invalid(['first'], 'CONTRADICTION', 'Give first and after, or last and before, not both pairs.');
  }
  const [name, size] = backward ? (['last', page.last] as const) : (['first', page.first] as const);
  const limit = size ?? pageSize.default;
  if (!Number.isInteger(limit) || limit < 0 || limit > pageSize.max) {
    throw invalid(
      [name],
      'OUT_OF_RANGE',
      `${name} is a number from 0 to ${pageSize.max}; ask for the next page with a cursor.`,
    );
  }
  return { limit, cursor: (backward ? page.before : page.after) ?? null, backward };
}

const isGiven = (value: unknown) => value !== null && value !== undefined;
