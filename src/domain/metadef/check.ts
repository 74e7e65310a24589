/**
 * Whether a property value on an image is what its definition says. Values are text; numbers and booleans are read
 * out of it as Nova does (ImageMetaProps: int(), float(), bool_from_string()), lists as `elements` says.
 */
import { RE2JS } from 're2js';
import { didYouMean } from '../did-you-mean.ts';
import { elementsOf } from './elements.ts';
import type { MetadefDefinition, MetadefType } from './metadef.ts';

export type FaultCode =
  | 'WRONG_TYPE'
  | 'NOT_IN_ENUM'
  | 'OUT_OF_RANGE'
  | 'WRONG_LENGTH'
  | 'PATTERN_MISMATCH'
  | 'WRONG_COUNT'
  | 'DUPLICATE_ITEMS';

/** How a value breaks its definition. */
export interface Fault {
  code: FaultCode;
  /** What the property takes instead: goes on after "takes". */
  takes: string;
  /** A likely right value. */
  suggestion: string | null;
}

/** The first fault of a value; null when it keeps its definition. */
export type Checker = (value: string) => Fault | null;

const trueTexts = new Set(['1', 't', 'true', 'on', 'y', 'yes']);
const falseTexts = new Set(['0', 'f', 'false', 'off', 'n', 'no']);

/** As OpenStack reads it, in any case; null when it is none. */
export function booleanIn(value: string): boolean | null {
  const text = value.trim().toLowerCase();
  if (trueTexts.has(text)) return true;
  return falseTexts.has(text) ? false : null;
}

const wholeNumber = /^\s*[+-]?\d+\s*$/;
const decimalNumber = /^\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*$/;

