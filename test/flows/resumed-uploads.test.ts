/** Resumable uploads over several servers that share a database and a store, some of which are killed. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { reap } from '../../src/actions/reap.ts';
import { storesOf } from '../../src/stores/all.ts';
import { s3Store } from '../../src/stores/s3/s3.ts';
import { swiftStore } from '../../src/stores/swift/swift.ts';
import { someBytes } from '../support/bytes.ts';
import { filesBelow, findDamage } from '../support/damage.ts';
import { type Access, fetchBytes, findImage, mutate, newImage, sha512 } from '../support/images.ts';
import { anInstallation } from '../support/installation.ts';
import { storePassword } from '../support/planted.ts';
import { s3Server } from '../support/s3-server.ts';
import { aServer } from '../support/server.ts';
import { only, sized } from '../support/size.ts';
import { swiftServer } from '../support/swift-server.ts';
import { until } from '../support/until.ts';

const bytes = new Uint8Array(someBytes(sized({ quick: 3_000_000, ci: 30_000_000, full: 300_000_000 }), 21));

type Headers = Record<string, string>;

/** A request to a server at the path of an upload: at any of them. */
function tus(server: { url: string }, method: string, path: string, headers: Headers, body?: BodyInit) {
  return fetch(server.url + path, {
    method,
    headers: { 'tus-resumable': '1.0.0', ...headers },
    ...(body === undefined ? {} : { body, duplex: 'half' as const }),
  });
}

async function begin(server: Access, id: string, length = bytes.length): Promise<string> {
  const answer = await tus(server, 'POST', '/uploads', {
    'x-auth-token': server.token,
    'upload-metadata': `image ${Buffer.from(id).toString('base64')}`,
    'upload-length': `${length}`,
  });
  expect(answer.status).toBe(201);
  return new URL(answer.headers.get('location') ?? '').pathname;
}

const patch = (server: { url: string }, path: string, offset: number, body: BodyInit) =>
  tus(
    server,
    'PATCH',
    path,
    { 'content-type': 'application/offset+octet-stream', 'upload-offset': `${offset}` },
    body,
  );

const offsetAt = async (server: { url: string }, path: string) =>
  Number((await tus(server, 'HEAD', path, {})).headers.get('upload-offset'));

/** A body that has sent so much when `sent` resolves, and then waits for the end. */
function halting(part: Uint8Array<ArrayBuffer>): { body: ReadableStream; sent: Promise<void> } {
  const { promise: sent, resolve } = Promise.withResolvers<void>();
  const stream = new ReadableStream({
    start: (controller) => controller.enqueue(part),
    pull: () => resolve(), // it was taken
  });
  return { body: stream, sent };
}

const killing = only({ from: 'ci' });

test.skipIf(killing.skip)(
  `an upload is gone on with at another server, when the first is killed${killing.why}`,
  {
    timeout: sized({ quick: 30_000, ci: 120_000, full: 600_000 }),
  },
  async () => {
    const installation = await anInstallation(inject('database'));
    onTestFinished(() => installation.remove());
    const held = () => installation.db.query('select 1 from uploads where held_until is not null', []);
    /** As if so much time had gone by. */
    const letTurnsEnd = () =>
      installation.db.query('update uploads set held_until = now() where held_until is not null', []);
    const [first, second] = await Promise.all([installation.serve(), installation.serve()]);
    const id = await newImage(first);
    const path = await begin(first, id);
    const third = Math.floor(bytes.length / 3);
    expect((await patch(first, path, 0, bytes.subarray(0, third))).status).toBe(204);
    expect(await offsetAt(second, path)).toBe(third);
    expect((await patch(second, path, third, bytes.subarray(third, third + 1_000))).status).toBe(204);
    const at = third + 1_000;

    // Killed in the middle of a request: what was noted last holds, once its turn is over.
    const { body, sent } = halting(bytes.slice(at, at + 500_000));
    const killed = patch(first, path, at, body).catch(() => null);
    await sent;
    await until(async () => (await held()).length > 0);
    await first.end('SIGKILL');
    expect(await killed).toBeNull();
    expect((await patch(second, path, at, bytes.subarray(at))).status).toBe(423);
    await letTurnsEnd();
    expect(await offsetAt(second, path)).toBe(at);

    expect((await patch(second, path, at, bytes.subarray(at))).status).toBe(204);
    expect(await findImage(second, id)).toMatchObject({ status: 'ACTIVE', size: bytes.length });
    expect(sha512(await fetchBytes(second, id))).toBe(sha512(bytes));
    expect(await filesBelow(installation.imagesDir)).toHaveLength(1);
    expect(await findDamage(installation.db, installation.imagesDir)).toEqual([]);
  },
);

