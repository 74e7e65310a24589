/** Values against their definitions: rule by rule, and against an independent JSON-schema validator. */
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkerOf, type FaultCode } from '../../../src/domain/metadef/check.ts';
import type { MetadefDefinition } from '../../../src/domain/metadef/metadef.ts';
import { sized } from '../../support/size.ts';

const fault = (definition: Partial<MetadefDefinition>, value: string) =>
  checkerOf({ title: 'T', type: 'string', ...definition })(value);

describe('a value', () => {
  test.each([
    'true',
    'True',
    'TRUE',
    '1',
    't',
    'on',
    'y',
    'Yes',
    ' yes ',
    'false',
    '0',
    'F',
    'off',
    'n',
    'NO',
  ])('%j is a boolean, as Nova reads it', (value) => expect(fault({ type: 'boolean' }, value)).toBeNull());

  test.each(['', 'maybe', '2', 'yess', 'tru', 'null'])('%j is no boolean', (value) => {
    expect(fault({ type: 'boolean' }, value)).toMatchObject({ code: 'WRONG_TYPE', takes: 'true or false' });
  });

  test.each(['0', '-1', '+4', ' 4 ', '007', '123456789012345678901234567890'])(
    '%j is a whole number',
    (value) => expect(fault({ type: 'integer' }, value)).toBeNull(),
  );

  test.each(['', '4.0', '4 GiB', '0x10', '1e3', '--1', 'four', '٤'])('%j is no whole number', (value) => {
    expect(fault({ type: 'integer' }, value)?.code).toBe('WRONG_TYPE');
  });

  test.each(['4', '4.0', '.5', '5.', '-1e-3', '1E+3'])('%j is a number', (value) =>
    expect(fault({ type: 'number' }, value)).toBeNull(),
  );

  test.each(['', 'NaN', 'Infinity', '1e999', '1,5', '0x10'])('%j is no number', (value) => {
    expect(fault({ type: 'number' }, value)?.code).toBe('WRONG_TYPE');
  });

  test.each<[string, Partial<MetadefDefinition>, string, FaultCode | null]>([
    ['within its range, ends included', { type: 'integer', minimum: 1, maximum: 4 }, '4', null],
    ['below its range', { type: 'integer', minimum: 1 }, '0', 'OUT_OF_RANGE'],
    ['above its range', { type: 'number', maximum: 0.5 }, '0.51', 'OUT_OF_RANGE'],
    ['short enough, by characters and not by code units', { maxLength: 2 }, '😀😀', null],
    ['too long', { maxLength: 2 }, 'abc', 'WRONG_LENGTH'],
    ['too short', { minLength: 2 }, '😀', 'WRONG_LENGTH'],
    ['like its pattern, anywhere', { pattern: 'b+' }, 'abbc', null],
    ['unlike its pattern', { pattern: '^b+$' }, 'abbc', 'PATTERN_MISMATCH'],
    ['one of its enum', { enum: ['uefi', 'bios'] }, 'bios', null],
    ['in another case than its enum', { enum: ['uefi', 'bios'] }, 'BIOS', 'NOT_IN_ENUM'],
    ['the number of its enum, written otherwise', { type: 'integer', enum: ['4', '8'] }, '04', null],
    ['another number', { type: 'integer', enum: ['4', '8'] }, '5', 'NOT_IN_ENUM'],
    ['the truth of its enum, written otherwise', { type: 'boolean', enum: ['true'] }, 'Yes', null],
    ['no number where the enum has some', { type: 'integer', enum: ['4'] }, 'x', 'WRONG_TYPE'],
    ['a list of what its items may be', { type: 'array', itemsEnum: ['a', 'b'] }, 'a, b', null],
    ['a list in JSON', { type: 'array', itemsEnum: ['a', 'b'] }, '["b"]', null],
    ['a list of Nova', { type: 'array', itemsEnum: ['a', 'b'] }, '<or> a <or> b', null],
    ['a list with something else', { type: 'array', itemsEnum: ['a', 'b'] }, 'a,c', 'NOT_IN_ENUM'],
    ['a list of something else', { type: 'array', itemsType: 'integer' }, '1,x', 'WRONG_TYPE'],
    ['a list that is too short', { type: 'array', minItems: 2 }, 'a', 'WRONG_COUNT'],
    ['a list that is too long', { type: 'array', maxItems: 1 }, 'a,b', 'WRONG_COUNT'],
    ['a list with one item twice', { type: 'array', uniqueItems: true }, 'a,b,a', 'DUPLICATE_ITEMS'],
    ['a JSON object', { type: 'object' }, '{"a": [1]}', null],
    ['a JSON array and no object', { type: 'object' }, '[1]', 'WRONG_TYPE'],
    ['no JSON', { type: 'object' }, '{a', 'WRONG_TYPE'],
    ['nothing', { type: 'null' }, '', null],
    ['something', { type: 'null' }, 'x', 'WRONG_TYPE'],
  ])('that is %s', (_name, definition, value, code) => {
    expect(fault(definition, value)?.code ?? null).toBe(code);
  });

  test('one edit from an allowed one, or in another case, is told what was meant', () => {
    const definition = { enum: ['dedicated', 'shared', 'mixed'] };
    expect(fault(definition, 'dedicatd')?.suggestion).toBe('dedicated');
    expect(fault(definition, 'Shared')?.suggestion).toBe('shared');
    expect(fault(definition, 'mxied')?.suggestion).toBe('mixed');
    expect(fault(definition, 'dedicaaated')?.suggestion).toBeNull();
    expect(fault(definition, 'dedicatd')?.takes).toBe('one of dedicated, shared, mixed');
  });

  test('of 64 KiB is matched in the time that it is long, whatever the pattern', () => {
    const value = 'a'.repeat(65_000);
    expect(fault({ pattern: '^(a*)*b$' }, value)?.code).toBe('PATTERN_MISMATCH');
    expect(fault({ pattern: '^(a|aa)+$' }, `${value}!`)?.code).toBe('PATTERN_MISMATCH');
  });
});

