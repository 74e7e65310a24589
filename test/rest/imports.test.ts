/** Imports and locations, the tasks that do them, and the stores that they go to, exchange by exchange. */

import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestImage } from '../../src/actions/digest-image.ts';
import { byteRate } from '../../src/actions/slowly.ts';
import { anImage } from '../support/an-image.ts';
import { someBytes } from '../support/bytes.ts';
import { qcow2 } from '../support/disks/headers.ts';
import { anId, aTime, type RestRequest, rest } from '../support/rest.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { only } from '../support/size.ts';
import { until } from '../support/until.ts';
import { type WireServer, wireServer } from '../support/wire-server.ts';

const long = only({ from: 'ci' });
const bytes = someBytes(300_000);
const root = mkdtempSync(join(tmpdir(), 'vitrine-rest-imports-'));
let web: WireServer;
let server: TestServer;
beforeAll(async () => {
  web = await wireServer({
    answer({ url, headers }) {
      // To where the service may not go.
      if (url.pathname === '/astray') return { status: 302, headers: { location: 'http://127.0.0.1:1/' } };
      const hostile = qcow2({ 8: { be64: 512n } });
      if (url.pathname === '/hostile') return { status: 200, body: hostile };
      // Harmless to who looks at a part of it.
      if (url.pathname === '/two-faced') return { status: 200, body: headers.range ? qcow2() : hostile };
      return { status: 200, body: bytes };
    },
  });
  const store = (id: string, more = '') => {
    mkdirSync(join(root, id));
    return `  - { id: ${id}, type: file, path: ${join(root, id)}${more} }\n`;
  };
  server = await aServer({
    settings: `stores:
${store('one', ', default: true, weight: 5, description: "Quick disks"')}${store('two', ', weight: 3')}${store('three', ', weight: 1')}  - { id: web, type: http }
imports: { egress: { allow: ["${new URL(web.url).host}"] } }
`,
  });
});
afterAll(async () => {
  // Imports that fail are told as errors, and the one copy that was another; nothing else is one.
  const errors = server.logged.map((line) => JSON.parse(line)).filter(({ level }) => level >= 50);
  const others = errors.filter(({ task }) => task === undefined);
  expect(others).toEqual([expect.objectContaining({ damage: 'OTHER_BYTES', key: `${web.url}/two-faced` })]);
  await server.stop();
  await web.close();
  rmSync(root, { recursive: true, force: true });
});

async function queued(fields: object = { disk_format: 'raw', container_format: 'bare' }): Promise<string> {
  return (await rest(server, 'POST /v2/images', { json: fields })).body.id;
}

const send = (id: string, to: 'file' | 'stage', headers: Record<string, string> = {}) =>
  rest(server, `PUT /v2/images/${id}/${to}`, {
    body: bytes,
    headers: { 'content-type': 'application/octet-stream', ...headers },
  });

const ask = (id: string, json: unknown, more: RestRequest = {}) =>
  rest(server, `POST /v2/images/${id}/import`, { json, ...more });

const webDownload = (path = '/image') => ({ name: 'web-download', uri: web.url + path });

async function active(id: string, stores: string) {
  const show = async () => (await rest(server, `GET /v2/images/${id}`)).body;
  await until(async () => (await show()).stores === stores);
  expect(await show()).toMatchObject({ status: 'active', size: bytes.length, stores });
}

async function uploaded(store = 'one'): Promise<string> {
  const id = await queued();
  expect((await send(id, 'file', { 'x-image-meta-store': store })).status).toBe(204);
  return id;
}

const badRequest = {
  status: 400,
  body: { error: { code: 400, title: 'Bad Request', message: expect.any(String), type: expect.any(String) } },
};

