/** Reads what stands after `key:`: an operator, and values with commas between them. */
import type { Issues, Span } from './issues.ts';
import { isBlank, readQuoted } from './quoted.ts';

export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=';

/** One value, with its quotes taken off. */
export interface Text extends Span {
  type: 'text';
  text: string;
  /** The text cut at the stars outside of quotes: one part when there is none. */
  parts: string[];
  /** From where to where `text` stood in quotes; null when nowhere. */
  quoted: Span | null;
}

export interface Pattern extends Span {
  type: 'pattern';
  source: string;
  ignoreCase: boolean;
}

/** Both ends included; null is open, and at most one is. */
export interface Range extends Span {
  type: 'range';
  from: Text | null;
  to: Text | null;
}

export type Value = Text | Pattern | Range;

const operators = /[<>!]=|[<>=]/y;

export function readOperator(text: string, at: number): { sign: Operator; end: number } | null {
  operators.lastIndex = at;
  const sign = operators.exec(text)?.[0] as Operator | undefined;
  return sign ? { sign, end: at + sign.length } : null;
}

interface Place {
  /** The key with its colon and operator. */
  key: Span;
  from: number;
  issues: Issues;
}

/** The values from `from` on; null when something is wrong with them, and an issue says what. */
export function readValues(
  text: string,
  { key, from, issues }: Place,
): { values: Value[] | null; end: number } {
  const values: Value[] = [];
  let isBroken = false;
  let at = from;
  for (;;) {
    const { value, end } = readValue(text, at, issues);
    if (value === 'none') issues.add(...missing(text, { at: end, isFirst: at === from, key }));
    if (value === null || value === 'none') isBroken = true;
    else values.push(value);
    at = end;
    if (text[at] !== ',') break;
    at++;
  }
  if (text[at] === '(' && at > from) {
    issues.add({ start: at, end: at + 1 }, 'Put quotes around a value that has parentheses.');
    isBroken = true;
  }
  return { values: isBroken ? null : values, end: at };
}

function missing(text: string, place: { at: number; isFirst: boolean; key: Span }): [Span, string] {
  const { at, isFirst, key } = place;
  if (!isFirst || text[at] === ',') {
    const comma = text[at] === ',' ? at : at - 1;
    const message = 'A value is missing beside the comma; there are no blanks in a list.';
    return [{ start: comma, end: comma + 1 }, message];
  }
  if (text[at] === '(') return [key, 'For one of several values write key:a,b without parentheses.'];
  return [
    key,
    'A value is missing after the colon; there is no blank between them, and "" is the empty text.',
  ];
}

/** 'none' when nothing stands there; null when it is wrong, and an issue says how. */
function readValue(text: string, start: number, issues: Issues) {
  if (text[start] === '/') return readPattern(text, start, issues);
  const from = readText(text, start, { stopsAtDots: true, issues });
  if (from === null) return { value: null, end: text.length };
  if (!text.startsWith('..', from.end))
    return { value: isNothing(from) ? 'none' : from, end: from.end } as const;
  const to = readText(text, from.end + 2, { stopsAtDots: false, issues });
  if (to === null) return { value: null, end: text.length };
  const span = { start, end: to.end };
  if (isNothing(from) && isNothing(to)) {
    issues.add(span, 'A range needs at least one end: 1..8, 1.. or ..8.');
    return { value: null, end: to.end };
  }
  const range: Range = { type: 'range', from: someText(from), to: someText(to), ...span };
  return { value: range, end: to.end };
}

const isNothing = (text: Text) => text.start === text.end;
const someText = (text: Text) => (isNothing(text) ? null : text);

const endsValue = (char: string | undefined) => char === ',' || char === '(' || char === ')' || isBlank(char);

/** A quote opens where a value begins, after a star or another quote, and after the - and p. of a name. */
const opensQuote = (parts: string[], quoted: Span | null, length: number) => {
  const last = parts.at(-1) ?? '';
  return last === '' || quoted?.end === length || (length < 4 && /^(-|-?p\.)$/.test(last));
};

/** One text; null, and an issue, when a quote in it is never closed. */
function readText(text: string, start: number, how: { stopsAtDots: boolean; issues: Issues }): Text | null {
  const parts = [''];
  const add = (more: string) => parts.push((parts.pop() ?? '') + more);
  let quoted = null as Span | null;
  let length = 0;
  let at = start;
  while (at < text.length) {
    const char = text[at] as string;
    if (endsValue(char) || (how.stopsAtDots && text.startsWith('..', at))) break;
    if (char === '"' && opensQuote(parts, quoted, length)) {
      const inside = readQuoted(text, at);
      if (!inside.isClosed) {
        return how.issues.add(
          { start: at, end: text.length },
          'The quote is not closed; add " after the value.',
        );
      }
      add(inside.text);
      quoted = { start: quoted?.start ?? length, end: length + inside.text.length };
      length = quoted.end;
      at = inside.end;
      continue;
    }
    if (char === '*') parts.push('');
    else add(char);
    length++;
    at++;
  }
  return { type: 'text', text: parts.join('*'), parts, quoted, start, end: at };
}

const slashHint = 'quote a value that begins with a slash';

function readPattern(text: string, start: number, issues: Issues): { value: Pattern | null; end: number } {
  let close = start + 1;
  while (close < text.length && text[close] !== '/') close += text[close] === '\\' ? 2 : 1;
  if (close >= text.length) {
    issues.add(
      { start, end: text.length },
      `The regular expression is not closed; add / at its end, or ${slashHint}.`,
    );
    return { value: null, end: text.length };
  }
  let end = close + 1;
  while (end < text.length && !endsValue(text[end])) end++;
  const flags = text.slice(close + 1, end);
  const source = text.slice(start + 1, close).replace(/\\([\s\S])/g, (both, c) => (c === '/' ? '/' : both));
  if (source === '') issues.add({ start, end }, `The regular expression is empty; ${slashHint}.`);
  else if (flags !== '' && flags !== 'i') {
    issues.add({ start: close + 1, end }, `Only i (ignore case) may follow the closing slash; ${slashHint}.`);
  } else return { value: { type: 'pattern', source, ignoreCase: flags === 'i', start, end }, end };
  return { value: null, end };
}
