/** The section `formats`: which bytes are published. */
import { expect, test } from 'vitest';
import { problemsOf, settingsOf } from '../support/settings-of.ts';

test('nothing said is strict', () => {
  expect(settingsOf('').formats).toEqual({
    requireMatch: true,
    rawMayHide: false,
    vmdkTypes: ['streamOptimized', 'monolithicSparse'],
    virtualSizeMax: 16 * 2 ** 40,
  });
  const text =
    'formats: { requireMatch: no, rawMayHide: yes, vmdkTypes: [streamOptimized], virtualSizeMax: 1TiB }';
  expect(settingsOf(text).formats).toEqual({
    ...{ requireMatch: false, rawMayHide: true, vmdkTypes: ['streamOptimized'], virtualSizeMax: 2 ** 40 },
  });
});

test.each([
  ['formats: { vmdkTypes: [monolithicFlat] }', /streamOptimized, monolithicSparse/],
  ['formats: { vmdkTypes: streamOptimized }', /is a list/],
  ['formats: { requireMatch: perhaps }', /formats\.requireMatch/],
  ['formats: { virtualSizeMax: -1 }', /formats\.virtualSizeMax/],
  ['formats: { strict: yes }', /formats\.strict is not a setting/],
])('%s is a mistake', (yaml, message) => {
  expect(problemsOf(yaml).join('\n')).toMatch(message);
});
