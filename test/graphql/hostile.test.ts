/** Input that no client means: it is refused with a code, or it finds nothing, and nothing of us is told. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCursor } from '../../src/search/cursor.ts';
import { anImage } from '../support/an-image.ts';
import { expectClean, refusal, run, send } from '../support/graphql.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { sized } from '../support/size.ts';

describe('the probes of graphql-cop, against the profile for production', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await aServer({ env: { VITRINE_INTROSPECTION: 'false', VITRINE_GRAPHIQL: 'false' } });
  });
  afterAll(async () => {
    expect(server.logged.filter((line) => JSON.parse(line).level >= 50)).toEqual([]);
    await server.stop();
  });

  /** As the tool sends it, but with a token: without one nothing could be found out. */
  const probe = async (query: string) => {
    const answer = await run(server, query);
    expectClean(answer);
    return answer;
  };

  test('alias overload', async () => {
    const aliases = Array.from({ length: 101 }, (_, i) => `alias${i}:__typename`).join(' \n');
    expect(refusal(await probe(`query cop { ${aliases} }`))).toBe('TOO_COSTLY');
  });

  test('batches of queries', async () => {
    const token = server.tokenOf('blue');
    for (const length of [1, 10, 10_000]) {
      const answer = await send(server, {
        token,
        json: Array(length).fill({ query: 'query cop { __typename }' }),
      });
      expect([answer.status, refusal(answer)]).toEqual([400, 'BAD_USER_INPUT']);
    }
  });

  test('circular introspection', async () => {
    const query =
      'query cop { __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }';
    expect(refusal(await probe(query))).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  test('directive overload', async () => {
    expect(refusal(await probe(`query cop { __typename ${'@aa'.repeat(10)} }`))).toBe(
      'GRAPHQL_VALIDATION_FAILED',
    );
    expect(refusal(await probe(`query cop { __typename ${'@aa'.repeat(500)} }`))).toBe('TOO_COSTLY');
  });

  test('field duplication', async () => {
    expect(refusal(await probe(`query cop { ${'__typename \n'.repeat(500)} }`))).toBe('TOO_COSTLY');
  });

  test.each<[string, string, unknown?]>([
    ['a field', '{ imagess { totalCount } }'],
    ['an argument', '{ images(wher: {}) { totalCount } }'],
    ['a key in the document', '{ images(where: {statu: {}}) { totalCount } }'],
    ['a choice in the document', '{ images(where: {status: {eq: ACTIV}}) { totalCount } }'],
    [
      'a key in a variable',
      'query ($w: ImageFilter) { images(where: $w) { totalCount } }',
      { w: { statu: {} } },
    ],
    [
      'a choice in a variable',
      'query ($w: ImageFilter) { images(where: $w) { totalCount } }',
      { w: { status: { eq: 'ACTIV' } } },
    ],
    ['a type', 'query ($w: ImageFilte) { images(where: $w) { totalCount } }'],
    ['a type in a fragment', '{ node(id: "x") { ... on Imag { name } } }'],
  ])('suggestions of %s', async (_what, query, variables) => {
    // The second time the answer comes from a cache, the third time from the compiled query.
    for (let i = 0; i < 3; i++) {
      const answer = await run(server, query, variables);
      expect(['GRAPHQL_VALIDATION_FAILED', 'BAD_USER_INPUT']).toContain(refusal(answer));
      expect(answer.text).not.toMatch(/did you mean|images"|statusf|ACTIVE"/i);
    }
  });

  test('queries by GET', async () => {
    for (const accept of ['*/*', 'text/html', 'text/html,*/*', 'application/json']) {
      const answer = await send(server, { search: '?query={__typename}', headers: { accept } });
      expect([answer.status, refusal(answer)]).toEqual([403, 'CSRF']);
    }
  });

  test('mutations by GET', async () => {
    const search = '?query=mutation{__typename}';
    expect((await send(server, { search })).status).toBe(403);
    const answer = await send(server, { search, headers: { 'x-vitrine-csrf': '1' } });
    expect([answer.status, refusal(answer)]).toEqual([405, 'BAD_USER_INPUT']);
  });

  test('url-encoded and other forms', async () => {
    for (const type of [
      'application/x-www-form-urlencoded',
      'text/plain',
      'multipart/form-data; boundary=x',
    ]) {
      const body = 'query={__typename}';
      const answer = await send(server, { headers: { 'content-type': type }, body });
      expect([answer.status, refusal(answer)]).toEqual([403, 'CSRF']);
    }
  });

  test('GraphiQL', async () => {
    for (const path of ['/graphql', '/', '/graphiql', '/playground', '/console', '/graphql?raw']) {
      const answer = await server.http(path, { headers: { accept: 'text/html' } });
      expect(answer.headers.get('content-type')).toMatch(/json/);
      // At / are the versions of the Image API, to choose from.
      expect(answer.status).toBeGreaterThanOrEqual(path === '/' ? 300 : 400);
    }
  });

  test('introspection', async () => {
    for (const query of [
      'query cop { __schema { types { name fields { name } } } }',
      'query cop { __type(name: "Image") { name } }',
      '{ ...F } fragment F on Query { __schema { queryType { name } } }',
      '{ images { totalCount } ... @include(if: true) { a: __schema { queryType { name } } } }',
    ]) {
      expect(refusal(await probe(query))).toBe('GRAPHQL_VALIDATION_FAILED');
    }
  });

  test('tracing', async () => {
    const token = server.tokenOf('blue');
    for (const name of ['accept', 'x-apollo-tracing', 'apollo-federation-include-trace']) {
      const headers = { [name]: name === 'accept' ? '*/*' : 'ftv1' };
      const answer = await send(server, {
        token,
        headers,
        json: { query: '{ __typename }', extensions: { tracing: true } },
      });
      expect(answer.text).toBe('{"data":{"__typename":"Query"}}');
    }
  });

  test('errors that are not handled', async () => {
    for (const query of [
      'qwerty cop { abc }',
      '',
      '{',
      '{ \u0000 }',
      '"',
      '#',
      '{ images(where: "x") { totalCount } }',
    ]) {
      expect(['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED']).toContain(refusal(await probe(query)));
    }
  });
});

