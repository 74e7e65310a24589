/** What a request may cost at most: whatever it is written like, it is refused before it is run. */
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limits } from '../../src/graphql/limits.ts';
import { refusal, run, send } from '../support/graphql.ts';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await aServer();
});
afterAll(() => server.stop());

const times = (n: number, text: (i: number) => string) =>
  Array.from({ length: n }, (_, i) => text(i)).join(' ');

/** `levels` fields deep: members and images by turns, from image at the top. */
function deep(levels: number): string {
  const names = Array.from(
    { length: levels - 1 },
    (_, i) => ['image(id: "x")', 'members(first: 1)', 'nodes', 'image'][i && ((i - 1) % 3) + 1],
  );
  return `{ ${names.map((name) => `${name} {`).join(' ')} __typename ${'}'.repeat(levels - 1)} }`;
}

interface Costly {
  query: string;
  variables?: unknown;
  cost?: number;
  limit: unknown;
}

const costly: Record<string, Costly> = {
  depth: { query: deep(13), cost: 13, limit: 12 },
  'depth in inline fragments': {
    query: deep(13).replaceAll('nodes {', 'nodes { ... {').replace(/\}$/, '}}}}}'),
    cost: 13,
    limit: 12,
  },
  'depth in fragments': {
    query: `{ image(id: "x") { ...A } } fragment A on Image { members { nodes { image { ...B } } } }
      fragment B on Image { members { nodes { image { ...C } } } }
      fragment C on Image { members { nodes { image { members { nodes { image { id } } } } } } }`,
    cost: 14,
    limit: 12,
  },
  'depth in a fragment called __schema': {
    query: `{ ...__schema } fragment __schema on Query ${deep(13)}`,
    cost: 13,
    limit: 12,
  },
  'depth in a fragment called __type, beside introspection': {
    query: `{ __typename ...__type } fragment __type on Query ${deep(13)}`,
    cost: 13,
    limit: 12,
  },
  'a fragment first shallow and then deep': {
    query: `{ image(id: "x") { ...A members { nodes { image { members { nodes { image { members { nodes { image { ...A } } } } } } } } } } }
      fragment A on Image { members { nodes { image { id } } } }`,
    cost: 14,
    limit: 12,
  },
  aliases: { query: `{ ${times(16, (i) => `a${i}: viewer { user }`)} }`, cost: 16, limit: 15 },
  'aliases of __typename': { query: `{ ${times(101, (i) => `a${i}: __typename`)} }`, cost: 101, limit: 15 },
  'aliases in a fragment that is spread twice': {
    query: `{ a: image(id: "x") { ...F } image(id: "x") { ...F } }
      fragment F on Image { ${times(8, (i) => `a${i}: id`)} }`,
    cost: 17,
    limit: 15,
  },
  'a brute force by one request': {
    query: `{ ${times(100, (i) => `a${i}: image(id: "${i}") { id }`)} }`,
    cost: 100,
    limit: 15,
  },
  tokens: { query: `{ ${'a '.repeat(1_999)}}`, cost: 2_001, limit: 2_000 },
  'ten thousand times the same field': { query: `{ ${'a '.repeat(9_000)}}`, cost: 2_001, limit: 2_000 },
  'ten thousand unused fragments': {
    query: `{ __typename } ${times(1_000, (i) => `fragment F${i} on Query{a}`).slice(0, 19_000)}`,
    cost: 2_001,
    limit: 2_000,
  },
  'fields 600 levels deep': { query: `${'{a'.repeat(600)}${'}'.repeat(600)}`, cost: 600, limit: 12 },
  characters: { query: `{ __typename } #${'x'.repeat(19_985)}`, cost: 20_001, limit: 20_000 },
  'a string of a megabyte': {
    query: `{ image(id: "${'x'.repeat(10 ** 6)}") { id } }`,
    cost: 1_000_024,
    limit: 20_000,
  },
  'a list ten thousand levels deep': {
    query: `{ nodes(ids: ${'['.repeat(9_000)}${']'.repeat(9_000)}) { id } }`,
    limit: expect.any(Number),
  },
  facets: {
    query: `{ ${times(5, (i) => `a${i}: images { facets(of: [${times(20, (n) => `{property: "p${n}"}`)}]) { otherCount } }`)} }`,
    cost: 100_350,
    limit: 100_000,
  },
  directives: { query: `{ __typename ${'@include(if: true) '.repeat(21)} }`, cost: 21, limit: 20 },
  'directives on fragments and operations': {
    query: `query @a @a @a @a @a { ...F @a @a @a @a @a } fragment F on Query @a @a @a @a @a { __typename ${'@a '.repeat(6)} }`,
    cost: 21,
    limit: 20,
  },
  fields: { query: `{ ${'__typename '.repeat(401)} }`, cost: 401, limit: 400 },
  'fields in fragments within fragments': {
    query: `{ ...F0 } ${times(99, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`)} fragment F99 on Query { __typename }`,
    cost: Number.MAX_SAFE_INTEGER,
    limit: 400,
  },
  'members of a thousand images': {
    query: '{ images(first: 1000) { nodes { members { nodes { project status } } } } }',
    limit: 100_000,
  },
  'a page size in a variable': {
    query: 'query ($n: Int) { images(first: $n) { nodes { members { nodes { project status } } } } }',
    variables: { n: 1000 },
    limit: 100_000,
  },
  'a page size in the default of a variable': {
    query: 'query ($n: Int = 1000) { images(first: $n) { nodes { members { nodes { project status } } } } }',
    limit: 100_000,
  },
  'a page from the end': {
    query: '{ images(last: 1000) { nodes { members { nodes { project status } } } } }',
    limit: 100_000,
  },
  'a page of edges': {
    query: '{ images(first: 1000) { edges { node { members(first: 100) { totalCount } } } } }',
    limit: 100_000,
  },
  'a page of pages': {
    query: '{ images(first: 400) { nodes { members(first: 400) { nodes { project } } } } }',
    limit: 100_000,
  },
  'a page of a thousand million': {
    query: '{ images(first: 1000000000) { nodes { id } } }',
    cost: 5_000_000_000,
    limit: 100_000,
  },
  'more nodes by id than there is time for': {
    query: 'query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Image { properties { name value } } } }',
    variables: { ids: Array(5_000).fill('x') },
    limit: 100_000,
  },
  'a hundred thousand values in variables': {
    query: 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }',
    variables: { ids: Array(100_000).fill('x') },
    cost: 100_001,
    limit: 20_000,
  },
  'a hundred thousand unknown keys in variables': {
    query: 'query ($w: ImageFilter) { images(where: $w) { totalCount } }',
    variables: { w: Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`k${i}`, 1])) },
    cost: 50_001,
    limit: 20_000,
  },
  'a hundred thousand variables': {
    query: '{ __typename }',
    variables: Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`k${i}`, 1])),
    cost: 50_000,
    limit: 20_000,
  },
};

test.each(Object.entries(costly))('%s: refused with what it has and the limit', async (_what, given) => {
  // More than once: what is cached is refused like what is new.
  for (let i = 0; i < 3; i++) {
    const answer = await run(server, given.query, given.variables);
    expect(refusal(answer)).toBe('TOO_COSTLY');
    const { cost, limit } = answer.errors[0]?.extensions ?? {};
    expect(limit).toEqual(given.limit);
    expect(cost).toBeGreaterThan(Number(limit));
    if (given.cost !== undefined) expect(cost).toBe(given.cost);
  }
});

test('the operation that is asked for is the one that is measured', async () => {
  const query = `query Cheap { images(first: 1) { nodes { id } } }
    query Costly { images(first: 1000) { nodes { members { nodes { project status } } } } }`;
  const token = server.tokenOf('blue');
  const ask = (operationName: string) => send(server, { token, json: { query, operationName } });
  for (let i = 0; i < 3; i++) {
    expect((await ask('Cheap')).errors).toEqual([]);
    expect(refusal(await ask('Costly'))).toBe('TOO_COSTLY');
  }
});

test.each<[string, string, unknown?]>([
  [
    'a page of 1000 with all that a list shows',
    '{ images(first: 1000) { nodes { name status size tags properties { name value } } } }',
  ],
  ['a depth of 12', deep(12)],
  ['15 aliases', `{ ${times(15, (i) => `a${i}: __typename`)} }`],
  ['20 directives that have a meaning', `{ ${times(20, () => '__typename @include(if: true)')} }`],
  ['400 fields', `{ ${'__typename '.repeat(400)} }`],
  ['20000 characters', `{ __typename } #${'x'.repeat(19_984)}`],
  ['1000 nodes by id', 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: Array(1_000).fill('x') }],
  ['all that clients ask of the schema', getIntrospectionQuery({ inputValueDeprecation: true, oneOf: true })],
])('%s passes', async (_what, query, variables) => {
  // The second time it is compiled, the third time it comes from the cache.
  for (let i = 0; i < 3; i++) {
    const { status, errors, data } = await run(server, query, variables);
    expect([status, errors]).toEqual([200, []]);
    expect(data).toBeTruthy();
  }
});

