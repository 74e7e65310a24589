/** The words and phrases of a free text. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wordsOf } from '../../src/search/free-text.ts';

test.each<[text: string, words: string[]]>([
  ['', []],
  [' \t\n\u00a0\u3000 ', []],
  ['one', ['one']],
  ['  one\u2003two\nthree ', ['one', 'two', 'three']],
  ['one two one', ['one', 'two']],
  ['One one', ['One', 'one']],
  ['"one two"', ['one two']],
  ['"  one  two "', ['  one  two ']],
  ['a "b c" d', ['a', 'b c', 'd']],
  ['a"b c"d', ['a', 'b c', 'd']],
  ['"a""b"', ['a', 'b']],
  ['""', []],
  ['"" a', ['a']],
  ['"a" a', ['a']],
  // A quote that is never closed is a character like any other.
  ['"', ['"']],
  ['5"', ['5"']],
  ['"one two', ['"one', 'two']],
  ['"one" "two', ['one', '"two']],
  ['one" two', ['one"', 'two']],
  ['"a b" c"d e', ['a b', 'c"d', 'e']],
  ["it's a-b, (c)", ["it's", 'a-b,', '(c)']],
  ['\\"a b\\"', ['\\', 'a b\\']],
  ['ünï 💿 日本', ['ünï', '💿', '日本']],
])('%j has the words %j', (text, words) => {
  expect(wordsOf(text)).toEqual(words);
});

const blank = fc.constantFrom(' ', '\t', '\n', '\u00a0', '\u2028', '\u3000');
const text = fc.string({ unit: fc.oneof(fc.constantFrom('"', 'a', 'B', '-', '💿'), blank), maxLength: 40 });

test('no word is empty or comes twice, and blanks are only in phrases', () => {
  fc.assert(
    fc.property(text, (given) => {
      const words = wordsOf(given);
      expect(new Set(words).size).toBe(words.length);
      for (const word of words) {
        expect(word).not.toBe('');
        expect(given).toContain(/\s/.test(word) ? `"${word}"` : word);
      }
    }),
  );
});

test('every character but blanks and closed quotes is in some word, in its order', () => {
  fc.assert(
    fc.property(text, (given) => {
      // Nothing to leave out: all pieces are different.
      const pieces = given
        .split(/(\s+|")/)
        .map((piece, i) => (/[\s"]/.test(piece) || !piece ? piece : `${piece}${i}`));
      const numbered = pieces.join('');
      const quotes = numbered.split('"').length - 1;
      const closed = quotes % 2 === 0 ? numbered.replaceAll('"', '') : withoutClosed(numbered);
      const flat = (value: string) => value.replaceAll(/\s/g, '');
      expect(flat(wordsOf(numbered).join(''))).toBe(flat(closed));
    }),
  );
});

const withoutClosed = (value: string) => {
  const last = value.lastIndexOf('"');
  return value.slice(0, last).replaceAll('"', '') + value.slice(last);
};

test('words and phrases are read as they were put together', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'B', '-', '💿', '.'), minLength: 1, maxLength: 5 });
  const phrase = fc.string({ unit: fc.constantFrom('a', ' ', '\t', 'c'), minLength: 1, maxLength: 8 });
  const part = fc.oneof(
    word.map((value) => ({ value, written: value })),
    phrase.map((value) => ({ value, written: `"${value}"` })),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(part, blank), { maxLength: 8 }), (parts) => {
      const written = parts.map(([{ written: one }, after]) => one + after).join('');
      expect(wordsOf(written)).toEqual([...new Set(parts.map(([{ value }]) => value))]);
    }),
  );
});
