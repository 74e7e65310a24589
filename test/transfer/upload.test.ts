import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anImage } from '../support/an-image.ts';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let token: string;
beforeAll(async () => {
  server = await aServer({ env: { VITRINE_IMAGE_SIZE_MAX: '1 MiB' } });
  token = server.tokenOf('blue');
});
afterAll(() => server.stop());

const bytes = randomBytes(70_000);
const hash = (name: string, encoding: 'hex' | 'base64' = 'hex') =>
  createHash(name).update(bytes).digest(encoding);

async function put(id: string, body: BodyInit | null, headers: Record<string, string> = {}) {
  const response = await server.http(`/v2/images/${id}/file`, {
    method: 'PUT',
    token,
    headers: { 'content-type': 'application/octet-stream', ...headers },
    body,
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, error: text ? JSON.parse(text).error : null };
}

const queued = () => anImage(server.app, { status: 'queued', size: null });

async function stateOf(id: string) {
  const { data } = await server.raw(
    token,
    `{ image(id: "${id}") { status size checksum digests { algorithm value } } }`,
  );
  return data.image;
}

describe('an upload', () => {
  test('without bytes makes an active image of size 0', async () => {
    const id = await queued();
    expect((await put(id, '')).status).toBe(204);
    const md5 = createHash('md5').digest('hex');
    expect(await stateOf(id)).toMatchObject({ status: 'ACTIVE', size: 0, checksum: md5 });
    const got = await server.http(`/v2/images/${id}/file`, { token });
    expect([got.status, got.headers.get('content-length'), await got.text()]).toEqual([200, '0', '']);
  });

  test('of unknown length is taken', async () => {
    const id = await queued();
    const body = new ReadableStream({
      start(controller) {
        for (let i = 0; i < bytes.length; i += 1000) controller.enqueue(bytes.subarray(i, i + 1000));
        controller.close();
      },
    });
    const response = await server.http(`/v2/images/${id}/file`, {
      method: 'PUT',
      token,
      headers: { 'content-type': 'application/octet-stream' },
      body,
      duplex: 'half',
    });
    expect(response.status).toBe(204);
    expect(await stateOf(id)).toMatchObject({ status: 'ACTIVE', size: bytes.length, checksum: hash('md5') });
  });

  test.each([
    ['x-openstack-image-size', String(bytes.length)],
    ['repr-digest', `sha-512=:${hash('sha512', 'base64')}:`],
    ['repr-digest', `crc32c=:AAAAAA==:, sha-256=:${hash('sha256', 'base64')}:`],
    ['content-md5', hash('md5')],
    ['content-md5', hash('md5', 'base64')],
    ['x-image-meta-store', 'file'],
  ])('with the right %s: %s is published', async (name, value) => {
    const id = await queued();
    expect(await put(id, bytes, { [name]: value })).toMatchObject({ status: 204 });
    const state = await stateOf(id);
    expect(state.status).toBe('ACTIVE');
    const sha256 = state.digests.find((d: { algorithm: string }) => d.algorithm === 'sha256');
    if (value.includes('sha-256')) expect(sha256.value).toBe(hash('sha256'));
  });

  test.each([
    ['x-openstack-image-size', '5', 400, 'SIZE_MISMATCH'],
    ['x-openstack-image-size', 'many', 400, 'BAD_SIZE'],
    ['repr-digest', `sha-512=:${hash('sha512', 'base64').replace(/^.../, 'AAA')}:`, 400, 'INVALID_INPUT'],
    ['repr-digest', 'sha-512=nonsense', 400, 'BAD_DIGEST'],
    ['content-md5', '0'.repeat(32), 400, 'INVALID_INPUT'],
    ['content-md5', 'short', 400, 'BAD_DIGEST'],
    ['x-image-meta-store', 'nowhere', 400, 'INVALID_INPUT'],
    ['content-type', 'text/plain', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['content-encoding', 'gzip', 415, 'UNSUPPORTED_ENCODING'],
  ])('with %s: %s is refused, and the image can be uploaded after all', async (name, value, status, type) => {
    const id = await queued();
    const answer = await put(id, bytes, { [name]: value });
    expect(answer).toMatchObject({ status, error: { code: status, type } });
    expect(answer.error.message.length).toBeGreaterThan(10);
    expect(await stateOf(id)).toMatchObject({ status: 'QUEUED', size: null, checksum: null });
    expect((await put(id, bytes)).status).toBe(204);
  });

  test('over the size limit is refused by its length, and by its bytes when it does not say one', async () => {
    const id = await queued();
    const tooMuch = randomBytes(2 ** 20 + 1);
    expect(await put(id, tooMuch)).toMatchObject({ status: 413, error: { type: 'QUOTA_EXCEEDED' } });
    const body = new Blob([tooMuch]).stream();
    const response = await server
      .http(`/v2/images/${id}/file`, {
        method: 'PUT',
        token,
        headers: { 'content-type': 'application/octet-stream' },
        body,
        duplex: 'half',
      })
      .then((r) => r.status);
    expect(response).toBe(413);
    expect(await stateOf(id)).toMatchObject({ status: 'QUEUED' });
  });

  test('happens once: a second one gets a conflict and the bytes stay', async () => {
    const id = await queued();
    expect((await put(id, bytes)).status).toBe(204);
    expect(await put(id, 'other')).toMatchObject({ status: 409, error: { type: 'WRONG_STATUS' } });
    expect(await stateOf(id)).toMatchObject({ checksum: hash('md5') });
  });

  test('needs both formats, and says so', async () => {
    const id = await anImage(server.app, { status: 'queued', diskFormat: null, containerFormat: null });
    const { status, error } = await put(id, bytes);
    expect(status).toBe(400);
    expect(error.message).toMatch(/diskFormat.*containerFormat/s);
  });

  test('is for the owner: readers are forbidden, no token is 401, a wrong one too', async () => {
    const id = await queued();
    const path = `/v2/images/${id}/file`;
    const init = { method: 'PUT', headers: { 'content-type': 'application/octet-stream' }, body: 'x' };
    expect((await server.http(path, { ...init, token: server.tokenOf('blue', 'reader') })).status).toBe(403);
    const none = await server.http(path, init);
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="vitrine"']);
    expect((await server.http(path, { ...init, token: 'wrong' })).status).toBe(401);
  });

  test('is asked for its body only when it is welcome', async () => {
    const active = await anImage(server.app, { size: 1 });
    const lines = await rawPut(active, token);
    expect(lines[0]).toMatch(/^HTTP\/1.1 409/);
    const welcome = await rawPut(await queued(), token);
    expect(welcome[0]).toMatch(/^HTTP\/1.1 100 Continue/);
  });
});

/** The first line of the answer to a PUT that waits with its body. */
function rawPut(id: string, auth: string): Promise<string[]> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(
        `PUT /v2/images/${id}/file HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${auth}\r\nExpect: 100-continue\r\n` +
          'Content-Type: application/octet-stream\r\nContent-Length: 1000000\r\n\r\n',
      );
    });
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString().split('\r\n'));
    });
    socket.once('error', reject);
  });
}