let server: TestServer;
beforeAll(async () => {
  server = await aServer();
});
afterAll(async () => {
  expect(server.logged.filter((line) => JSON.parse(line).level >= 50)).toEqual([]);
  await server.stop();
});

const where = 'query ($where: ImageFilter) { images(where: $where) { totalCount } }';
const image = 'query ($id: ID!) { image(id: $id) { name } node(id: $id) { id } }';
const create = `mutation ($input: CreateImageInput!) {
  createImage(input: $input) { __typename ... on CreateImagePayload { image { id name } } ... on ValidationError { code issues { path code } } ... on Error { code } }
}`;

test.each<[string, string, unknown?]>([
  ['an Int of 2^53 in the document', '{ images(first: 9007199254740992) { totalCount } }'],
  ['an Int of 2^31 in a variable', create, { input: { minDisk: 2 ** 31 } }],
  ['an Int with a fraction', create, { input: { minDisk: 1.5 } }],
  ['an Int beyond all numbers', '{ images(first: 1e400) { totalCount } }'],
  ['an Int as text', create, { input: { minDisk: '1' } }],
  ['a Boolean as text', create, { input: { hidden: 'true' } }],
  ['a number as text', create, { input: { name: 7 } }],
  ['a list as text', create, { input: { name: ['x'] } }],
  ['an object as an id', image, { id: { toString: 'x' } }],
  ['a fraction as an id', image, { id: 1.5 }],
  ['null for what is not null', image, { id: null }],
  ['nothing for what is not null', image, {}],
  ['null in a list that has none', create, { input: { tags: ['a', null] } }],
  ['null for what is not null in the document', '{ image(id: null) { name } }'],
  ['an unknown key', create, { input: { name: 'x', status: 'ACTIVE' } }],
  ['an unknown key called __proto__', create, JSON.parse('{"input": {"__proto__": {"name": "x"}}}')],
  ['an unknown key called constructor', create, { input: { constructor: { name: 'x' } } }],
  ['a choice in other letters', create, { input: { visibility: 'private' } }],
  ['a choice as text in the document', '{ images(where: {status: {eq: "ACTIVE"}}) { totalCount } }'],
  ['a choice named like a method', create, { input: { visibility: 'constructor' } }],
  ['a BigInt below 0', where, { where: { size: { eq: -1 } } }],
  ['a BigInt of 2^63', where, { where: { size: { eq: '9223372036854775808' } } }],
  ['a BigInt with a fraction', where, { where: { size: { eq: 1.5 } } }],
  ['a BigInt in hex', where, { where: { size: { eq: '0x10' } } }],
  ['a BigInt of ten thousand digits', where, { where: { size: { eq: '9'.repeat(10_000) } } }],
  ['a BigInt past what a number can hold', where, { where: { size: { eq: 2 ** 60 } } }],
  ['a time without an offset', where, { where: { createdAt: { gt: '2026-01-01T00:00:00' } } }],
  ['a time as a number', where, { where: { createdAt: { gt: 0 } } }],
  ['a time that never was', where, { where: { createdAt: { gt: '2026-02-30T00:00:00Z' } } }],
  ['a time of another calendar', where, { where: { createdAt: { gt: '+012026-01-01T00:00:00Z' } } }],
  ['a time as a statement', where, { where: { createdAt: { gt: "now()'; drop table images; --" } } }],
  [
    'a file that is none',
    'mutation ($f: Upload!) { uploadImage(input: {id: "x", file: $f}) { __typename } }',
    { f: 'x' },
  ],
  ['a file in the document', 'mutation { uploadImage(input: {id: "x", file: "x"}) { __typename } }'],
  ['a half surrogate in the document', '{ images(where: {name: {eq: "\\ud800"}}) { totalCount } }'],
])('%s is refused before anything runs', async (_what, query, variables) => {
  for (let i = 0; i < 3; i++) {
    const answer = await run(server, query, variables);
    expect(['BAD_USER_INPUT', 'GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_PARSE_FAILED']).toContain(
      refusal(answer),
    );
    expect(answer.status).toBe(200);
  }
});

