/** importImage and the tasks that do it: every method, every way to fail, and what is left behind. */

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { reap } from '../../src/actions/reap.ts';
import { takeOver } from '../../src/actions/take-over.ts';
import { someBytes } from '../support/bytes.ts';
import { type ImageService, imageService } from '../support/image-service.ts';
import { type Access, ask, beginUpload, fetchBytes, newImage, put } from '../support/images.ts';
import { storePassword } from '../support/planted.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { type WireServer, wireServer } from '../support/wire-server.ts';

const bytes = someBytes(3_000_000);
const packed = gzipSync(bytes);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const root = mkdtempSync(join(tmpdir(), 'vitrine-imports-'));
let server: TestServer;
let web: WireServer;
let region: ImageService;
let blue: Access;
let admin: Access;

beforeAll(async () => {
  web = await wireServer({
    answer({ url }) {
      if (url.pathname === '/none') return { status: 404 };
      return { status: 200, body: url.pathname.endsWith('.gz') ? packed : bytes };
    },
  });
  region = await imageService();
  // A file in place of a directory: nothing can be written there, not even by root.
  writeFileSync(join(root, 'broken'), '');
  const store = (id: string, more = '') => {
    const path = join(root, id);
    return `  - { id: ${id}, type: file, path: ${path}${more} }\n`;
  };
  for (const id of ['one', 'two']) mkdirSync(join(root, id));
  server = await aServer({
    settings: `stores:\n${store('one', ', default: true, weight: 5, description: "Quick disks"')}${store('two')}${store('broken')}
imports:
  egress: { allow: ["${new URL(web.url).host}"] }
keystone: { url: ${region.url}/v3, username: u, password: ${storePassword}, project: p }
`,
  });
  blue = { url: server.url, token: server.tokenOf('blue') };
  admin = { url: server.url, token: server.tokenOf('admin') };
});
afterAll(async () => {
  await server?.stop();
  await web?.close();
  await region?.close();
  rmSync(root, { recursive: true, force: true });
});
beforeEach(() => web.fail());

interface Task {
  id: string;
  status: string;
  message: string | null;
  attempts: number;
  progress: { done: number; total: number | null } | null;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any shape
  input: any;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any shape
  result: any;
  user: string | null;
  requestId: string | null;
  expiresAt: string | null;
}

const taskFields = 'id status message attempts progress { done total } input result user requestId expiresAt';

// biome-ignore lint/suspicious/noExplicitAny: a payload or any of the errors
async function importImage(access: Access, input: object): Promise<any> {
  const data = await ask<{ importImage: unknown }>(
    access,
    `mutation ($input: ImportImageInput!) { importImage(input: $input) {
      __typename
      ... on ImportImagePayload { image { id status } task { ${taskFields} } }
      ... on Error { code message }
      ... on ValidationError { issues { path code } }
    } }`,
    { input },
  );
  return data.importImage;
}

const isOver = (task: Task | null) => task !== null && ['SUCCESS', 'FAILURE'].includes(task.status);

async function findTask(access: Access, id: string): Promise<Task | null> {
  const text = `query ($id: ID!) { task(id: $id) { ${taskFields} } }`;
  return (await ask<{ task: Task | null }>(access, text, { id })).task;
}

async function ended(access: Access, { id }: Task): Promise<Task> {
  return until(async () => {
    const task = await findTask(access, id);
    return isOver(task) ? task : null;
  });
}

// biome-ignore lint/suspicious/noExplicitAny: as wide as the tests ask
async function imageOf(access: Access, id: string): Promise<any> {
  const text = `query ($id: ID!) { image(id: $id) {
    status size containerFormat properties { name value } checksum failure { code message } digests { algorithm value } revision
    copies { store { name } state size } can { import copy upload } tasks { totalCount nodes { id status } }
  } }`;
  return (await ask<{ image: unknown }>(access, text, { id })).image;
}

const url = (path = '/image.raw') => web.url + path;
const webDownload = (more: object = {}) => ({ webDownload: { url: url(), ...more } });
const filesBelow = (path: string) =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
const filesOf = (store: string) => filesBelow(join(root, store));
const hasFileOf = (store: string, id: string) => filesOf(store).some((name) => name.includes(id));

