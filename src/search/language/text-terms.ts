/** Terms that compare text: equal, with stars, by regular expression. */
import type { ImageFilter, StringFilter } from '../image-filter.ts';
import { anyOf, isSign, nameOf, orderless, type Reading } from './reading.ts';
import type { Pattern } from './term-values.ts';
import type { Term } from './tokens.ts';

/** A term on text; `make` puts the operators where they belong. Null after an issue. */
export function textTerm(
  term: Term,
  make: (operators: StringFilter) => ImageFilter,
  { issues }: Reading,
): ImageFilter | null {
  const { operator, values } = term;
  if (isSign(operator)) return issues.add(term, orderless(term));
  const isNot = operator === '!=';
  const plain: string[] = [];
  const patterns: StringFilter[] = [];
  let isBroken = false;
  for (const value of values) {
    if (issues.full()) return null;
    if (value.type === 'range') {
      issues.add(value, orderless(term));
      isBroken = true;
    } else if (value.type === 'text' && value.parts.length === 1) plain.push(value.text);
    else patterns.push(value.type === 'text' ? withStars(value.parts) : matching(value));
  }
  if (isNot && patterns.length > 0) {
    return issues.add(term, `!= takes values as they are; for a pattern write -${nameOf(term)}...`);
  }
  if (isBroken) return null;
  const [first = ''] = plain;
  const equal: StringFilter =
    plain.length === 1 ? { [isNot ? 'ne' : 'eq']: first } : { [isNot ? 'notIn' : 'in']: plain };
  return anyOf([...(plain.length > 0 ? [equal] : []), ...patterns].map(make));
}

const matching = ({ source, ignoreCase }: Pattern): StringFilter => ({
  matches: source,
  ...(ignoreCase ? { ignoreCase } : {}),
});

/** The parts of a text between its stars, as the cheapest operators that say the same. */
function withStars(parts: readonly string[]): StringFilter {
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  const inner = parts.slice(1, -1).filter((part) => part !== '');
  const [contains] = inner;
  if (contains !== undefined && inner.length === 1 && first === '' && last === '') return { contains };
  if (inner.length > 0 || (first !== '' && last !== '')) return inOrder(first, inner, last);
  if (first !== '') return { startsWith: first };
  return last !== '' ? { endsWith: last } : { isNull: false };
}

/** The prefix is said again by itself: an index answers it. */
function inOrder(first: string, inner: readonly string[], last: string): StringFilter {
  const begin = first === '' ? [] : [`^${literally(first)}`];
  const end = last === '' ? [] : [`${literally(last)}$`];
  const matches = [...begin, ...inner.map(literally), ...end].join('.*');
  return first === '' ? { matches } : { startsWith: first, matches };
}

/** The text as a POSIX regular expression that matches it alone. */
const literally = (text: string) => text.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&');
