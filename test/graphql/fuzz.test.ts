/**
 * Requests made from the schema at random, with values that are right, nearly right or hostile: every one is
 * answered or refused by rule. What fails is printed with its seed, and as small as it can be made.
 */
import fc, { type GeneratorValue } from 'fast-check';
import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLOutputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isUnionType,
} from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { schema } from '../../src/graphql/schema.ts';
import { anImage } from '../support/an-image.ts';
import { expectClean, send } from '../support/graphql.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { sized } from '../support/size.ts';

let server: TestServer;
let ids: string[];
beforeAll(async () => {
  server = await aServer();
  ids = await Promise.all([
    anImage(server.app, { name: 'one', tags: ['a'], members: { red: 'pending' } }),
    anImage(server.app, { name: null, visibility: 'community', properties: { os_distro: 'debian' } }),
    anImage(server.app, { status: 'queued', diskFormat: null, owner: 'red', hidden: true }),
  ]);
});
afterAll(async () => {
  expect(server.logged.filter((line) => JSON.parse(line).level >= 50)).toEqual([]);
  await server.stop();
});

const texts = [
  '',
  ' ',
  'x',
  'one',
  'a\0b',
  '\ud800',
  '🐘',
  '%',
  '_',
  '\\',
  "'",
  '"',
  '$1',
  '__proto__',
  '-1',
  '9'.repeat(30),
];
const longTexts = ['x'.repeat(300), '\u0001'.repeat(255), '🐘'.repeat(2_000)];
const times = ['2026-01-01T00:00:00Z', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999Z'];
const numbers = [0, 1, -1, 1_000, 1.5, 2 ** 31 - 1, 2 ** 31, 2 ** 53, 1e300];
const anything: unknown[] = [
  ...texts,
  ...longTexts,
  ...times,
  ...numbers,
  true,
  null,
  [],
  {},
  [null],
  { x: 1 },
];

/** Draws what a request is made of. */
function drawing(gen: GeneratorValue) {
  const variables: { type: GraphQLInputType; value: unknown }[] = [];
  const one = <T>(choices: readonly T[]): T => choices[gen(fc.nat, { max: choices.length - 1 })] as T;
  const chance = (percent: number) => gen(fc.nat, { max: 99 }) < percent;

  function value(type: GraphQLInputType, depth: number): unknown {
    if (chance(4)) return one(anything);
    if (isNonNullType(type)) return value(type.ofType, depth);
    if (chance(4)) return null;
    if (isListType(type))
      return Array.from({ length: gen(fc.nat, { max: 3 }) }, () => value(type.ofType, depth + 1));
    if (isEnumType(type)) return one(type.getValues()).name;
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields());
      const given = fields.filter((field) => isRequiredInputField(field) || chance(depth > 3 ? 3 : 20));
      return Object.fromEntries(given.map((field) => [field.name, value(field.type, depth + 1)]));
    }
    if (type.name === 'Int') return one([0, 1, 25, 1_000, 1_001, -1]);
    if (type.name === 'BigInt') return one([0, 1, 2 ** 52, '9223372036854775807']);
    if (type.name === 'Boolean') return one([true, false]);
    if (type.name === 'DateTime') return one(times);
    return type.name === 'ID' ? one([...ids, ...texts]) : one([...texts, ...longTexts]);
  }

  function call({ name, args, type }: GraphQLField<unknown, unknown>, depth: number): string {
    const given = args
      .filter((arg) => isRequiredArgument(arg) || chance(25))
      .map((arg) => `${arg.name}: $v${variables.push({ type: arg.type, value: value(arg.type, 0) }) - 1}`);
    return `${name}${given.length > 0 ? `(${given.join(', ')})` : ''} ${selection(type, depth)}`;
  }

  function selection(output: GraphQLOutputType, depth: number): string {
    const type = getNamedType(output);
    if (isLeafType(type)) return '';
    if (depth === 0) return '{ __typename }';
    if (isUnionType(type)) {
      const members = type
        .getTypes()
        .map((member) => `... on ${member.name} ${selection(member, depth - 1)}`);
      return `{ __typename ${members.join(' ')} }`;
    }
    const fields = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
    const chosen = fields.filter(() => chance(40)).map((field) => call(field, depth - 1));
    return `{ __typename ${chosen.join(' ')} }`;
  }

  const isQuery = chance(60);
  const root = isQuery ? schema.getQueryType() : schema.getMutationType();
  const body = call(one(Object.values(root?.getFields() ?? {})), 3);
  const declared = variables.map(({ type }, i) => `$v${i}: ${type}`).join(', ');
  return {
    query: `${isQuery ? 'query' : 'mutation'} ${declared && `(${declared})`} { ${body} }`,
    variables: Object.fromEntries(variables.map(({ value: given }, i) => [`v${i}`, given])),
    caller: one(['blue', 'red', 'admin'] as const),
    // The second time a query is compiled.
    times: isQuery ? 2 : 1,
  };
}

test(
  'whatever a request is made of, it is answered or refused by rule',
  async () => {
    const request = fc.asyncProperty(fc.gen(), async (gen) => {
      const { query, variables, caller, times: repeats } = drawing(gen);
      const token = server.tokenOf(caller);
      for (let i = 0; i < repeats; i++) {
        const answer = await send(server, { token, json: { query, variables } });
        expectClean(answer);
        // Made from the schema: it may ask for too much or with wrong values, but the document is right.
        const codes = answer.errors.map((error) => error.extensions.code);
        expect(codes).not.toContain('GRAPHQL_PARSE_FAILED');
        expect([query, codes]).not.toEqual([query, expect.arrayContaining(['GRAPHQL_VALIDATION_FAILED'])]);
      }
    });
    await fc.assert(request, { numRuns: sized({ quick: 120, ci: 2_000, full: 30_000 }) });
  },
  sized({ quick: 30_000, ci: 300_000, full: 8 * 3_600_000 }),
);