test('a web download is a task that can be watched, and ends in an active image with all its digests', async () => {
  const id = await newImage(blue);
  const asked = await importImage(blue, {
    id,
    method: webDownload({ digest: { algorithm: 'SHA-256', value: sha256 } }),
  });
  expect(asked).toMatchObject({ __typename: 'ImportImagePayload', image: { id, status: 'IMPORTING' } });
  expect(asked.task).toMatchObject({ user: 'blue-member', requestId: expect.stringMatching(/^req-/) });
  const task = await ended(blue, asked.task);
  expect(task).toMatchObject({
    status: 'SUCCESS',
    attempts: 1,
    progress: { done: bytes.length, total: bytes.length },
    input: { method: { name: 'web-download', url: url() }, stores: ['one'], allMustSucceed: true },
    result: { stores: ['one'], failedStores: {} },
    message: null,
  });
  expect(task.expiresAt).not.toBeNull();
  const image = await imageOf(blue, id);
  expect(image).toMatchObject({
    status: 'ACTIVE',
    size: bytes.length,
    failure: null,
    copies: [{ store: { name: 'one' }, state: 'ACTIVE', size: bytes.length }],
    tasks: { totalCount: 1, nodes: [{ id: task.id, status: 'SUCCESS' }] },
  });
  expect(image.digests).toContainEqual({ algorithm: 'sha256', value: sha256 });
  expect(image.digests.map((d: { algorithm: string }) => d.algorithm)).toContain('sha512');
  expect(Buffer.compare(await fetchBytes(blue, id), bytes)).toBe(0);
});

test('a digest that does not fit fails the import: the image waits for data again and says why', async () => {
  const id = await newImage(blue);
  const digest = { algorithm: 'sha512', value: '0'.repeat(128) };
  const { task } = await importImage(blue, { id, method: webDownload({ digest }) });
  expect(await ended(blue, task)).toMatchObject({
    status: 'FAILURE',
    attempts: 1,
    message: expect.stringMatching(/sha512/),
    result: { failure: { code: 'DIGEST_MISMATCH' } },
  });
  expect(await imageOf(blue, id)).toMatchObject({
    status: 'QUEUED',
    size: null,
    failure: { code: 'DIGEST_MISMATCH' },
    copies: [],
  });
  expect(hasFileOf('one', id)).toBe(false);
  const again = await importImage(blue, { id, method: webDownload() });
  await ended(blue, again.task);
  expect(await imageOf(blue, id)).toMatchObject({
    status: 'ACTIVE',
    failure: null,
    tasks: { totalCount: 2 },
  });
});

test('a server that breaks off is asked again, and what it is refused for good says nothing of what is behind', async () => {
  web.fail({ on: /flaky/, times: 1, how: { cutAfter: 1_000_000 } });
  const id = await newImage(blue);
  const flaky = await importImage(blue, { id, method: { webDownload: { url: url('/flaky') } } });
  expect(await ended(blue, flaky.task)).toMatchObject({ status: 'SUCCESS', attempts: 2 });
  expect(Buffer.compare(await fetchBytes(blue, id), bytes)).toBe(0);

  const messages = new Set<string>();
  for (const path of ['/none', '/reset']) {
    web.fail({ on: /reset/, how: 'reset' });
    const other = await newImage(blue);
    const { task } = await importImage(blue, { id: other, method: { webDownload: { url: url(path) } } });
    const tried = await until(async () => {
      const found = await findTask(blue, task.id);
      return found?.message ? found : null;
    });
    messages.add(tried.message ?? '');
    expect(tried).toMatchObject({ status: 'PENDING', attempts: 1 });
  }
  expect(messages.size).toBe(1);
});

test('URLs that this service may not fetch are refused at once, or with the same words later', async () => {
  const id = await newImage(blue);
  for (const refused of [
    'http://127.0.0.1:1/',
    'http://[::ffff:169.254.169.254]/latest',
    'file:///etc/passwd',
    'http://user:secret@example.org/',
    'nonsense',
    `http://${'a'.repeat(5000)}/`,
  ]) {
    const answer = await importImage(blue, { id, method: { webDownload: { url: refused } } });
    expect(answer).toMatchObject({ __typename: 'ValidationError' });
    expect(['URL_REFUSED', 'TOO_LONG']).toContain(answer.issues[0].code);
  }
  const named = await importImage(blue, { id, method: { webDownload: { url: 'http://localhost:22/' } } });
  expect(await ended(blue, named.task)).toMatchObject({
    result: { failure: { code: 'URL_REFUSED' } },
    attempts: 1,
  });
  expect(await imageOf(blue, id)).toMatchObject({ status: 'QUEUED', failure: { code: 'URL_REFUSED' } });
});

