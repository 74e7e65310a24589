/** Cursors: what we make is read back, and nothing else is taken. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { instantOf } from '../../src/domain/instant.ts';
import {
  BadCursorError,
  type KeyType,
  type KeyValue,
  makeCursor,
  readCursor,
} from '../../src/search/cursor.ts';

/** Values as rows have them: text without NUL and half pairs, at most as long as a name may be. */
const text = fc.string({ unit: 'binary', maxLength: 255 }).filter((s) => !s.includes('\0'));
const valuesOf: Record<KeyType, fc.Arbitrary<KeyValue>> = {
  text: fc.option(text),
  integer: fc.option(fc.maxSafeNat()),
  number: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0)),
  instant: fc
    .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    .map(instantOf),
  uuid: fc.uuid(),
};
const type = fc.constantFrom<KeyType>('text', 'integer', 'number', 'instant', 'uuid');
/** At most two keys of an order are free text. */
const keys = fc
  .array(type, { minLength: 1, maxLength: 4 })
  .filter((types) => types.filter((t) => t === 'text').length <= 2)
  .chain((types) => fc.tuple(fc.constant(types), fc.tuple(...types.map((t) => valuesOf[t]))));
const scope = fc.string({ minLength: 1, maxLength: 60 });

test('what is made is read back, for every value that a row can have', () => {
  fc.assert(
    fc.property(scope, keys, (name, [types, values]) => {
      expect(readCursor(makeCursor(name, values), name, types)).toEqual(values);
    }),
  );
});

test('two names of 255 characters that are all escaped still make a cursor that is taken', () => {
  const values = ['\u0001'.repeat(255), '\u0001'.repeat(255), '00000000-0000-4000-8000-000000000000'];
  expect(
    readCursor(makeCursor('images:name,owner,id', values), 'images:name,owner,id', ['text', 'text', 'uuid']),
  ).toEqual(values);
});

test('a cursor is refused with any other field or order', () => {
  fc.assert(
    fc.property(scope, scope, keys, (name, other, [types, values]) => {
      fc.pre(name !== other);
      expect(() => readCursor(makeCursor(name, values), other, types)).toThrow(BadCursorError);
    }),
  );
});

test('any text is read as values of the right types, or refused as a bad cursor', () => {
  const fits: Record<KeyType, (value: unknown) => boolean> = {
    text: (v) => v === null || (typeof v === 'string' && !v.includes('\0')),
    integer: (v) => v === null || Number.isSafeInteger(v),
    number: (v) => v === null || Number.isFinite(v),
    instant: (v) => typeof v === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(v),
    uuid: (v) => typeof v === 'string' && /^[0-9a-f-]{36}$/.test(v),
  };
  const encoded = fc.json().map((json) => Buffer.from(json).toString('base64url'));
  const forged = fc
    .array(fc.jsonValue(), { maxLength: 4 })
    .map((rest) => Buffer.from(JSON.stringify(['s', ...rest])).toString('base64url'));
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.base64String(), encoded, forged),
      fc.array(type, { maxLength: 3 }),
      (cursor, types) => {
        try {
          const values = readCursor(cursor, 's', types);
          expect(values).toHaveLength(types.length);
          for (const [i, t] of types.entries()) expect(fits[t](values[i])).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(BadCursorError);
        }
      },
    ),
    { numRuns: 500 },
  );
});
