/** Resumable uploads, as tus clients send them: broken off, raced, lied about and given up. */
import { createHash, randomBytes } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { Upload, type UploadOptions } from 'tus-js-client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { appendResumable } from '../../src/actions/append-resumable.ts';
import { reap } from '../../src/actions/reap.ts';
import { storesOf } from '../../src/stores/all.ts';
import { memoryStore } from '../../src/stores/memory.ts';
import { anImage } from '../support/an-image.ts';
import { someBytes } from '../support/bytes.ts';
import { filesBelow } from '../support/damage.ts';
import { type Fault, type FaultStore, faultStore } from '../support/fault-store.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { only, sized } from '../support/size.ts';
import { until } from '../support/until.ts';

let server: TestServer;
let token: string;
beforeAll(async () => {
  server = await aServer({ env: { VITRINE_IMAGE_SIZE_MAX: '2 GiB', VITRINE_CORS_ORIGINS: '*' } });
  token = server.tokenOf('blue');
});
afterAll(() => server.stop());

const queued = () => anImage(server.app, { status: 'queued', size: null });
const bytes = new Uint8Array(someBytes(200_000, 11));
const hex = (algorithm: string, of: Uint8Array) => createHash(algorithm).update(of).digest('hex');
const base64 = (text: string) => Buffer.from(text).toString('base64');
const offsetType = 'application/offset+octet-stream';

async function imageOf(id: string) {
  const { data } = await server.raw(
    token,
    `query($id: ID!) { image(id: $id) {
      status size checksum digests { algorithm value } failure { code message } } }`,
    { id },
  );
  return data.image;
}

const download = async (id: string) =>
  Buffer.from(await (await server.http(`/v2/images/${id}/file`, { token })).arrayBuffer());

type Headers = Record<string, string>;

/** A request of tus, at a path or URL. */
async function tus(
  method: string,
  url: string,
  headers: Headers = {},
  body?: BodyInit,
  signal?: AbortSignal,
) {
  const response = await fetch(new URL(url, server.url), {
    method,
    headers: { 'tus-resumable': '1.0.0', ...headers },
    ...(body === undefined ? {} : { body, duplex: 'half' as const }),
    ...(signal && { signal }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    offset: response.headers.get('upload-offset'),
    error: text ? JSON.parse(text).error : null,
  };
}

const metadata = (id: string) => ({ 'upload-metadata': `image ${base64(id)}` });

/** Begins by a token: the answer. */
const create = (id: string, headers: Headers = {}, body?: BodyInit) =>
  tus('POST', '/uploads', { 'x-auth-token': token, ...metadata(id), ...headers }, body);

/** The same, where it has to work: the URL. */
async function begun(id: string, length: number | null = bytes.length): Promise<string> {
  const how: Headers = length === null ? { 'upload-defer-length': '1' } : { 'upload-length': `${length}` };
  const answer = await create(id, how);
  expect(answer.status, answer.error?.message).toBe(201);
  return answer.headers.get('location') ?? '';
}

const patch = (url: string, offset: number, body: BodyInit, headers: Headers = {}) =>
  tus('PATCH', url, { 'content-type': offsetType, 'upload-offset': `${offset}`, ...headers }, body);

async function expectStored(id: string, expected: Uint8Array): Promise<void> {
  expect(await imageOf(id)).toMatchObject({
    status: 'ACTIVE',
    size: expected.length,
    checksum: hex('md5', expected),
    digests: [{ algorithm: 'sha512', value: hex('sha512', expected) }],
    failure: null,
  });
  expect((await download(id)).equals(expected)).toBe(true);
}

const target = async (id: string, more = '') => {
  const { data } = await server.raw(
    token,
    `mutation($id: ID!) { createUpload(input: { imageId: $id${more} }) {
      ... on CreateUploadPayload { resumable { url method headers { name value } expiresAt } }
      ... on Error { code message } } }`,
    { id },
  );
  return data.createUpload.resumable as {
    url: string;
    method: string;
    headers: { name: string; value: string }[];
  };
};

/** Between a client and the server: breaks each connection when it has carried so many bytes. */
async function cuttingProxy(cutAfter: number): Promise<{ url: string; cuts(): number; close(): void }> {
  let cuts = 0;
  const open = new Set<Socket>();
  const proxy = createServer((client) => {
    const onward = connect(Number(new URL(server.url).port), '127.0.0.1');
    let carried = 0;
    for (const socket of [client, onward]) {
      open.add(socket);
      socket.on('error', () => {}).on('close', () => open.delete(socket));
    }
    onward.pipe(client);
    client.on('data', (chunk) => {
      carried += chunk.length;
      if (!onward.write(chunk)) client.pause();
      if (carried < cutAfter) return;
      cuts++;
      client.resetAndDestroy();
      onward.end();
    });
    onward.on('drain', () => client.resume());
    client.on('close', () => onward.end());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    cuts: () => cuts,
    close() {
      proxy.close();
      for (const socket of open) socket.destroy();
    },
  };
}

function sendAll(file: Buffer, options: Partial<UploadOptions>): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const upload = new Upload(file, {
      retryDelays: Array.from({ length: 40 }, () => 10),
      onError: reject,
      onSuccess: () => resolve(upload.url),
      ...options,
    });
    upload.start();
  });
}