test('secrets of a URL are in no task and in no log, and are gone from the database when it is over', async () => {
  const id = await newImage(blue);
  const secret = `${url()}?X-Amz-Signature=verysecret&sig=alsosecret&page=1`;
  const { task } = await importImage(blue, { id, method: { webDownload: { url: secret } } });
  expect(task.input.method.url).toBe(`${url()}?X-Amz-Signature=***&sig=***&page=1`);
  await ended(blue, task);
  const rows = await server.app.db.query<{ row: string }>('select t::text as row from tasks t', []);
  expect(rows.map(({ row }) => row).join()).not.toMatch(/verysecret|alsosecret/);
  expect(server.logged.join()).not.toMatch(/verysecret|alsosecret/);
  expect(web.seen).toContain('GET /image.raw?X-Amz-Signature=verysecret&sig=alsosecret&page=1');
});

test('staged data is imported to every store asked for, and the staging area is empty afterwards', async () => {
  const id = await newImage(blue);
  const created = await ask<{ createUpload: { upload: { url: string }; image: { status: string } } }>(
    blue,
    `mutation ($id: ID!) { createUpload(input: { imageId: $id, stage: true, size: ${bytes.length} }) {
      ... on CreateUploadPayload { upload { url method } image { status } } ... on Error { message }
    } }`,
    { id },
  );
  const type = { 'content-type': 'application/octet-stream' };
  const early = await importImage(blue, { id, method: { staged: true } });
  expect(early).toMatchObject({ __typename: 'ConflictError', code: 'WRONG_STATUS' });
  const sent = await fetch(created.createUpload.upload.url, {
    method: 'PUT',
    headers: type,
    body: new Uint8Array(bytes),
  });
  expect(sent.status).toBe(204);
  expect(await imageOf(blue, id)).toMatchObject({
    status: 'UPLOADING',
    size: null,
    copies: [],
    can: { import: true },
  });
  expect(filesBelow(join(server.dataDir, 'staged'))).toHaveLength(1);
  const again = await server.http(`/v2/images/${id}/stage`, {
    method: 'PUT',
    token: blue.token,
    headers: type,
    body: 'x',
  });
  expect(again.status).toBe(409);
  expect((await put(blue, id, bytes)).status).toBe(409);

  const { task } = await importImage(blue, { id, method: { staged: true }, stores: ['two', 'one'] });
  expect(await ended(blue, task)).toMatchObject({ status: 'SUCCESS', result: { stores: ['one', 'two'] } });
  const { status, copies } = await imageOf(blue, id);
  expect(status).toBe('ACTIVE');
  expect(copies.map((copy: { state: string }) => copy.state)).toEqual(['ACTIVE', 'ACTIVE']);
  await until(() => filesBelow(join(server.dataDir, 'staged')).length === 0);
});

test('staging by hand, cut off in the middle, gives the image back', async () => {
  const id = await newImage(blue);
  const upload = beginUpload(blue, id, { length: 2_000_000, to: 'stage' });
  upload.request.write(bytes.subarray(0, 500_000));
  await until(async () => (await imageOf(blue, id)).status === 'UPLOADING');
  upload.reset();
  await until(async () => (await imageOf(blue, id)).status === 'QUEUED');
  expect(await imageOf(blue, id)).toMatchObject({ failure: { code: 'BROKEN_OFF' } });
});

test('one store that fails takes all back, or is left out where that was allowed', async () => {
  const id = await newImage(blue);
  const all = await importImage(blue, { id, method: webDownload(), stores: ['one', 'broken'] });
  expect(await ended(blue, all.task)).toMatchObject({
    status: 'FAILURE',
    result: { failure: { code: 'UNAVAILABLE' } },
  });
  expect(await imageOf(blue, id)).toMatchObject({ status: 'QUEUED', copies: [] });
  await until(() => !hasFileOf('one', id));

  const some = await importImage(blue, { id, method: webDownload(), allStores: true, allMustSucceed: false });
  const task = await ended(blue, some.task);
  expect(task).toMatchObject({
    status: 'SUCCESS',
    message: 'Not copied to broken.',
    result: { stores: ['one', 'two'], failedStores: { broken: { code: 'UNAVAILABLE' } } },
  });
  const states = (await imageOf(blue, id)).copies.map((c: { store: { name: string }; state: string }) => [
    c.store.name,
    c.state,
  ]);
  expect(states).toEqual([
    ['broken', 'FAILED'],
    ['one', 'ACTIVE'],
    ['two', 'ACTIVE'],
  ]);
});

