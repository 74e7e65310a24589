/** What doors answer where callers are known by Keystone: with no token, an unknown one, and while Keystone is away. */
import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type KeystoneServer, keystoneServer, servicePassword } from '../support/keystone-server.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';

let keystone: KeystoneServer;
let server: TestServer;
beforeAll(async () => {
  keystone = await keystoneServer();
  server = await aServer({
    env: { VITRINE_AUTH: 'keystone, tokens' },
    settings: `
keystone:
  url: ${keystone.url}/v3
  publicUrl: https://id.example.org/v3
  username: vitrine
  password: ${servicePassword}
  project: service
  tokenCache: 300ms
  tokenTimeout: 500ms
`,
  });
});
afterEach(() => keystone.fail());
afterAll(async () => {
  await server.stop();
  await keystone.close();
});

const nobody = 'gAAAA-S3CR3T-nobody-has-this';
const someImage = '/v2/images/3f2c8a52-0000-4000-8000-000000000000/file';
const viewer = '{ viewer { user project roles } }';
const challenge = 'Keystone uri="https://id.example.org/v3"';

const withHeaders = (headers: Record<string, string>, query = viewer) =>
  server.http('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });

async function newImage(token: string): Promise<string> {
  const { data } = await server.raw(
    token,
    'mutation { createImage(input: {name: "x", diskFormat: RAW, containerFormat: BARE}) { ... on CreateImagePayload { image { id owner } } } }',
  );
  expect(data.createImage.image.owner).toBe('blue');
  return data.createImage.image.id;
}

test('without a token every door says that it wants one, and where Keystone is', async () => {
  const images = await server.raw(null, '{ images { totalCount } }');
  expect(images.errors[0]?.extensions.code).toBe('UNAUTHENTICATED');
  expect((await server.raw(null, '{ service { version } }')).errors).toEqual([]);
  for (const [path, init] of [
    [someImage, {}],
    ['/uploads', { method: 'POST', headers: { 'tus-resumable': '1.0.0', 'upload-length': '1' } }],
  ] as const) {
    const refused = await server.http(path, init);
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, challenge]);
    expect((await refused.json()).error).toMatchObject({ code: 401, type: 'UNAUTHENTICATED' });
  }
});

test('a token that nobody knows is 401 in the form of each door, with the place to get one', async () => {
  const graphql = await withHeaders({ 'x-auth-token': nobody });
  const bytes = await server.http(someImage, { token: nobody });
  for (const refused of [graphql, bytes]) {
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, challenge]);
  }
  const [error] = (await graphql.json()).errors;
  expect(error).toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
  expect(error.message).toMatch(/get a new one from Keystone at https:\/\/id\.example\.org\/v3/);
});

test('a token of Keystone, and one of the file, are callers beside each other', async () => {
  const token = keystone.issue({ user: 'someone', project: 'blue', roles: ['Member'] });
  const { data } = await server.raw(token, viewer);
  expect(data.viewer).toEqual({ user: 'someone', project: 'blue', roles: ['member'] });
  const asked = keystone.validations();
  expect((await server.raw(server.tokenOf('red'), viewer)).data.viewer.project).toBe('red');
  expect(keystone.validations()).toBe(asked);
});

test('who a client says that it is has no effect', async () => {
  const claimed = {
    'x-identity-status': 'Confirmed',
    'x-service-identity-status': 'Confirmed',
    'x-user-id': 'root',
    'x-user': 'root',
    'x-project-id': 'red',
    'x-tenant-id': 'red',
    'x-tenant': 'red',
    'x-domain-id': 'default',
    'x-roles': 'admin',
    'x-role': 'admin',
    'x-is-admin-project': 'True',
    'openstack-system-scope': 'all',
    'x-service-roles': 'service,admin',
  };
  const anonymous = await (await withHeaders(claimed)).json();
  expect(anonymous.errors[0].extensions.code).toBe('UNAUTHENTICATED');
  const token = keystone.issue({ project: 'blue', roles: ['reader'] });
  const known = await (await withHeaders({ ...claimed, 'x-auth-token': token })).json();
  expect(known.data.viewer).toEqual({ user: 'u', project: 'blue', roles: ['reader'] });
});