describe.skipIf(long.skip)(`POST /v2/images/{id}/import${long.why}`, () => {
  test('glance-direct publishes what was staged', async () => {
    const id = await queued();
    expect((await ask(id, { method: { name: 'glance-direct' } })).status).toBe(409);
    expect((await send(id, 'stage')).status).toBe(204);
    expect((await send(id, 'stage')).status).toBe(409);
    expect((await ask(id, { method: { name: 'web-download', uri: web.url } })).status).toBe(409);
    const answer = await ask(id, { method: { name: 'glance-direct' } });
    expect([answer.status, answer.body]).toEqual([202, '']);
    await active(id, 'one');
  });

  test('web-download fetches into the stores named, all of them, or that of the header', async () => {
    const ids = await Promise.all([queued(), queued(), queued()]);
    const [some = '', all = '', header = ''] = ids;
    const asked = await Promise.all([
      ask(some, { method: webDownload(), stores: ['two', 'one'], all_stores_must_succeed: false }),
      ask(all, { method: webDownload(), all_stores: true }),
      ask(header, { method: webDownload() }, { headers: { 'x-image-meta-store': 'two' } }),
    ]);
    expect(asked.map(({ status }) => status)).toEqual([202, 202, 202]);
    await active(some, 'one,two');
    await active(all, 'one,two,three');
    await active(header, 'two');
  });

  test('copy-image is for admins, of active images, to where they are not yet', async () => {
    const id = await uploaded();
    const copy = (stores: string[], as = 'admin') =>
      ask(id, { method: { name: 'copy-image' }, stores, all_stores_must_succeed: false }, { as });
    expect((await copy(['two'], 'blue')).status).toBe(403);
    expect((await copy(['one'])).status).toBe(400);
    expect((await copy(['two'])).status).toBe(202);
    await active(id, 'one,two');
    expect((await copy(['two'])).status).toBe(400);
    expect((await ask(await queued(), { method: { name: 'copy-image' } }, { as: 'admin' })).status).toBe(409);
  });

  const remote = { name: 'glance-download', glance_region: 'r', glance_image_id: randomUUID() };
  test.each<[string, unknown]>([
    ['no object', []],
    ['no method', {}],
    ['a text as method', { method: 'web-download' }],
    ['a method without a name', { method: { uri: 'http://x' } }],
    ['an unknown method', { method: { name: 'carrier-pigeon' } }],
    ['no uri', { method: { name: 'web-download' } }],
    ['a number as uri', { method: { name: 'web-download', uri: 5 } }],
    ['a uri that is none', { method: { name: 'web-download', uri: 'none' } }],
    ['another scheme', { method: { name: 'web-download', uri: 'file:///etc/passwd' } }],
    ['an address of the inside', { method: { name: 'web-download', uri: 'http://127.0.0.1/x' } }],
    ['no region', { method: { ...remote, glance_region: undefined } }],
    ['no id there', { method: { ...remote, glance_image_id: undefined } }],
    ['an id there that is none', { method: { ...remote, glance_image_id: 'x' } }],
    ['an unknown interface', { method: { ...remote, glance_service_interface: 'private' } }],
    ['a method that needs a Keystone', { method: remote }],
    ['a text as all_stores', { method: { name: 'copy-image' }, all_stores: 'true' }],
    ['a text as stores', { method: { name: 'web-download', uri: 'http://x' }, stores: 'one' }],
    ['no stores at all', { method: { name: 'web-download', uri: 'http://x' }, stores: [] }],
    ['a store that is only read', { method: { name: 'web-download', uri: 'http://x' }, stores: ['web'] }],
    ['both ways', { method: { name: 'web-download', uri: 'http://x' }, stores: ['one'], all_stores: true }],
  ])('refuses %s with 400', async (_what, json) => {
    expect(await ask(await queued(), json)).toMatchObject(badRequest);
  });

  test('refuses stores in the body and in the header at once', async () => {
    const headers = { 'x-image-meta-store': 'one' };
    expect((await ask(await queued(), { method: webDownload(), stores: ['one'] }, { headers })).status).toBe(
      400,
    );
  });

  test('is a conflict for an unknown store, without formats, and while another one is at work', async () => {
    expect((await ask(await queued(), { method: webDownload(), stores: ['four'] })).status).toBe(409);
    expect((await ask(await queued({}), { method: webDownload() })).status).toBe(409);
    expect((await ask(await uploaded(), { method: webDownload() })).status).toBe(409);
  });

  test('is not there for who does not see the image, and forbidden to who does not own it', async () => {
    const json = { method: webDownload() };
    expect((await ask(await queued(), json, { as: 'red' })).status).toBe(404);
    expect((await ask(randomUUID(), json)).status).toBe(404);
    const shared = await anImage(server.app, { status: 'queued', size: null, members: { red: 'accepted' } });
    expect((await ask(shared, json, { as: 'red' })).status).toBe(403);
    expect((await ask(shared, json, { role: 'reader' })).status).toBe(403);
  });
});