/** Definitions and values that JSON schema says something about; text is what stands on an image. */
const words = ['a', 'b', 'ab', 'aab', '', 'ba', 'é', '😀', 'A'];
const texts = fc.record(
  {
    enum: fc.uniqueArray(fc.constantFrom(...words), { minLength: 1 }),
    minLength: fc.nat(3),
    maxLength: fc.nat(3),
    pattern: fc.constantFrom('^a', 'b$', 'a+b', '^[ab]*$', '.', 'é|A'),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const numbers = fc.record(
  { minimum: fc.integer({ min: -5, max: 5 }), maximum: fc.integer({ min: -5, max: 5 }) },
  { requiredKeys: [], noNullPrototype: true },
);
const lists = fc.record(
  {
    minItems: fc.nat(3),
    maxItems: fc.nat(3),
    uniqueItems: fc.boolean(),
    itemsEnum: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

/** A definition, the JSON value it is about, and how that is written on an image. */
const cases = fc.oneof(
  fc.tuple(texts, fc.constantFrom(...words, 'c')).map(([rules, value]) => ({
    definition: { title: 'T', type: 'string' as const, ...rules },
    value: value as unknown,
    text: value,
  })),
  fc
    .tuple(fc.constantFrom('integer', 'number'), numbers, fc.integer({ min: -7, max: 7 }), fc.boolean())
    .map(([type, rules, value, isHalf]) => {
      const number = isHalf ? value + 0.5 : value;
      return {
        definition: { title: 'T', type: type as 'integer' | 'number', ...rules },
        value: number as unknown,
        text: String(number),
      };
    }),
  fc.boolean().map((value) => ({
    definition: { title: 'T', type: 'boolean' as const },
    value: value as unknown,
    text: String(value),
  })),
  fc.tuple(lists, fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 4 })).map(([rules, value]) => ({
    definition: { title: 'T', type: 'array' as const, ...rules },
    value: value as unknown,
    text: JSON.stringify(value),
  })),
);

test('for what JSON schema speaks of, ajv comes to the same answer', () => {
  const ajv = new Ajv({ strict: false });
  fc.assert(
    fc.property(cases, ({ definition, value, text }) => {
      const { title: _, itemsEnum, ...schema } = definition as MetadefDefinition;
      const items = itemsEnum ? { items: { type: 'string', enum: itemsEnum } } : {};
      const isValid = ajv.validate({ ...schema, ...items }, value);
      expect(checkerOf(definition)(text) === null).toBe(isValid);
    }),
    { numRuns: sized({ quick: 600, ci: 10_000, full: 50_000 }) },
  );
}, 120_000);