test('a caller without a project sees what is public, and has nothing to make images in', async () => {
  const admin = server.tokenOf('admin');
  await server.raw(
    admin,
    'mutation { createImage(input: {name: "all", visibility: PUBLIC}) { __typename } }',
  );
  const make = 'mutation { createImage(input: {name: "x"}) { __typename ... on Error { code } } }';
  for (const [scope, isSeen] of [
    [{ system: true, roles: ['reader', 'member'] }, true],
    [{ domain: 'default', roles: ['admin'] }, false],
    [{}, false],
  ] as const) {
    const token = keystone.issue({
      project: undefined,
      ...scope,
      roles: 'roles' in scope ? [...scope.roles] : [],
    });
    const { data, errors } = await server.raw(token, '{ viewer { project } images { totalCount } }');
    expect(errors).toEqual([]);
    expect(data.viewer.project).toBeNull();
    expect(data.images.totalCount, JSON.stringify(scope)).toBe(isSeen ? 1 : 0);
    expect((await server.raw(token, make)).data.createImage.code).toBe('FORBIDDEN');
  }
});

test('an expired token with a service token is its user still', async () => {
  const expired = keystone.issue({ ms: -1 });
  const service = keystone.issue({ user: 'nova', project: 'service', roles: ['service'] });
  expect((await withHeaders({ 'x-auth-token': expired })).status).toBe(401);
  const together = await withHeaders({ 'x-auth-token': expired, 'x-service-token': service });
  expect((await together.json()).data.viewer).toMatchObject({ project: 'blue' });
});

test('while Keystone is away new tokens are 503 in the form of each door, known ones go on, and it is ready', async () => {
  const known = keystone.issue();
  await server.raw(known, viewer);
  keystone.fail({ on: /./, how: 'reset' });
  expect((await server.raw(known, viewer)).data.viewer.project).toBe('blue');
  const fresh = keystone.issue();
  const graphql = await withHeaders({ 'x-auth-token': fresh });
  const bytes = await server.http(someImage, { token: fresh });
  for (const refused of [graphql, bytes]) {
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('www-authenticate')).toBeNull();
  }
  expect((await graphql.json()).errors[0].extensions.code).toBe('UNAVAILABLE');
  expect((await bytes.json()).error).toMatchObject({ code: 503, type: 'UNAVAILABLE' });
  expect((await server.http('/readyz')).status).toBe(200);
  // Those of the file need no Keystone.
  expect((await server.raw(server.tokenOf('red'), viewer)).data.viewer.project).toBe('red');
  keystone.fail();
  await until(async () => (await withHeaders({ 'x-auth-token': fresh })).status === 200);
});

test('an upload that was allowed when it began is finished, though the token is revoked in the middle', async () => {
  const token = keystone.issue();
  const id = await newImage(token);
  const upload = request(`${server.url}/v2/images/${id}/file`, {
    method: 'PUT',
    headers: { 'x-auth-token': token, 'content-type': 'application/octet-stream' },
  });
  const answered = new Promise<number | undefined>((resolve, reject) => {
    upload.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
  });
  upload.write('first ');
  const admin = server.tokenOf('admin');
  const status = async () => (await server.raw(admin, `{ image(id: "${id}") { status } }`)).data.image.status;
  await until(async () => (await status()) === 'SAVING');
  keystone.revoke(token);
  await until(async () => (await server.http(someImage, { token })).status === 401);
  upload.end('second');
  expect(await answered).toBe(204);
  expect(await status()).toBe('ACTIVE');
});

test('no token and no password of Keystone is in any line or number', async () => {
  const metrics = await (await server.http('/metrics')).text();
  expect(metrics).toMatch(/vitrine_identity_call_seconds_count\{service="keystone",outcome="known"\} [1-9]/);
  const said = server.logged.join('') + metrics;
  expect(said).toMatch(/Keystone cannot be reached/);
  expect(said).not.toMatch(/S3CR3T|gAAAA/);
});