test.each<[string, unknown]>([
  ['a string', 'x'],
  ['a number', 1],
  ['true', true],
  ['a list', [1]],
])('variables that are %s are refused', async (_what, variables) => {
  const answer = await send(server, {
    token: server.tokenOf('blue'),
    json: { query: '{ __typename }', variables },
  });
  expect([answer.status, refusal(answer)]).toEqual([400, 'BAD_USER_INPUT']);
});

test.each<[string, string]>([
  ['empty', ''],
  ['a megabyte long', 'x'.repeat(2 ** 20 - 1_000)],
  ['with a NUL', '\0'],
  ['half a surrogate pair', '\ud800'],
  ['with braces', '{00000000-0000-4000-8000-000000000000}'],
  ['two in one', '00000000-0000-4000-8000-000000000000,00000000-0000-4000-8000-000000000001'],
  ['a statement', "' or 1=1; drop table images; --"],
  ['of an unknown type', 'Caller:admin'],
  ['of a type that is a method', 'constructor:x'],
  ['of a type that is __proto__', '__proto__:x'],
  ['a store that is a method', 'Store:constructor'],
  ['a store that is a path', 'Store:../../etc/passwd'],
  ['a member of nothing', 'ImageMember::'],
  ['a member with a NUL', 'ImageMember:00000000-0000-4000-8000-000000000000:\0'],
  ['a copy that is none', 'ImageCopy:x'],
])('an id that is %s finds nothing', async (_what, id) => {
  const found = await run(server, image, { id });
  expectClean(found);
  expect([found.errors, found.data]).toEqual([[], { image: null, node: null }]);
  const changed = await run(
    server,
    `mutation ($id: ID!) {
      deleteImage(input: {id: $id}) { ... on Error { code } }
      addImageMember(input: {imageId: $id, project: "p"}) { ... on Error { code } }
      createUpload(input: {imageId: $id}) { ... on Error { code } }
    }`,
    { id },
  );
  expectClean(changed);
  expect(changed.data).toEqual({
    deleteImage: { code: 'NOT_FOUND' },
    addImageMember: { code: 'NOT_FOUND' },
    createUpload: { code: 'NOT_FOUND' },
  });
});

test.each<[string, string]>([
  ['more than a page may have', 'first: 1001'],
  ['fewer than none', 'first: -1'],
  ['fewer than none from the end', 'last: -2147483648'],
  ['both ends', 'first: 1, last: 1'],
  ['after from the end', 'last: 1, after: "x"'],
  ['before from the start', 'first: 1, before: "x"'],
  ['both cursors', 'after: "x", before: "x"'],
])('a page of %s is refused, and the other fields stand', async (_what, page) => {
  const answer = await run(server, `{ images(${page}) { totalCount } viewer { project } }`);
  expectClean(answer);
  expect(answer.data).toEqual({ images: null, viewer: { project: 'blue' } });
  expect(answer.errors.map((e) => e.extensions.code)).toEqual(['BAD_USER_INPUT']);
});