test('an admin copies an active image to more stores; it is served all the while and stays what it was', async () => {
  const id = await newImage(blue);
  await put(blue, id, bytes);
  const before = await imageOf(blue, id);
  expect(before.can).toEqual({ import: false, copy: false, upload: false });
  expect(await importImage(blue, { id, method: { copy: true }, stores: ['two'] })).toMatchObject({
    __typename: 'ForbiddenError',
  });
  const { task, image } = await importImage(admin, { id, method: { copy: true }, stores: ['two'] });
  expect(image.status).toBe('ACTIVE');
  expect(await ended(admin, task)).toMatchObject({ status: 'SUCCESS', result: { stores: ['two'] } });
  const after = await imageOf(blue, id);
  expect(after.copies.map((c: { state: string }) => c.state)).toEqual(['ACTIVE', 'ACTIVE']);
  expect(after.revision).toBe(before.revision);
  expect(await importImage(admin, { id, method: { copy: true }, stores: ['two'] })).toMatchObject({
    __typename: 'ConflictError',
    code: 'ALREADY_EXISTS',
  });
  const queued = await newImage(blue);
  expect(await importImage(admin, { id: queued, method: { copy: true }, stores: ['two'] })).toMatchObject({
    code: 'WRONG_STATUS',
  });
});

test('a compressed image is unpacked on the way in; its digest is that of the file as it was published', async () => {
  const id = await newImage(blue, { containerFormat: 'COMPRESSED' });
  const digest = { algorithm: 'sha256', value: createHash('sha256').update(packed).digest('hex') };
  const { task } = await importImage(blue, {
    id,
    method: { webDownload: { url: url('/image.gz'), digest } },
  });
  expect(await ended(blue, task)).toMatchObject({ status: 'SUCCESS' });
  expect(await imageOf(blue, id)).toMatchObject({
    status: 'ACTIVE',
    size: bytes.length,
    containerFormat: 'BARE',
  });
  expect(Buffer.compare(await fetchBytes(blue, id), bytes)).toBe(0);

  const plain = await newImage(blue, { containerFormat: 'COMPRESSED' });
  const wrong = await importImage(blue, { id: plain, method: webDownload() });
  expect(await ended(blue, wrong.task)).toMatchObject({
    result: { failure: { code: 'UNKNOWN_COMPRESSION' } },
  });
  expect(await imageOf(blue, plain)).toMatchObject({ status: 'QUEUED', containerFormat: 'COMPRESSED' });
});

