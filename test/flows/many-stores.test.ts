/** A server whose settings name a store of every kind, one of them broken: uploads, downloads, health. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { someBytes } from '../support/bytes.ts';
import { type Access, fetchBytes, findImage, mutate, newImage } from '../support/images.ts';
import { aPlace, freePort } from '../support/installation.ts';
import { storePassword } from '../support/planted.ts';
import { type S3Server, s3Server } from '../support/s3-server.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { aName, withServices } from '../support/services.ts';
import { only } from '../support/size.ts';
import { type SwiftServer, swiftServer } from '../support/swift-server.ts';
import { until } from '../support/until.ts';

const bytes = someBytes(12_000_000);
const root = mkdtempSync(join(tmpdir(), 'vitrine-many-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Places {
  swiftUrl: string;
  s3Url: string;
  /** Nobody listens there. */
  nowhere: string;
  /** A host and port that the http store may read from. */
  web: string;
}

const aDirectory = (name: string) => mkdtempSync(join(root, name));

const settings = ({ swiftUrl, s3Url, nowhere, web }: Places) => `
stores:
  - id: disks
    type: file
    paths: [{ path: ${aDirectory('a-')}, priority: 2 }, { path: ${aDirectory('b-')}, priority: 1 }]
  - { id: holes, type: file, path: ${aDirectory('c-')}, sparse: true, default: true }
  - id: swift
    type: swift
    authUrl: ${swiftUrl}
    username: demo
    password: \${SWIFT_PASSWORD}
    project: demo
    container: images
    largeObjectSize: 4MiB
    segmentSize: 2MiB
  - id: s3
    type: s3
    endpoint: ${s3Url}
    region: RegionOne
    bucket: ${aName()}
    accessKeyId: \${AWS_ACCESS_KEY_ID}
    secretAccessKey: \${AWS_SECRET_ACCESS_KEY}
  - id: broken
    type: s3
    endpoint: ${nowhere}
    bucket: images
    accessKeyId: x
    secretAccessKey: x
    answerTimeout: 2s
  - { id: web, type: http, weight: 5 }
imports:
  egress: { allow: ["${web}"] }
`;

async function upload(server: TestServer, { token }: Access, id: string, store: string): Promise<Response> {
  return server.http(`/v2/images/${id}/file`, {
    method: 'PUT',
    token,
    headers: { 'content-type': 'application/octet-stream', 'x-image-meta-store': store },
    body: new Uint8Array(bytes),
  });
}

/** What a user can do with the bytes of an image in a store. */
async function expectServed(server: TestServer, access: Access, store: string): Promise<void> {
  const id = await newImage(access);
  const answer = await upload(server, access, id, store);
  expect([answer.status, await answer.text()]).toEqual([204, '']);
  expect(await findImage(access, id)).toMatchObject({ status: 'ACTIVE', size: bytes.length });
  expect((await fetchBytes(access, id)).equals(bytes)).toBe(true);
  const range = { headers: { range: 'bytes=5000000-9000000' } };
  const part = await server.http(`/v2/images/${id}/file`, { token: access.token, ...range });
  expect(part.status).toBe(206);
  expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(5_000_000, 9_000_001))).toBe(true);
  await mutate(access, 'deleteImage', { id });
  const left = 'select 1 from stray_objects where store = $1';
  await until(async () => (await server.app.db.query(left, [store])).length === 0);
}

const ready = async (server: TestServer) => {
  const response = await server.http('/readyz');
  const { checks } = (await response.json()) as { checks: Record<string, string> };
  return { status: response.status, checks };
};