test.each(['', '\0', '\ud800', 'x'.repeat(10_000)])(
  'a project that cannot be is no member',
  async (project) => {
    const id = await anImage(server.app, { members: { red: 'pending' } });
    const query = `mutation ($id: ID!, $project: String!) {
    removeImageMember(input: {imageId: $id, project: $project}) { ... on Error { code } }
    addImageMember(input: {imageId: $id, project: $project}) { ... on Error { code } }
    respondToImageShare(input: {imageId: $id, project: $project, status: ACCEPTED}) { ... on Error { code } }
  }`;
    const variables = { id, project };
    const answer = await send(server, { token: server.tokenOf('admin'), json: { query, variables } });
    expectClean(answer);
    expect(answer.data).toEqual({
      removeImageMember: { code: 'NOT_FOUND' },
      addImageMember: { code: 'INVALID_INPUT' },
      respondToImageShare: { code: 'NOT_FOUND' },
    });
  },
);

describe('cursors', () => {
  const time = '2026-01-01T00:00:00.000000Z';
  const id = '00000000-0000-4000-8000-000000000000';
  const scope = 'images:-createdAt,-id';
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const page = 'query ($c: String!) { images(after: $c) { nodes { id } } }';

  test('a cursor that we could have made is taken', async () => {
    const answer = await run(server, page, { c: makeCursor(scope, [time, id]) });
    expect(answer.errors).toEqual([]);
  });

  test.each<[string, string]>([
    ['empty', ''],
    ['words', 'not a cursor'],
    ['not JSON', Buffer.from('[').toString('base64url')],
    ['an object', encoded({ 0: scope, length: 3 })],
    ['null', encoded(null)],
    ['in another alphabet', `${encoded([scope, time, id])}==`],
    ['of another order', makeCursor('images:name,id', ['x', id])],
    ['of another direction', makeCursor('images:createdAt,id', [time, id])],
    ['of another field', makeCursor('members', [time, 'red'])],
    ['of no field', makeCursor('', [time, id])],
    ['too short', encoded([scope, time])],
    ['too long', encoded([scope, time, id, id])],
    ['with null for a time', encoded([scope, null, id])],
    ['with a number for a time', encoded([scope, 0, id])],
    ['with a time of no form', encoded([scope, '2026-01-01', id])],
    ['with an endless time', encoded([scope, 'infinity', id])],
    ['with a statement for a time', encoded([scope, "now()'; drop table images; --", id])],
    ['with an id that is none', encoded([scope, time, 'x'])],
    ['with an id in capitals', encoded([scope, time, id.replace('4', 'F')])],
    ['with a list for an id', encoded([scope, time, [id]])],
    ['a megabyte long', encoded([scope, time, 'x'.repeat(700_000)])],
    ['nested without end', Buffer.from(`${'['.repeat(4_000)}${']'.repeat(4_000)}`).toString('base64url')],
  ])('a cursor that is %s is refused', async (_what, c) => {
    const answer = await run(server, page, { c });
    expectClean(answer);
    expect(answer.data).toEqual({ images: null });
    expect(answer.errors.map((e) => e.extensions.code)).toEqual(['BAD_CURSOR']);
  });

  test.each<[string, string, unknown[]]>([
    ['a NUL in a text', 'NAME', ['\0', id]],
    ['half a surrogate pair in a text', 'NAME', ['\ud800', id]],
    ['a number for a text', 'NAME', [1, id]],
    ['an object for a text', 'NAME', [{}, id]],
    ['a text for a number', 'SIZE', ['1', id]],
    ['a number past 2^53', 'SIZE', [2 ** 60, id]],
    ['a fraction', 'SIZE', [1.5, id]],
  ])('a cursor with %s is refused', async (_what, field, values) => {
    const query = `query ($c: String!) { images(after: $c, orderBy: [{field: ${field}, direction: ASC}]) { nodes { id } } }`;
    const answer = await run(server, query, { c: encoded([`images:${field.toLowerCase()},id`, ...values]) });
    expectClean(answer);
    expect(answer.errors.map((e) => e.extensions.code)).toEqual(['BAD_CURSOR']);
  });

  test('a cursor of images is refused for members, and of another image is taken', async () => {
    const imageId = await anImage(server.app, { members: { red: 'accepted', green: 'pending' } });
    const query =
      'query ($id: ID!, $c: String!) { image(id: $id) { members(after: $c) { nodes { project } } } }';
    const foreign = await run(server, query, { id: imageId, c: makeCursor(scope, [time, id]) });
    expect(foreign.errors.map((e) => e.extensions.code)).toEqual(['BAD_CURSOR']);
    const own = await run(server, query, { id: imageId, c: makeCursor('members', [time, '']) });
    expect(own.data.image.members.nodes).toHaveLength(2);
  });
});

