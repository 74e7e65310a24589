/**
 * What is asked for: the one filter value that GraphQL, the search language and the v2 query string all become.
 * Its logic is two-valued: on a missing value every operator is false, except isNull: true and exists: false.
 */
import { invalid } from '../domain/errors.ts';
import type {
  ContainerFormat,
  DiskFormat,
  ImageKind,
  ImageStatus,
  ImageVisibility,
  Instant,
} from '../domain/image.ts';

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

/** contains, startsWith and endsWith take text as it is. ignoreCase applies to every operator beside it. */
export interface StringFilter extends NullableSetFilter<string> {
  contains?: string;
  startsWith?: string;
  endsWith?: string;
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

/** name alone means exists: true. */
export interface PropertyFilter {
  name: string;
  exists?: boolean;
  text?: StringFilter;
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
  protected?: boolean;
  hidden?: boolean;
  tags?: TagsFilter;
  /** Every one must hold, on the same image. */
  properties?: PropertyFilter[];
  createdAt?: RangeFilter<Instant>;
  updatedAt?: RangeFilter<Instant>;
}

export type ImageInclude = 'COMMUNITY' | 'PENDING_SHARES' | 'REJECTED_SHARES' | 'HIDDEN';

/** Logical nodes a filter may have: enough for any form, far from what would trouble the planner. */
export const filterSizeMax = 300;
/** Values in one `in` list, and in all lists together ten times that. */
export const listMax = 1000;
const depthMax = 16;

type Unchecked = Record<string, unknown>;

/**
 * The filter without what was left out: null in place of a whole condition goes, null as the operand of an
 * operator is refused, since an unset variable would find everything. Also bounds its size and depth.
 *
 * `input` has the shape of ImageFilter but may have nulls, as GraphQL variables do.
 * @throws ValidationError with the path of what is wrong, `where` first
 */
export function checkedFilter(input: unknown, path: string[] = ['where']): ImageFilter {
  const budget = { nodes: filterSizeMax, values: listMax * 10 };
  return checkFilter(input as Unchecked, path, 0, budget) as ImageFilter;
}

interface Budget {
  nodes: number;
  values: number;
}

function checkFilter(input: Unchecked, path: string[], depth: number, budget: Budget): Unchecked {
  if (depth > depthMax) throw invalid(path, 'TOO_DEEP', `A filter nests at most ${depthMax} levels.`);
  // One that asks nothing is a condition all the same: a list of them has no end otherwise.
  if (Object.keys(input).length === 0) spend(budget, path);
  const result: Unchecked = {};
  for (const [key, value] of Object.entries(input)) {
    if (value === null || value === undefined) continue;
    const at = [...path, key];
    spend(budget, at);
    if (key === 'and' || key === 'or') {
      result[key] = (value as Unchecked[]).map((f, i) =>
        checkFilter(f, [...at, String(i)], depth + 1, budget),
      );
    } else if (key === 'not') {
      result[key] = checkFilter(value as Unchecked, at, depth + 1, budget);
    } else if (key === 'properties') {
      result[key] = (value as Unchecked[]).map((f, i) => checkProperty(f, [...at, String(i)], budget));
    } else if (typeof value === 'object') {
      result[key] = checkOperators(value as Unchecked, at, budget);
    } else {
      result[key] = value;
    }
  }
  return result;
}

function checkOperators(input: Unchecked, path: string[], budget: Budget): Unchecked {
  for (const [operator, value] of Object.entries(input)) {
    if (value === null) {
      const hint = 'say isNull or exists, or leave the operator out';
      throw invalid([...path, operator], 'NULL_OPERAND', `${operator} cannot be null in a filter; ${hint}.`);
    }
    checkOperand(value, [...path, operator], budget);
  }
  return input;
}

function checkOperand(value: unknown, path: string[], budget: Budget): void {
  if (Array.isArray(value)) {
    budget.values -= value.length;
    if (value.length > listMax || budget.values < 0) {
      throw invalid(path, 'TOO_LONG', `A list in a filter has at most ${listMax} values; send fewer.`);
    }
    for (const item of value) checkOperand(item, path, budget);
  } else if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed())) {
    throw invalid(
      path,
      'BAD_CHARACTER',
      'Text in a filter has a NUL or half a surrogate pair; no image has that.',
    );
  }
}

function checkProperty(input: Unchecked, path: string[], budget: Budget): Unchecked {
  spend(budget, path);
  checkOperand(input.name, [...path, 'name'], budget);
  const result: Unchecked = { name: input.name };
  for (const [key, value] of Object.entries(input)) {
    if (key === 'name' || value === undefined) continue;
    if (value === null) {
      if (key !== 'exists') continue; // a whole condition
      throw invalid([...path, key], 'NULL_OPERAND', 'exists cannot be null in a filter; leave it out.');
    }
    result[key] =
      typeof value === 'object' ? checkOperators(value as Unchecked, [...path, key], budget) : value;
  }
  if (result.exists === false && Object.keys(result).length > 2) {
    throw invalid(
      path,
      'CONTRADICTION',
      `exists: false on ${input.name} stands alone; take the other conditions out.`,
    );
  }
  return result;
}

function spend(budget: Budget, path: string[]): void {
  budget.nodes--;
  if (budget.nodes < 0) throw invalid(path, 'TOO_LARGE', `A filter has at most ${filterSizeMax} conditions.`);
}

/**
 * What `where` asks to see besides the normal list: a condition at its top, or in its `and`, that names
 * community or hidden images.
 */
export function impliedIncludes(where: ImageFilter): Set<ImageInclude> {
  const found = new Set<ImageInclude>();
  for (const filter of [where, ...(where.and ?? [])]) {
    const { eq, in: list } = filter.visibility ?? {};
    if (eq === 'community' || list?.includes('community')) found.add('COMMUNITY');
    if (filter.hidden === true) found.add('HIDDEN');
  }
  return found;
}
