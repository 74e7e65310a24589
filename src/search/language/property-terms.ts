/**
 * Terms on properties. Those with a definition compare as it says. Of the others a value is text without an operator;
 * with one, or in a range, it is the number, version or yes-and-no that it looks like.
 */

import type { MetadefType } from '../../domain/metadef/metadef.ts';
import { isVersion } from '../filter-check.ts';
import type { ImageFilter, PropertyFilter, RangeFilter } from '../image-filter.ts';
import { named } from './issues.ts';
import { anyOf, compared, isSign, type Reading, spanOf } from './reading.ts';
import type { Text } from './term-values.ts';
import { textTerm } from './text-terms.ts';
import type { Term } from './tokens.ts';
import { looksDotted, looksLikeNumber, namesVersion, type Read, readTruth } from './values.ts';

export function propertyTerm(term: Term, reading: Reading): ImageFilter | null {
  const { name } = term.key;
  const on = (condition: Omit<PropertyFilter, 'name'>): ImageFilter => ({
    properties: [{ name, ...condition }],
  });
  const view = definedView(term, reading.typeOf(name)) ?? viewOf(term);
  if (view === 'number') {
    const read = (text: string): Read<number> =>
      looksLikeNumber(text) ? { value: Number(text) } : { problem: 'a number here' };
    return compared(term, { read, ordered: true, make: (number) => on({ number }) }, reading);
  }
  if (view === 'version') {
    const read = (text: string): Read<string> =>
      isVersion(text) ? { value: text } : { problem: 'a version here' };
    return compared(term, { read, ordered: true, make: (version) => on({ version }) }, reading);
  }
  if (view === 'boolean') {
    const truths = new Set(term.values.map((value) => value.type === 'text' && readTruth(value.text)));
    const isNot = term.operator === '!=';
    // Neither true nor false is nothing; either of them is any value that can be read so.
    if (truths.size > 1) return isNot ? { or: [] } : anyOf([on({ boolean: true }), on({ boolean: false })]);
    return on({ boolean: truths.has(true) !== isNot });
  }
  if (view === 'elements') {
    const make = ({ eq, ne, in: any, notIn }: RangeFilter<string>) => {
      if (eq !== undefined) return on({ elements: { has: eq } });
      return on({ elements: any ? { hasAny: any } : { hasNone: notIn ?? [ne ?? ''] } });
    };
    return compared(term, { read: (value) => ({ value }), ordered: false, make }, reading);
  }
  if (view === 'unordered') {
    const at = { start: term.values[0]?.start ?? term.start, end: term.end };
    const message = `${named(name)} compares with <, > and ranges only as a number or a version; this is neither.`;
    return reading.issues.add(spanOf(at, term), message);
  }
  return textTerm(term, (text) => on(text.isNull === false ? { exists: true } : { text }), reading);
}

/** All values and ends of ranges; null when there are patterns or stars among them. */
function comparedTexts({ values }: Term): string[] | null {
  const texts: Text[] = [];
  for (const value of values) {
    if (value.type === 'pattern') return null;
    if (value.type === 'text') texts.push(value);
    else texts.push(...[value.from, value.to].filter((end) => end !== null));
  }
  return texts.every((text) => text.parts.length === 1) ? texts.map(({ text }) => text) : null;
}

type View = 'text' | 'number' | 'version' | 'boolean' | 'elements' | 'unordered';

/** As the definition says, where the values can be read so; null: by what they look like. */
function definedView(term: Term, type: MetadefType | null): View | null {
  const texts = type === null ? null : comparedTexts(term);
  if (!texts) return null;
  if (type === 'integer' || type === 'number') return texts.every(looksLikeNumber) ? 'number' : null;
  if (isSign(term.operator) || term.values.some((value) => value.type === 'range')) return null;
  if (type === 'boolean') return texts.every((text) => readTruth(text) !== null) ? 'boolean' : null;
  return type === 'array' ? 'elements' : null;
}

/** How the property is read: what all of the values look like. */
function viewOf(term: Term): View {
  const { key, operator, values } = term;
  const isOrdered = isSign(operator) || values.some((value) => value.type === 'range');
  if (operator === null && !isOrdered) return 'text';
  const other = isOrdered ? 'unordered' : 'text';
  const texts = comparedTexts(term);
  if (!texts) return other;
  if (namesVersion(key.name) && texts.every(isVersion)) return 'version';
  if (texts.every(looksLikeNumber)) return 'number';
  if (texts.every(isVersion) && (isOrdered || texts.every(looksDotted))) return 'version';
  return truthOf(term) !== null ? 'boolean' : other;
}

/** Yes or no, when that is what the term asks for; null otherwise. */
function truthOf({ operator, values: [value, ...others] }: Term): boolean | null {
  if (isSign(operator) || others.length > 0 || value?.type !== 'text') return null;
  return readTruth(value.text);
}
