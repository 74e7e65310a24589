/** Where bytes are, as images say it and patches change it, where the settings have that old form. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { someBytes } from '../support/bytes.ts';
import { filesBelow } from '../support/damage.ts';
import { type RestRequest, refusal, rest, v20, v21 } from '../support/rest.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { type WireServer, wireServer } from '../support/wire-server.ts';

const bytes = Buffer.from(someBytes(3_000));
const others = Buffer.from(someBytes(3_000, 2));
const md5 = createHash('md5').update(bytes).digest('hex');
const root = mkdtempSync(join(tmpdir(), 'vitrine-old-locations-'));
let web: WireServer;
let server: TestServer;
beforeAll(async () => {
  web = await wireServer({
    answer: ({ url }) =>
      url.pathname === '/none'
        ? { status: 404 }
        : { status: 200, body: url.pathname === '/other' ? others : bytes },
  });
  server = await aServer({
    settings: `stores:
  - { id: disk, type: file, path: ${root}, default: true, weight: 5 }
  - { id: web, type: http }
imports: { egress: { allow: ["${new URL(web.url).host}"] } }
locations: { showMultiple: true, showDirectUrl: true }
`,
  });
});
afterAll(async () => {
  await server.stop();
  await web.close();
  rmSync(root, { recursive: true, force: true });
});

const here = () => `${web.url}/image`;

async function queued(): Promise<string> {
  const json = { name: 'x', disk_format: 'raw', container_format: 'bare' };
  return (await rest(server, 'POST /v2/images', { json })).body.id;
}

const patch = (id: string, json: unknown, more: RestRequest = {}) =>
  rest(server, `PATCH /v2/images/${id}`, { headers: { 'content-type': v21 }, json, ...more });
const add = (id: string, value: unknown, more: RestRequest = {}) =>
  patch(id, [{ op: 'add', path: '/locations/-', value }], more);
const show = async (id: string) => (await rest(server, `GET /v2/images/${id}`)).body;

async function uploaded(): Promise<string> {
  const id = await queued();
  const headers = { 'content-type': 'application/octet-stream' };
  expect((await rest(server, `PUT /v2/images/${id}/file`, { body: bytes, headers })).status).toBe(204);
  return id;
}

test('an image says where each copy is, the one that is read first before others', async () => {
  const id = await uploaded();
  const file = expect.stringMatching(new RegExp(`^file://${root}/[0-9a-f]{2}/${id}`));
  expect(await show(id)).toMatchObject({
    direct_url: file,
    locations: [{ url: file, metadata: { store: 'disk' } }],
  });
  const { body } = await add(id, { url: here(), metadata: {} });
  expect(body.locations.map(({ metadata }: { metadata: { store: string } }) => metadata.store)).toEqual([
    'disk',
    'web',
  ]);
  expect(body).toMatchObject({ direct_url: file, stores: 'disk,web', status: 'active' });
  const listed = (await rest(server, `GET /v2/images?id=in:${id}`)).body.images[0];
  expect(listed).toEqual(await show(id));
  const empty = await queued();
  expect(await show(empty)).toMatchObject({ locations: [] });
  expect(await show(empty)).not.toHaveProperty('direct_url');
});

test('a location makes a queued image active before the patch is answered', async () => {
  const id = await queued();
  const validation = { checksum: md5 };
  const { status, body } = await patch(id, [
    { op: 'replace', path: '/name', value: 'named' },
    { op: 'add', path: '/locations/0', value: { url: here(), metadata: {}, validation_data: validation } },
  ]);
  expect([status, body]).toEqual([
    200,
    expect.objectContaining({ status: 'active', name: 'named', checksum: md5 }),
  ]);
  const old = await queued();
  const made = await patch(old, [{ add: '/locations/-', value: { url: here(), metadata: {} } }], {
    headers: { 'content-type': v20 },
  });
  expect(made).toMatchObject({ status: 200, body: { status: 'active' } });
  const replaced = await queued();
  const all = await patch(replaced, [
    { op: 'replace', path: '/locations', value: [{ url: here(), metadata: {} }] },
  ]);
  expect(all).toMatchObject({ status: 200, body: { status: 'active', locations: [{ url: here() }] } });
});

test('bytes that are others, or none, are refused, and the image waits on', async () => {
  const id = await queued();
  const wrong = await add(id, { url: here(), validation_data: { checksum: md5.replace(/./g, '0') } });
  expect(wrong).toMatchObject({ status: 400, body: refusal(400, 'Bad Request') });
  expect((await show(id)).status).toBe('queued');
  const active = await uploaded();
  const other = await add(active, { url: `${web.url}/other` });
  expect(other.status).toBe(400);
  expect(await show(active)).toMatchObject({ status: 'active', stores: 'disk', checksum: md5 });
});

test('one of several is removed, and the last one stays', async () => {
  const id = await uploaded();
  expect((await add(id, { url: here() })).status).toBe(200);
  expect((await add(id, { url: here() })).status).toBe(409);
  const remove = (position: number, more: RestRequest = { as: 'admin' }) =>
    patch(id, [{ op: 'remove', path: `/locations/${position}` }], more);
  expect((await remove(2)).status).toBe(400);
  expect((await remove(0, { as: 'blue' })).status).toBe(403);
  expect(await remove(0)).toMatchObject({ status: 200, body: { stores: 'web' } });
  await until(async () => !(await filesBelow(root)).some((name) => name.includes(id)));
  expect(await remove(0)).toMatchObject({ status: 403, body: refusal(403, 'Forbidden') });
  const none = await patch(id, [{ op: 'replace', path: '/locations', value: [] }], { as: 'admin' });
  expect(none.status).toBe(403);
  expect(await show(id)).toMatchObject({ status: 'active', stores: 'web' });
});

test.each([
  'file:///etc/passwd',
  'FILE:///etc/passwd',
  'filesystem:///etc/passwd',
  'swift+config://ref/c/o',
  'rbd://f/p/i/s',
  'cinder://id',
  'http://127.0.0.1:1/x',
  's3://key:secret@host/bucket',
  'file://localhost/etc/passwd',
  '%66ile:///etc/passwd',
  `http://user:password@192.0.2.1/x`,
  'x',
  '',
])('%j is no location of bytes', async (url) => {
  const id = await queued();
  const { status, body } = await add(id, { url, metadata: {} });
  expect(status).toBe(400);
  expect(body.error).toMatchObject({ code: 400, title: 'Bad Request' });
  expect(await show(id)).toMatchObject({ status: 'queued', locations: [] });
});

test.each([
  [{ op: 'add', path: '/locations', value: [] }],
  [{ op: 'add', path: '/locations/x', value: { url: 'http://x/' } }],
  [{ op: 'add', path: '/locations/-1', value: { url: 'http://x/' } }],
  [{ op: 'add', path: '/locations/0/url', value: 'http://x/' }],
  [{ op: 'add', path: '/locations/-' }],
  [{ op: 'add', path: '/locations/-', value: 'http://x/' }],
  [{ op: 'add', path: '/locations/-', value: { url: 'http://x/', more: 1 } }],
  [{ op: 'remove', path: '/locations' }],
  [{ op: 'remove', path: '/locations/-' }],
  [{ op: 'replace', path: '/locations/0', value: { url: 'http://x/' } }],
  [{ op: 'replace', path: '/locations', value: {} }],
])('%j is no change of locations', async (operation) => {
  expect((await patch(await queued(), [operation])).status).toBe(400);
});
