/** Where bytes are to go, by what the request says and what its link fixes. */
import { expect, test } from 'vitest';
import { askedStore } from '../../src/transfer/asked-store.ts';

test('the store of a link holds, and a header that names another one is refused', () => {
  expect(askedStore(undefined, undefined)).toBeNull();
  expect(askedStore('fast', undefined)).toBe('fast');
  expect(askedStore(undefined, 'fast')).toBe('fast');
  expect(askedStore('fast', 'fast')).toBe('fast');
  expect(() => askedStore('cheap', 'fast')).toThrow(/link is for store fast/);
});
