import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { refusal, rest } from '../support/rest.ts';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await aServer();
});
afterAll(() => server.stop());

const ids = (answer: { body: { versions: { id: string }[] } }) => answer.body.versions.map(({ id }) => id);

test('the choice of versions is 300, the list of them 200, both without a token', async () => {
  const choice = await rest(server, 'GET /', { as: null });
  expect(choice.status).toBe(300);
  expect(choice.headers['content-type']).toMatch(/^application\/json/);
  const [newest, ...older] = choice.body.versions;
  expect(newest).toEqual({
    id: expect.stringMatching(/^v2\.\d+$/),
    status: 'CURRENT',
    links: [{ rel: 'self', href: `${server.url}/v2/` }],
  });
  for (const { status } of older) expect(status).toBe('SUPPORTED');
  expect(ids(choice)).toEqual(expect.arrayContaining(['v2.0', 'v2.1', 'v2.3', 'v2.4', 'v2.5', 'v2.7']));

  const list = await rest(server, 'GET /versions', { as: null });
  expect([list.status, list.body]).toEqual([200, choice.body]);
  for (const path of ['/v2', '/v2/'] as const) {
    expect(await rest(server, `GET ${path}`, { as: null })).toMatchObject({ status: 300, body: choice.body });
  }
  expect((await rest(server, 'GET /versions/', { as: null })).status).toBe(200);
});

test('the cache API is not there, and no version says so', async () => {
  const { body } = await rest(server, 'GET /versions');
  const there = body.versions.map(({ id }: { id: string }) => id);
  for (const id of ['v2.14', 'v2.16', 'v2.18', 'v1.0']) expect(there).not.toContain(id);
});

test('a version that is there can be named in the path or by the media type, and means the same', async () => {
  const plain = await rest(server, 'GET /v2/schemas/member');
  for (const path of ['/v2.0/schemas/member', '/v2.7/schemas/member'] as const) {
    expect(await rest(server, `GET ${path}`)).toMatchObject({ status: 200, body: plain.body });
  }
  const headers = { accept: 'application/vnd.openstack.images-v2.5' };
  expect(await rest(server, 'GET /schemas/member', { headers })).toMatchObject({
    status: 200,
    body: plain.body,
  });
  expect((await rest(server, 'GET /v2.7/images?limit=1')).body.images).toEqual([]);
});

test.each(['/v1/images', '/v3', '/v2.99/images', '/v2.14/images'] as const)(
  'a version that is not there, as in %s, is answered with the choice',
  async (path) => {
    expect(await rest(server, `GET ${path}`, { as: null })).toMatchObject({
      status: 300,
      body: { versions: expect.any(Array) },
    });
  },
);

describe('with other settings', () => {
  let other: TestServer;
  beforeAll(async () => {
    other = await aServer({
      env: { VITRINE_PUBLIC_URL: 'https://cloud.example.org/image/' },
      settings: 'imports: { methods: [web-download] }\n',
    });
  });
  afterAll(() => other.stop());

  test('links have the address that they say', async () => {
    const { body } = await rest(other, 'GET /versions', { as: null });
    expect(body.versions[0].links[0].href).toBe('https://cloud.example.org/image/v2/');
    const { headers } = await rest(other, 'POST /v2/images', { json: {} });
    expect(headers.location).toMatch(/^https:\/\/cloud\.example\.org\/image\/v2\/images\//);
    expect(headers['openstack-image-import-methods']).toBe('web-download');
  });

  test('where nothing is staged there is no such path', async () => {
    const formats = { disk_format: 'raw', container_format: 'bare' };
    const { body: image } = await rest(other, 'POST /v2/images', { json: formats });
    const headers = { 'content-type': 'application/octet-stream' };
    const answer = await rest(other, `PUT /v2/images/${image.id}/stage`, { headers, body: 'bytes' });
    expect(answer).toMatchObject({ status: 404, body: refusal(404, 'Not Found') });
  });
});
