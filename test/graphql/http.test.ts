/** GraphQL over HTTP: media types, parameters, statuses; the same answers on every way in. */
import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anImage } from '../support/an-image.ts';
import { type GraphqlRequest, refusal, send } from '../support/graphql.ts';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await aServer();
  await anImage(server.app, { name: 'one', tags: ['a'], properties: { os_distro: 'debian' } });
});
afterAll(async () => {
  expect(server.logged.filter((line) => JSON.parse(line).level >= 50)).toEqual([]);
  await server.stop();
});

const production = { VITRINE_INTROSPECTION: 'false', VITRINE_GRAPHIQL: 'false' };
/** These ask `__type` for their example: without introspection there is none to give. */
const needIntrospection = ['2EA1', '28B9', 'D6D5', '6A70'];

test.each<[string, Record<string, string>, string[]]>([
  ['the profile for development', {}, []],
  ['the profile for production', production, needIntrospection],
])('the audits of graphql-http find nothing in %s', async (_what, env, except) => {
  const audited = await aServer({ env });
  // Queries by GET are for clients that say that they are no page of another site.
  const headers = { 'x-auth-token': audited.tokenOf('blue'), 'x-vitrine-csrf': '1' };
  const audits = serverAudits({
    url: `${audited.url}/graphql`,
    fetchFn: (url: string, init: RequestInit = {}) =>
      fetch(url, { ...init, headers: { ...init.headers, ...headers } }),
  });
  expect(audits.length).toBeGreaterThan(60);
  const results = await Promise.all(audits.map((audit) => audit.fn()));
  const failed = results.filter((result) => result.status !== 'ok').map(({ id, name }) => ({ id, name }));
  expect(failed.filter(({ id }) => !except.includes(id))).toEqual([]);
  expect(failed.map(({ id }) => id).sort()).toEqual([...except].sort());
  await audited.stop();
});

const list = `query List($n: Int = 2, $w: ImageFilter) {
  images(first: $n, where: $w) { totalCount nodes { id name tags properties { name value } createdAt } pageInfo { hasNextPage } }
}`;

/** Requests of all kinds: what runs, what fails in part, what is refused at every step. */
const kinds: [string, object][] = [
  ['a query', { query: list }],
  ['a query with variables', { query: list, variables: { n: 1, w: { name: { eq: 'one' } } } }],
  [
    'a query with null for everything else',
    { query: list, variables: null, operationName: null, extensions: null },
  ],
  ['one operation of two', { query: `${list} query Other { viewer { project } }`, operationName: 'Other' }],
  ['a field that fails', { query: '{ images(first: -1) { totalCount } viewer { project } }' }],
  ['a bad cursor', { query: '{ images(after: "x") { totalCount } }' }],
  [
    'a mutation that is refused',
    { query: 'mutation { deleteImage(input: {id: "x"}) { ... on Error { code message } } }' },
  ],
  ['introspection', { query: '{ __schema { queryType { name } } }' }],
  ['a syntax error', { query: '{ images {' }],
  ['an unknown field', { query: '{ imagess { totalCount } }' }],
  ['two mistakes', { query: '{ imagess { totalCount } image { x } }' }],
  ['a wrong variable', { query: list, variables: { n: 'x' } }],
  ['two wrong variables', { query: list, variables: { n: 'x', w: { nme: 1 } } }],
  [
    'too many aliases',
    { query: `{ ${Array.from({ length: 16 }, (_, i) => `a${i}: __typename`).join(' ')} }` },
  ],
  ['too high a cost', { query: '{ images(first: 1000) { nodes { members { nodes { project } } } } }' }],
  ['an unknown operation', { query: list, operationName: 'Other' }],
  ['no choice between two operations', { query: `${list} query Other { viewer { project } }` }],
  ['a subscription', { query: 'subscription { images { totalCount } }' }],
];

test.each(kinds)(
  '%s is answered the same, byte for byte, by the short way and by yoga',
  async (_what, json) => {
    const token = server.tokenOf('blue');
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      // A charset in Accept is a choice that is left to yoga.
      const ways = [accept, `${accept}; charset=utf-8`];
      // Three times each: new, compiled, cached.
      const answers = [];
      for (let i = 0; i < 6; i++)
        answers.push(await send(server, { token, json, headers: { accept: ways[i % 2] ?? '' } }));
      const shown = answers.map(({ status, text, headers }) => [status, headers.get('content-type'), text]);
      expect(new Set(shown.map((one) => JSON.stringify(one))).size, JSON.stringify(shown, null, 1)).toBe(1);
      expect(shown[0]?.[1]).toBe(`${accept}; charset=utf-8`);
    }
  },
);