describe('a real client (tus-js-client)', () => {
  test('sends by the signed target alone, and goes on after twenty broken connections', {
    timeout: 600_000,
  }, async () => {
    const id = await queued();
    const file = someBytes(sized({ quick: 4_000_000, ci: 40_000_000, full: 2 ** 30 }), 5);
    const { url, headers, method } = await target(id, `, size: ${file.length}`);
    expect({ method, headers }).toEqual({
      method: 'POST',
      headers: [{ name: 'Tus-Resumable', value: '1.0.0' }],
    });
    const proxy = await cuttingProxy(Math.floor(file.length / 20.5));
    try {
      const endpoint = url.replace(server.url, proxy.url);
      await sendAll(file, { endpoint, metadata: { filename: 'disk.raw' } });
      expect(proxy.cuts()).toBeGreaterThanOrEqual(20);
    } finally {
      proxy.close();
    }
    await expectStored(id, file);
  });

  test('sends in chunks, of unknown length, with a token, nothing at all, and ends an upload', async () => {
    const headers = { 'X-Auth-Token': token };
    const endpoint = `${server.url}/uploads`;
    const ids = await Promise.all([queued(), queued(), queued(), queued()]);
    const [chunked = '', deferred = '', empty = '', ended = ''] = ids;
    await sendAll(Buffer.from(bytes), { endpoint, headers, metadata: { image: chunked }, chunkSize: 70_000 });
    await expectStored(chunked, bytes);
    const unknown = { uploadLengthDeferred: true, uploadSize: null, chunkSize: 70_000 };
    await sendAll(Buffer.from(bytes), { endpoint, headers, metadata: { image: deferred }, ...unknown });
    await expectStored(deferred, bytes);
    await sendAll(Buffer.alloc(0), { endpoint, headers, metadata: { image: empty } });
    await expectStored(empty, Buffer.alloc(0));
    await sendAll(Buffer.from(bytes), {
      endpoint,
      headers,
      metadata: { image: await queued() },
      uploadDataDuringCreation: true,
    });
    const url = await begun(ended);
    await Upload.terminate(url);
    expect(await imageOf(ended)).toMatchObject({ status: 'QUEUED', failure: null });
  });
});

