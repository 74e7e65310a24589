/** A page of the images that a caller may list, narrowed by a filter. */

import { type Facet, findFacets } from '../db/image-facets.ts';
import { existsAtOrBeyond, findImagePage, type PlacedImage, placeOf, type Reads } from '../db/image-pages.ts';
import type { ImageScope } from '../db/image-scope.ts';
import { countImages, sumImageSizes } from '../db/image-totals.ts';
import type { SeenField } from '../db/images.ts';
import { keyTypes } from '../db/keyset.ts';
import type { Caller } from '../domain/caller.ts';
import { invalid } from '../domain/errors.ts';
import { readable } from '../domain/property-protection.ts';
import { makeCursor, readCursor } from '../search/cursor.ts';
import type { FacetOf } from '../search/facet.ts';
import { seenFacet, seenOrder } from '../search/hidden-properties.ts';
import { topWords } from '../search/image-filter.ts';
import { type ImageOrder, orderKeysMax, orderName, totalOrder } from '../search/image-order.ts';
import type { App } from './app.ts';
import { type AskedImages, askedScope } from './asked-images.ts';

/** first/after or last/before, not both. */
export interface PageInput {
  first?: number | null;
  after?: string | null;
  last?: number | null;
  before?: string | null;
}

export const pageSize = { default: 25, max: 1000 } as const;

export interface ListImages extends AskedImages {
  orderBy: readonly ImageOrder[];
  page: PageInput;
  /** Only these fields of the images are read. */
  fields: readonly SeenField[];
  /** What will be asked of the answer; all of it when nothing is said. */
  reads?: Reads;
}

/** What costs a statement of its own is a function: asked only when somebody wants to know. */
export interface ImageList {
  images: PlacedImage[];
  cursorOf(image: PlacedImage): string;
  hasNextPage(): Promise<boolean>;
  hasPreviousPage(): Promise<boolean>;
  /** Exact number of matches, whatever the page. */
  totalCount(): Promise<number>;
  /** Sum of size over all matches, bytes. */
  totalSize(): Promise<number>;
  /** Values over all matches; at most `limit` of each. */
  facets(of: readonly FacetOf[], limit: number): Promise<Facet[]>;
}

/**
 * @throws ValidationError a page size out of range, both directions at once, a regular expression that is none
 * @throws BadSearchError  the search does not say anything, and where
 * @throws BadCursorError  the cursor is of another order, or not ours
 * @throws TooCostlyError  it would read too much of the catalog
 * @throws TimeoutError    it took too long all the same
 */
export async function listImages(app: App, caller: Caller, input: ListImages): Promise<ImageList> {
  const { scope, orderBy } = await askedScope(app, caller, input);
  const words = scope.filters.flatMap(topWords);
  const asked = totalOrder(checkedOrder(input.orderBy.length > 0 ? input.orderBy : orderBy), {
    hasWords: words.length > 0,
  });
  // A cursor is of the order as it was asked for, whatever of it is hidden.
  const cursorScope = cursorScopeOf(asked, words);
  const order = seenOrder(asked, scope.hidden);
  const { limit, cursor, backward } = readPage(input.page);
  const from = cursor === null ? null : readCursor(cursor, cursorScope, keyTypes(order));
  const { fields, reads } = input;
  const page = { fields, order, limit, from, backward, reads };
  const { images: found, hasMore } = await findImagePage(app, scope, page);
  const images = app.protection ? found.map((image) => readable(app.protection, caller, image)) : found;
  // Against the direction read there is more when anything stands at the cursor or behind it.
  const moreBehind = async () =>
    from !== null && existsAtOrBeyond(app, scope, { order, values: from, backward: !backward });
  return {
    images,
    cursorOf: (image) => makeCursor(cursorScope, placeOf(image, order)),
    hasNextPage: async () => (backward ? moreBehind() : hasMore),
    hasPreviousPage: async () => (backward ? hasMore : moreBehind()),
    totalCount: () => countImages(app, scope),
    totalSize: () => sumImageSizes(app, scope),
    facets: (of, limit) => seenFacets(app, scope, of, limit),
  };
}

/** Facets of what the caller may read; of a hidden property it is that of a missing one. */
export async function seenFacets(
  app: App,
  scope: ImageScope,
  of: readonly FacetOf[],
  limit: number,
): Promise<Facet[]> {
  const facets = await findFacets(
    app,
    scope,
    of.map((facet) => seenFacet(facet, scope.hidden)),
    limit,
  );
  return facets.map((facet, n) => ({ ...facet, of: of[n] as FacetOf }));
}

function checkedOrder(order: readonly ImageOrder[]): readonly ImageOrder[] {
  if (order.length <= orderKeysMax) return order;
  throw invalid(['orderBy'], 'TOO_LONG', `A list is ordered by at most ${orderKeysMax} keys.`);
}

/** A place by relevance is one among the images that these words were looked for in. */
function cursorScopeOf(order: readonly ImageOrder[], words: readonly string[]): string {
  const byWords = order.some((key) => key.field === 'relevance');
  return `images:${orderName(order)}${byWords ? `:${JSON.stringify(words)}` : ''}`;
}

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
