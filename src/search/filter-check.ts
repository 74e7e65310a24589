/** What a filter from outside must be, before anything is done with it: without nulls, bounded, readable. */
import { invalid } from '../domain/errors.ts';
import { wordsOf } from './free-text.ts';
import type { ImageFilter } from './image-filter.ts';

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
 * `input` has the shape of the filter but may have nulls, as GraphQL variables do.
 * @throws ValidationError with the path of what is wrong, `where` first
 */
export function checkedFilter<F = ImageFilter>(input: unknown, path: string[] = ['where']): F {
  const budget = { nodes: filterSizeMax, values: listMax * 10, patterns: patternsMax };
  return checkFilter(input as Unchecked, path, 0, budget) as F;
}

interface Budget {
  nodes: number;
  values: number;
  /** Regular expressions. */
  patterns: number;
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
    } else if (key === 'digest') {
      result[key] = checkDigest(value as string, at);
    } else if (key === 'freeText') {
      result[key] = checkFreeText(value as string, at, budget);
    } else if (key === 'sharedWith') {
      result[key] = withoutNulls(value as Unchecked, at, budget);
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
  if (typeof input.matches === 'string') checkPattern(input.matches, [...path, 'matches'], budget);
  return input;
}

/** Longer ones are no pattern anybody wrote. Whether it is one at all, PostgreSQL says. */
const patternMax = 500;
const patternsMax = 10;

function checkPattern(pattern: string, path: string[], budget: Budget): void {
  budget.patterns--;
  if (budget.patterns < 0) {
    throw invalid(path, 'TOO_LARGE', `A filter has at most ${patternsMax} regular expressions.`);
  }
  if (pattern.length > patternMax) {
    throw invalid(path, 'TOO_LONG', `A regular expression has at most ${patternMax} characters.`);
  }
}

const digestPrefix = /^[0-9a-f]{8,128}$/;

function checkDigest(value: string, path: string[]): string {
  const digest = value.toLowerCase();
  if (digestPrefix.test(digest)) return digest;
  throw invalid(path, 'BAD_DIGEST', 'A digest is given in hex, whole or its first 8 digits or more.');
}

/** Each word is looked for by itself. */
const wordsMax = 32;

function checkFreeText(value: string, path: string[], budget: Budget): string {
  checkOperand(value, path, budget);
  const words = wordsOf(value);
  if (words.length > wordsMax || value.length > 2000) {
    throw invalid(path, 'TOO_LONG', `Free text has at most ${wordsMax} words and 2000 characters.`);
  }
  return value;
}

function withoutNulls(input: Unchecked, path: string[], budget: Budget): Unchecked {
  const given = Object.entries(input).filter(([, value]) => value !== null && value !== undefined);
  for (const [key, value] of given) checkOperand(value, [...path, key], budget);
  return Object.fromEntries(given);
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
    if (key === 'version') checkVersions(value as Unchecked, [...path, key]);
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

/** What a version to compare with must look like; the order itself is PostgreSQL's vitrine_version. */
const versionSyntax = /^([0-9]+:)?[vV]?[0-9][0-9A-Za-z._+~ -]*$/;

export function isVersion(text: string): boolean {
  return text.length <= 255 && !/[0-9]{91}/.test(text) && versionSyntax.test(text);
}

function checkVersions(operators: Unchecked, path: string[]): void {
  for (const [operator, operand] of Object.entries(operators)) {
    const wrong = [operand].flat().find((value) => !isVersion(value as string));
    if (wrong === undefined) continue;
    const message = `${JSON.stringify(wrong)} is not a version: it begins with a digit, such as 22.04 or 9.9-rc1.`;
    throw invalid([...path, operator], 'NOT_A_VERSION', message);
  }
}

function spend(budget: Budget, path: string[]): void {
  budget.nodes--;
  if (budget.nodes < 0) throw invalid(path, 'TOO_LARGE', `A filter has at most ${filterSizeMax} conditions.`);
}