test.each<[string, object]>([
  ['a NUL in a condition', { name: { eq: '\0' } }],
  ['half a surrogate pair in a list', { name: { in: ['a', '\udfff'] } }],
  ['a NUL in the name of a property', { properties: [{ name: '\0', exists: true }] }],
  ['a NUL in the value of a property', { properties: [{ name: 'a', text: { startsWith: 'b\0' } }] }],
  ['a NUL in a tag', { tags: { hasAny: ['\0'] } }],
  ['null as an operand', { name: { eq: null } }],
  ['null for a list', { owner: { in: null } }],
])('%s is refused where it stands', async (_what, filter) => {
  const answer = await run(server, where, { where: filter });
  expectClean(answer);
  expect(answer.data).toEqual({ images: null });
  expect(answer.errors[0]?.extensions).toMatchObject({
    code: 'BAD_USER_INPUT',
    issues: [{ path: expect.any(Array) }],
  });
});

test('text that means something in SQL, JSON or LIKE is only text', async () => {
  const names = [
    "a'b",
    'a"b',
    'a\\b',
    'a%b',
    'a_b',
    "x'; drop table images; --",
    '$1',
    '{"a":1}',
    '->>',
    '__proto__',
    '🐘',
    'a\nb',
    '\u202e',
  ];
  const project = server.tokenOf('green');
  const properties = names.map((name) => ({ name, value: `value of ${name}` }));
  const made = await send(server, {
    token: project,
    json: { query: create, variables: { input: { name: 'odd', tags: names, properties } } },
  });
  expect(made.data.createImage.__typename).toBe('CreateImagePayload');
  const count = async (filter: object) => {
    const variables = { where: filter };
    const answer = await send(server, { token: project, json: { query: where, variables } });
    expectClean(answer);
    return answer.data.images.totalCount;
  };
  for (const name of names) {
    expect([name, await count({ properties: [{ name }] })]).toEqual([name, 1]);
    expect([name, await count({ properties: [{ name, text: { eq: `value of ${name}` } }] })]).toEqual([
      name,
      1,
    ]);
    expect([
      name,
      await count({ properties: [{ name, text: { endsWith: name, ignoreCase: true } }] }),
    ]).toEqual([name, 1]);
    expect([name, await count({ properties: [{ name, text: { eq: 'value of a_b' } }] })]).toEqual([
      name,
      name === 'a_b' ? 1 : 0,
    ]);
    expect([name, await count({ tags: { has: name } })]).toEqual([name, 1]);
    expect([name, await count({ name: { contains: name } })]).toEqual([name, 0]);
  }
  const all = await send(server, {
    token: project,
    json: { query: '{ images { nodes { properties { name value } p: property(name: "__proto__") } } }' },
  });
  expect(all.data.images.nodes[0].properties).toHaveLength(names.length);
  expect(all.data.images.nodes[0].p).toBe('value of __proto__');
});

test('a caller is whom the token says, whatever headers say', async () => {
  const query = '{ viewer { user project roles isAdmin } }';
  const claims = {
    'x-project-id': 'admin',
    'x-tenant-id': 'admin',
    'x-user-id': 'admin',
    'x-roles': 'admin',
    'x-role': 'admin',
    'x-identity-status': 'Confirmed',
    'x-is-admin-project': 'True',
    'x-service-token': server.tokenOf('admin'),
    x_roles: 'admin',
    'x-forwarded-user': 'admin',
    'x-subject-token': server.tokenOf('admin'),
    'openstack-system-scope': 'all',
  };
  const member = await send(server, { token: server.tokenOf('blue'), headers: claims, json: { query } });
  expect(member.data.viewer).toMatchObject({ project: 'blue', roles: ['member'], isAdmin: false });
  const nobody = await send(server, { headers: claims, json: { query } });
  expect(nobody.text).not.toContain('admin');
  const both = await send(server, {
    headers: { 'x-auth-token': server.tokenOf('blue'), authorization: `Bearer ${server.tokenOf('admin')}` },
    json: { query },
  });
  expect([both.status, refusal(both)]).toEqual([401, 'UNAUTHENTICATED']);
});