test('an image of another region comes with its bytes and the properties that say how to boot it', async () => {
  const remote = region.put(bytes, { hw_disk_bus: 'scsi', os_distro: 'ubuntu', secret_note: 'x' });
  const id = await newImage(blue, { properties: [{ name: 'os_distro', value: 'debian' }] });
  const method = { glanceDownload: { region: 'RegionTwo', imageId: remote } };
  const { task } = await importImage(blue, { id, method });
  expect(await ended(blue, task)).toMatchObject({ status: 'SUCCESS' });
  expect(await imageOf(blue, id)).toMatchObject({
    status: 'ACTIVE',
    size: bytes.length,
    properties: [
      { name: 'hw_disk_bus', value: 'scsi' },
      { name: 'os_distro', value: 'debian' },
    ],
  });

  // What its definition does not allow is told, or stays behind.
  const odd = region.put(bytes, { hw_disk_bus: 'carrier pigeon', hw_cdrom_bus: 'ide' });
  const second = await newImage(blue);
  const oddImport = await importImage(blue, {
    id: second,
    method: { glanceDownload: { region: 'RegionTwo', imageId: odd } },
  });
  expect(await ended(blue, oddImport.task)).toMatchObject({
    status: 'SUCCESS',
    message: expect.stringContaining('carrier pigeon'),
  });
  expect((await imageOf(blue, second)).properties).toContainEqual({
    name: 'hw_disk_bus',
    value: 'carrier pigeon',
  });
  const strict = { ...server.app, metadefs: { ...server.app.metadefs, mode: 'enforce' as const } };
  const order = { project: 'blue', isAdmin: false };
  const found = { hw_disk_bus: 'carrier pigeon', hw_cdrom_bus: 'ide' };
  expect(await takeOver(strict, order, found, {})).toEqual({
    taken: { hw_cdrom_bus: 'ide' },
    note: expect.stringContaining('Not taken over: hw_disk_bus.'),
  });
  const own = Object.fromEntries(Array.from({ length: 128 }, (_, n) => [`p${n}`, '']));
  expect(await takeOver(strict, order, { hw_cdrom_bus: 'ide' }, own)).toEqual({
    taken: {},
    note: 'No room for: hw_cdrom_bus.',
  });

  const hidden = region.put(bytes, { visibility: 'private', owner: 'somebody' });
  const other = await newImage(blue);
  const refusals = [
    [{ region: 'RegionTwo', imageId: hidden }, 'NOT_FOUND'],
    [{ region: 'Nowhere', imageId: remote }, 'UNKNOWN_REGION'],
  ] as const;
  for (const [glanceDownload, code] of refusals) {
    const answer = await importImage(blue, { id: other, method: { glanceDownload } });
    expect(await ended(blue, answer.task)).toMatchObject({ result: { failure: { code } } });
  }
  const wrong = { glanceDownload: { region: 'RegionTwo', imageId: remote, serviceInterface: 'secret' } };
  expect(await importImage(blue, { id: other, method: wrong })).toMatchObject({
    issues: [{ code: 'UNKNOWN_INTERFACE' }],
  });
});

test('what is wrong is named by its whole path, and text that cannot be kept is no failure of the service', async () => {
  const id = await newImage(blue);
  const imageId = id;
  const web = ['input', 'method', 'webDownload'];
  const glance = ['input', 'method', 'glanceDownload'];
  const method = webDownload();
  const staging = server.app.stores.staging.id;
  const cases: [object, string[], string][] = [
    [{ method, stores: ['one', 'nowhere'] }, ['input', 'stores', '1'], 'UNKNOWN_STORE'],
    [{ method, stores: [staging] }, ['input', 'stores', '0'], 'UNKNOWN_STORE'],
    [{ method: webDownload({ url: 'http://127.0.0.1/' }) }, [...web, 'url'], 'URL_REFUSED'],
    [{ method: webDownload({ url: 'no url' }) }, [...web, 'url'], 'URL_REFUSED'],
    [{ method: webDownload({ url: 'http://example.org/\ud800' }) }, [...web, 'url'], 'BAD_CHARACTER'],
    [{ method: webDownload({ url: 'http://example.org/\0' }) }, [...web, 'url'], 'BAD_CHARACTER'],
    [{ method: webDownload({ url: `${url()}?${'a'.repeat(4096)}` }) }, [...web, 'url'], 'TOO_LONG'],
    [{ method: webDownload({ digest: { algorithm: 'md5', value: 'a' } }) }, [...web, 'digest'], 'BAD_DIGEST'],
    [{ method: { glanceDownload: { region: 'a\0b', imageId } } }, [...glance, 'region'], 'BAD_CHARACTER'],
    [{ method: { glanceDownload: { region: 'a\udfffb', imageId } } }, [...glance, 'region'], 'BAD_CHARACTER'],
    [{ method: { glanceDownload: { region: 'a'.repeat(256), imageId } } }, [...glance, 'region'], 'TOO_LONG'],
    [
      { method: { glanceDownload: { region: 'a', imageId, serviceInterface: '\0\ud800' } } },
      [...glance, 'serviceInterface'],
      'UNKNOWN_INTERFACE',
    ],
    [
      { method: { glanceDownload: { region: 'a', imageId: '\ud800' } } },
      [...glance, 'imageId'],
      'NOT_A_UUID',
    ],
  ];
  for (const [input, path, code] of cases) {
    expect(await importImage(blue, { id, ...input })).toMatchObject({ issues: [{ path, code }] });
  }
  expect(await imageOf(blue, id)).toMatchObject({ status: 'QUEUED', tasks: { totalCount: 0 } });
});

