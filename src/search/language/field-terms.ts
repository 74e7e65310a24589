/** Terms on base fields. */
import { didYouMean } from '../../domain/did-you-mean.ts';
import type { Instant } from '../../domain/image.ts';
import type { ImageFilter, RangeFilter, SetFilter } from '../image-filter.ts';
import type { Field } from './fields.ts';
import { shown } from './issues.ts';
import { anyOf, compared, onlyText, plainTexts, type Reading } from './reading.ts';
import { textTerm } from './text-terms.ts';
import { timeTerm } from './time-terms.ts';
import type { Term } from './tokens.ts';
import { type Read, readBytes, readTruth, readWhole } from './values.ts';
import { hasTerm, isTerm } from './word-terms.ts';

/** A term on this field; null after an issue. */
export function fieldTerm(term: Term, field: Field, reading: Reading): ImageFilter | null {
  const { issues } = reading;
  switch (field.type) {
    case 'words':
      return textTerm(term, (operators) => ({ [field.field]: operators }), reading);
    case 'choice':
      return choiceTerm(term, field, reading);
    case 'bytes':
      return compared(
        term,
        { read: readBytes, ordered: true, make: (range) => ({ [field.field]: range }) },
        reading,
      );
    case 'whole': {
      const read = (text: string) => readWhole(text, field.unitBytes);
      return compared(term, { read, ordered: true, make: (range) => ({ [field.field]: range }) }, reading);
    }
    case 'time':
      return timeTerm(term, (range: RangeFilter<Instant>) => ({ [field.field]: range }), reading);
    case 'id':
      return compared(term, { read: asItIs, ordered: false, make: (id) => ({ id }) }, reading);
    case 'tags':
      return compared(term, { read: asItIs, ordered: false, make: tagsFilter }, reading);
    case 'flag':
      return flagTerm(term, field, reading);
    case 'digest':
      return digestTerm(term, reading);
    case 'shared':
      return each(term, ({ text }) => ({ sharedWith: text === 'me' ? {} : { project: text } }), reading);
    case 'text':
      return each(term, (value) => freeTextOf(value.text) ?? issues.add(value, unsearchable), reading);
    case 'has':
      return hasTerm(term, reading);
    case 'is':
      return isTerm(term, reading);
    case 'sort':
      return issues.add(
        term,
        'sort: stands by itself at the top: not negated, not beside OR, not in parentheses.',
      );
  }
}

const asItIs = (value: string): Read<string> => ({ value });

function tagsFilter({ eq, ne, in: any, notIn }: SetFilter<string>): ImageFilter {
  if (eq !== undefined) return { tags: { has: eq } };
  return { tags: any ? { hasAny: any } : { hasNone: notIn ?? [ne ?? ''] } };
}

/** Any of the values, each by itself. */
function each(
  term: Term,
  make: (value: { text: string; start: number; end: number }) => ImageFilter | null,
  reading: Reading,
): ImageFilter | null {
  const filters = plainTexts(term, reading)?.map(make);
  return filters?.every((filter) => filter !== null) ? anyOf(filters) : null;
}

type ChoiceField = Extract<Field, { type: 'choice' }>;

function choiceTerm(term: Term, { field, choices }: ChoiceField, reading: Reading): ImageFilter | null {
  const read = (text: string): Read<string> => {
    const word = text.toLowerCase().replaceAll('-', '_');
    if (choices.includes(word)) return { value: word };
    const likely = reading.issues.full() ? null : didYouMean(word, choices);
    return { problem: `one of ${choices.join(', ')}`, likely };
  };
  return compared(term, { read, ordered: false, make: (set) => ({ [field]: set }) }, reading);
}

function flagTerm(
  term: Term,
  { field }: Extract<Field, { type: 'flag' }>,
  reading: Reading,
): ImageFilter | null {
  const text = plainTexts(term, reading) && onlyText(term, reading);
  if (!text) return null;
  const value = readTruth(text.text);
  if (value === null)
    return reading.issues.add(term, `${field}: is true or false; it is ${shown(text.text)}.`);
  return { [field]: value };
}

/** Written as docker does, or as the bare hex. */
const digestSyntax = /^(?:(?:md5|sha-?256|sha-?512):)?([0-9a-f]{8,128})$/i;

function digestTerm(term: Term, reading: Reading): ImageFilter | null {
  const make = (value: { text: string; start: number; end: number }) => {
    const hex = digestSyntax.exec(value.text)?.[1];
    if (hex) return { digest: hex.toLowerCase() };
    return reading.issues.add(value, 'A digest is given in hex, whole or its first 8 digits or more.');
  };
  return each(term, make, reading);
}

export const unsearchable =
  'Words and phrases cannot have a blank beside a double quote, or two of those; name:*...* takes any text.';

/** The filter for one word or phrase; null when free text has no way to say it. */
export function freeTextOf(text: string): ImageFilter | null {
  if (text === '') return {};
  const hasBlank = /\s/.test(text);
  const first = text.indexOf('"');
  const hasTwo = first !== text.lastIndexOf('"');
  // A quote that is never closed is a character like any other; a second one would close it.
  if (hasTwo || (first >= 0 && hasBlank)) return null;
  return { freeText: hasBlank ? `"${text}"` : text };
}
