/** Instants as text: any form of RFC 3339 in, one form out, and that one sorts as time does. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { instantOf, parseInstant } from '../../src/domain/instant.ts';

const date = fc.date({ min: new Date('0002-01-01'), max: new Date('9998-12-31'), noInvalidDate: true });
const two = (n: number) => String(n).padStart(2, '0');

test('a time in any offset is the same instant', () => {
  fc.assert(
    fc.property(
      date,
      fc.integer({ min: -1439, max: 1439 }),
      fc.constantFrom('T', 't', ' '),
      (moment, offset, separator) => {
        const local = new Date(moment.getTime() + offset * 60_000)
          .toISOString()
          .slice(0, 23)
          .replace('T', separator);
        const sign = offset < 0 ? '-' : '+';
        const text = `${local}${sign}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
        expect(parseInstant(text)).toBe(instantOf(moment));
      },
    ),
  );
});

test('fractions are cut to microseconds, not rounded', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^\d{1,40}$/), (fraction) => {
      const expected = `2026-01-31T12:00:00.${fraction.slice(0, 6).padEnd(6, '0')}Z`;
      expect(parseInstant(`2026-01-31T12:00:00.${fraction}Z`)).toBe(expected);
    }),
  );
});

test('what comes out goes in again unchanged, and sorts as text as it does as time', () => {
  fc.assert(
    fc.property(date, date, (a, b) => {
      const [one, other] = [instantOf(a), instantOf(b)];
      expect(parseInstant(one)).toBe(one);
      expect(Math.sign(one < other ? -1 : Number(one > other))).toBe(Math.sign(a.getTime() - b.getTime()));
    }),
  );
});

test('any text is an instant in the one form, or none', () => {
  const nearly = fc.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), nearly), (text) => {
      const instant = parseInstant(text);
      if (instant !== null) expect(instant).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    }),
    { numRuns: 500 },
  );
});

test.each([
  '2026-02-29T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-00-01T00:00:00Z',
  '2026-01-32T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T00:60:00Z',
  '2026-01-01T00:00:61Z',
  '2026-01-01T00:00:00',
  '2026-01-01',
  '2026-01-01T00:00Z',
  '2026-01-01T00:00:00+24:00',
  '2026-01-01T00:00:00+0100',
  '2026-01-01T00:00:00.Z',
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00+00:01',
  '9999-12-31T23:59:59-00:01',
  '10000-01-01T00:00:00Z',
  '-0001-01-01T00:00:00Z',
  'infinity',
  'now',
  ' 2026-01-01T00:00:00Z',
  '2026-01-01T00:00:00Z\n',
  '２０２６-01-01T00:00:00Z',
])('%s is no time', (text) => {
  expect(parseInstant(text)).toBe(null);
});

test('a leap second is the second after it', () => {
  expect(parseInstant('2016-12-31T23:59:60Z')).toBe('2017-01-01T00:00:00.000000Z');
});

test('the ends of what can be said', () => {
  expect(parseInstant('0001-01-01T00:00:00Z')).toBe('0001-01-01T00:00:00.000000Z');
  expect(parseInstant('9999-12-31T23:59:59.999999999Z')).toBe('9999-12-31T23:59:59.999999Z');
});