test.each<[string, Record<string, string>, BodyInit]>([
  [
    'utf-7',
    { 'content-type': 'application/json; charset=utf-7' },
    '+AHsAIg-query+ACIAOgAi-{__typename}+ACIAfQ-',
  ],
  [
    'utf-16',
    { 'content-type': 'application/json; charset=utf-16' },
    Buffer.from('\ufeff{"query":"{__typename}"}', 'utf16le'),
  ],
  [
    'utf-16 in quotes',
    { 'content-type': 'application/json;charset="UTF-16LE"' },
    Buffer.from('{"query":"{__typename}"}', 'utf16le'),
  ],
  ['no type', { 'x-vitrine-csrf': '1' }, new Uint8Array(Buffer.from('{"query":"{__typename}"}'))],
  ['text', { 'content-type': 'text/plain', 'x-vitrine-csrf': '1' }, '{"query":"{__typename}"}'],
  [
    'a form',
    { 'content-type': 'application/x-www-form-urlencoded', 'x-vitrine-csrf': '1' },
    'query={__typename}&variables={',
  ],
  ['XML', { 'content-type': 'application/xml', 'x-vitrine-csrf': '1' }, '<query/>'],
  [
    'two types',
    { 'content-type': 'application/json, text/plain', 'x-vitrine-csrf': '1' },
    '{"query":"{__typename}"}',
  ],
  ['another multipart', { 'content-type': 'multipart/mixed; boundary=x', 'x-vitrine-csrf': '1' }, '--x--'],
])('a body in %s is refused', async (_what, headers, body) => {
  const answer = await send(server, { token: server.tokenOf('blue'), headers, body });
  expect([answer.status, refusal(answer)]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
});

const json = { 'content-type': 'application/json' };

test.each<[string, GraphqlRequest]>([
  ['a byte order mark', { headers: json, body: '\ufeff{"query":"{__typename}"}' }],
  [
    'UTF-16 that says it is JSON',
    { headers: json, body: Buffer.from('{"query":"{__typename}"}', 'utf16le') },
  ],
  ['half of a JSON', { headers: json, body: '{"query": "secr' }],
  ['nothing', { headers: json, body: '' }],
  ['a megabyte of braces', { headers: json, body: '{'.repeat(2 ** 20 - 1) }],
  ['a megabyte of brackets', { headers: json, body: '['.repeat(2 ** 20 - 1) }],
  [
    'compressed JSON',
    { headers: { ...json, 'content-encoding': 'gzip' }, body: Buffer.from('1f8b0800', 'hex') },
  ],
  ['null', { json: null }],
  ['a number', { json: 1 }],
  ['a string', { json: '{__typename}' }],
  ['an empty list', { json: [] }],
  ['a batch', { json: Array(10).fill({ query: '{__typename}' }) }],
  ['a batch in a batch', { json: [[{ query: '{__typename}' }]] }],
  ['nothing to run', { json: {} }],
  ['a number to run', { json: { query: 1 } }],
  ['a list to run', { json: { query: ['{__typename}'] } }],
  ['an unknown parameter', { json: { query: '{__typename}', admin: true } }],
  [
    'a parameter called __proto__',
    { headers: json, body: '{"query":"{__typename}","__proto__":{"admin":true}}' },
  ],
  ['extensions that are a list', { json: { query: '{__typename}', extensions: [] } }],
  ['GET without a query', { search: '?', headers: { 'x-vitrine-csrf': '1' } }],
  [
    'GET with variables that are no JSON',
    { search: '?query={__typename}&variables={', headers: { 'x-vitrine-csrf': '1' } },
  ],
  [
    'GET with variables that are a list',
    { search: '?query={__typename}&variables=[1]', headers: { 'x-vitrine-csrf': '1' } },
  ],
  [
    'GET with extensions that are no JSON',
    { search: '?query={__typename}&extensions=x', headers: { 'x-vitrine-csrf': '1' } },
  ],
])('%s is no request: 400, and nothing of it is quoted', async (_what, request) => {
  const answer = await send(server, { token: server.tokenOf('blue'), ...request });
  expect([answer.status, refusal(answer)]).toEqual([400, 'BAD_USER_INPUT']);
  expect(answer.text).not.toContain('secr');
  expect(answer.text.length).toBeLessThan(300);
});

test('a body of more than a megabyte is refused before it is read', async () => {
  const answer = await send(server, {
    json: { query: '{ __typename }', variables: { a: 'x'.repeat(2 ** 20) } },
  });
  expect([answer.status, refusal(answer)]).toEqual([413, 'TOO_LARGE']);
});

test.each(['text/html', 'image/png', 'application/xml'])('an answer in %s cannot be had', async (accept) => {
  const answer = await send(server, { json: { query: '{ __typename }' }, headers: { accept } });
  expect([answer.status, refusal(answer)]).toEqual([406, 'NOT_ACCEPTABLE']);
});

test.each(['text/event-stream', 'multipart/mixed'])('an answer as %s ends', async (accept) => {
  const answer = await send(server, { json: { query: '{ __typename }' }, headers: { accept } });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toContain(accept);
  expect(answer.text).toContain('{"data":{"__typename":"Query"}}');
});

describe('requests that a browser sends to other sites without asking', () => {
  const names = ['x-vitrine-csrf', 'apollo-require-preflight', 'x-graphql-yoga-csrf', 'graphql-preflight'];

  test('need a header that only a page of ours can set', async () => {
    const search = '?query={__typename}';
    expect(refusal(await send(server, { search }))).toBe('CSRF');
    for (const name of names) {
      const answer = await send(server, { search, headers: { [name]: '' } });
      expect(answer.text).toBe('{"data":{"__typename":"Query"}}');
    }
  });

  test('open GraphiQL, but run nothing', async () => {
    const answer = await send(server, { search: '?query={__typename}', headers: { accept: 'text/html' } });
    expect(answer.headers.get('content-type')).toMatch(/^text\/html/);
    expect(answer.text).not.toContain('{"data"');
  });
});

test('the document may come as it is', async () => {
  const headers = { 'content-type': 'application/graphql' };
  const answer = await send(server, { headers, body: '{ __typename }' });
  expect(answer.data).toEqual({ __typename: 'Query' });
});
