/** What all routes of /v2 share: versions, tokens, methods, media types, bounds, ids; and the schemas, which are nothing else. */
import { readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resources } from '../../src/rest/resources.ts';
import { schemas } from '../../src/rest/schemas/resources.ts';
import { anImage } from '../support/an-image.ts';
import { rawRequest } from '../support/raw-http.ts';
import { refusal, rest } from '../support/rest.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { sized } from '../support/size.ts';

let server: TestServer;
beforeAll(async () => {
  server = await aServer();
});
afterAll(async () => {
  expect(server.logged.filter((line) => JSON.parse(line).level >= 50)).toEqual([]);
  await server.stop();
});

const id = '0f6e2a0e-3c1f-4f0e-9d55-2f5b2c1f8a11';
/** One in so many. */
const sampled = sized({ quick: 5, ci: 1, full: 1 });
const isSampled = (_: unknown, n: number) => n % sampled === 0;
const filled = (path: string) => path.replace(':id', id).replace(/:\w+/g, 'x');
const calls = resources.flatMap(({ path, operations }) =>
  Object.keys(operations).map((method) => [`${method} /v2${filled(path)}`] as [`${string} /${string}`]),
);

test.each(calls.filter(isSampled))('%s needs a token', async (call) => {
  const answer = await rest(server, call, { as: null });
  expect(answer).toMatchObject({ status: 401, body: refusal(401, 'Unauthorized') });
  expect(answer.headers['www-authenticate']).toBeTruthy();
  const wrong = await rest(server, call, { as: null, headers: { 'x-auth-token': 'wrong' } });
  expect(wrong.status).toBe(401);
});

test('a method that a path has not is 405, with those that it has', async () => {
  for (const { path, operations } of resources.filter(isSampled)) {
    const there = Object.keys(operations).flatMap((method) =>
      method === 'GET' ? ['GET', 'HEAD'] : [method],
    );
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      if (there.includes(method)) continue;
      const answer = await rest(server, `${method} /v2${filled(path)}`);
      expect(answer).toMatchObject({ status: 405, body: refusal(405, 'Method Not Allowed') });
      expect(answer.headers.allow?.split(', ').sort()).toEqual(there.sort());
    }
  }
});

test.each([
  '/v2/nothing',
  '/v2/images/',
  '/v2/images/x/nothing',
  '/v2//images',
  '/v2/images/../../x',
  '/v2/images/x/members/',
  '/v2/schemas/nothing',
  '/v2/cache',
] as const)('there is nothing at %s', async (path) => {
  expect(await rest(server, `GET ${path}`)).toMatchObject({ status: 404, body: refusal(404, 'Not Found') });
});

test.each([
  ['GET /v2/images/%2e%2e%2fx', 404],
  ['GET /v2/images/a;b=c', 404],
  ['GET /v2/images/a%00b', 404],
  ['GET /v2/images/%zz', 400],
  ['GET /v2/images/%c0%af', 400],
  ['GET /v2/images?name=%zz', 200],
  ['GET /v2/images?%ff=%c0%af', 200],
  ['GET /v2/images?=&&=x', 200],
] as const)('%s is %d', async (call, status) => {
  const [method, path] = call.split(' ');
  const head = `${method} ${path} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${server.tokenOf('blue')}\r\n\r\n`;
  expect((await rawRequest(server.url, head)).status).toBe(status);
});

test('every answer has a request id: the one that came, or a new one', async () => {
  const given = 'req-0f6e2a0e-3c1f-4f0e-9d55-2f5b2c1f8a11';
  const headers = { 'x-openstack-request-id': given };
  expect((await rest(server, 'GET /v2/images', { headers })).headers['x-openstack-request-id']).toBe(given);
  const long = await rest(server, 'GET /v2/images', {
    headers: { 'x-openstack-request-id': 'x'.repeat(65) },
  });
  expect(long).toMatchObject({ status: 431, body: refusal(431, 'Request Header Fields Too Large') });
  expect(long.headers['x-openstack-request-id']).toMatch(/^req-/);
});

test('a body of more than a MiB is refused before it is read', async () => {
  const answer = await rest(server, 'POST /v2/images', { json: { x: 'x'.repeat(2 ** 20) } });
  expect(answer).toMatchObject({ status: 413, body: refusal(413, 'Request Entity Too Large') });
});

test('JSON is taken whatever its type is called, as long as it is JSON', async () => {
  for (const type of ['application/json; charset=utf-8', 'text/plain', 'application/x-www-form-urlencoded']) {
    const headers = { 'content-type': type };
    expect((await rest(server, 'POST /v2/images', { headers, body: '{"name": "x"}' })).status).toBe(201);
  }
  const raw = `POST /v2/images HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${server.tokenOf('blue')}\r\nContent-Length: 2\r\n\r\n{}`;
  expect((await rawRequest(server.url, raw)).status).toBe(201);
  for (const body of ['', '{', 'name=x', '{"a": "\xff"', '['.repeat(500_000)]) {
    const answer = await rest(server, 'POST /v2/images', {
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(answer).toMatchObject({ status: 400, body: refusal(400, 'Bad Request') });
  }
});

test('of a key that comes twice the last counts', async () => {
  const headers = { 'content-type': 'application/json' };
  const { body } = await rest(server, 'POST /v2/images', { headers, body: '{"name": "a", "name": "b"}' });
  expect(body.name).toBe('b');
});

describe('schemas', () => {
  test.each(Object.keys(schemas))('%s is served as it is published, and kept by its tag', async (name) => {
    const { status, headers, body } = await rest(server, `GET /v2/schemas/${name}`);
    expect(status).toBe(200);
    const published = await readFile(`${import.meta.dirname}/../../schema/v2/${name}.json`, 'utf8');
    expect(body).toEqual(JSON.parse(published));
    const known = await rest(server, `GET /v2/schemas/${name}`, {
      headers: { 'if-none-match': headers.etag ?? '' },
    });
    expect(known).toMatchObject({ status: 304, body: '' });
    expect((await rest(server, `HEAD /v2/schemas/${name}`)).headers.etag).toBe(headers.etag);
  });

  test('say what clients read of them', async () => {
    const { body } = await rest(server, 'GET /v2/schemas/image');
    expect(body).toMatchObject({ name: 'image', additionalProperties: { type: 'string' } });
    expect(body.properties.disk_format.enum.slice(0, 2)).toEqual([null, 'ami']);
    expect(body.properties.os_distro).toMatchObject({ type: 'string', is_base: false });
    expect(body.properties.name).not.toHaveProperty('is_base');
  });

  test('hold for every answer', async () => {
    const image = await anImage(server.app, {
      properties: { a: 'b' },
      tags: ['x'],
      members: { red: 'pending' },
    });
    const ajv = new Ajv({ strict: false, logger: false });
    const checks: Record<string, `GET /${string}`> = {
      image: `GET /v2/images/${image}`,
      images: 'GET /v2/images',
      members: `GET /v2/images/${image}/members`,
      member: `GET /v2/images/${image}/members/red`,
    };
    for (const [name, call] of Object.entries(checks)) {
      const { body } = await rest(server, call);
      const validate = ajv.compile(schemas[name] as object);
      validate(body);
      expect([name, validate.errors]).toEqual([name, null]);
    }
  });
});

describe('versions', () => {
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
      expect(await rest(server, `GET ${path}`, { as: null })).toMatchObject({
        status: 300,
        body: choice.body,
      });
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
    expect((await rest(server, 'GET /v2.7/images?name=none')).body.images).toEqual([]);
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
});