test('a URL is kept as it is understood', async () => {
  web.fail({ on: /%C3%A4/, how: 'hang' }); // what is to be done is kept until it is over
  const id = await newImage(blue);
  const written = `${web.url.replace('http:', 'HTTP:')}/x/../ä.raw#part`;
  const { task } = await importImage(blue, { id, method: webDownload({ url: written }) });
  const [row] = await server.app.db.query<{ url: string }>(
    `select "order" #>> '{method,url}' as url from tasks where id = $1::uuid`,
    [task.id.replace('Task:', '')],
  );
  expect(row?.url).toBe(url('/%C3%A4.raw'));
  await ask(blue, 'mutation ($id: ID!) { deleteImage(input: { id: $id }) { __typename } }', { id });
  await ended(blue, task);
});

test('the staging area of a machine is no store for uploads, and has no name', async () => {
  const id = await newImage(blue);
  const { id: staging } = server.app.stores.staging;
  const data = await ask<{ createUpload: unknown }>(
    blue,
    `mutation ($input: CreateUploadInput!) { createUpload(input: $input) {
      ... on ValidationError { issues { path code } } } }`,
    { input: { imageId: id, store: staging } },
  );
  expect(data.createUpload).toEqual({ issues: [{ path: ['input', 'store'], code: 'UNKNOWN_STORE' }] });
  const answer = await server.http(`/v2/images/${id}/file`, {
    method: 'PUT',
    token: blue.token ?? '',
    headers: { 'content-type': 'application/octet-stream', 'x-image-meta-store': staging },
    body: 'bytes',
  });
  expect(answer.status).toBe(400);
});

test('wrong input is named at once', async () => {
  const id = await newImage(blue);
  const bare = await newImage(blue, { diskFormat: null });
  const method = webDownload();
  const cases: [object, object][] = [
    [{ id, method, stores: ['one'], allStores: true }, { __typename: 'ValidationError' }],
    [{ id, method, stores: [] }, { issues: [{ path: ['input', 'stores'], code: 'EMPTY' }] }],
    [{ id, method, stores: ['nowhere'] }, { issues: [{ code: 'UNKNOWN_STORE' }] }],
    [{ id, method: { staged: false } }, { issues: [{ code: 'NOT_TRUE' }] }],
    [{ id, method: { staged: true } }, { code: 'WRONG_STATUS' }],
    [{ id: bare, method }, { issues: [{ path: ['input', 'diskFormat'], code: 'REQUIRED' }] }],
    [{ id: 'nothing', method }, { __typename: 'NotFoundError' }],
    [
      { id, method: webDownload({ digest: { algorithm: 'sha1', value: 'aa' } }) },
      { issues: [{ code: 'BAD_DIGEST' }] },
    ],
  ];
  for (const [input, answer] of cases) expect(await importImage(blue, input)).toMatchObject(answer);
  expect(await imageOf(blue, id)).toMatchObject({ status: 'QUEUED', tasks: { totalCount: 0 } });
});

test('the tasks of images are paged in both directions, each image for itself', async () => {
  const ids = [await newImage(blue), await newImage(blue)];
  for (const [n, id] of ids.entries()) {
    await server.app.db.query(
      `insert into tasks (type, status, image_id, owner, queue, message, created_at)
       select 'api_image_import', 'failure', $1::uuid, 'blue', 'import', n::text,
         timestamptz '2026-01-01 00:00:00' + make_interval(secs => n / 2)
       from generate_series(1, $2::int) n`,
      [id, n === 0 ? 7 : 3],
    );
  }
  type Pages = {
    nodes: {
      tasks: {
        nodes: { message: string }[];
        totalCount: number;
        pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string };
      };
    }[];
  };
  const pages = async (args: string) => {
    const text = `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Image { tasks(${args}) {
      nodes { message } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }`;
    return (await ask<Pages>(blue, text, { ids })).nodes.map(({ tasks }) => tasks);
  };
  for (const [size, cursor, edge, hasMore] of [
    ['first', 'after', 'endCursor', 'hasNextPage'],
    ['last', 'before', 'startCursor', 'hasPreviousPage'],
  ] as const) {
    const all = (await pages('first: 100')).map(({ nodes }) => nodes.map(({ message }) => message));
    expect(all.map((list) => list.length)).toEqual([7, 3]);
    const seen: string[] = [];
    let place = '';
    for (let n = 0; n < 4; n++) {
      const [page, other] = await pages(`${size}: 2 ${place}`);
      if (!page) throw new Error('There is no page.');
      expect([page.totalCount, other?.totalCount]).toEqual([7, 3]);
      expect(page.pageInfo[hasMore]).toBe(n < 3);
      expect(page.pageInfo[hasMore === 'hasNextPage' ? 'hasPreviousPage' : 'hasNextPage']).toBe(n > 0);
      const messages = page.nodes.map(({ message }) => message);
      if (size === 'first') seen.push(...messages);
      else seen.unshift(...messages);
      place = `${cursor}: "${page.pageInfo[edge]}"`;
    }
    expect(seen).toEqual(all[0]);
  }
  const id = await newImage(blue);
  await server.app.db.query(
    `insert into tasks (type, status, image_id, owner, queue) values ('api_image_import', 'failure', $1::uuid, 'red', 'import')`,
    [id],
  );
  expect((await imageOf(blue, id)).tasks.totalCount).toBe(0);
  expect((await imageOf(admin, id)).tasks.totalCount).toBe(1);
});