describe('GET /v2/images/{id}/tasks', () => {
  test('shows what was asked for, by whom, and what became of it', async () => {
    const id = await queued();
    const requestId = `req-${randomUUID()}`;
    const method = { name: 'web-download', uri: `${web.url}/image?signature=secret` };
    await ask(id, { method }, { headers: { 'x-openstack-request-id': requestId } });
    await active(id, 'one');
    const { status, body } = await rest(server, `GET /v2/images/${id}/tasks`);
    expect([status, body]).toEqual([
      200,
      {
        tasks: [
          {
            id: anId,
            type: 'api_image_import',
            status: 'success',
            owner: 'blue',
            created_at: aTime,
            updated_at: aTime,
            expires_at: aTime,
            image_id: id,
            request_id: requestId,
            user_id: 'blue-member',
            input: {
              image_id: id,
              import_req: {
                method: { name: 'web-download', uri: `${web.url}/image?signature=***` },
                stores: ['one'],
                all_stores_must_succeed: true,
              },
            },
            result: { image_id: id, stores: ['one'], failed_stores: {} },
            message: '',
          },
        ],
      },
    ]);
  });

  test('says why an import failed, and the image is queued again', async () => {
    const id = await queued();
    await ask(id, { method: webDownload('/astray') });
    const tasks = async () => (await rest(server, `GET /v2/images/${id}/tasks`)).body.tasks;
    await until(async () => (await tasks())[0].status === 'failure');
    expect(await tasks()).toMatchObject([{ result: null, message: expect.stringContaining('URL') }]);
    expect((await rest(server, `GET /v2/images/${id}`)).body.status).toBe('queued');
  });

  test('is empty without tasks, and for who only may see the image; and not there for who may not', async () => {
    const id = await anImage(server.app, { members: { red: 'accepted' } });
    const at = `GET /v2/images/${id}/tasks` as const;
    expect((await rest(server, at)).body).toEqual({ tasks: [] });
    expect((await rest(server, at, { as: 'red' })).body).toEqual({ tasks: [] });
    expect((await rest(server, at, { as: 'green' })).status).toBe(404);
  });
});