test.each<[string, HeadersInit]>([
  ['unknown', { 'x-auth-token': 'nope' }],
  ['8 KiB long', { 'x-auth-token': 'a'.repeat(8_192) }],
  [
    'given twice',
    [
      ['x-auth-token', 'a'],
      ['x-auth-token', 'b'],
    ],
  ],
  ['a bearer that is unknown', { authorization: 'Bearer nope' }],
  ['a name of a method', { 'x-auth-token': '__proto__' }],
])('a token that is %s is refused, and not told', async (_what, headers) => {
  const answer = await send(server, {
    headers: { 'content-type': 'application/json', ...Object.fromEntries(new Headers(headers)) },
    body: '{"query":"{ __typename }"}',
  });
  expect([answer.status, refusal(answer)]).toEqual([401, 'UNAUTHENTICATED']);
  expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="vitrine"');
  expect(answer.text).not.toContain('nope');
});

test('hundreds of requests of two projects at once never see a row of the other', async () => {
  const own = { blue: new Set<string>(), red: new Set<string>() };
  for (const project of ['blue', 'red'] as const) {
    for (let i = 0; i < 5; i++) {
      own[project].add(
        await anImage(server.app, { owner: project, visibility: 'private', name: `${project}-${i}` }),
      );
    }
  }
  const ids = [...own.blue, ...own.red];
  const query = `query ($ids: [ID!]!, $id: ID!) {
    viewer { project }
    images(first: 100, where: {visibility: {eq: PRIVATE}}) { totalCount nodes { id name owner members { totalCount } } }
    nodes(ids: $ids) { id }
    image(id: $id) { id owner }
  }`;
  await Promise.all(
    Array.from({ length: sized({ quick: 80, ci: 500, full: 5_000 }) }, async (_, i) => {
      const project = i % 2 === 0 ? 'blue' : 'red';
      const id = ids[i % ids.length];
      const { data, errors } = await send(server, {
        token: server.tokenOf(project),
        json: { query, variables: { ids, id } },
      });
      expect(errors).toEqual([]);
      const isOwn = own[project];
      expect(data.viewer.project).toBe(project);
      expect(new Set(data.images.nodes.map((n: { id: string }) => n.id))).toEqual(isOwn);
      expect(new Set(data.images.nodes.map((n: { owner: string }) => n.owner))).toEqual(new Set([project]));
      expect(data.images.totalCount).toBe(isOwn.size);
      expect(data.nodes.map((n: { id: string } | null) => n?.id ?? null)).toEqual(
        ids.map((one) => (isOwn.has(one) ? one : null)),
      );
      expect(data.image?.id ?? null).toBe(isOwn.has(id ?? '') ? id : null);
    }),
  );
});

test('script in names and bytes is never answered as a page', async () => {
  const script = '"><img src=x onerror=alert(1)><script>alert(1)</script>';
  const token = server.tokenOf('blue');
  const made = await run(server, create, {
    input: { name: script, tags: [script], diskFormat: 'RAW', containerFormat: 'BARE' },
  });
  expect(made.data.createImage.image.name).toBe(script);
  expect(made.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(made.headers.get('x-content-type-options')).toBe('nosniff');

  const path = `/v2/images/${made.data.createImage.image.id}/file`;
  const page = `<!doctype html><script>alert(document.cookie)</script>`;
  const put = await server.http(path, {
    method: 'PUT',
    token,
    headers: { 'content-type': 'application/octet-stream' },
    body: page,
  });
  expect(put.status).toBe(204);
  const got = await server.http(path, { token, headers: { accept: 'text/html' } });
  expect(await got.text()).toBe(page);
  expect(Object.fromEntries(got.headers)).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-disposition': expect.stringMatching(/^attachment; filename="[0-9a-f-]{36}"$/),
    'content-security-policy': 'sandbox',
    'x-content-type-options': 'nosniff',
  });

  const ranges = Array.from({ length: 1_000 }, (_, i) => `${i}-${i}`).join(',');
  const flood = await server.http(path, { token, headers: { range: `bytes=${ranges}` } });
  expect([flood.status, await flood.text()]).toEqual([200, page]);
});

test('the page of GraphiQL is not shown inside other pages', async () => {
  const answer = await server.http('/graphql', { headers: { accept: 'text/html' } });
  expect(answer.headers.get('content-type')).toMatch(/^text\/html/);
  expect(answer.headers.get('x-frame-options')).toBe('DENY');
  const injected = await server.http('/graphql?query=</script><script>alert(1)</script>', {
    headers: { accept: 'text/html' },
  });
  expect(await injected.text()).not.toContain('alert(1)');
});