test('tasks are seen by the project of the image and by admins, by nobody else', async () => {
  const id = await newImage(blue);
  const { task } = await importImage(blue, { id, method: webDownload() });
  await ended(blue, task);
  const red = { url: server.url, token: server.tokenOf('red') };
  expect(await findTask(red, task.id)).toBeNull();
  for (const key of [task.id, task.id.replace('Task:', '')]) {
    expect(await findTask(admin, key)).toMatchObject({ id: task.id });
  }
  for (const key of ['', 'Task:', 'Task:x', id]) expect(await findTask(admin, key)).toBeNull();
  await server.app.db.query("update images set visibility = 'public' where id = $1::uuid", [id]);
  expect((await imageOf(red, id)).tasks).toEqual({ totalCount: 0, nodes: [] });
  const node = await ask<{ node: { __typename: string } }>(
    blue,
    'query ($id: ID!) { node(id: $id) { __typename } }',
    {
      id: task.id,
    },
  );
  expect(node.node.__typename).toBe('Task');
});

test('an image that is deleted while it is imported takes everything with it', async () => {
  web.fail({ on: /slow/, how: 'hang' });
  const id = await newImage(blue);
  const { task } = await importImage(blue, { id, method: { webDownload: { url: url('/slow') } } });
  await until(async () => (await findTask(blue, task.id))?.status === 'PROCESSING');
  const clear =
    'mutation ($id: ID!) { updateImage(input: { id: $id, diskFormat: null }) { ... on Error { code } } }';
  expect(await ask(blue, clear, { id })).toEqual({ updateImage: { code: 'WRONG_STATUS' } });
  await ask(blue, 'mutation ($id: ID!) { deleteImage(input: { id: $id }) { __typename } }', { id });
  await until(async () => isOver(await findTask(blue, task.id)));
  expect(await findTask(blue, task.id)).toMatchObject({
    status: 'FAILURE',
    result: { failure: { code: 'GONE' } },
  });
  await reap(server.app, { list: true, graceSeconds: 0 });
  expect([...filesOf('one'), ...filesOf('two')].filter((name) => name.includes(id))).toEqual([]);
});

test('several imports of one image: exactly one begins', async () => {
  const id = await newImage(blue);
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => importImage(blue, { id, method: webDownload() })),
  );
  const kinds = answers.map(({ __typename }) => __typename).sort();
  expect(kinds).toEqual([...Array(5).fill('ConflictError'), 'ImportImagePayload']);
  await ended(blue, answers.find(({ task }) => task)?.task);
});

test('what the service takes, and what a store is for, can be asked', async () => {
  const text = '{ service { importMethods } stores { name description } viewer { can { copyImage } } }';
  expect(await ask(admin, text)).toEqual({
    service: { importMethods: ['STAGED', 'WEB_DOWNLOAD', 'COPY', 'GLANCE_DOWNLOAD'] },
    stores: [
      { name: 'one', description: 'Quick disks' },
      { name: 'two', description: null },
      { name: 'broken', description: null },
    ],
    viewer: { can: { copyImage: true } },
  });
});