describe('a server with many stores', () => {
  let asked = 0;
  const web = createServer((request, response) => {
    asked++;
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const part = start === undefined ? bytes : bytes.subarray(Number(start), Number(end) + 1);
    const range = start === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${bytes.length}` };
    response.writeHead(start === undefined ? 200 : 206, { 'content-length': part.length, ...range });
    response.end(request.method === 'HEAD' ? undefined : part);
  });
  let webHost: string;
  let swift: SwiftServer;
  let s3: S3Server;
  let server: TestServer;
  let access: Access;
  beforeAll(async () => {
    [swift, s3] = await Promise.all([swiftServer(), s3Server()]);
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    webHost = `127.0.0.1:${(web.address() as AddressInfo).port}`;
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    const env = {
      SWIFT_PASSWORD: storePassword,
      AWS_ACCESS_KEY_ID: 'k',
      AWS_SECRET_ACCESS_KEY: storePassword,
    };
    const places = { swiftUrl: `${swift.url}/v3`, s3Url: s3.url, nowhere, web: webHost };
    server = await aServer({ settings: settings(places), env });
    access = { url: server.url, token: server.tokenOf('blue') };
  });
  afterAll(async () => {
    await server?.stop();
    web.close();
    web.closeAllConnections();
    await Promise.all([swift?.close(), s3?.close()]);
  });

  test.each(['disks', 'holes', 'swift', 's3'])(
    '%s keeps bytes, gives them back, and forgets them',
    async (store) => {
      await expectServed(server, access, store);
      expect([...swift.names(), ...s3.names()]).toEqual([]);
    },
  );

  test('the one that is broken refuses, leaves its image queued, and keeps no other from working', async () => {
    const id = await newImage(access);
    const answer = await upload(server, access, id, 'broken');
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain('Store broken');
    expect(await findImage(access, id)).toMatchObject({ status: 'QUEUED', size: null });
    await expectServed(server, access, 'swift');
    const { status, checks } = await ready(server);
    expect(status).toBe(200); // others can be served
    expect(checks).toMatchObject({ 'store broken': 'no answer', 'store swift': 'ok', 'store holes': 'ok' });
  });

  test('users see which there are, and which of them answer', async () => {
    const { data } = await server.raw(access.token, '{ stores { name type default readOnly available } }');
    const seen = (name: string, type: string, rest: object = {}) => {
      return { name, type, default: false, readOnly: false, available: true, ...rest };
    };
    expect(data.stores).toEqual([
      seen('disks', 'file'),
      seen('holes', 'file', { default: true }),
      seen('swift', 'swift'),
      seen('s3', 's3'),
      seen('broken', 's3', { available: false }),
      seen('web', 'http', { readOnly: true }),
    ]);
  });

  test('the heaviest copy is read, and a lighter one when it is away', async () => {
    const id = await newImage(access);
    expect((await upload(server, access, id, 'disks')).status).toBe(204);
    const add = `insert into image_copies (image_id, store, key, state, size) values ($1::uuid, 'web', $2, 'active', $3)`;
    await server.app.db.query(add, [id, `http://${webHost}/image`, bytes.length]);
    asked = 0;
    expect((await fetchBytes(access, id)).equals(bytes)).toBe(true);
    expect(asked).toBe(2);
    await server.app.db.query(
      `update image_copies set key = 'http://127.0.0.1:1/gone' where store = 'web'`,
      [],
    );
    // Not a URL that may be fetched: as good as away.
    expect((await fetchBytes(access, id)).equals(bytes)).toBe(true);
    await mutate(access, 'deleteImage', { id });
  });

  test('bytes of another server are served, and nothing is written there', async () => {
    const id = await newImage(access);
    expect((await upload(server, access, id, 'disks')).status).toBe(204);
    const url = `http://${webHost}/image`;
    await server.app.db.query(`update image_copies set store = 'web', key = $1 where image_id = $2::uuid`, [
      url,
      id,
    ]);
    expect((await fetchBytes(access, id)).equals(bytes)).toBe(true);
    const range = await server.http(`/v2/images/${id}/file`, {
      token: access.token,
      headers: { range: 'bytes=1-4' },
    });
    expect(Buffer.from(await range.arrayBuffer()).equals(bytes.subarray(1, 5))).toBe(true);
    expect((await upload(server, access, await newImage(access), 'web')).status).toBe(400);
  });

  test('metrics tell how calls went, and no secret is in the log', async () => {
    const text = await (await server.http('/metrics')).text();
    expect(text).toContain('vitrine_store_call_seconds_count{store="s3",call="commit",outcome="ok"}');
    expect(text).toContain('vitrine_store_call_seconds_count{store="broken",call="create",outcome="failed"}');
    expect(server.logged.join('')).not.toMatch(/hush|S3CR3T/);
  });
});