/** The number; null when the text is none, or more than a double holds. */
export function numberIn(value: string, syntax: 'integer' | 'number'): number | null {
  if (value.length > 400 || !(syntax === 'integer' ? wholeNumber : decimalNumber).test(value)) return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

function objectIn(value: string): object | null {
  try {
    const found: unknown = JSON.parse(value);
    return typeof found === 'object' && found !== null && !Array.isArray(found) ? found : null;
  } catch {
    return null;
  }
}

/** What each type is called in a message, and the value that a text stands for; undefined when it is none. */
const readers: Record<MetadefType, { called: string; read(value: string): unknown }> = {
  string: { called: 'text', read: (value) => value },
  integer: { called: 'a whole number', read: (value) => numberIn(value, 'integer') ?? undefined },
  number: { called: 'a number', read: (value) => numberIn(value, 'number') ?? undefined },
  boolean: { called: 'true or false', read: (value) => booleanIn(value) ?? undefined },
  array: { called: 'a list', read: elementsOf },
  object: { called: 'a JSON object', read: (value) => objectIn(value) ?? undefined },
  null: { called: 'nothing', read: (value) => (/^(null|none)?$/i.test(value.trim()) ? null : undefined) },
};

/** Made once for each definition; a pattern that RE2 cannot read checks nothing. */
export function checkerOf(definition: MetadefDefinition): Checker {
  const { type } = definition;
  const { called, read } = readers[type];
  const checks = checksOf(definition);
  return (text) => {
    const value = read(text);
    if (value === undefined) {
      const suggestion = definition.enum ? likely(text, definition.enum) : null;
      return { code: 'WRONG_TYPE', takes: definition.enum ? oneOf(definition.enum) : called, suggestion };
    }
    for (const check of checks) {
      const fault = check(text, value);
      if (fault) return fault;
    }
    return null;
  };
}

/** `value` is what the type reads out of `text`. */
type Check = (text: string, value: unknown) => Fault | null;

function checksOf(definition: MetadefDefinition): Check[] {
  const checks: Check[] = [];
  if (definition.enum) checks.push(enumCheck(definition.type, definition.enum));
  if (definition.type === 'integer' || definition.type === 'number') checks.push(...rangeCheck(definition));
  if (definition.type === 'string') checks.push(...lengthCheck(definition), ...patternCheck(definition));
  if (definition.type === 'array') checks.push(...listChecks(definition));
  return checks;
}

function enumCheck(type: MetadefType, allowed: readonly string[]): Check {
  const texts = new Set(allowed);
  const { read } = readers[type];
  // 04 is 4, and Yes is true; of a list each element may be one of them.
  const values = type === 'integer' || type === 'number' || type === 'boolean' ? allowed.map(read) : [];
  return (text, value) => {
    if (texts.has(text) || (value !== undefined && values.includes(value))) return null;
    const wrong = type === 'array' ? (value as string[]).find((item) => !texts.has(item)) : text;
    if (wrong === undefined) return null;
    return { code: 'NOT_IN_ENUM', takes: oneOf(allowed), suggestion: likely(wrong, allowed) };
  };
}

const shownMax = 20;

/** The values as a message lists them: cut when there are many. */
function oneOf(allowed: readonly string[]): string {
  const shown = allowed
    .slice(0, shownMax)
    .map((value) => (value.length > 80 ? `${value.slice(0, 80)}...` : value));
  const rest = allowed.length - shown.length;
  return `one of ${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`.toWellFormed();
}

/** What was probably meant: the same in another case, or one edit away. */
function likely(text: string, words: readonly string[]): string | null {
  const lower = text.toLowerCase();
  return words.find((word) => word.toLowerCase() === lower) ?? didYouMean(text, words, 1);
}

function rangeCheck({ minimum = -Infinity, maximum = Infinity, type }: MetadefDefinition): Check[] {
  if (minimum === -Infinity && maximum === Infinity) return [];
  const takes = `${readers[type].called} ${between(minimum, maximum)}`;
  const fault: Fault = { code: 'OUT_OF_RANGE', takes, suggestion: null };
  return [(_, value) => ((value as number) < minimum || (value as number) > maximum ? fault : null)];
}

function between(least: number, most: number): string {
  if (most === Infinity) return `of ${least} or more`;
  return least === -Infinity ? `of ${most} or less` : `from ${least} to ${most}`;
}

function lengthCheck({ minLength = 0, maxLength = Infinity }: MetadefDefinition): Check[] {
  if (minLength === 0 && maxLength === Infinity) return [];
  const takes = `text ${between(minLength === 0 ? -Infinity : minLength, maxLength)} characters`;
  const fault: Fault = { code: 'WRONG_LENGTH', takes, suggestion: null };
  return [
    (text) => {
      const length = characters(text);
      return length < minLength || length > maxLength ? fault : null;
    },
  ];
}

function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** Longer values are not matched: time is what they are long times what the pattern is large. */
const matchedLength = 4096;
/** Instructions that a pattern may become. */
const programMax = 2_000;

function patternCheck({ pattern }: MetadefDefinition): Check[] {
  if (pattern === undefined) return [];
  let compiled: RE2JS | null | undefined;
  const fault: Fault = { code: 'PATTERN_MISMATCH', takes: `text like ${pattern}`, suggestion: null };
  const tooLong = { ...fault, takes: `text of at most ${matchedLength} characters like ${pattern}` };
  return [
    (text) => {
      if (compiled === undefined) compiled = compiledPattern(pattern);
      if (compiled === null) return null;
      if (text.length > matchedLength) return tooLong;
      return compiled.test(text) ? null : fault;
    },
  ];
}

/** Null when RE2, which matches in linear time, cannot read it. */
function compiledPattern(pattern: string): RE2JS | null {
  try {
    return RE2JS.compile(pattern);
  } catch {
    return null;
  }
}

/** Why a pattern cannot be one of a definition; null when it can. */
export function patternProblem(pattern: string): string | null {
  try {
    const size = RE2JS.compile(pattern).programSize();
    return size > programMax ? `it becomes ${size} instructions, and ${programMax} is the limit` : null;
  } catch (error) {
    return (error as Error).message.replace(/^error parsing regexp: /, '');
  }
}

function listChecks(definition: MetadefDefinition): Check[] {
  const { itemsType, itemsEnum, minItems = 0, maxItems = Infinity, uniqueItems } = definition;
  const checks: Check[] = [];
  if (minItems > 0 || maxItems < Infinity) {
    const takes = `a list ${between(minItems === 0 ? -Infinity : minItems, maxItems)} items`;
    const fault: Fault = { code: 'WRONG_COUNT', takes, suggestion: null };
    checks.push((_, value) => {
      const { length } = value as string[];
      return length < minItems || length > maxItems ? fault : null;
    });
  }
  if (uniqueItems) {
    const fault: Fault = { code: 'DUPLICATE_ITEMS', takes: 'a list of different items', suggestion: null };
    checks.push((_, value) => (new Set(value as string[]).size < (value as string[]).length ? fault : null));
  }
  if (itemsType !== undefined || itemsEnum) {
    const check = checkerOf({
      title: '',
      type: itemsType ?? 'string',
      ...(itemsEnum ? { enum: itemsEnum } : {}),
    });
    checks.push((_, value) => {
      for (const item of value as string[]) {
        const fault = check(item);
        if (fault) return { ...fault, takes: `a list whose items are each ${fault.takes}` };
      }
      return null;
    });
  }
  return checks;
}