test('a server that stops keeps what came until then', async () => {
  const one = await aServer();
  onTestFinished(() => one.stop());
  const other = await one.another();
  const access = { url: one.url, token: one.tokenOf('blue') };
  const id = await newImage(access);
  const path = await begin(access, id);
  const { body, sent } = halting(bytes.slice(0, 700_000));
  const stopped = patch(other, path, 0, body).catch(() => null);
  await sent;
  await until(async () => {
    const { values } = await other.metrics.transferred.get();
    return values.some(({ value }) => value === 700_000);
  });
  await other.stop(0);
  await stopped;
  const kept = await offsetAt(one, path);
  expect(kept).toBe(700_000);
  expect((await patch(one, path, kept, bytes.subarray(kept))).status).toBe(204);
  expect(sha512(await fetchBytes(access, id))).toBe(sha512(bytes));
});

const mebibyte = 2 ** 20;

async function anObjectStore(kind: 's3' | 'swift') {
  const wire = await (kind === 's3' ? s3Server() : swiftServer());
  const staging = await mkdtemp(join(tmpdir(), 'vitrine-staging-'));
  onTestFinished(async () => {
    await wire.close();
    await rm(staging, { recursive: true, force: true });
  });
  const usual = { id: 'far', region: 'RegionOne', connectTimeoutMs: 5_000 };
  const keys = { accessKeyId: 'k', secretAccessKey: storePassword, forcePathStyle: true };
  const who = {
    username: 'u',
    password: storePassword,
    userDomain: 'Default',
    project: 'p',
    projectDomain: 'Default',
  };
  const where = { authUrl: `${wire.url}/v3`, interface: 'public' as const, container: 'images' };
  const sizes = { largeObjectSize: 100 * mebibyte, segmentSize: 6 * mebibyte };
  const open = () =>
    kind === 's3'
      ? s3Store({ ...usual, ...keys, endpoint: wire.url, bucket: 'images', staging })
      : swiftStore({ ...usual, ...who, ...where, ...sizes });
  return { wire, open };
}

test.each(sized<('s3' | 'swift')[]>({ quick: ['s3'], ci: ['s3', 'swift'], full: ['s3', 'swift'] }))(
  'into %s it comes in pieces of all sizes to two servers, and leaves nothing when it is given up',
  async (kind) => {
    const { wire, open } = await anObjectStore(kind);
    const one = await aServer({ stores: storesOf([open()]) });
    onTestFinished(() => one.stop());
    const other = await one.another({ stores: storesOf([open()]) });
    onTestFinished(() => other.stop(0));
    const access = { url: one.url, token: one.tokenOf('blue') };
    const file = new Uint8Array(someBytes(8 * mebibyte + 5, 4));
    const id = await newImage(access);
    const path = await begin(access, id, file.length);
    let at = 0;
    for (const end of [1_000, 6 * mebibyte, 6 * mebibyte + 1_000, file.length]) {
      const answer = await patch(at % 2 ? other : one, path, at, file.subarray(at, end));
      expect([answer.status, answer.headers.get('upload-offset')]).toEqual([204, `${end}`]);
      at = end;
    }
    expect(sha512(await fetchBytes(access, id))).toBe(sha512(file));
    expect(await findImage(access, id)).toMatchObject({ status: 'ACTIVE', size: file.length });

    const given = await newImage(access);
    const ended = await begin(access, given, file.length);
    expect((await patch(other, ended, 0, file.subarray(0, 7 * mebibyte))).status).toBe(204);
    expect((await tus(other, 'DELETE', ended, {})).status).toBe(204);
    await reap(one.app, { list: false });
    expect(wire.names().filter((name) => name.startsWith(given))).toEqual([]);

    // Deleted, and its bytes removed, while a server still takes some: those go as well.
    const gone = await newImage(access);
    const late = await begin(access, gone, file.length);
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const sending = patch(other, late, 0, readable);
    const writer = writable.getWriter();
    await writer.write(file.subarray(0, mebibyte));
    const held = 'select 1 from uploads where image_id = $1 and held_until is not null';
    await until(async () => (await one.app.db.query(held, [gone])).length > 0);
    await mutate(access, 'deleteImage', { id: gone });
    await reap(one.app, { list: false });
    await writer.write(file.subarray(mebibyte, 7 * mebibyte));
    await writer.close();
    expect([404, 410]).toContain((await sending).status);
    expect(wire.names().filter((name) => name.startsWith(gone))).toEqual([]);
  },
);
