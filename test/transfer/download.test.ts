import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anImage } from '../support/an-image.ts';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let token: string;
let id: string;
const bytes = randomBytes(100_000);
const sha512 = createHash('sha512').update(bytes).digest();
const etag = `"${sha512.toString('hex')}"`;

beforeAll(async () => {
  server = await aServer();
  token = server.tokenOf('blue');
  id = await anImage(server.app, { status: 'queued', visibility: 'public' });
  const headers = { 'content-type': 'application/octet-stream' };
  const put = await server.http(`/v2/images/${id}/file`, { method: 'PUT', token, headers, body: bytes });
  expect(put.status).toBe(204);
});
afterAll(() => server.stop());

async function get(headers: Record<string, string> = {}, method = 'GET') {
  const response = await server.http(`/v2/images/${id}/file`, { token, headers, method });
  return {
    status: response.status,
    headers: response.headers,
    body: Buffer.from(await response.arrayBuffer()),
  };
}

describe('a download', () => {
  test('says what it is, and that no browser should show it', async () => {
    const { status, headers, body } = await get();
    expect(status).toBe(200);
    expect(body.equals(bytes)).toBe(true);
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(bytes.length),
      'content-md5': createHash('md5').update(bytes).digest('hex'),
      'repr-digest': `sha-512=:${sha512.toString('base64')}:`,
      etag,
      'accept-ranges': 'bytes',
      'content-disposition': `attachment; filename="${id}"`,
      'x-content-type-options': 'nosniff',
    });
    expect(headers.get('x-openstack-request-id')).toMatch(/^req-/);
  });

  test('HEAD has the same headers and no body', async () => {
    const [head, whole] = [await get({}, 'HEAD'), await get()];
    expect(head.body.length).toBe(0);
    const without = (headers: Headers) =>
      [...headers].filter(
        ([name]) => !['date', 'x-openstack-request-id', 'connection', 'keep-alive'].includes(name),
      );
    expect(without(head.headers)).toEqual(without(whole.headers));
  });

  test.each([
    ['bytes=0-0', 0, 0],
    ['bytes=10-19', 10, 19],
    ['bytes=99990-', 99_990, 99_999],
    ['bytes=99990-200000', 99_990, 99_999],
    ['bytes=-5', 99_995, 99_999],
    ['bytes=-200000', 0, 99_999],
    ['BYTES=1-2', 1, 2],
  ])('of %s gives that part', async (range, start, end) => {
    const { status, headers, body } = await get({ range });
    expect(status).toBe(206);
    expect(headers.get('content-range')).toBe(`bytes ${start}-${end}/100000`);
    expect(headers.get('content-length')).toBe(String(end - start + 1));
    expect(body.equals(bytes.subarray(start, end + 1))).toBe(true);
  });

  test.each(['bytes=100000-', 'bytes=100000-100001', 'bytes=-0'])('of %s is outside', async (range) => {
    const { status, headers } = await get({ range });
    expect([status, headers.get('content-range')]).toEqual([416, 'bytes */100000']);
  });

  test.each(['bytes=5-4', 'bytes=a-b', 'bytes=0-0,5-9', 'items=0-5', `bytes=${'0-0,'.repeat(1000)}1-1`])(
    'of %.20s is no single range and gives the whole',
    async (range) => {
      const { status, body } = await get({ range });
      expect([status, body.length]).toEqual([200, bytes.length]);
    },
  );

  test('If-Range honours the range only for this very content', async () => {
    expect((await get({ range: 'bytes=0-9', 'if-range': etag })).status).toBe(206);
    expect((await get({ range: 'bytes=0-9', 'if-range': '"other"' })).status).toBe(200);
    expect((await get({ range: 'bytes=0-9', 'if-range': `W/${etag}` })).status).toBe(200);
  });

  test('If-None-Match spares what the client has', async () => {
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const { status, body, headers } = await get({ 'if-none-match': known });
      expect([status, body.length, headers.get('etag')]).toEqual([304, 0, etag]);
    }
    expect((await get({ 'if-none-match': '"x"' })).status).toBe(200);
  });

  test('of an image without data is 204', async () => {
    const empty = await anImage(server.app, { status: 'queued', size: null });
    const response = await server.http(`/v2/images/${empty}/file`, { token });
    expect(response.status).toBe(204);
  });

  test('is not for readers, and of a deactivated image only for admins', async () => {
    const path = `/v2/images/${id}/file`;
    expect((await server.http(path, { token: server.tokenOf('red') })).status).toBe(200);
    expect((await server.http(path, { token: server.tokenOf('red', 'reader') })).status).toBe(403);
    const link = await server.raw(token, `{ image(id: "${id}") { download { url } } }`);
    expect((await fetch(link.data.image.download.url)).status).toBe(200);
    await server.raw(token, `mutation { deactivateImage(input: {id: "${id}"}) { __typename } }`);
    expect((await server.http(path, { token })).status).toBe(403);
    expect((await fetch(link.data.image.download.url)).status).toBe(403);
    expect((await server.http(path, { token: server.tokenOf('admin') })).status).toBe(200);
    await server.raw(token, `mutation { reactivateImage(input: {id: "${id}"}) { __typename } }`);
    expect((await server.http(path, { token })).status).toBe(200);
  });

  test('by a link that is over is refused', async () => {
    const link = await server.raw(token, `{ image(id: "${id}") { download { url expiresAt } } }`);
    const { url } = link.data.image.download;
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(url, { method: 'PUT', body: 'x' })).status).toBe(403);
    const over = url.replace(/expires=\d+/, `expires=${Math.floor(Date.now() / 1000) - 1}`);
    expect((await fetch(over)).status).toBe(403);
  });
});