test.each<[string, string]>([
  ['fragments in a circle', '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A __typename }'],
  [
    'a fragment in itself',
    '{ ...A } fragment A on Query { images { nodes { members { nodes { image { id } } } } } ...A }',
  ],
  [
    'a hundred unused fragments',
    `{ __typename } ${times(100, (i) => `fragment F${i} on Query { __typename }`)}`,
  ],
  ['the same field with differing arguments', `{ ${times(90, (i) => `image(id: "${i}") { id }`)} }`],
  [
    'fragments that differ',
    `{ image(id: "x") { ${times(60, (i) => `...F${i}`)} } } ${times(60, (i) => `fragment F${i} on Image { property(name: "${i}") }`)}`,
  ],
  ['a list 900 levels deep', `{ nodes(ids: ${'['.repeat(900)}${']'.repeat(900)}) { id } }`],
  ['400 unknown variables', `query (${times(400, (i) => `$v${i}: Int`)}) { __typename }`],
  [
    'introspection in a circle',
    '{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }',
  ],
])('%s: not valid, in few words', async (_what, query) => {
  for (let i = 0; i < 3; i++) {
    const answer = await run(server, query);
    expect(refusal(answer)).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(answer.errors.length).toBeLessThanOrEqual(101);
    for (const { message } of answer.errors) expect(message.length).toBeLessThan(510);
  }
});

