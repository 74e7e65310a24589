/** PATCH of images, in both media types, exchange by exchange. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AnImage, anImage } from '../support/an-image.ts';
import { type RestRequest, refusal, rest, v20, v21 } from '../support/rest.ts';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await aServer();
});
afterAll(() => server.stop());

const patch = (id: string, json: unknown, { headers, ...request }: RestRequest = {}) =>
  rest(server, `PATCH /v2/images/${id}`, { json, headers: { 'content-type': v21, ...headers }, ...request });
const image = (id: string) => rest(server, `GET /v2/images/${id}`).then(({ body }) => body);
const own = (rest: AnImage = {}) => anImage(server.app, { properties: { there: 'yes' }, ...rest });

test('operations are applied in order, all or none', async () => {
  const id = await own({
    status: 'queued',
    size: null,
    tags: ['old'],
    diskFormat: null,
    containerFormat: null,
  });
  const answer = await patch(id, [
    { op: 'replace', path: '/name', value: 'new' },
    { op: 'add', path: '/disk_format', value: 'raw' },
    { op: 'add', path: '/container_format', value: 'bare' },
    { op: 'replace', path: '/tags', value: ['b', 'a', 'a'] },
    { op: 'replace', path: '/min_ram', value: 64 },
    { op: 'replace', path: '/os_hidden', value: true },
    { op: 'add', path: '/a~1b~0c', value: '1' },
    { op: 'replace', path: '/a~1b~0c', value: '2' },
    { op: 'remove', path: '/there' },
    { op: 'add', path: '/there', value: 'again' },
    { op: 'add', path: '/__proto__', value: 'a name like another' },
  ]);
  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject({
    name: 'new',
    disk_format: 'raw',
    container_format: 'bare',
    tags: ['a', 'b'],
    min_ram: 64,
    os_hidden: true,
    'a/b~c': '2',
    there: 'again',
  });
  expect(Object.getOwnPropertyDescriptor(answer.body, '__proto__')?.value).toBe('a name like another');
  expect(await image(id)).toEqual(answer.body);

  const failed = await patch(id, [
    { op: 'replace', path: '/name', value: 'lost' },
    { op: 'remove', path: '/missing' },
  ]);
  expect(failed.status).toBe(409);
  expect(await image(id)).toEqual(answer.body);
});

test('an empty patch is 200 and changes nothing, and so does what stands there already', async () => {
  const id = await own({ tags: ['a', 'b'] });
  const before = await rest(server, `GET /v2/images/${id}`);
  for (const operations of [[], [{ op: 'replace', path: '/tags', value: ['b', 'a'] }]]) {
    const answer = await patch(id, operations);
    expect([answer.status, answer.body, answer.headers.etag]).toEqual([
      200,
      before.body,
      before.headers.etag,
    ]);
  }
});

test('the old media type has the operation as the name of the path', async () => {
  const id = await own();
  const headers = { 'content-type': v20 };
  const answer = await patch(
    id,
    [{ add: '/fresh', value: '1' }, { replace: '/name', value: 'old style' }, { remove: '/there' }],
    { headers },
  );
  expect(answer).toMatchObject({ status: 200, body: { fresh: '1', name: 'old style' } });
  expect(answer.body).not.toHaveProperty('there');
  for (const add of ['/fresh', '/name', '/tags']) {
    const value = add === '/tags' ? [] : 'x';
    expect(await patch(id, [{ add, value }], { headers })).toMatchObject({
      status: 409,
      body: refusal(409, 'Conflict'),
    });
  }
  for (const operation of [
    {},
    { add: '/x', remove: '/y', value: '1' },
    { op: 'add', path: '/x', value: '1' },
  ]) {
    expect((await patch(id, [operation], { headers })).status).toBe(400);
  }
});

test('a property that was renamed is moved, as python-jsonpatch writes it', async () => {
  const id = await own();
  const answer = await patch(id, [{ op: 'move', from: '/there', path: '/here' }]);
  expect(answer).toMatchObject({ status: 200, body: { here: 'yes' } });
  expect(answer.body).not.toHaveProperty('there');
  expect((await patch(id, [{ op: 'move', from: '/there', path: '/x' }])).status).toBe(409);
  expect((await patch(id, [{ op: 'move', from: '/name', path: '/x' }])).status).toBe(403);
});

test.each(['application/json', 'application/json-patch+json', 'text/plain', 'application/octet-stream'])(
  'the media type %s is refused with 415, and those that there are',
  async (type) => {
    const answer = await patch(await own(), [], { headers: { 'content-type': type } });
    expect(answer).toMatchObject({ status: 415, body: refusal(415, 'Unsupported Media Type') });
    expect(answer.headers['accept-patch']).toBe(`${v20}, ${v21}`);
  },
);

describe('400 for', () => {
  test.each<[string, unknown]>([
    ['no list', { op: 'add' }],
    ['a list of no objects', ['add']],
    ['a list of lists', [[]]],
    ['no op', [{ path: '/x', value: '1' }]],
    ['another op', [{ op: 'copy', from: '/there', path: '/x' }]],
    ['op test', [{ op: 'test', path: '/there', value: 'yes' }]],
    ['no path', [{ op: 'add', value: '1' }]],
    ['no value', [{ op: 'add', path: '/x' }]],
    ['a value of null', [{ op: 'add', path: '/x', value: null }]],
    ['a number as property', [{ op: 'add', path: '/x', value: 1 }]],
    ['a name that is a number', [{ op: 'replace', path: '/name', value: 1 }]],
    ['an unknown visibility', [{ op: 'replace', path: '/visibility', value: 'x' }]],
    ['a text as boolean', [{ op: 'replace', path: '/protected', value: 'false' }]],
    ['a negative number', [{ op: 'replace', path: '/min_disk', value: -1 }]],
    ['an unknown format', [{ op: 'replace', path: '/disk_format', value: 'x' }]],
    ['a text as tags', [{ op: 'replace', path: '/tags', value: 'x' }]],
    ['a long tag', [{ op: 'replace', path: '/tags', value: ['x'.repeat(256)] }]],
  ])('%s', async (_what, operations) => {
    expect(await patch(await own(), operations)).toMatchObject({
      status: 400,
      body: refusal(400, 'Bad Request'),
    });
  });

  test.each([
    '',
    '/',
    'name',
    '/name/',
    '//name',
    '/tags/0',
    '/tags/-',
    '/a/b/c/d',
    '/~2',
    '/a~',
    '/name//x',
  ])('the path %j', async (path) => {
    const id = await own();
    for (const op of ['add', 'replace', 'remove']) {
      expect((await patch(id, [{ op, path, value: 'x' }])).status).toBe(400);
    }
  });

  test('what is no JSON', async () => {
    const id = await own();
    for (const body of ['', '[', '[]x', '\ufeff[', new Uint8Array([0x5b, 0x22, 0xff, 0x22, 0x5d])]) {
      const answer = await rest(server, `PATCH /v2/images/${id}`, { headers: { 'content-type': v21 }, body });
      expect(answer.status).toBe(400);
    }
  });
});

describe('403 for', () => {
  test.each([
    ...['id', 'status', 'checksum', 'size', 'virtual_size', 'os_hash_algo', 'os_hash_value'],
    ...['created_at', 'updated_at', 'direct_url', 'self', 'file', 'schema', 'stores'],
    ...[
      'location',
      'locations',
      'locations/-',
      'deleted',
      'deleted_at',
      'os_glance_import_task',
      'os_glance',
    ],
  ])('%s', async (name) => {
    const id = await own();
    for (const op of ['add', 'replace', 'remove']) {
      expect(await patch(id, [{ op, path: `/${name}`, value: 'x' }])).toMatchObject({
        status: 403,
        body: refusal(403, 'Forbidden'),
      });
    }
  });

  test.each(['name', 'tags', 'visibility', 'protected', 'min_ram', 'owner', 'disk_format'])(
    'the removal of %s',
    async (name) => {
      expect((await patch(await own(), [{ op: 'remove', path: `/${name}` }])).status).toBe(403);
    },
  );

  test('another owner, and public, by who is no admin', async () => {
    const id = await own();
    const owner = [{ op: 'replace', path: '/owner', value: 'red' }];
    const open = [{ op: 'replace', path: '/visibility', value: 'public' }];
    expect((await patch(id, owner)).status).toBe(403);
    expect((await patch(id, open)).status).toBe(403);
    expect(await patch(id, [...open, ...owner], { as: 'admin' })).toMatchObject({
      status: 200,
      body: { owner: 'red', visibility: 'public' },
    });
  });

  test('formats once there is data, but not those that stand there', async () => {
    const id = await own({ diskFormat: 'raw', containerFormat: 'bare' });
    const to = (value: string) => [{ op: 'replace', path: '/disk_format', value }];
    expect(await patch(id, to('qcow2'))).toMatchObject({ status: 403, body: refusal(403, 'Forbidden') });
    expect((await patch(id, to('raw'))).status).toBe(200);
  });

  test('images of others that are seen; those that are not are missing', async () => {
    const rename = [{ op: 'replace', path: '/name', value: 'mine' }];
    expect((await patch(await own({ visibility: 'public' }), rename, { as: 'red' })).status).toBe(403);
    expect((await patch(await own({ visibility: 'private' }), rename, { as: 'red' })).status).toBe(404);
    expect((await patch(randomUUID(), rename)).status).toBe(404);
    expect((await patch('x', rename)).status).toBe(404);
    expect((await patch(await own(), rename, { role: 'reader' })).status).toBe(403);
  });
});

test('409 for a custom property that is not there', async () => {
  const id = await own();
  for (const operation of [
    { op: 'replace', path: '/missing', value: 'x' },
    { op: 'remove', path: '/missing' },
    { op: 'remove', path: '/constructor' },
  ]) {
    expect(await patch(id, [operation])).toMatchObject({ status: 409, body: refusal(409, 'Conflict') });
  }
});

test('413 for too many tags and properties', async () => {
  const names = Array.from({ length: 129 }, (_, n) => `x${n}`);
  const id = await own();
  const tags = await patch(id, [{ op: 'replace', path: '/tags', value: names }]);
  expect(tags).toMatchObject({ status: 413, body: refusal(413, 'Request Entity Too Large') });
  const properties = names.map((name) => ({ op: 'add', path: `/${name}`, value: '1' }));
  expect((await patch(id, properties)).status).toBe(413);
});

test('ten thousand operations are one change', async () => {
  const id = await own();
  const operations = Array.from({ length: 10_000 }, (_, n) => ({ op: 'add', path: '/n', value: String(n) }));
  expect(await patch(id, operations)).toMatchObject({ status: 200, body: { n: '9999' } });
});

test('with If-Match only the image that the client knows is changed', async () => {
  const id = await own();
  const { etag = '' } = (await rest(server, `GET /v2/images/${id}`)).headers;
  const rename = (value: string) => [{ op: 'replace', path: '/name', value }];
  const headers = { 'if-match': `"1-aaaaaaaaaaaaaaaa", ${etag}` };
  const first = await patch(id, rename('first'), { headers: { 'if-match': etag } });
  expect(first.status).toBe(200);
  expect(first.headers.etag).not.toBe(etag);
  for (const stale of [etag, '"x"', 'W/"1"', '']) {
    expect(await patch(id, rename('second'), { headers: { 'if-match': stale } })).toMatchObject({
      status: 412,
      body: refusal(412, 'Precondition Failed'),
    });
  }
  expect(await image(id)).toMatchObject({ name: 'first' });
  expect((await patch(id, rename('third'), { headers: { 'if-match': '*' } })).status).toBe(200);
  expect((await patch(id, rename('fourth'), { headers })).status).toBe(412);
});

test('an id is taken in any case, as everywhere', async () => {
  const id = await own();
  const answer = await patch(id.toUpperCase(), [{ op: 'replace', path: '/name', value: 'x' }]);
  expect(answer).toMatchObject({ status: 200, body: { id, name: 'x' } });
  expect((await rest(server, `PUT /v2/images/${id.toUpperCase()}/tags/t`)).status).toBe(204);
});

test('many who change different properties at once all have their way', async () => {
  const id = await own();
  const names = Array.from({ length: 12 }, (_, n) => `p${n}`);
  const answers = await Promise.all(
    names.map((name) => patch(id, [{ op: 'add', path: `/${name}`, value: name }])),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  const body = await image(id);
  for (const name of names) expect(body[name]).toBe(name);
});
