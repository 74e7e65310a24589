/** `is:` and `has:`: one word that says it all. */
import { didYouMean } from '../../domain/did-you-mean.ts';
import { imageKinds, imageStatuses, imageVisibilities, memberStatuses } from '../../domain/image.ts';
import type { ImageFilter } from '../image-filter.ts';
import { fieldNamed, fieldsThatMayBeMissing } from './fields.ts';
import { shown } from './issues.ts';
import { propertyOrField } from './names.ts';
import { anyOf, plainTexts, type Reading, spanOf } from './reading.ts';
import type { Text } from './term-values.ts';
import type { Term } from './tokens.ts';

type Choice = 'kind' | 'status' | 'visibility';

const choices: ReadonlyMap<string, Choice> = new Map([
  ...imageKinds.map((word) => [word, 'kind'] as const),
  ...imageStatuses.map((word) => [word, 'status'] as const),
  ...imageVisibilities.map((word) => [word, 'visibility'] as const),
]);

const others: ReadonlyMap<string, ImageFilter> = new Map<string, ImageFilter>([
  ['protected', { protected: true }],
  ['hidden', { hidden: true }],
  ['failed', { failed: true }],
  ['shared_with_me', { sharedWith: {} }],
  ...memberStatuses.map((status) => [status, { sharedWith: { status } }] as const),
]);

const isWords = [...choices.keys(), ...others.keys()];
const dashed = (word: string) => word.replaceAll('_', '-');

/** Several words on the same field become one condition, which a facet on it can set aside. */
export function isTerm(term: Term, reading: Reading): ImageFilter | null {
  const texts = plainTexts(term, reading);
  if (!texts) return null;
  const chosen = new Map<Choice, string[]>();
  const filters: ImageFilter[] = [];
  for (const text of texts) {
    if (reading.issues.full()) return null;
    const word = text.text.toLowerCase().replaceAll('-', '_');
    const choice = choices.get(word);
    const other = others.get(word);
    if (choice) chosen.set(choice, [...(chosen.get(choice) ?? []), word]);
    else if (other) filters.push({ ...other });
    else reading.issues.add(spanOf(text, term), unknownWord(text.text, word));
  }
  for (const [field, words] of chosen) {
    filters.push({ [field]: words.length === 1 ? { eq: words[0] } : { in: words } });
  }
  return filters.length > 0 ? anyOf(filters) : null;
}

function unknownWord(text: string, word: string): string {
  const likely = didYouMean(word, isWords);
  const hint = likely ? `did you mean is:${dashed(likely)}?` : `it knows ${isWords.map(dashed).join(', ')}.`;
  return `is: does not know ${shown(text)}; ${hint}`;
}

/** Has a value for one of these. */
export function hasTerm(term: Term, reading: Reading): ImageFilter | null {
  const filters = plainTexts(term, reading)?.map((text) => hasFilter(term, text, reading));
  return filters?.every((filter) => filter !== null) ? anyOf(filters) : null;
}

function hasFilter(term: Term, text: Text, { issues }: Reading): ImageFilter | null {
  const { name, isProperty } = propertyOrField(text);
  if (name === '') return issues.add(term, 'has: takes the name of a property or field.');
  const field = isProperty ? null : fieldNamed(name);
  if (!field) return { properties: [{ name, exists: true }] };
  if (field.has) return { ...field.has };
  const known = fieldsThatMayBeMissing.join(', ');
  return issues.add(text, `has: takes a property or one of ${known}; has:p.${name} is the property.`);
}
