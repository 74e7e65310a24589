/** Robot tokens: who makes, sees and revokes them, and that they end. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildSchema } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOfSecret, secretOf } from '../../src/domain/token.ts';
import { anImage } from '../support/an-image.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { only, sized } from '../support/size.ts';
import { hasFile, mutationsOf, someInput } from '../support/some-input.ts';

// They wait for what a server believes to be over, or try much.
const long = only({ from: 'ci' });
let server: TestServer;
let member: string;
let reader: string;
let admin: string;

beforeAll(async () => {
  server = await aServer();
  member = server.tokenOf('blue');
  reader = server.tokenOf('blue', 'reader');
  admin = server.tokenOf('admin');
});
afterAll(() => server.stop());

const fields = 'id name description project user roles readOnly imageFilter createdAt expiresAt lastUsedAt';
const errors = `... on Error { code message } ... on ValidationError { issues { path code } }
  ... on QuotaExceededError { resource limit used }`;

async function create(token: string | null, input: object) {
  const query = `mutation ($input: CreateTokenInput!) { createToken(input: $input) {
    __typename ... on CreateTokenPayload { secret token { ${fields} } } ${errors} } }`;
  const { data, errors: top } = await server.raw(token, query, { input: { name: 'a robot', ...input } });
  return data?.createToken ?? top[0];
}

async function revoke(token: string, id: string) {
  const query = `mutation ($id: ID!) { revokeToken(input: {id: $id}) {
    __typename ... on RevokeTokenPayload { id } ... on Error { code message } } }`;
  return (await server.raw(token, query, { id })).data.revokeToken;
}

async function list(token: string | null, project: string | null = null) {
  const query = `query ($project: String) { tokens(project: $project, first: 1000) { totalCount nodes { ${fields} } } }`;
  const { data, errors: top } = await server.raw(token, query, { project });
  return data?.tokens?.nodes ?? top;
}

const ids = (nodes: { id: string }[]) => nodes.map(({ id }) => id);
const viewer = (token: string) => server.raw(token, '{ viewer { user project roles isAdmin } }');
const isGood = async (token: string) => (await viewer(token)).data?.viewer != null;

test('a token acts in the name of its maker, in the project and with the roles that it was made for', async () => {
  const { secret, token } = await create(member, { description: 'for the pipeline' });
  expect(secret).toMatch(/^vtr_[0-9a-f]{72}$/);
  expect(token).toMatchObject({
    id: expect.stringMatching(/^Token:[0-9a-f-]{36}$/),
    name: 'a robot',
    description: 'for the pipeline',
    project: 'blue',
    user: 'blue-member',
    roles: ['member'],
    readOnly: false,
    imageFilter: null,
    expiresAt: null,
    lastUsedAt: null,
  });
  expect((await viewer(secret)).data.viewer).toEqual({
    user: 'blue-member',
    project: 'blue',
    roles: ['member'],
    isAdmin: false,
  });
  const bearer = { headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' } };
  const answer = await server.http('/graphql', {
    method: 'POST',
    body: JSON.stringify({ query: '{ viewer { project } }' }),
    ...bearer,
  });
  expect(await answer.json()).toEqual({ data: { viewer: { project: 'blue' } } });
});

test.each<[string, () => string | null, object, object]>([
  ['without a token', () => null, {}, { extensions: { code: 'UNAUTHENTICATED' } }],
  ['a role above the maker', () => member, { roles: ['admin'] }, { code: 'FORBIDDEN' }],
  [
    'one of several roles above the maker',
    () => reader,
    { roles: ['reader', 'member'] },
    { code: 'FORBIDDEN' },
  ],
  ['the usual role by a reader', () => reader, {}, { code: 'FORBIDDEN' }],
  [
    'a project without a name',
    () => admin,
    { project: '' },
    { issues: [{ path: ['input', 'project'], code: 'EMPTY' }] },
  ],
  [
    'a NUL in the project',
    () => admin,
    { project: 'a\0' },
    { issues: [{ path: ['input', 'project'], code: 'BAD_CHARACTER' }] },
  ],
  ['another project', () => member, { project: 'red' }, { code: 'FORBIDDEN' }],
  [
    'an unknown role',
    () => admin,
    { roles: ['boss'] },
    { issues: [{ path: ['input', 'roles', '0'], code: 'UNKNOWN_ROLE' }] },
  ],
  ['no role', () => admin, { roles: [] }, { issues: [{ path: ['input', 'roles'], code: 'EMPTY' }] }],
  ['no name', () => member, { name: ' ' }, { issues: [{ path: ['input', 'name'], code: 'EMPTY' }] }],
  [
    'a NUL in the name',
    () => member,
    { name: 'a\0' },
    { issues: [{ path: ['input', 'name'], code: 'BAD_CHARACTER' }] },
  ],
  [
    'a long description',
    () => member,
    { description: 'x'.repeat(1001) },
    { issues: [{ path: ['input', 'description'], code: 'TOO_LONG' }] },
  ],
  [
    'an end that is over',
    () => member,
    { expiresAt: '2020-01-01T00:00:00Z' },
    { issues: [{ path: ['input', 'expiresAt'], code: 'IN_THE_PAST' }] },
  ],
  [
    'a filter that says nothing',
    () => member,
    { imageFilter: {} },
    { issues: [{ path: ['input', 'imageFilter'], code: 'EMPTY' }] },
  ],
  [
    'a filter by what moves, for a token that writes',
    () => member,
    { imageFilter: { or: [{ not: { status: { eq: 'ACTIVE' } } }] } },
    { issues: [{ path: ['input', 'imageFilter', 'status'], code: 'MOVING' }] },
  ],
  [
    'a bad regular expression',
    () => member,
    { imageFilter: { name: { matches: '(' } } },
    { issues: [{ path: ['input', 'imageFilter', 'name', 'matches'], code: 'BAD_PATTERN' }] },
  ],
  [
    'a null operand',
    () => member,
    { imageFilter: { name: { eq: null } } },
    { issues: [{ path: ['input', 'imageFilter', 'name', 'eq'], code: 'NULL_OPERAND' }] },
  ],
  [
    'a filter beyond all bounds',
    () => member,
    { imageFilter: { name: { in: Array(1000).fill('x'.repeat(20)) } } },
    { issues: [{ path: ['input', 'imageFilter'], code: 'TOO_LONG' }] },
  ],
])('no token is made of %s', async (_what, who, input, expected) => {
  const before = (await list(admin, 'blue')).length;
  expect(await create(who(), input)).toMatchObject(expected);
  expect(await list(admin, 'blue')).toHaveLength(before);
});

test('a robot makes and revokes no tokens, and sees only itself', async () => {
  const made = await create(admin, { project: 'green', roles: ['admin'] });
  const other = await create(member, {});
  expect(await create(made.secret, { roles: ['reader'] })).toMatchObject({ code: 'FORBIDDEN' });
  expect(await revoke(made.secret, other.token.id)).toMatchObject({ code: 'FORBIDDEN' });
  expect(await revoke(made.secret, made.token.id)).toMatchObject({ code: 'FORBIDDEN' });
  expect(ids(await list(made.secret))).toEqual([made.token.id]);
  expect(await list(made.secret, 'blue')).toEqual([]);
});

test('who could have made a token sees and revokes it, and for others it is a missing one', async () => {
  const low = await create(member, { name: 'low' });
  const high = await create(admin, { name: 'high', project: 'blue', roles: ['admin'] });
  const own = await create(reader, { name: 'own', roles: ['reader'] });
  const of = (token: string) => list(token, 'blue').then(ids);
  const [lowId, highId, ownId] = [low, high, own].map(({ token }) => token.id);
  expect(await of(admin)).toEqual(expect.arrayContaining([lowId, highId, ownId]));
  expect(await of(member)).toEqual(expect.arrayContaining([lowId, ownId]));
  expect(await of(member)).not.toContain(highId);
  expect(await of(reader)).toEqual([ownId]);
  expect(await of(server.tokenOf('red'))).toEqual([]);
  expect(await list(null)).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);

  const node = async (token: string, id: string) =>
    (await server.raw(token, `{ node(id: "${id}") { id } }`)).data.node;
  const missing = `Token:${crypto.randomUUID()}`;
  for (const token of [reader, server.tokenOf('red')]) {
    const words = async (id: string) => JSON.stringify(await revoke(token, id)).replaceAll(id, 'ID');
    expect(await words(lowId)).toBe(await words(missing));
    expect(await node(token, lowId)).toBeNull();
  }
  expect(await node(member, lowId)).toEqual({ id: lowId });
  expect(await revoke(member, 'nonsense')).toMatchObject({ code: 'NOT_FOUND' });
  expect(await revoke(member, ownId)).toMatchObject({ id: ownId });
  expect(await revoke(admin, highId.replace('Token:', ''))).toMatchObject({ id: highId });
  expect(await node(member, ownId)).toBeNull();
});

test('a token that is revoked is refused by every server within two seconds, and its download ends', async () => {
  const other = await server.another();
  try {
    const { secret, token } = await create(member, {});
    const id = await anImage(server.app, { status: 'queued', size: null });
    const bytes = Buffer.alloc(sized({ quick: 4_000_000, ci: 20_000_000, full: 20_000_000 }), 7);
    const put = { method: 'PUT', headers: { 'content-type': 'application/octet-stream' }, body: bytes };
    expect((await server.http(`/v2/images/${id}/file`, { token: secret, ...put })).status).toBe(204);
    const running = await server.http(`/v2/images/${id}/file`, { token: secret });
    const ask = (url: string) =>
      fetch(`${url}/v2/images/${id}/file`, { method: 'HEAD', headers: { 'x-auth-token': secret } });
    expect((await ask(other.url)).status).toBe(200);
    expect(await revoke(member, token.id)).toMatchObject({ id: token.id });
    for (const url of [server.url, other.url]) {
      await expect.poll(async () => (await ask(url)).status, { timeout: 5_000 }).toBe(401);
    }
    expect(Buffer.from(await running.arrayBuffer()).equals(bytes)).toBe(true);
    expect(await isGood(secret)).toBe(false);
  } finally {
    await other.stop(0);
  }
});

test.skipIf(long.skip)(`a token ends when it expires, and is still told of${long.why}`, async () => {
  const { secret, token } = await create(member, {
    expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
  });
  expect(await isGood(secret)).toBe(true);
  await server.app.db.query('update tokens set expires_at = now() where id = $1::uuid', [token.id.slice(6)]);
  await expect.poll(() => isGood(secret), { timeout: 5_000 }).toBe(false);
  expect(ids(await list(member))).toContain(token.id);
  await server.app.db.query(`update tokens set expires_at = now() - interval '31 days' where id = $1::uuid`, [
    token.id.slice(6),
  ]);
  await create(member, {});
  expect(ids(await list(member))).not.toContain(token.id);
});

test('when a token was last used is told, and written at most once a minute', async () => {
  const { secret, token } = await create(member, {});
  const used = async () => (await list(member)).find(({ id }: { id: string }) => id === token.id).lastUsedAt;
  expect(await used()).toBeNull();
  await viewer(secret);
  await expect.poll(used, { timeout: 5_000 }).not.toBeNull();
  const first = await used();
  await Promise.all(Array.from({ length: 20 }, () => viewer(secret)));
  expect(await used()).toBe(first);
});

test('a project has 200 tokens at most, however many ask at once', async () => {
  const green = server.tokenOf('green');
  await server.app.db.query(
    `insert into tokens (digest, project, name, roles) select 'd' || n, 'green', 'many', '{member}' from generate_series(1, 195) as n`,
    [],
  );
  const answers = await Promise.all(Array.from({ length: 12 }, () => create(green, { name: 'more' })));
  const made = answers.filter((answer) => answer.__typename === 'CreateTokenPayload');
  expect((await list(green)).length).toBeLessThanOrEqual(200);
  expect(made.length).toBeLessThanOrEqual(5);
  expect(answers.find((answer) => answer.code)).toMatchObject({
    code: 'QUOTA_EXCEEDED',
    resource: 'tokens',
    limit: 200,
    used: 200,
  });
});

test('secrets are in no list, no node, no error, no log line and no row', async () => {
  const { secret, token } = await create(member, { name: 'careful' });
  const texts = [
    JSON.stringify(await list(member)),
    JSON.stringify(await server.raw(member, `{ node(id: "${token.id}") { ... on Token { ${fields} } } }`)),
  ];
  texts.push(JSON.stringify(await revoke(member, secret)));
  await server.raw(secret, '{ nonsense }').then((answer) => texts.push(JSON.stringify(answer)));
  await server.raw(`${secret}x`, '{ viewer { user } }').then((answer) => texts.push(JSON.stringify(answer)));
  const rows = await server.app.db.query('select * from tokens', []);
  for (const text of [...texts, JSON.stringify(rows), ...server.logged])
    expect(text).not.toContain(secret.slice(4, 60));
  expect(JSON.stringify(rows)).toContain(digestOfSecret(secret));
});

test.skipIf(long.skip)(
  `a thousand wrong tokens cost at most one look-up each, and those with a typo none${long.why}`,
  async () => {
    const queries: string[] = [];
    const { db } = server.app as { db: { query: typeof server.app.db.query } };
    const original = db.query;
    db.query = (text, params) => {
      if (text.includes('from tokens')) queries.push(text);
      return original(text, params);
    };
    try {
      const { secret } = await create(member, {});
      const typo = secret.replace(/^vtr_./, (start: string) => (start.endsWith('0') ? 'vtr_1' : 'vtr_0'));
      queries.length = 0;
      for (let n = 0; n < 50; n++) expect(await isGood(typo)).toBe(false);
      expect(queries).toEqual([]);
      const tries = 1000;
      const guesses = Array.from({ length: tries }, () =>
        secretOf(crypto.getRandomValues(new Uint8Array(32))),
      );
      for (let n = 0; n < tries; n += 50) await Promise.all(guesses.slice(n, n + 50).map(viewer));
      expect(queries.length).toBeLessThanOrEqual(tries);
      const [same = ''] = guesses.slice(-1);
      queries.length = 0;
      await Promise.all(Array.from({ length: 50 }, () => viewer(same)));
      expect(queries.length).toBeLessThanOrEqual(2);
    } finally {
      db.query = original;
    }
  },
);

test('a token that is read-only reads and downloads, and is refused every mutation there is', async () => {
  const id = await anImage(server.app, { status: 'queued', size: null });
  const put = { method: 'PUT', headers: { 'content-type': 'application/octet-stream' }, body: 'bytes' };
  expect((await server.http(`/v2/images/${id}/file`, { token: member, ...put })).status).toBe(204);
  const makers = [
    [admin, ['admin']],
    [member, ['member']],
  ] as const;
  for (const [maker, roles] of makers.slice(0, sized({ quick: 1, ci: 2, full: 2 }))) {
    const { secret } = await create(maker, { readOnly: true, roles, project: 'blue' });
    const { data } = await server.raw(
      secret,
      `{ image(id: "${id}") { status can { update delete download share } } viewer { can { createImage publish copyImage manageMetadefs } } }`,
    );
    expect(data).toEqual({
      image: { status: 'ACTIVE', can: { update: false, delete: false, download: true, share: false } },
      viewer: { can: { createImage: false, publish: false, copyImage: false, manageMetadefs: false } },
    });
    expect(await (await server.http(`/v2/images/${id}/file`, { token: secret })).text()).toBe('bytes');

    const schema = buildSchema(
      await readFile(join(import.meta.dirname, '../../schema/schema.graphql'), 'utf8'),
    );
    const mutations = mutationsOf(schema);
    expect(mutations.length).toBeGreaterThan(20);
    for (const { name, query, input } of mutations.filter((one) => !hasFile(one.input))) {
      const answer = await server.raw(secret, query, { input: someInput(input, id) });
      expect(answer.errors, name).toEqual([]);
      expect(answer.data[name], name).toMatchObject({ __typename: 'ForbiddenError', code: 'FORBIDDEN' });
      expect(answer.data[name].message, name).toContain('read-only');
    }
    expect(mutations.filter((one) => hasFile(one.input)).map(({ name }) => name)).toEqual(['uploadImage']);
    const queued = await anImage(server.app, { status: 'queued', size: null });
    expect(await multipart(secret, queued)).toMatchObject({
      data: { uploadImage: { code: 'FORBIDDEN', message: expect.stringContaining('read-only') } },
    });
    for (const path of ['file', 'stage']) {
      const answer = await server.http(`/v2/images/${queued}/${path}`, { token: secret, ...put });
      expect(answer.status).toBe(403);
      expect(await answer.text()).toContain('read-only');
    }
    const tus = {
      'tus-resumable': '1.0.0',
      'upload-length': '5',
      'upload-metadata': `image ${btoa(queued)}`,
    };
    const begun = await server.http('/uploads', { method: 'POST', token: secret, headers: tus });
    expect(begun.status).toBe(403);
    expect(await begun.text()).toContain('read-only');
  }
});

async function multipart(token: string, id: string) {
  const form = new FormData();
  const query =
    'mutation ($input: UploadImageInput!) { uploadImage(input: $input) { __typename ... on Error { code message } } }';
  form.set('operations', JSON.stringify({ query, variables: { input: { id, file: null } } }));
  form.set('map', JSON.stringify({ 0: ['variables.input.file'] }));
  form.set('0', new Blob(['bytes']), 'x');
  return (
    await server.http('/graphql', { method: 'POST', token, headers: { 'x-vitrine-csrf': '1' }, body: form })
  ).json();
}
