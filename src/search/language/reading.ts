/** What the readers of terms share: the values a term may have, one or several, compared in one way or another. */
import type { MetadefType } from '../../domain/metadef/metadef.ts';
import type { ImageFilter, RangeFilter } from '../image-filter.ts';
import { type Issues, named, refusal, type Span } from './issues.ts';
import type { Operator, Range, Text } from './term-values.ts';
import type { Term } from './tokens.ts';
import type { Read } from './values.ts';

export interface Reading {
  /** What ages are counted back from. */
  now: Date;
  /** What the values of a property are, as its definition says; null where there is none. */
  typeOf: TypeOf;
  issues: Issues;
}

export type TypeOf = (property: string) => MetadefType | null;

/** Reads a term; null when something is wrong with it, and an issue says what. */
export type TermReader = (term: Term, reading: Reading) => ImageFilter | null;

/** One of these. */
export function anyOf(filters: ImageFilter[]): ImageFilter {
  const [first] = filters;
  return filters.length === 1 && first ? first : { or: filters };
}

type Sign = Exclude<Operator, '=' | '!='>;
const signs: Record<Sign, 'lt' | 'lte' | 'gt' | 'gte'> = { '<': 'lt', '<=': 'lte', '>': 'gt', '>=': 'gte' };

export const isSign = (operator: Operator | null): operator is Sign => operator !== null && operator in signs;

/** The only value of a term, where several make no sense. */
export function onlyText(term: Term, { issues }: Reading): Text | null {
  const [value] = term.values;
  if (term.values.length === 1 && value?.type === 'text') return value;
  return issues.add(term, `${nameOf(term)}${term.operator ?? ''} takes one plain value.`);
}

/** The key as messages name it. */
export const nameOf = ({ key }: Term) => `${named(key.name)}:`;

/** Values that are taken as they are: no operator but =, no ranges, patterns or stars. Null after any issue. */
export function plainTexts(term: Term, { issues }: Reading): Text[] | null {
  const { operator, values } = term;
  if (operator === '!=') return issues.add(term, `Write -${nameOf(term)}... in place of !=.`);
  if (operator !== null && operator !== '=') return issues.add(term, orderless(term));
  const texts: Text[] = [];
  for (const value of values) {
    if (issues.full()) break;
    if (value.type === 'range') issues.add(value, orderless(term));
    else if (value.type === 'pattern' || value.parts.length > 1) issues.add(value, patternless(term));
    else texts.push(value);
  }
  return texts.length === values.length ? texts : null;
}

export const orderless = (term: Term) =>
  `${nameOf(term)} has no order, so no <, > or range; quote a value that has such characters.`;
const patternless = (term: Term) =>
  `${nameOf(term)} takes whole values, no * and no /regex/; quote a value that has such characters.`;

export interface Comparison<T> {
  read: (text: string) => Read<T>;
  /** Whether <, > and ranges mean something. */
  ordered: boolean;
  /** The condition with these operators. */
  make: (operators: RangeFilter<T>) => ImageFilter;
}

/** A term whose values compare: one with an operator, several of which one is equal, ranges. */
export function compared<T>(
  term: Term,
  { read, ordered, make }: Comparison<T>,
  reading: Reading,
): ImageFilter | null {
  const { operator, values } = term;
  const { issues } = reading;
  const readOne = (text: Text): T | null => {
    if (text.parts.length > 1) return issues.add(text, patternless(term));
    const result = read(text.text);
    if ('value' in result) return result.value;
    return issues.add(spanOf(text, term), refusal(nameOf(term), text.text, result));
  };
  if (isSign(operator)) {
    if (!ordered) return issues.add(term, orderless(term));
    const text = onlyText(term, reading);
    const value = text && readOne(text);
    return value === null ? null : make({ [signs[operator]]: value });
  }
  const isNot = operator === '!=';
  const equal: T[] = [];
  const ranges: ImageFilter[] = [];
  let isBroken = false;
  for (const value of values) {
    if (issues.full()) return null;
    const found = value.type === 'text' ? readOne(value) : null;
    if (found !== null) equal.push(found);
    else if (value.type === 'range' && ordered && operator === null) {
      const range = readRange(value, readOne);
      if (range) ranges.push(make(range));
      else isBroken = true;
    } else {
      if (value.type === 'pattern') issues.add(value, patternless(term));
      if (value.type === 'range') issues.add(value, ordered ? rangeAlone : orderless(term));
      isBroken = true;
    }
  }
  if (isBroken) return null;
  const [first] = equal;
  const set: RangeFilter<T> =
    equal.length === 1 && first !== undefined
      ? { [isNot ? 'ne' : 'eq']: first }
      : { [isNot ? 'notIn' : 'in']: equal };
  return anyOf(equal.length > 0 ? [make(set), ...ranges] : ranges);
}

const rangeAlone = 'A range stands without an operator: 1..8.';

/** An empty text has no characters to underline: then it is the whole term. */
export const spanOf = (text: Span, term: Span) => (text.end > text.start ? text : term);

function readRange<T>({ from, to }: Range, readOne: (text: Text) => T | null): RangeFilter<T> | null {
  const gte = from && readOne(from);
  const lte = to && readOne(to);
  if ((from && gte === null) || (to && lte === null)) return null;
  return { ...(gte === null ? {} : { gte }), ...(lte === null ? {} : { lte }) };
}
