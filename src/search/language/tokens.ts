/** Cuts a search into tokens. What a key means is not asked here. */
import { filterSizeMax } from '../filter-check.ts';
import type { Issues, Span } from './issues.ts';
import { isBlank, readQuoted } from './quoted.ts';
import { type Operator, readOperator, readValues, type Value } from './term-values.ts';

export interface Key extends Span {
  name: string;
  /** Written as `p.NAME` or in quotes: never a base field. */
  isProperty: boolean;
}

/** `key:value`, with all that may stand for the value. */
export interface Term extends Span {
  key: Key;
  operator: Operator | null;
  values: Value[];
}

export type Token =
  | ({ type: '(' | ')' | 'or' | 'and' | 'not' } & Span)
  /** A bare word, or a phrase without its quotes. */
  | ({ type: 'word'; text: string } & Span)
  | ({ type: 'term'; term: Term } & Span)
  /** Something is wrong with it, and an issue says what. */
  | ({ type: 'broken' } & Span);

/** Null, and an issue, when there are more terms than a filter has conditions: they are not read to the end. */
export function tokensOf(text: string, issues: Issues): Token[] | null {
  const tokens: Token[] = [];
  let terms = 0;
  let at = 0;
  while (at < text.length && !issues.full()) {
    if (isBlank(text[at])) {
      at++;
      continue;
    }
    const token = readToken(text, at, issues);
    tokens.push(token);
    at = token.end;
    if ((token.type === 'term' || token.type === 'word') && ++terms > filterSizeMax) {
      return issues.add(token, `A search has at most ${filterSizeMax} words and conditions.`);
    }
  }
  return tokens;
}

const words: ReadonlyMap<string, 'or' | 'and' | 'not'> = new Map([
  ['OR', 'or'],
  ['AND', 'and'],
  ['NOT', 'not'],
]);

function readToken(text: string, start: number, issues: Issues): Token {
  const char = text[start];
  if (char === '(' || char === ')') return { type: char, start, end: start + 1 };
  if (char === '-' && negates(text[start + 1])) return { type: 'not', start, end: start + 1 };
  const key = readKey(text, start);
  if (key) return readTerm(text, key, issues);
  if (char === '"') return readPhrase(text, start, issues);
  const end = endOfWord(text, start);
  const word = text.slice(start, end);
  const type = words.get(word);
  return type ? { type, start, end } : { type: 'word', text: withoutOuterStars(word), start, end };
}

/** A dash that stands alone is a word. */
const negates = (next: string | undefined) => next !== undefined && next !== ')' && !isBlank(next);

/** Parts of words are found anyway. */
const withoutOuterStars = (word: string) => word.replace(/^\*+/, '').replace(/(?<!\*)\*+$/, '');

function readPhrase(text: string, start: number, issues: Issues): Token {
  const { text: phrase, end, isClosed } = readQuoted(text, start);
  if (isClosed) return { type: 'word', text: phrase, start, end };
  issues.add({ start, end }, 'The quote is not closed; add " at the end of the phrase.');
  return { type: 'broken', start, end };
}

function endOfWord(text: string, start: number): number {
  let end = start;
  while (end < text.length && !isBlank(text[end]) && text[end] !== '(' && text[end] !== ')') end++;
  return end;
}

/** The key when a colon follows it; null when there is none. */
function readKey(text: string, start: number): Key | null {
  const prefix = text.startsWith('p."', start) ? 2 : 0;
  if (text[start + prefix] === '"') {
    const { text: name, end, isClosed } = readQuoted(text, start + prefix);
    return isClosed && text[end] === ':' ? { name, isProperty: true, start, end } : null;
  }
  const end = endOfKey(text, start);
  if (end === start || text[end] !== ':') return null;
  const name = text.slice(start, end);
  if (name.startsWith('p.') && name !== 'p.') return { name: name.slice(2), isProperty: true, start, end };
  return { name, isProperty: false, start, end };
}

function endOfKey(text: string, start: number): number {
  const end = endOfWord(text, start);
  const colon = text.slice(start, end).indexOf(':');
  return colon < 0 ? end : start + colon;
}

function readTerm(text: string, key: Key, issues: Issues): Token {
  const operator = readOperator(text, key.end + 1);
  const from = operator ? operator.end : key.end + 1;
  const { values, end } = readValues(text, { key: { start: key.start, end: from }, from, issues });
  const span = { start: key.start, end };
  if (values === null) return { type: 'broken', ...span };
  if (key.name === '') {
    issues.add(key, 'A property needs a name before the colon.');
    return { type: 'broken', ...span };
  }
  return { type: 'term', term: { key, operator: operator?.sign ?? null, values, ...span }, ...span };
}
