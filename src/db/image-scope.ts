/** Which images a question is about, and what statements about them are made of. */
import type { Caller } from '../domain/caller.ts';
import { type ImageFilter, type ImageInclude, topWords } from '../search/image-filter.ts';
import { tokenFilter } from '../search/token-filter.ts';
import type { Database } from './client.ts';
import { type FilterContext, imageFilterInOrderSql, imageFilterSql } from './image-filter.ts';
import type { Viewpoint } from './image-visible.ts';
import type { KeyContext } from './keyset.ts';
import { newParams, type Params } from './params.ts';

/** The database, and what is known of its indexes and its patience. */
export interface Catalog {
  readonly db: Database;
  readonly search: {
    /** Properties with indexes of their own. */
    readonly hot: { has(name: string): boolean };
    /** What one statement may cost, in units of PostgreSQL's planner. */
    readonly costMax: number;
    /** From which sizes on which way is taken; the usual ones when nothing is said. */
    readonly sizes?: Sizes;
  };
}

export interface Sizes {
  /** A term with fewer rows has all of them looked at. */
  fewRows: number;
  /** A hot property with fewer values has too many images with each. */
  fewValues: number;
}

const usualSizes: Sizes = { fewRows: 1_000, fewValues: 50 };

export const sizesOf = ({ search }: Catalog): Sizes => search.sizes ?? usualSizes;

/** What the caller may list, narrowed by filters, all of which must hold. */
export interface ImageScope extends Viewpoint {
  filters: readonly ImageFilter[];
}

/** A scope as every question begins with it: what the caller's token is for holds too. */
export function imageScope(
  caller: Caller,
  filters: readonly ImageFilter[],
  includes: ReadonlySet<ImageInclude>,
): ImageScope {
  const narrowed = tokenFilter(caller);
  return { caller, includes, filters: narrowed ? [narrowed, ...filters] : filters };
}

/** A statement in the making: its values, and what the parts of it hang on. */
export interface Draft extends FilterContext, KeyContext {
  params: Params;
}

export function newDraft({ search }: Catalog, scope: ImageScope): Draft {
  const params = newParams();
  return {
    params,
    caller: scope.caller,
    words: scope.filters.flatMap(topWords),
    propertyName: (name) => (search.hot.has(name) ? literal(name) : params.add(name, 'text')),
  };
}

/** An index is only found by the very name: as a literal, with everything that would end it doubled. */
function literal(text: string): string {
  const quoted = text.replaceAll("'", "''");
  return text.includes('\\') ? ` E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`;
}

export const filterSql = (scope: ImageScope, draft: Draft) => imageFilterSql(scope.filters, draft);

/** For rows that are taken as they come, in an order that must stay. */
export const filterInOrderSql = (scope: ImageScope, draft: Draft) =>
  imageFilterInOrderSql(scope.filters, draft);

export const hasConditions = (scope: ImageScope) =>
  scope.filters.some((filter) => Object.keys(filter).length > 0);