describe('creation', () => {
  test('makes the image be saved, which no second upload of either kind may do meanwhile', async () => {
    const id = await queued();
    const signed = await target(id);
    const answer = await create(id, { 'upload-length': '10' });
    expect([answer.status, answer.headers.get('tus-resumable')]).toEqual([201, '1.0.0']);
    expect(Date.parse(answer.headers.get('upload-expires') ?? '')).toBeGreaterThan(Date.now());
    expect(await imageOf(id)).toMatchObject({ status: 'SAVING' });
    expect((await create(id, { 'upload-length': '10' })).status).toBe(409);
    expect((await tus('POST', signed.url, { 'upload-length': '10' })).status).toBe(409);
    const put = await server.http(`/v2/images/${id}/file`, {
      method: 'PUT',
      token,
      headers: { 'content-type': 'application/octet-stream' },
      body: bytes,
    });
    expect(put.status).toBe(409);
    const url = answer.headers.get('location') ?? '';
    expect(await tus('HEAD', url)).toMatchObject({ status: 200, offset: '0' });
    expect((await tus('DELETE', url)).status).toBe(204);
  });

  test('of two at once, and of one against a PUT, one wins', async () => {
    const id = await queued();
    const tries = await Promise.all([1, 2, 3].map(() => create(id, { 'upload-length': '10' })));
    expect(tries.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    const other = await queued();
    const put = server.http(`/v2/images/${other}/file`, {
      method: 'PUT',
      token,
      headers: { 'content-type': 'application/octet-stream' },
      body: bytes,
    });
    const [{ status }, made] = await Promise.all([put, create(other, { 'upload-length': '10' })]);
    expect([
      [204, 409],
      [409, 201],
    ]).toContainEqual([status, made.status]);
  });

  test('by a target holds its size, digest and method', async () => {
    const id = await queued();
    const { url } = await target(id, `, size: 10, digest: {algorithm: "md5", value: "${hex('md5', bytes)}"}`);
    expect((await tus('POST', url, { 'upload-length': '11' })).status).toBe(400);
    expect((await tus('POST', `${url}x`, { 'upload-length': '10' })).status).toBe(403);
    expect((await tus('POST', `${url}&store=other`, { 'upload-length': '10' })).status).toBe(403);
    expect((await tus('POST', url.replace(id, await queued()), { 'upload-length': '10' })).status).toBe(403);
    const withOther = { 'upload-length': '10', ...metadata(await queued()) };
    expect((await tus('POST', url, withOther)).status).toBe(400);
    expect(await imageOf(id)).toMatchObject({ status: 'QUEUED' });
    const made = await tus('POST', url, { 'upload-defer-length': '1' });
    const location = made.headers.get('location') ?? '';
    expect((await tus('HEAD', location)).headers.get('upload-length')).toBe('10');
    const wrong = await patch(location, 0, bytes.subarray(0, 10));
    expect([wrong.status, wrong.error.type]).toEqual([400, 'INVALID_INPUT']);
    expect(await imageOf(id)).toMatchObject({ status: 'QUEUED', failure: { code: 'DIGEST_MISMATCH' } });
    expect((await tus('HEAD', location)).status).toBe(404);
  });

  test.each<[string, Headers, number]>([
    ['no length', {}, 400],
    ['a length twice', { 'upload-length': '1', 'upload-defer-length': '1' }, 400],
    ['a length that is none', { 'upload-length': '-1' }, 400],
    ['a length in words', { 'upload-length': '1e3' }, 400],
    ['a deferral that is none', { 'upload-defer-length': '2' }, 400],
    ['too much', { 'upload-length': '2147483649' }, 413],
    ['more than numbers hold', { 'upload-length': '99999999999999999999' }, 400],
    ['metadata that is none', { 'upload-length': '1', 'upload-metadata': 'image ###' }, 400],
    ['metadata twice', { 'upload-length': '1', 'upload-metadata': 'image YQ==,image YQ==' }, 400],
    ['a key with odd letters', { 'upload-length': '1', 'upload-metadata': '\u00e9 YQ==' }, 400],
    ['no image', { 'upload-length': '1', 'upload-metadata': 'filename YQ==' }, 400],
    ['an image that is none', { 'upload-length': '1', 'upload-metadata': 'image YQ==' }, 404],
    ['another version', { 'upload-length': '1', 'tus-resumable': '0.2.2' }, 412],
    ['a part of several', { 'upload-length': '1', 'upload-concat': 'partial' }, 400],
    ['no token', { 'upload-length': '1', 'x-auth-token': '' }, 401],
    ['an unknown store', { 'upload-length': '1', 'x-image-meta-store': 'nowhere' }, 400],
    ['a checksum that is none', { 'upload-length': '1', 'repr-digest': 'sha-512=nonsense' }, 400],
  ])('is refused for %s, and changes nothing', async (_what, headers, status) => {
    const id = await queued();
    const answer = await create(id, headers);
    expect([answer.status, answer.headers.get('location')]).toEqual([status, null]);
    expect(answer.headers.get('tus-resumable')).toBe('1.0.0');
    if (status === 412) expect(answer.headers.get('tus-version')).toBe('1.0.0');
    expect(await imageOf(id)).toMatchObject({ status: 'QUEUED', failure: null });
  });

  test('is not for those who may not upload', async () => {
    const id = await queued();
    const headers = { 'x-auth-token': server.tokenOf('red'), 'upload-length': '1' };
    expect((await create(id, headers)).status).toBe(404);
    expect((await create(id, { ...headers, 'x-auth-token': server.tokenOf('blue', 'reader') })).status).toBe(
      403,
    );
  });

  test('takes bytes along, some or all, or none of it when they are wrong', async () => {
    const [all, some, wrong] = [await queued(), await queued(), await queued()];
    const headers = { 'upload-length': `${bytes.length}`, 'content-type': offsetType };
    const whole = await create(all, headers, bytes);
    expect([whole.status, whole.offset]).toEqual([201, `${bytes.length}`]);
    await expectStored(all, bytes);
    const first = await create(some, headers, bytes.subarray(0, 50_000));
    expect([first.status, first.offset]).toEqual([201, '50000']);
    await patch(first.headers.get('location') ?? '', 50_000, bytes.subarray(50_000));
    await expectStored(some, bytes);
    const sum = { 'upload-checksum': `sha1 ${base64('x'.repeat(20))}` };
    expect((await create(wrong, { ...headers, ...sum }, bytes)).status).toBe(460);
    expect(await imageOf(wrong)).toMatchObject({ status: 'QUEUED' });
  });
});

describe('appending', () => {
  test('goes on only where the upload stands', async () => {
    const id = await queued();
    const url = await begun(id);
    for (const offset of [1, bytes.length, 999_999]) {
      expect((await patch(url, offset, Buffer.from('x'))).status).toBe(409);
    }
    expect(await patch(url, 0, bytes.subarray(0, 100))).toMatchObject({ status: 204, offset: '100' });
    expect((await patch(url, 0, bytes.subarray(0, 100))).status).toBe(409);
    const found = await tus('HEAD', url);
    expect([found.offset, found.headers.get('upload-length')]).toEqual(['100', `${bytes.length}`]);
    expect(found.headers.get('cache-control')).toBe('no-store');
    expect(found.headers.get('upload-metadata')).toBe(`image ${base64(id)}`);
    expect((await patch(url, 100, bytes.subarray(100))).offset).toBe(`${bytes.length}`);
    await expectStored(id, bytes);
    // The answer may have been lost: it is told again.
    const { status, offset, headers } = await tus('HEAD', url);
    expect([status, offset, headers.get('upload-length')]).toEqual([
      200,
      `${bytes.length}`,
      `${bytes.length}`,
    ]);
    expect(await patch(url, bytes.length, Buffer.alloc(0))).toMatchObject({ status: 204 });
    expect((await patch(url, bytes.length, Buffer.from('x'))).status).toBe(413);
    expect((await patch(url, 100, bytes.subarray(100))).status).toBe(409);
    expect((await tus('DELETE', url)).status).toBe(204);
    await expectStored(id, bytes);
  });

  test('asks for headers that make sense', async () => {
    const url = await begun(await queued());
    const type = { 'content-type': 'application/octet-stream' };
    expect((await patch(url, 0, bytes, type)).status).toBe(415);
    expect((await patch(url, 0, bytes, { 'content-encoding': 'gzip' })).status).toBe(415);
    expect((await patch(url, 0, bytes, { 'upload-offset': 'zero' })).status).toBe(400);
    expect((await patch(url, 0, bytes, { 'tus-resumable': '2.0.0' })).status).toBe(412);
    expect((await patch(url, 0, bytes, { 'upload-checksum': 'crc32 AAAA' })).status).toBe(400);
    expect((await patch(url, 0, bytes, { 'upload-checksum': 'sha1 AAAA' })).status).toBe(400);
    expect((await tus('PATCH', url, { 'content-type': offsetType }, 'x')).status).toBe(400);
    expect((await tus('GET', url)).status).toBe(405);
    for (const id of ['no-such-upload', 'x'.repeat(32), '%00', 'x'.repeat(5_000)]) {
      expect((await tus('HEAD', `/uploads/${id}`)).status).toBe(404);
    }
    expect((await tus('HEAD', url)).offset).toBe('0');
  });

  test.each(['sha1', 'md5', 'sha256', 'sha512'])(
    'checks a %s, and takes nothing that does not have it',
    async (name) => {
      const id = await queued();
      const url = await begun(id);
      const sum = (of: Uint8Array) => ({
        'upload-checksum': `${name} ${createHash(name).update(of).digest('base64')}`,
      });
      const half = bytes.subarray(0, 90_000);
      expect((await patch(url, 0, half, sum(half))).status).toBe(204);
      const wrong = await patch(url, 90_000, new Uint8Array(randomBytes(60_000)), sum(half));
      expect([wrong.status, (await tus('HEAD', url)).offset]).toEqual([460, '90000']);
      const rest = bytes.subarray(90_000);
      expect((await patch(url, 90_000, rest, sum(half))).status).toBe(460); // with the last byte as well
      expect((await patch(url, 90_000, rest, sum(rest))).status).toBe(204);
      await expectStored(id, bytes);
    },
  );

  test('takes no more than was said, announced or not', async () => {
    const id = await queued();
    const url = await begun(id, 1_000);
    expect((await patch(url, 0, bytes)).status).toBe(413);
    const unannounced = new Blob([bytes]).stream();
    expect((await patch(url, 0, unannounced)).status).toBe(413);
    expect((await tus('HEAD', url)).offset).toBe('0');
    const deferred = await begun(await queued(), null);
    expect((await tus('HEAD', deferred)).headers.get('upload-defer-length')).toBe('1');
    expect((await patch(deferred, 0, bytes.subarray(0, 1_000))).status).toBe(204);
    expect((await patch(deferred, 1_000, '', { 'upload-length': '2147483649' })).status).toBe(413);
    expect((await patch(deferred, 1_000, '', { 'upload-length': '999' })).status).toBe(400);
    expect((await patch(deferred, 1_000, '', { 'upload-length': '2000' })).status).toBe(204);
    expect((await patch(deferred, 1_000, '', { 'upload-length': '3000' })).status).toBe(400);
    expect((await tus('HEAD', deferred)).headers.get('upload-length')).toBe('2000');
    const more = await patch(deferred, 1_000, bytes.subarray(0, 1_001));
    expect([more.status, more.error.message]).toEqual([413, expect.stringContaining('It has 1000.')]);
  });

  test('of two requests that say a length, the second is refused, however early it asked', async () => {
    const { db } = server.app;
    const { signal } = new AbortController();
    for (const [length, why] of [
      [3_000, 'of 2000 bytes; it cannot have 3000'],
      [null, 'for 2000 bytes at most'],
    ] as const) {
      const url = await begun(await queued(), null);
      let isFirst = true;
      /** The other request comes when this one has seen the upload without a length. */
      const query: typeof db.query = async (text, params) => {
        const rows = await db.query<never>(text, params);
        if (!isFirst) return rows;
        isFirst = false;
        expect((await patch(url, 0, '', { 'upload-length': '2000' })).status).toBe(204);
        return rows;
      };
      const sent = { bytes: Readable.from([bytes.subarray(0, 2_500)]), size: null, checksum: null };
      const late = appendResumable(
        { ...server.app, db: { ...db, query } },
        { id: url.split('/').at(-1) ?? '', offset: 0, length, signal, ...sent },
      );
      await expect(late).rejects.toThrow(why);
      expect(await tus('HEAD', url)).toMatchObject({ status: 200, offset: '0' });
      expect((await patch(url, 0, bytes.subarray(0, 2_000))).offset).toBe('2000');
    }
  });

  test('is for one request at a time, which a DELETE does not end while bytes come', async () => {
    const id = await queued();
    const url = await begun(id);
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const slow = patch(url, 0, readable);
    const writer = writable.getWriter();
    await writer.write(bytes.subarray(0, 100_000));
    await until(async () => {
      const held = 'select 1 from uploads where id = $1 and held_until is not null';
      return (await server.app.db.query(held, [url.split('/').at(-1)])).length > 0;
    });
    expect((await patch(url, 0, bytes)).status).toBe(423);
    const [ending] = await Promise.all([tus('DELETE', url), patch(url, 0, bytes)]);
    expect(ending.status).toBe(423);
    await writer.write(bytes.subarray(100_000));
    await writer.close();
    expect(await slow).toMatchObject({ status: 204, offset: `${bytes.length}` });
    await expectStored(id, bytes);
  });

  test('of many at once one is taken each time', async () => {
    const id = await queued();
    const url = await begun(id);
    for (let at = 0; at < bytes.length; at += 50_000) {
      const tries = await Promise.all([1, 2, 3].map(() => patch(url, at, bytes.subarray(at, at + 50_000))));
      const statuses = tries.map(({ status }) => status).sort();
      expect(statuses[0]).toBe(204);
      for (const status of statuses.slice(1)) expect([409, 423]).toContain(status);
    }
    await expectStored(id, bytes);
  });

  test('of a client that leaves keeps what came', async () => {
    const url = await begun(await queued());
    const leaving = new AbortController();
    const body = new ReadableStream({
      async pull(stream) {
        stream.enqueue(new Uint8Array(bytes.subarray(0, 120_000)));
        await new Promise((resolve) => setTimeout(resolve, 50));
        leaving.abort();
      },
    });
    const headers = { 'content-type': offsetType, 'upload-offset': '0' };
    await expect(tus('PATCH', url, headers, body, leaving.signal)).rejects.toThrow();
    const offset = await until(async () => Number((await tus('HEAD', url)).offset) || null);
    expect(offset).toBe(120_000);
    expect((await patch(url, offset, bytes.subarray(offset))).status).toBe(204);
  });

  test('of a request that stood still is over when another took its place', async () => {
    const id = await queued();
    const url = await begun(id);
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const still = patch(url, 0, readable);
    const writer = writable.getWriter();
    await writer.write(bytes.subarray(0, 100_000));
    const heldNow =
      'update uploads set held_until = now() where id = $1 and held_until is not null returning 1';
    await until(async () => (await server.app.db.query(heldNow, [url.split('/').at(-1)])).length > 0);
    expect((await patch(url, 0, bytes.subarray(0, 150_000))).offset).toBe('150000');
    await writer.close();
    expect((await still).status).toBe(423);
    expect((await tus('HEAD', url)).offset).toBe('150000');
    expect((await patch(url, 150_000, bytes.subarray(150_000))).status).toBe(204);
    await expectStored(id, bytes);
  });

  test('gives an upload up whose digests another version computed, and not for want of memory', async () => {
    const id = await queued();
    const url = await begun(id);
    await patch(url, 0, bytes.subarray(0, 1_000));
    vi.spyOn(WebAssembly, 'instantiate').mockRejectedValueOnce(new RangeError('no memory'));
    expect((await patch(url, 1_000, bytes.subarray(1_000))).status).toBe(500);
    vi.restoreAllMocks();
    expect((await tus('HEAD', url)).offset).toBe('1000');
    const older = `update uploads set digest_state = jsonb_set(digest_state, '{md5}', '"AAAA"') where id = $1`;
    await server.app.db.query(older, [url.split('/').at(-1)]);
    expect((await patch(url, 1_000, bytes.subarray(1_000))).status).toBe(410);
    expect(await imageOf(id)).toMatchObject({ status: 'QUEUED', failure: { code: 'DAMAGED' } });
  });

  test('that is finished is told of until it expires, whatever becomes of its copy', async () => {
    const id = await queued();
    const url = await begun(id);
    await patch(url, 0, bytes);
    const healed = `update image_copies set key = key || 'x' where image_id = $1`;
    await server.app.db.query(healed, [id]);
    expect(await tus('HEAD', url)).toMatchObject({ status: 200, offset: `${bytes.length}` });
    expect((await patch(url, bytes.length, '')).status).toBe(204);
    expect((await tus('DELETE', url)).status).toBe(204);
    expect(await imageOf(id)).toMatchObject({ status: 'ACTIVE' });
  });

  test('of an image that is deleted is over', async () => {
    const id = await queued();
    const url = await begun(id);
    await patch(url, 0, bytes.subarray(0, 1_000));
    await server.raw(token, `mutation { deleteImage(input: {id: "${id}"}) { __typename } }`);
    expect((await tus('HEAD', url)).status).toBe(404);
    expect((await patch(url, 1_000, bytes)).status).toBe(404);
  });

  test('finishes what is here, when the rows could not say so before', async () => {
    const id = await queued();
    const url = await begun(id);
    const { db } = server.app;
    await db.query(
      `create function refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$`,
      [],
    );
    await db.query(
      `create trigger refuse before update on image_copies for each row when (new.image_id = '${id}') execute function refuse()`,
      [],
    );
    expect((await patch(url, 0, bytes)).status).toBe(500);
    expect((await tus('HEAD', url)).status).toBe(500); // whoever is told the offset would take it for done
    await db.query('drop trigger refuse on image_copies', []);
    expect((await tus('HEAD', url)).offset).toBe(`${bytes.length}`);
    await expectStored(id, bytes);
  });
});

describe('a store that fails', () => {
  let store: FaultStore;
  let spare: TestServer;
  beforeAll(async () => {
    store = faultStore(memoryStore({ id: 'memory' }));
    spare = server;
    server = await aServer({ stores: storesOf([store]) });
    token = server.tokenOf('blue');
  });
  afterAll(async () => {
    await server.stop();
    server = spare;
    token = server.tokenOf('blue');
  });

  test.each<[string, Fault, number]>([
    ['when the upload begins', { at: 'create', how: 'EIO', nth: 1 }, 503],
    ['when it is noted that it began', { at: 'pause', how: 'EROFS', nth: 1 }, 503],
  ])('%s refuses it, and the image is queued', async (_when, fault, status) => {
    const id = await queued();
    store.fail(fault);
    expect((await create(id, { 'upload-length': '10' })).status).toBe(status);
    expect(await imageOf(id)).toMatchObject({ status: 'QUEUED', failure: { code: 'UNAVAILABLE' } });
    store.fail();
  });

  test('when nothing is all there is to send refuses that, and the image is queued at once', async () => {
    const id = await queued();
    store.fail({ at: 'commit', how: 'EIO' });
    expect((await create(id, { 'upload-length': '0' })).status).toBe(503);
    expect(await imageOf(id)).toMatchObject({ status: 'QUEUED', failure: { code: 'UNAVAILABLE' } });
    store.fail();
    expect((await create(id, { 'upload-length': '0' })).status).toBe(201);
    await expectStored(id, Buffer.alloc(0));
  });

  const slow = only({ from: 'ci' });
  test.skipIf(slow.skip)(
    `and is slow to begin keeps the image claimed meanwhile${slow.why}`,
    { timeout: 60_000 },
    async () => {
      const id = await queued();
      store.fail({ at: 'create', how: 'hang', nth: 1 });
      const making = create(id, { 'upload-length': '10' });
      await until(() => store.calls('create') === 1);
      await server.app.db.query(`update images set lease_until = now() + interval '15 s' where id = $1`, [
        id,
      ]);
      const renewed = `select 1 from images where id = $1 and lease_until > now() + interval '20 s'`;
      await until(async () => (await server.app.db.query(renewed, [id])).length > 0);
      store.release();
      store.fail();
      expect((await making).status).toBe(201);
      const anHour = `select 1 from images where id = $1 and lease_until > now() + interval '50 min'`;
      expect(await server.app.db.query(anHour, [id])).toHaveLength(1);
    },
  );

  test.each<[string, Fault, number]>([
    ['when it is gone on with', { at: 'resume', how: 'EIO', nth: 1 }, 503],
    ['while bytes come', { at: 'write', how: 'EIO', nth: 1 }, 503],
    ['and is full', { at: 'write', how: 'ENOSPC', nth: 1 }, 413],
    ['when they are made durable', { at: 'pause', how: 'EIO', nth: 1 }, 503],
  ])('%s keeps what was there, and the same bytes can be sent again', async (_when, fault, status) => {
    const id = await queued();
    const url = await begun(id);
    expect((await patch(url, 0, bytes.subarray(0, 70_000))).status).toBe(204);
    store.fail(fault);
    expect((await patch(url, 70_000, bytes.subarray(70_000))).status).toBe(status);
    store.fail();
    expect((await tus('HEAD', url)).offset).toBe('70000');
    expect((await patch(url, 70_000, bytes.subarray(70_000))).status).toBe(204);
    await expectStored(id, bytes);
  });

  test('at the very end is asked again by whoever asks next', async () => {
    const id = await queued();
    const url = await begun(id);
    store.fail({ at: 'commit', how: 'EIO' });
    expect((await patch(url, 0, bytes)).status).toBe(503);
    expect(await tus('HEAD', url)).toMatchObject({ status: 423, offset: null });
    expect(await imageOf(id)).toMatchObject({ status: 'SAVING' });
    store.fail();
    expect(await tus('HEAD', url)).toMatchObject({ status: 200, offset: `${bytes.length}` });
    await expectStored(id, bytes);
  });

  test('and loses what had come gives the image back', async () => {
    const id = await queued();
    const url = await begun(id);
    await patch(url, 0, bytes.subarray(0, 70_000));
    for await (const key of store.keys()) if (key.startsWith(id)) await store.remove(key);
    expect((await patch(url, 70_000, bytes.subarray(70_000))).status).toBe(410);
    expect(await imageOf(id)).toMatchObject({ status: 'QUEUED', failure: { code: 'DAMAGED' } });
    expect((await tus('HEAD', url)).status).toBe(404);
  });
});

describe('the end', () => {
  const expire = (url: string) =>
    server.app.db.query(
      `with gone as (update uploads set expires_at = now() - interval '1 s' where id = $1 returning image_id)
       update images i set lease_until = now() - interval '1 s' from gone where i.id = gone.image_id`,
      [url.split('/').at(-1)],
    );

  test('of what nobody goes on with: the image is queued with its failure, and nothing is left', async () => {
    const id = await queued();
    const url = await begun(id);
    await patch(url, 0, bytes.subarray(0, 1_000));
    await reap(server.app, { list: true, graceSeconds: 0 });
    expect((await tus('HEAD', url)).offset).toBe('1000');
    await expire(url);
    expect((await tus('HEAD', url)).status).toBe(410);
    expect((await patch(url, 1_000, bytes.subarray(1_000))).status).toBe(410);
    await reap(server.app, { list: true, graceSeconds: 0 });
    expect(await imageOf(id)).toMatchObject({ status: 'QUEUED', failure: { code: 'UPLOAD_EXPIRED' } });
    expect((await tus('HEAD', url)).status).toBe(404);
    const left = await filesBelow(server.config.dataDir);
    expect(left.filter((path) => path.includes(id))).toEqual([]);
    expect((await create(id, { 'upload-length': '10' })).status).toBe(201);
  });

  test('by DELETE: the image is queued, without a failure, and nothing is left', async () => {
    const id = await queued();
    const url = await begun(id);
    await patch(url, 0, bytes.subarray(0, 1_000));
    const deleted = await tus('POST', url, { 'x-http-method-override': 'DELETE' });
    expect(deleted.status).toBe(204);
    expect(await imageOf(id)).toMatchObject({ status: 'QUEUED', failure: null });
    await reap(server.app, { list: false });
    const left = await filesBelow(server.config.dataDir);
    expect(left.filter((path) => path.includes(id))).toEqual([]);
    expect((await tus('DELETE', url)).status).toBe(404);
  });
});

describe('what clients ask before', () => {
  test('OPTIONS tells what there is', async () => {
    const url = await begun(await queued());
    for (const path of ['/uploads', url]) {
      const { status, headers } = await tus('OPTIONS', path, { 'tus-resumable': '' });
      expect(status).toBe(204);
      expect(headers.get('tus-version')).toBe('1.0.0');
      expect(headers.get('tus-extension')?.split(',').sort()).toEqual([
        'checksum',
        'creation',
        'creation-defer-length',
        'creation-with-upload',
        'expiration',
        'termination',
      ]);
      expect(headers.get('tus-max-size')).toBe(`${2 ** 31}`);
      expect(headers.get('tus-checksum-algorithm')).toBe('sha1,sha256,sha512,md5');
    }
  });

  test('browsers may send the methods and read the headers', async () => {
    const preflight = await server.http('/uploads/x', {
      method: 'OPTIONS',
      headers: {
        origin: 'https://panel.example.org',
        'access-control-request-method': 'PATCH',
        'access-control-request-headers': 'tus-resumable,upload-offset,content-type',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-methods')).toMatch(/PATCH, DELETE/);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('upload-offset');
    const answer = await tus('HEAD', '/uploads/x', { origin: 'https://panel.example.org' });
    const exposed = answer.headers.get('access-control-expose-headers') ?? '';
    for (const name of ['location', 'upload-offset', 'upload-length', 'tus-resumable', 'upload-expires']) {
      expect(exposed).toContain(name);
    }
  });
});