describe.skipIf(long.skip)(`/v2/tasks${long.why}`, () => {
  const properties = { name: 'by a task', disk_format: 'raw', os_distro: 'debian', protected: true };
  const input = { import_from_format: 'raw', image_properties: properties };
  const create = (json: unknown, as = 'admin') => rest(server, 'POST /v2/tasks', { json, as });
  const admin = (call: `${string} /${string}`) => rest(server, call, { as: 'admin' });

  test('POST makes an image and fetches its bytes', async () => {
    const { status, headers, body } = await create({
      type: 'import',
      input: { ...input, import_from: web.url },
    });
    expect([status, headers.location]).toEqual([201, `${server.url}/v2/tasks/${body.id}`]);
    expect(body).toMatchObject({
      type: 'import',
      owner: 'admin',
      input: { ...input, import_from: `${web.url}/` },
    });
    const show = async () => (await admin(`GET /v2/tasks/${body.id}`)).body;
    await until(async () => (await show()).status === 'success');
    const task = await show();
    expect(task).toMatchObject({
      self: `/v2/tasks/${body.id}`,
      schema: '/v2/schemas/task',
      expires_at: aTime,
    });
    const image = await admin(`GET /v2/images/${task.result.image_id}`);
    expect(image.body).toMatchObject({ ...properties, status: 'active', container_format: 'bare' });
  });

  test.each<[string, unknown]>([
    ['another type', { type: 'export', input: { ...input, import_from: 'http://x' } }],
    ['no input', { type: 'import' }],
    ['no URL', { type: 'import', input }],
    ['no format', { type: 'import', input: { import_from: 'http://x', image_properties: {} } }],
    ['no properties', { type: 'import', input: { import_from: 'http://x', import_from_format: 'raw' } }],
    [
      'an unknown format',
      { type: 'import', input: { import_from: 'http://x', import_from_format: 'x', image_properties: {} } },
    ],
    ['a URL of the inside', { type: 'import', input: { ...input, import_from: 'http://127.0.0.1/' } }],
    ['a list', []],
  ])('POST refuses %s with 400, and makes no image', async (_what, json) => {
    const count = async () =>
      (await admin('GET /v2/images?limit=1000&name=by%20a%20task')).body.images.length;
    const before = await count();
    expect(await create(json)).toMatchObject(badRequest);
    expect(await count()).toBe(before);
  });

  test('GET lists all of them, in pages, by type, status and order', async () => {
    await Promise.all([1, 2].map(async () => ask(await queued(), { method: webDownload('/astray') })));
    const first = (await admin('GET /v2/tasks?limit=1')).body;
    expect(first).toMatchObject({ first: '/v2/tasks?limit=1', schema: '/v2/schemas/tasks' });
    expect(Object.keys(first.tasks[0])).not.toContain('input');
    const ids = async (sort: string) => {
      const found: string[] = [];
      for (let next: string | undefined = `/v2/tasks?limit=2&${sort}`; next; ) {
        const { body } = await admin(`GET ${next as '/'}`);
        found.push(...body.tasks.map(({ id }: { id: string }) => id));
        next = body.next;
      }
      return found;
    };
    const whole = (await admin('GET /v2/tasks?limit=1000')).body.tasks.map(({ id }: { id: string }) => id);
    expect(await ids('')).toEqual(whole);
    for (const key of ['status', 'type', 'expires_at', 'id', 'updated_at']) {
      expect((await ids(`sort_key=${key}&sort_dir=asc`)).sort(), key).toEqual([...whole].sort());
    }
    const imports = (await admin('GET /v2/tasks?type=import')).body.tasks;
    expect(new Set(imports.map(({ type }: { type: string }) => type))).toEqual(new Set(['import']));
    expect((await admin('GET /v2/tasks?limit=0')).body.tasks).toEqual([]);
  });

  test('is refused for what it cannot be asked, and to who is no admin', async () => {
    const bad = [
      'limit=-1',
      'limit=x',
      'marker=x',
      `marker=${randomUUID()}`,
      'sort_key=input',
      'sort_dir=up',
    ];
    for (const query of [...bad, 'status=late', 'type=x']) {
      expect((await admin(`GET /v2/tasks?${query}`)).status, query).toBe(400);
    }
    expect((await admin(`GET /v2/tasks/${randomUUID()}`)).status).toBe(404);
    expect((await admin('GET /v2/tasks/x')).status).toBe(404);
    const gone = await admin(`DELETE /v2/tasks/${randomUUID()}`);
    expect([gone.status, gone.headers.allow]).toEqual([405, 'GET, HEAD']);
    for (const call of ['GET /v2/tasks', `GET /v2/tasks/${randomUUID()}`] as const) {
      expect((await rest(server, call)).status).toBe(403);
    }
    expect((await create({}, 'blue')).status).toBe(403);
  });
});

describe('stores', () => {
  test('GET /v2/info/stores names them, with texts for booleans', async () => {
    const { status, body } = await rest(server, 'GET /v2/info/stores');
    expect([status, body]).toEqual([
      200,
      {
        stores: [
          { id: 'one', description: 'Quick disks', default: 'true' },
          { id: 'two' },
          { id: 'three' },
          { id: 'web', 'read-only': 'true' },
        ],
      },
    ]);
  });

  test('GET /v2/info/stores/detail says more to an admin', async () => {
    const { status, body } = await rest(server, 'GET /v2/info/stores/detail', { as: 'admin' });
    expect([status, body.stores[0], body.stores[3]]).toEqual([
      200,
      {
        id: 'one',
        description: 'Quick disks',
        default: 'true',
        type: 'file',
        weight: 5,
        properties: { data_dir: join(root, 'one'), thin_provisioning: false },
      },
      { id: 'web', 'read-only': 'true', type: 'http', weight: 0, properties: {} },
    ]);
    expect((await rest(server, 'GET /v2/info/stores/detail')).status).toBe(403);
  });

  test('GET /v2/info/import and /v2/info/usage', async () => {
    expect((await rest(server, 'GET /v2/info/import')).body).toEqual({
      'import-methods': {
        description: expect.any(String),
        type: 'array',
        value: ['glance-direct', 'web-download', 'copy-image'],
      },
    });
    const nothing = { limit: -1, usage: 0 };
    expect((await rest(server, 'GET /v2/info/usage', { as: 'red' })).body).toEqual({
      usage: {
        image_size_total: nothing,
        image_stage_total: nothing,
        image_count_total: nothing,
        image_count_uploading: nothing,
      },
    });
  });

  test('DELETE /v2/stores/{store}/{image} takes one copy away, never the last', async () => {
    const id = await queued();
    await ask(id, { method: webDownload(), stores: ['one', 'two'] });
    await active(id, 'one,two');
    const remove = async (store: string, image = id, as = 'admin') =>
      (await rest(server, `DELETE /v2/stores/${store}/${image}`, { as })).status;
    expect(await remove('one', id, 'blue')).toBe(403);
    expect(await remove('one', id, 'red')).toBe(404);
    expect(await remove('one')).toBe(204);
    await active(id, 'two');
    expect(await remove('one')).toBe(404);
    expect(await remove('two')).toBe(403);
    expect(await remove('four')).toBe(409);
    expect(await remove('two', randomUUID())).toBe(404);
  });
});