test('a default store that is away makes the service unready, and not unable', async () => {
  const nowhere = `http://127.0.0.1:${await freePort()}`;
  const server = await aServer({
    settings: `
stores:
  - { id: far, type: s3, endpoint: "${nowhere}", bucket: images, accessKeyId: x, secretAccessKey: x }
  - { id: near, type: file, path: ${aDirectory('d-')} }
`,
  });
  try {
    const start = performance.now();
    expect(await ready(server)).toMatchObject({
      status: 503,
      checks: { 'store far': 'no answer', 'store near': 'ok' },
    });
    expect(performance.now() - start).toBeLessThan(3_000);
    await expectServed(server, { url: server.url, token: server.tokenOf('blue') }, 'near');
  } finally {
    await server.stop();
  }
});

test('vitrine check asks each store, says which is broken, and goes on', async () => {
  const place = await aPlace({ DATABASE_URL: 'postgres://127.0.0.1:1/none' });
  const file = join(root, 'check.yaml');
  writeFileSync(
    file,
    `stores:
  - { id: away, type: file, path: /nowhere/at/all }
  - { id: far, type: s3, endpoint: "http://127.0.0.1:${await freePort()}", bucket: images, accessKeyId: x, secretAccessKey: hush }
  - { id: near, type: file, path: ${aDirectory('e-')} }
  - { id: web, type: http }
`,
  );
  try {
    const program = place.run(['check'], { env: { VITRINE_CONFIG: file } });
    expect((await program.exited).code).toBe(1);
    const lines = program.output().split('\n');
    expect(lines.find((line) => line.includes('store away'))).toMatch(/^FAILED .*its directory/);
    expect(lines.find((line) => line.includes('store far'))).toMatch(/^FAILED .*cannot be reached/);
    expect(lines.find((line) => line.includes('store near'))).toMatch(/^ok .*can be written to/);
    expect(lines.find((line) => line.includes('store web'))).toMatch(/^ok .*can be read from/);
    expect(program.output()).not.toContain('hush');
  } finally {
    await place.remove();
  }
});

const real = only(withServices);

describe.skipIf(real.skip)(`a server with a real Swift and its S3 API${real.why}`, () => {
  let server: TestServer;
  beforeAll(async () => {
    const places = {
      swiftUrl: process.env.TEST_SWIFT_AUTH_URL ?? '',
      s3Url: process.env.TEST_S3_ENDPOINT ?? '',
      nowhere: `http://127.0.0.1:${await freePort()}`,
      web: '127.0.0.1:1',
    };
    server = await aServer({
      settings: settings(places).replace('container: images', `container: ${aName()}`),
      env: {
        SWIFT_PASSWORD: process.env.TEST_PASSWORD ?? '',
        AWS_ACCESS_KEY_ID: process.env.TEST_S3_ACCESS_KEY_ID ?? '',
        AWS_SECRET_ACCESS_KEY: process.env.TEST_S3_SECRET_ACCESS_KEY ?? '',
      },
    });
  });
  afterAll(() => server?.stop());

  test.each(['swift', 's3'])('%s keeps bytes, gives them back, and forgets them', async (store) => {
    await expectServed(server, { url: server.url, token: server.tokenOf('blue') }, store);
    const left: string[] = [];
    const found = server.app.stores.get(store);
    if (found && 'keys' in found) {
      for await (const key of (found as { keys(): AsyncIterable<string> }).keys()) left.push(key);
    }
    expect(left).toEqual([]);
  });
});
