/**
 * What is asked for: the one filter value that GraphQL, the search language and the v2 query string all become.
 * Its logic is two-valued: on a missing value every operator is false, except isNull: true and exists: false.
 */
import type {
  ContainerFormat,
  DiskFormat,
  ImageKind,
  ImageStatus,
  ImageVisibility,
  Instant,
  MemberStatus,
} from '../domain/image.ts';
import type { SignatureState } from '../domain/signature.ts';
import { wordsOf } from './free-text.ts';

/** All operators given must hold; one left out (undefined) says nothing. */
export interface SetFilter<T> {
  eq?: T;
  ne?: T;
  in?: T[];
  notIn?: T[];
}

export interface NullableSetFilter<T> extends SetFilter<T> {
  isNull?: boolean;
}

export interface RangeFilter<T> extends SetFilter<T> {
  lt?: T;
  lte?: T;
  gt?: T;
  gte?: T;
}

export interface NullableRangeFilter<T> extends RangeFilter<T> {
  isNull?: boolean;
}

/**
 * contains, startsWith and endsWith take text as it is; matches is a POSIX regular expression that may match
 * anywhere. ignoreCase applies to every operator beside it.
 */
export interface StringFilter extends NullableSetFilter<string> {
  contains?: string;
  startsWith?: string;
  endsWith?: string;
  matches?: string;
  ignoreCase?: boolean;
}

/** Whole tags, case as it stands. */
export interface TagsFilter {
  has?: string;
  hasAll?: string[];
  hasAny?: string[];
  hasNone?: string[];
  isEmpty?: boolean;
}

/** Elements of a list that is written as text. */
export interface ElementsFilter {
  has?: string;
  hasAll?: string[];
  hasAny?: string[];
  hasNone?: string[];
}

/**
 * A condition on one property, in the views of its value that the comparison needs; all of them must hold. A
 * value that cannot be read as a number, a version or a boolean does not match. name alone means exists: true.
 */
export interface PropertyFilter {
  name: string;
  exists?: boolean;
  text?: StringFilter;
  number?: RangeFilter<number>;
  version?: RangeFilter<string>;
  boolean?: boolean;
  /** Every value can be read as a list, if only one of a single element. */
  elements?: ElementsFilter;
  /** One of these: what db/hot-ranges has found for a range, in place of it. */
  values?: string[];
}

/** project left out is the caller's; status left out is any. */
export interface SharedWithFilter {
  project?: string;
  status?: MemberStatus;
}

export interface ImageFilter {
  and?: ImageFilter[];
  or?: ImageFilter[];
  not?: ImageFilter;
  id?: SetFilter<string>;
  name?: StringFilter;
  kind?: SetFilter<ImageKind>;
  status?: SetFilter<ImageStatus>;
  visibility?: SetFilter<ImageVisibility>;
  owner?: StringFilter;
  diskFormat?: NullableSetFilter<DiskFormat>;
  containerFormat?: NullableSetFilter<ContainerFormat>;
  /** Bytes. */
  size?: NullableRangeFilter<number | bigint>;
  virtualSize?: NullableRangeFilter<number | bigint>;
  /** GiB. */
  minDisk?: RangeFilter<number>;
  /** MiB. */
  minRam?: RangeFilter<number>;
  /** A whole digest of any algorithm, or its first 8 or more hex digits; lower case. */
  digest?: string;
  protected?: boolean;
  hidden?: boolean;
  /** Whether the last upload or import failed. */
  failed?: boolean;
  /** Null: no property speaks of a signature. */
  signature?: NullableSetFilter<SignatureState>;
  tags?: TagsFilter;
  /** Every one must hold, on the same image. */
  properties?: PropertyFilter[];
  /** Some active copy is in a store of such a name. */
  store?: StringFilter;
  sharedWith?: SharedWithFilter;
  /** Words and "phrases": each of them occurs in the name, a tag or a describing property. */
  freeText?: string;
  createdAt?: RangeFilter<Instant>;
  updatedAt?: RangeFilter<Instant>;
}

export type ImageInclude = 'COMMUNITY' | 'PENDING_SHARES' | 'REJECTED_SHARES' | 'HIDDEN';

/** The conditions at the top of `where`, and in its `and`: what decides on includes, facets and indexes. */
export function topConditions(where: ImageFilter): ImageFilter[] {
  return [where, ...(where.and ?? [])];
}

/**
 * Everything that a filter asks for, each with its key. All of it must hold: what stands in an `and`, however deep, is as
 * good as beside it.
 */
export function allConditions(where: ImageFilter): [string, unknown][] {
  return given(where).flatMap(([key, value]) =>
    key === 'and' ? (value as ImageFilter[]).flatMap(allConditions) : [[key, value] as [string, unknown]],
  );
}

/** The keys that say something. */
export const given = (object: object): [string, unknown][] =>
  Object.entries(object).filter(([, value]) => value !== undefined);

/**
 * What `where` asks to see besides the normal list: a condition at its top that names community or hidden
 * images, or what was shared with the caller's `project` and not accepted.
 */
export function impliedIncludes(where: ImageFilter, project: string | null): Set<ImageInclude> {
  const found = new Set<ImageInclude>();
  for (const { visibility, hidden, sharedWith } of topConditions(where)) {
    if (visibility?.eq === 'community' || visibility?.in?.includes('community')) found.add('COMMUNITY');
    if (hidden === true) found.add('HIDDEN');
    if (sharedWith?.project !== undefined && sharedWith.project !== project) continue;
    if (sharedWith?.status === 'pending') found.add('PENDING_SHARES');
    if (sharedWith?.status === 'rejected') found.add('REJECTED_SHARES');
  }
  return found;
}

/** The words that must all occur, of the free texts at the top: what relevance is about. */
export function topWords(where: ImageFilter): string[] {
  return [...new Set(topConditions(where).flatMap(({ freeText }) => wordsOf(freeText ?? '')))];
}
