import { type DocumentNode, parse } from 'graphql';
import { expect, test } from 'vitest';
import { documentCache } from '../../src/graphql/documents.ts';

const document: DocumentNode = parse('{ a }');

test('what was asked for last stays, what was not goes, and together they keep the bound', () => {
  const cache = documentCache(30);
  const texts = ['a'.repeat(10), 'b'.repeat(10), 'c'.repeat(10)];
  for (const text of texts) cache.set(text, document);
  expect(texts.map((text) => cache.get(text))).toEqual([document, document, document]);

  cache.get(texts[0] ?? '');
  cache.set('d'.repeat(5), document);
  expect(texts.map((text) => cache.get(text))).toEqual([document, undefined, document]);
});

test('a document larger than the bound is not kept', () => {
  const cache = documentCache(30);
  cache.set('a', document);
  cache.set('b'.repeat(31), document);
  expect([cache.get('a'), cache.get('b'.repeat(31))]).toEqual([undefined, undefined]);
  cache.set('a', document);
  expect(cache.get('a')).toBe(document);
});

test('the same document again takes no more room', () => {
  const cache = documentCache(30);
  for (let i = 0; i < 100; i++) cache.set('a'.repeat(20), document);
  cache.set('b'.repeat(10), document);
  expect([cache.get('a'.repeat(20)), cache.get('b'.repeat(10))]).toEqual([document, document]);
});