describe('a signed target', () => {
  const create = (id: string, more = '') =>
    `mutation { createUpload(input: {imageId: "${id}"${more}}) { __typename ... on CreateUploadPayload { upload { url method headers { name value } expiresAt } } ... on Error { code message } } }`;

  async function target(id: string, more = '') {
    const { data } = await server.raw(token, create(id, more));
    if (!data.createUpload.upload) throw new Error(JSON.stringify(data));
    return data.createUpload.upload;
  }

  async function send(
    upload: { url: string; method: string; headers: { name: string; value: string }[] },
    body: BodyInit,
  ) {
    const headers = Object.fromEntries(upload.headers.map((h) => [h.name, h.value]));
    return (await fetch(upload.url, { method: upload.method, headers, body })).status;
  }

  test('takes the bytes without a token, once', async () => {
    const id = await queued();
    const upload = await target(id);
    expect(await send(upload, bytes)).toBe(204);
    expect(await send(upload, bytes)).toBe(409);
    expect(await stateOf(id)).toMatchObject({ status: 'ACTIVE', size: bytes.length });
  });

  test('holds to the size and the digest it was made for', async () => {
    const id = await queued();
    const upload = await target(
      id,
      `, size: ${bytes.length}, digest: {algorithm: "sha256", value: "${hash('sha256')}"}`,
    );
    expect(await send(upload, bytes.subarray(1))).toBe(400);
    expect(await send(upload, randomBytes(bytes.length))).toBe(400);
    expect(await send(upload, bytes)).toBe(204);
  });

  test('is for its image and its method only, and cannot be changed', async () => {
    const [id, other] = [await queued(), await queued()];
    const upload = await target(id);
    expect(await send({ ...upload, url: upload.url.replace(id, other) }, bytes)).toBe(403);
    expect(await send({ ...upload, url: upload.url.replace('expires=', 'expires=9') }, bytes)).toBe(403);
    expect(await send({ ...upload, url: `${upload.url}&store=other` }, bytes)).toBe(403);
    expect((await fetch(upload.url)).status).toBe(403);
    expect(await stateOf(id)).toMatchObject({ status: 'QUEUED' });
  });

  test.each([
    ['a store that there is not', ', store: "nowhere"', 'INVALID_INPUT'],
    ['a size over the limit', ', size: 2000000', 'QUOTA_EXCEEDED'],
    ['a digest that is none', ', digest: {algorithm: "crc", value: "1"}', 'INVALID_INPUT'],
    ['a digest that is too short', ', digest: {algorithm: "sha256", value: "ab"}', 'INVALID_INPUT'],
  ])('is not made for %s', async (_what, more, code) => {
    const { data } = await server.raw(token, create(await queued(), more));
    expect(data.createUpload.code).toBe(code);
  });
});