describe('/v2/images/{id}/locations', () => {
  const add = (id: string, json: unknown, more: RestRequest = {}) =>
    rest(server, `POST /v2/images/${id}/locations`, { json, ...more });
  const locationsOf = (id: string, more: RestRequest = { as: 'service', role: 'service' }) =>
    rest(server, `GET /v2/images/${id}/locations`, more);
  const show = async (id: string) => (await rest(server, `GET /v2/images/${id}`)).body;
  const hash = (algorithm: string) => createHash(algorithm).update(bytes).digest('hex');
  const here = () => `${web.url}/image`;

  test('bytes that a web server has become those of an image and stay there; they are hashed in the background', async () => {
    const id = await queued();
    expect(await add(id, { url: here(), validation_data: {} })).toMatchObject({ status: 202, body: '' });
    await active(id, 'web');
    expect(await show(id)).toMatchObject({ checksum: null, os_hash_algo: null, os_hash_value: null });
    expect(await locationsOf(id)).toMatchObject({
      status: 200,
      body: [{ url: here(), metadata: { store: 'web' } }],
    });
    const file = await server.http(`/v2/images/${id}/file`, { token: server.tokenOf('blue') });
    expect(Buffer.from(await file.arrayBuffer()).equals(bytes)).toBe(true);

    const before = await rest(server, `GET /v2/images/${id}`);
    const signal = new AbortController().signal;
    await digestImage(server.app, id, { rate: byteRate(10 ** 9), signal });
    const hashed = await rest(server, `GET /v2/images/${id}`, {
      headers: { 'if-none-match': before.headers.etag ?? '' },
    });
    expect(hashed).toMatchObject({
      status: 200,
      body: { checksum: hash('md5'), os_hash_algo: 'sha512', os_hash_value: hash('sha512') },
    });
    const { body } = await rest(server, `GET /v2/images/${id}/tasks`);
    expect(body.tasks).toMatchObject([
      {
        type: 'location_import',
        status: 'success',
        input: { image_id: id, loc_url: here(), validation_data: {} },
        result: { image_id: id, stores: ['web'] },
      },
    ]);
    // Deleted, it is only forgotten: nothing is written at the other server.
    expect((await rest(server, `DELETE /v2/images/${id}`)).status).toBe(204);
    expect((await locationsOf(id)).status).toBe(404);
  });

  test('what a hash is given for is read before it is published, and not published when it is other bytes', async () => {
    const [good, bad] = [await queued(), await queued()];
    const validation = { os_hash_algo: 'sha512', os_hash_value: hash('sha512'), store: 'web' };
    expect((await add(good, { url: here(), validation_data: validation })).status).toBe(202);
    await active(good, 'web');
    expect(await show(good)).toMatchObject({ checksum: hash('md5'), os_hash_value: hash('sha512') });
    const other = { os_hash_algo: 'sha256', os_hash_value: hash('sha256').replace(/./g, '0') };
    expect((await add(bad, { url: here(), validation_data: other })).status).toBe(202);
    await until(async () => (await show(bad)).status === 'queued');
    const { body } = await rest(server, `GET /v2/images/${bad}/tasks`);
    expect(body.tasks).toMatchObject([
      { status: 'failure', message: expect.stringContaining('have sha256') },
    ]);
    expect((await locationsOf(bad)).body).toEqual([]);
  });

  test('bytes that may do harm where they are booted are not published from where they are either', async () => {
    const id = await queued({ disk_format: 'qcow2', container_format: 'bare' });
    expect((await add(id, { url: `${web.url}/hostile` })).status).toBe(202);
    await until(async () => (await show(id)).status === 'queued');
    const { body } = await rest(server, `GET /v2/images/${id}/tasks`);
    expect(body.tasks).toMatchObject([
      { status: 'failure', message: expect.stringContaining('backing file') },
    ]);
    expect((await locationsOf(id)).body).toEqual([]);
  });

  test('bytes that are others when all of them are read are not published, or never again', async () => {
    const whole = createHash('sha256')
      .update(qcow2({ 8: { be64: 512n } }))
      .digest('hex');
    const [known, unknown] = [
      await queued({ disk_format: 'qcow2', container_format: 'bare' }),
      await queued({ disk_format: 'qcow2', container_format: 'bare' }),
    ];
    const url = `${web.url}/two-faced`;
    await add(known, { url, validation_data: { os_hash_algo: 'sha256', os_hash_value: whole } });
    await until(async () => (await show(known)).status === 'queued');

    expect((await add(unknown, { url })).status).toBe(202);
    await until(async () => (await show(unknown)).stores === 'web');
    await digestImage(server.app, unknown, { rate: byteRate(10 ** 9), signal: new AbortController().signal });
    expect(await show(unknown)).toMatchObject({ checksum: null, os_hash_value: null });
    const file = await server.http(`/v2/images/${unknown}/file`, { token: server.tokenOf('blue') });
    expect(file.status).toBeGreaterThanOrEqual(400);
    expect((await locationsOf(unknown)).body).toEqual([]);
  });

  test('a copy of one can be made in a store of ours, and every copy has its URL', async () => {
    const id = await queued();
    await add(id, { url: here() });
    await active(id, 'web');
    await ask(id, { method: { name: 'copy-image' }, stores: ['two'] }, { as: 'admin' });
    await active(id, 'two,web');
    const { body } = await locationsOf(id, { as: 'admin' });
    expect(body).toEqual([
      {
        url: expect.stringMatching(new RegExp(`^file://${join(root, 'two')}/[0-9a-f]{2}/[0-9a-f.-]+$`)),
        metadata: { store: 'two' },
      },
      { url: here(), metadata: { store: 'web' } },
    ]);
  });

  test('a service adds one to an image that it does not see; where bytes are is for services and admins', async () => {
    const id = await queued();
    const service = { as: 'service', role: 'service' } as const;
    expect((await rest(server, `GET /v2/images/${id}`, service)).status).toBe(404);
    expect((await add(id, { url: here() }, service)).status).toBe(202);
    await active(id, 'web');
    expect((await locationsOf(id, {})).status).toBe(403);
    expect((await locationsOf(id, { as: 'red' })).status).toBe(404);
    expect((await add(id, { url: here() }, { as: 'red' })).status).toBe(404);
    expect((await add(randomUUID(), { url: here() }, service)).status).toBe(404);
  });

  test.each<[string, unknown]>([
    ['no URL', {}],
    ['a number as URL', { url: 5 }],
    ['no URL of the web', { url: 'file:///etc/passwd' }],
    ['a URL of Ceph, so that Nova uploads', { url: 'rbd://fs/pool/image/snap', validation_data: {} }],
    ['no URL at all', { url: 'x' }],
    ['a URL with a password', { url: 'http://a:b@example.org/' }],
    ['a URL with a signature', { url: 'http://example.org/x?X-Amz-Signature=0123456789abcdef' }],
    ['a URL of the inside', { url: 'http://169.254.169.254/' }],
    ['a URL that is too long', { url: `http://example.org/${'x'.repeat(3000)}` }],
    ['half of a hash', { url: 'http://example.org/', validation_data: { os_hash_algo: 'sha512' } }],
    [
      'a hash that is none',
      { url: 'http://example.org/', validation_data: { os_hash_algo: 'sha512', os_hash_value: 'x' } },
    ],
    ['what it does not know', { url: 'http://example.org/', metadata: {} }],
  ])('refuses %s with 400', async (_what, json) => {
    const id = await queued();
    expect(await add(id, json)).toMatchObject(badRequest);
    expect((await show(id)).status).toBe('queued');
  });

  test('is a conflict for an image that is not queued, and 400 without formats', async () => {
    expect((await add(await uploaded(), { url: here() })).status).toBe(409);
    expect((await add(await queued({}), { url: here() })).status).toBe(400);
  });
});