test.each<[string, string]>([
  ['lists', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ['filters', `${'{"not":'.repeat(100_000)}{}${'}'.repeat(100_000)}`],
  ['filters just too deep to be read', `${'{"not":'.repeat(70)}{}${'}'.repeat(70)}`],
])('variables that nest without end are refused: %s', async (_what, value) => {
  const body = `{"query": "query ($w: ImageFilter) { images(where: $w) { totalCount } }", "variables": {"w": ${value}}}`;
  const headers = { 'content-type': 'application/json' };
  for (let i = 0; i < 3; i++) {
    const answer = await send(server, { token: server.tokenOf('blue'), headers, body });
    expect(refusal(answer)).toBe('BAD_USER_INPUT');
  }
});

test.each<[string, object]>([
  ['a filter 17 levels deep', { where: nested(17) }],
  ['a filter of 301 conditions', { where: { and: Array(301).fill({ hidden: true }) } }],
  ['a filter of conditions that ask nothing', { where: { or: Array(19_000).fill({}) } }],
  ['a list of 1001 values', { where: { name: { in: Array(1_001).fill('x') } } }],
  [
    'lists of 10001 values together',
    { where: { or: Array(11).fill({ name: { in: Array(1_000).fill('x') } }) } },
  ],
])('%s is refused where it stands', async (_what, variables) => {
  const query = 'query ($where: ImageFilter) { images(where: $where) { totalCount } }';
  const { status, data, errors } = await run(server, query, variables);
  expect([status, data]).toEqual([200, { images: null }]);
  expect(errors[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
});

function nested(levels: number): object {
  return levels === 0 ? { hidden: true } : { not: nested(levels - 1) };
}

test('of wrong variables that are large one mistake is told, and in few words', async () => {
  const query = 'query ($w: ImageFilter) { images(where: $w) { totalCount } }';
  const wrong = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`k${i}`, 1]));
  for (const w of [
    { ...wrong, name: { eq: 'x'.repeat(900_000) } },
    { minDisk: { eq: 'x'.repeat(900_000) } },
  ]) {
    for (let i = 0; i < 3; i++) {
      const answer = await run(server, query, { w });
      expect(refusal(answer)).toBe('BAD_USER_INPUT');
      expect(answer.errors).toHaveLength(1);
      expect(answer.text.length).toBeLessThan(1_000);
    }
  }
  const small = await run(server, query, { w: { k0: 1, k1: 1 } });
  expect(small.errors).toHaveLength(2);
});

test('the limits are those that are documented', () => {
  const { graphqlCost: cost, graphqlDepth: depth } = server.config.limits;
  expect({ ...limits, cost, depth }).toEqual({
    characters: 20_000,
    tokens: 2_000,
    depth: 12,
    introspectionDepth: 20,
    aliases: 15,
    directives: 20,
    fields: 400,
    values: 20_000,
    cost: 100_000,
  });
});
