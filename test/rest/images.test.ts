/** POST, GET, HEAD and DELETE of images, their actions and tags, exchange by exchange. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anImage } from '../support/an-image.ts';
import { anId, aTime, refusal, rest } from '../support/rest.ts';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await aServer();
});
afterAll(() => server.stop());

const create = (json: unknown, as?: string) => rest(server, 'POST /v2/images', { json, as });

describe('POST /v2/images', () => {
  test('registers an image with all its defaults', async () => {
    const answer = await create({});
    const { id } = answer.body;
    expect(answer).toEqual({
      status: 201,
      headers: expect.objectContaining({
        'content-type': expect.stringMatching(/^application\/json/),
        location: `${server.url}/v2/images/${id}`,
        'openstack-image-import-methods': 'glance-direct,web-download,copy-image',
        'openstack-image-store-ids': 'file',
        'x-openstack-request-id': expect.stringMatching(/^req-/),
      }),
      body: {
        id: anId,
        name: null,
        status: 'queued',
        visibility: 'shared',
        protected: false,
        os_hidden: false,
        owner: 'blue',
        checksum: null,
        os_hash_algo: null,
        os_hash_value: null,
        size: null,
        virtual_size: null,
        container_format: null,
        disk_format: null,
        min_ram: 0,
        min_disk: 0,
        tags: [],
        created_at: aTime,
        updated_at: aTime,
        self: `/v2/images/${id}`,
        file: `/v2/images/${id}/file`,
        schema: '/v2/schemas/image',
      },
    });
  });

  test('takes every field that clients may set, and any custom property, flat', async () => {
    const id = randomUUID().toUpperCase();
    const given = {
      name: 'image 🐘',
      visibility: 'private',
      protected: true,
      os_hidden: true,
      owner: 'blue',
      container_format: 'bare',
      disk_format: 'qcow2',
      min_ram: 512,
      min_disk: 10,
      os_distro: 'debian',
      'trait:HW_CPU_X86_VMX': 'required',
      bdm_v2: 'True',
      digests: 'a property like another',
    };
    const { status, body } = await create({ ...given, id, tags: ['b', 'a', 'b'] });
    expect(status).toBe(201);
    expect(body).toMatchObject({ ...given, id: id.toLowerCase(), tags: ['a', 'b'] });
  });

  test('takes null where a field may be without a value', async () => {
    const { status, body } = await create({
      name: null,
      owner: null,
      disk_format: null,
      container_format: null,
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ name: null, owner: 'blue', disk_format: null, container_format: null });
  });

  test('lets an admin make images of others, and public ones', async () => {
    const { status, body } = await create({ owner: 'red', visibility: 'public' }, 'admin');
    expect([status, body.owner, body.visibility]).toEqual([201, 'red', 'public']);
  });

  test.each<[string, unknown]>([
    ['no object', []],
    ['a text', 'x'],
    ['a number as name', { name: 5 }],
    ['a long name', { name: 'x'.repeat(256) }],
    ['half a surrogate pair', { name: '\ud800' }],
    ['a NUL', { name: 'a\0b' }],
    ['an unknown visibility', { visibility: 'secret' }],
    ['a text as boolean', { protected: 'true' }],
    ['an unknown format', { disk_format: 'floppy' }],
    ['an unknown container', { container_format: 'box' }],
    ['a text as number', { min_disk: '1' }],
    ['a negative number', { min_ram: -1 }],
    ['a fraction', { min_ram: 1.5 }],
    ['a number that is too large', { min_disk: 2 ** 31 }],
    ['a text as tags', { tags: 'x' }],
    ['a long tag', { tags: ['x'.repeat(256)] }],
    ['an empty tag', { tags: [''] }],
    ['a custom property that is a number', { os_version: 12 }],
    ['a custom property that is null', { os_version: null }],
    ['a custom property that is an object', { os_version: {} }],
    ['a custom property without a name', { '': 'x' }],
    ['a long name of a custom property', { ['x'.repeat(256)]: 'x' }],
    ['a large value', { a: 'x'.repeat(65 * 1024) }],
    ['an id that is none', { id: 'x' }],
    ['an id in braces', { id: `{${randomUUID()}}` }],
  ])('refuses %s with 400', async (_what, json) => {
    expect(await create(json)).toMatchObject({ status: 400, body: refusal(400, 'Bad Request') });
  });

  test('refuses a number that JSON can write and nobody can hold', async () => {
    const headers = { 'content-type': 'application/json' };
    for (const number of ['1e400', '-1e400']) {
      const answer = await rest(server, 'POST /v2/images', { headers, body: `{"min_disk": ${number}}` });
      expect(answer.status).toBe(400);
    }
  });

  test.each([
    ...[
      'status',
      'checksum',
      'size',
      'virtual_size',
      'os_hash_algo',
      'os_hash_value',
      'created_at',
      'updated_at',
    ],
    ...['direct_url', 'self', 'file', 'schema', 'stores'],
    ...['location', 'locations', 'deleted', 'deleted_at', 'os_glance_importing_to_stores', 'os_glance'],
  ])('forbids to set %s', async (name) => {
    expect(await create({ [name]: 'x' })).toMatchObject({ status: 403, body: refusal(403, 'Forbidden') });
  });

  test('forbids images of other projects and public ones', async () => {
    expect((await create({ owner: 'red' })).status).toBe(403);
    expect((await create({ visibility: 'public' })).status).toBe(403);
    expect((await rest(server, 'POST /v2/images', { json: {}, role: 'reader' })).status).toBe(403);
  });

  test('refuses an id that is or was in use with 409', async () => {
    const { body } = await create({});
    const again = await create({ id: body.id }, 'red');
    expect(again).toMatchObject({ status: 409, body: refusal(409, 'Conflict') });
    await rest(server, `DELETE /v2/images/${body.id}`);
    expect((await create({ id: body.id })).status).toBe(409);
  });

  test('refuses too many tags and properties with 413', async () => {
    const names = Array.from({ length: 129 }, (_, n) => `x${n}`);
    expect(await create({ tags: names })).toMatchObject({
      status: 413,
      body: refusal(413, 'Request Entity Too Large'),
    });
    expect((await create(Object.fromEntries(names.map((name) => [name, '1'])))).status).toBe(413);
  });
});

describe('GET /v2/images/{id}', () => {
  test('shows an image with its data: digests, sizes, stores', async () => {
    const id = await anImage(server.app, {
      status: 'queued',
      size: null,
      diskFormat: 'raw',
      containerFormat: 'bare',
    });
    const put = await rest(server, `PUT /v2/images/${id}/file`, {
      headers: { 'content-type': 'application/octet-stream' },
      body: 'bytes',
    });
    expect(put).toMatchObject({ status: 204, body: '' });
    const { status, body, headers } = await rest(server, `GET /v2/images/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'active',
      size: 5,
      checksum: '4b3a6218bb3e3a7303e8a171a60fcf92',
      os_hash_algo: 'sha512',
      os_hash_value: expect.stringMatching(/^[0-9a-f]{128}$/),
      stores: 'file',
    });
    expect(headers.etag).toMatch(/^"/);
    // In any case, as Glance.
    expect((await rest(server, `GET /v2/images/${id.toUpperCase()}`)).body).toEqual(body);
  });

  test('a client that has it already gets 304', async () => {
    const id = await anImage(server.app);
    const { headers } = await rest(server, `GET /v2/images/${id}`);
    const known = { 'if-none-match': headers.etag ?? '' };
    expect(await rest(server, `GET /v2/images/${id}`, { headers: known })).toMatchObject({
      status: 304,
      body: '',
    });
    await rest(server, `PUT /v2/images/${id}/tags/new`);
    expect((await rest(server, `GET /v2/images/${id}`, { headers: known })).status).toBe(200);
  });

  test('HEAD says the same without the body', async () => {
    const id = await anImage(server.app);
    const got = await rest(server, `GET /v2/images/${id}`);
    const head = await rest(server, `HEAD /v2/images/${id}`);
    expect([head.status, head.body]).toEqual([200, '']);
    for (const name of ['etag', 'content-length', 'content-type'])
      expect(head.headers[name]).toBe(got.headers[name]);
    expect((await rest(server, `HEAD /v2/images/${randomUUID()}`)).status).toBe(404);
  });

  test.each(['image_of_others', 'x', randomUUID(), '%F0%9F%90%98'])('finds nothing at %s', async (id) => {
    const answer = await rest(server, `GET /v2/images/${id}`);
    expect(answer).toMatchObject({ status: 404, body: refusal(404, 'Not Found') });
  });

  test('what is not to be seen is missing, to the last letter but its id', async () => {
    const hidden = await anImage(server.app, { owner: 'red', visibility: 'private' });
    const missing = randomUUID();
    const text = async (id: string) =>
      JSON.stringify((await rest(server, `GET /v2/images/${id}`)).body).replaceAll(id, 'ID');
    expect(await text(hidden)).toBe(await text(missing));
  });

  test('who ask at the same time get each what they may see', async () => {
    const [own, theirs] = [
      await anImage(server.app, { visibility: 'private' }),
      await anImage(server.app, { owner: 'red', visibility: 'shared', members: { green: 'pending' } }),
    ];
    const seen = { blue: [own], red: [theirs], green: [theirs], admin: [own, theirs] };
    const asked = Object.keys(seen).flatMap((as) =>
      [own, theirs].map((id) => ({ as: as as keyof typeof seen, id })),
    );
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => asked)
        .flat()
        .map(async ({ as, id }) => ({ as, id, answer: await rest(server, `GET /v2/images/${id}`, { as }) })),
    );
    for (const { as, id, answer } of answers) {
      const isSeen = seen[as].includes(id);
      expect([as, answer.status, answer.body.id]).toEqual([as, isSeen ? 200 : 404, isSeen ? id : undefined]);
    }
  });

  test('a body is refused', async () => {
    const id = await anImage(server.app);
    const headers = { 'content-type': 'application/json' };
    for (const call of [`DELETE /v2/images/${id}`, `POST /v2/images/${id}/actions/deactivate`] as const) {
      expect((await rest(server, call, { headers, body: '{}' })).status).toBe(400);
    }
  });

  test('a content type without a body says nothing', async () => {
    const id = await anImage(server.app);
    const headers = { 'content-type': 'application/octet-stream' };
    expect((await rest(server, `GET /v2/images/${id}`, { headers })).status).toBe(200);
    expect((await rest(server, `POST /v2/images/${id}/actions/deactivate`, { headers })).status).toBe(204);
    expect((await rest(server, `DELETE /v2/images/${id}`, { headers })).status).toBe(204);
  });
});

describe('DELETE /v2/images/{id}', () => {
  test('takes an image away for ever', async () => {
    const id = await anImage(server.app);
    expect(await rest(server, `DELETE /v2/images/${id}`)).toMatchObject({ status: 204, body: '' });
    for (const call of [
      `GET /v2/images/${id}`,
      `DELETE /v2/images/${id}`,
      `GET /v2/images/${id}/file`,
    ] as const) {
      expect(await rest(server, call)).toMatchObject({ status: 404, body: refusal(404, 'Not Found') });
    }
  });

  test('forbids protected images and those of others', async () => {
    const id = await anImage(server.app, { protected: true });
    expect(await rest(server, `DELETE /v2/images/${id}`)).toMatchObject({
      status: 403,
      body: refusal(403, 'Forbidden'),
    });
    const open = await anImage(server.app, { visibility: 'public' });
    expect((await rest(server, `DELETE /v2/images/${open}`, { as: 'red' })).status).toBe(403);
    const closed = await anImage(server.app, { visibility: 'private' });
    expect((await rest(server, `DELETE /v2/images/${closed}`, { as: 'red' })).status).toBe(404);
  });

  test('with If-Match only the image that the client knows', async () => {
    const id = await anImage(server.app);
    const { etag = '' } = (await rest(server, `GET /v2/images/${id}`)).headers;
    await rest(server, `PUT /v2/images/${id}/tags/new`);
    const headers = { 'if-match': etag };
    expect(await rest(server, `DELETE /v2/images/${id}`, { headers })).toMatchObject({
      status: 412,
      body: refusal(412, 'Precondition Failed'),
    });
    expect((await rest(server, `DELETE /v2/images/${id}`, { headers: { 'if-match': '*' } })).status).toBe(
      204,
    );
  });
});

describe('actions', () => {
  test('deactivate and reactivate, as often as one likes', async () => {
    const id = await anImage(server.app);
    for (const [action, status] of [
      ['deactivate', 'deactivated'],
      ['deactivate', 'deactivated'],
      ['reactivate', 'active'],
      ['reactivate', 'active'],
    ] as const) {
      expect(await rest(server, `POST /v2/images/${id}/actions/${action}`)).toMatchObject({
        status: 204,
        body: '',
      });
      expect((await rest(server, `GET /v2/images/${id}`)).body.status).toBe(status);
    }
  });

  test('are forbidden where there is no data, to others, and find nothing where nothing is', async () => {
    const id = await anImage(server.app, { status: 'queued', size: null });
    for (const action of ['deactivate', 'reactivate']) {
      const call = (image: string, as = 'blue') =>
        rest(server, `POST /v2/images/${image}/actions/${action}`, { as });
      expect(await call(id)).toMatchObject({ status: 403, body: refusal(403, 'Forbidden') });
      expect((await call(await anImage(server.app, { visibility: 'public' }), 'red')).status).toBe(403);
      expect((await call(id, 'red')).status).toBe(404);
      expect((await call(randomUUID())).status).toBe(404);
    }
  });

  test('a deactivated image is not downloaded, but by an admin', async () => {
    const id = await anImage(server.app, { status: 'deactivated' });
    expect((await rest(server, `GET /v2/images/${id}/file`)).status).toBe(403);
  });
});

describe('tags', () => {
  const tagsOf = async (id: string) => (await rest(server, `GET /v2/images/${id}`)).body.tags;

  test('a tag is added, however often, and taken away once', async () => {
    const id = await anImage(server.app, { tags: ['b'] });
    const path = `/v2/images/${id}/tags/a%20%F0%9F%90%98`;
    for (let n = 0; n < 2; n++) {
      expect(await rest(server, `PUT ${path}` as 'PUT /')).toMatchObject({ status: 204, body: '' });
      expect(await tagsOf(id)).toEqual(['a 🐘', 'b']);
    }
    expect(await rest(server, `DELETE ${path}` as 'DELETE /')).toMatchObject({ status: 204, body: '' });
    expect(await tagsOf(id)).toEqual(['b']);
    const again = await rest(server, `DELETE ${path}` as 'DELETE /');
    expect(again).toMatchObject({ status: 404, body: refusal(404, 'Not Found') });
  });

  test('a tag has up to 255 characters', async () => {
    const id = await anImage(server.app);
    expect((await rest(server, `PUT /v2/images/${id}/tags/${'x'.repeat(255)}`)).status).toBe(204);
    expect(await rest(server, `PUT /v2/images/${id}/tags/${'x'.repeat(256)}`)).toMatchObject({
      status: 400,
      body: refusal(400, 'Bad Request'),
    });
    expect((await rest(server, `PUT /v2/images/${id}/tags/a%00b`)).status).toBe(400);
  });

  test('an image has up to 128 tags', async () => {
    const tags = Array.from({ length: 128 }, (_, n) => `t${n}`);
    const id = await anImage(server.app, { tags: tags.sort() });
    expect(await rest(server, `PUT /v2/images/${id}/tags/one-more`)).toMatchObject({
      status: 413,
      body: refusal(413, 'Request Entity Too Large'),
    });
    expect((await rest(server, `PUT /v2/images/${id}/tags/t0`)).status).toBe(204);
  });

  test('tags are for who may change the image', async () => {
    const open = await anImage(server.app, { visibility: 'public', tags: ['a'] });
    const closed = await anImage(server.app, { visibility: 'private', tags: ['a'] });
    for (const method of ['PUT', 'DELETE']) {
      const call = (id: string) => rest(server, `${method} /v2/images/${id}/tags/a`, { as: 'red' });
      expect((await call(open)).status).toBe(403);
      expect((await call(closed)).status).toBe(404);
      expect((await call(randomUUID())).status).toBe(404);
    }
  });
});
