/** Which images a question is about, and what statements about them are made of. */
import type { MembersKnown } from '../domain/policy.ts';
import type { HiddenProperties } from '../search/hidden-properties.ts';
import type { ImageFilter } from '../search/image-filter.ts';
import { topWords } from '../search/image-filter.ts';
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
    readonly sizes?: Partial<Sizes>;
  };
}

export interface Sizes {
  /** A term with fewer rows has all of them looked at. */
  fewRows: number;
  /** So many rows are looked at one by one until a page is full. */
  fewExpected: number;
  /** How many rows a walk that may be in vain looks at: one of these. */
  rowSteps: readonly number[];
  /** A term that one image in so many has is common: what is shared is looked through until a page is full. */
  imagesPerShare: number;
  /** Of a project with more shares they are always looked through so. */
  sharesAsked: number;
}

const usualSizes: Sizes = {
  fewRows: 1_000,
  fewExpected: 150,
  // Few, since each makes statements of its own.
  rowSteps: [125, 500, 1_500, 3_500],
  imagesPerShare: 16,
  sharesAsked: 5_000,
};

export const sizesOf = ({ search }: Catalog): Sizes => ({ ...usualSizes, ...search.sizes });

/** What the caller may list, narrowed by filters, all of which must hold. */
export interface ImageScope extends Viewpoint {
  filters: readonly ImageFilter[];
  /** Whose shares the caller may ask for. */
  membersKnown: MembersKnown;
  /** Properties that the caller may not read, of which the filters no longer speak; null: there are none. */
  hidden: HiddenProperties | null;
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
    membersKnown: scope.membersKnown,
    describing: scope.hidden?.describing ?? null,
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
