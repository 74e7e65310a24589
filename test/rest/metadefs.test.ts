/** Metadata definitions below /v2/metadefs, exchange by exchange. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aTime, type RestRequest, refusal, rest } from '../support/rest.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { only } from '../support/size.ts';

const long = only({ from: 'ci' });

let server: TestServer;
beforeAll(async () => {
  server = await aServer();
});
afterAll(async () => {
  expect(server.logged.filter((line) => JSON.parse(line).level >= 50)).toEqual([]);
  await server.stop();
});

const root = '/v2/metadefs/namespaces';
const admin = (call: `${string} /${string}`, json?: unknown, more: RestRequest = {}) =>
  rest(server, call, { json, as: 'admin', ...more });

/** The path of a new namespace. */
async function aNamespace(fields: object = {}): Promise<`/${string}`> {
  const namespace = `NS::${randomUUID()}`;
  const { status } = await admin(`POST ${root}`, { namespace, visibility: 'public', ...fields });
  expect(status).toBe(201);
  return `${root}/${namespace}`;
}

const whole = {
  display_name: 'A namespace',
  description: 'With all there can be',
  visibility: 'public',
  protected: false,
  owner: 'blue',
  resource_type_associations: [
    { name: 'OS::Glance::Image', prefix: 'hw_' },
    { name: 'OS::Nova::Flavor', prefix: 'hw:' },
  ],
  properties: {
    cores: { title: 'Cores', description: 'How many', type: 'integer', minimum: 1, maximum: 64, default: 1 },
    mode: { title: 'Mode', type: 'string', enum: ['a', 'b'], operators: ['<or>'], readonly: true },
    list: {
      title: 'List',
      type: 'array',
      items: { type: 'string', enum: ['x'] },
      minItems: 1,
      uniqueItems: true,
    },
  },
  objects: [
    {
      name: 'CPU',
      description: 'A processor',
      required: ['threads'],
      properties: { threads: { title: 'Threads', type: 'integer' } },
    },
  ],
  tags: [{ name: 'one' }, { name: 'two' }],
};

describe('namespaces', () => {
  test('are made with all that is in them, and shown so', async () => {
    const namespace = `NS::${randomUUID()}`;
    const made = await admin(`POST ${root}`, { namespace, ...whole });
    const path = `${root}/${encodeURIComponent(namespace)}` as const;
    const times = { created_at: aTime, updated_at: aTime };
    expect(made).toMatchObject({ status: 201, headers: { location: server.url + path } });
    expect(made.body).toEqual({
      ...whole,
      namespace,
      ...times,
      resource_type_associations: whole.resource_type_associations.map((one) => ({ ...one, ...times })),
      objects: [
        { ...whole.objects[0], ...times, self: `${path}/objects/CPU`, schema: '/v2/schemas/metadefs/object' },
      ],
      self: path,
      schema: '/v2/schemas/metadefs/namespace',
    });
    expect((await rest(server, `GET ${path}`)).body).toEqual(made.body);
  });

  test('are shown as a resource has them, with the prefix of its type', async () => {
    const path = await aNamespace(whole);
    const { body } = await rest(server, `GET ${path}?resource_type=OS::Glance::Image`);
    expect(Object.keys(body.properties).sort()).toEqual(['hw_cores', 'hw_list', 'hw_mode']);
    expect(body.objects[0]).toMatchObject({
      required: ['hw_threads'],
      properties: { hw_threads: { type: 'integer' } },
    });
    const other = await rest(server, `GET ${path}?resource_type=OS::Cinder::Volume`);
    expect(Object.keys(other.body.properties)).toContain('cores');
  });

  test('have defaults, and what has no value is not there', async () => {
    const namespace = `NS::${randomUUID()}`;
    expect((await admin(`POST ${root}`, { namespace })).body).toEqual({
      namespace,
      visibility: 'private',
      protected: false,
      owner: 'admin',
      created_at: aTime,
      updated_at: aTime,
      self: `${root}/${encodeURIComponent(namespace)}`,
      schema: '/v2/schemas/metadefs/namespace',
    });
  });

  test('are said anew by PUT, and keep what is in them', async () => {
    const path = await aNamespace(whole);
    const renamed = `NS::${randomUUID()}`;
    const changed = await admin(`PUT ${path}`, {
      ...whole,
      namespace: renamed,
      display_name: 'Other',
      tags: [],
    });
    expect(changed).toMatchObject({
      status: 200,
      body: { namespace: renamed, display_name: 'Other', owner: 'blue' },
    });
    expect((await admin(`GET ${path}`)).status).toBe(404);
    const bare = await admin(`PUT ${root}/${renamed}`, { namespace: renamed });
    expect(bare.body).toMatchObject({ visibility: 'private', protected: false, owner: 'blue' });
    expect(bare.body.display_name).toBeUndefined();
    const { body } = await admin(`GET ${root}/${renamed}`);
    expect([Object.keys(body.properties).length, body.objects.length, body.tags.length]).toEqual([3, 1, 2]);
  });

  test('are listed in pages, by name and time, by visibility and resource type', async () => {
    const type = `Type::${randomUUID()}`;
    const names: string[] = [];
    for (const visibility of ['public', 'private', 'public']) {
      const path = await aNamespace({
        visibility,
        resource_type_associations: [{ name: type, prefix: 'p_' }],
      });
      names.push(path.slice(root.length + 1));
    }
    const of = `resource_types=${encodeURIComponent(type)},x`;
    const list = async (query: string, as = 'admin') =>
      (await rest(server, `GET ${root}?${of}&${query}`, { as })).body.namespaces.map(
        (one: { namespace: string }) => one.namespace,
      );
    expect(await list('')).toEqual(names.toReversed());
    expect(await list('sort_key=namespace&sort_dir=asc')).toEqual(names.toSorted());
    expect(await list('visibility=private')).toEqual([names[1]]);
    expect(await list('', 'red')).toEqual([names[2], names[0]]);
    expect(await list(`marker=${names[1]}`)).toEqual([names[0]]);
    expect(await list('limit=0')).toEqual([]);

    const first = (await admin(`GET ${root}?${of}&limit=2`)).body;
    expect(first).toMatchObject({
      first: expect.stringMatching(/^\/v2\/metadefs\/namespaces\?/),
      schema: '/v2/schemas/metadefs/namespaces',
      namespaces: [{ resource_type_associations: [{ name: type, prefix: 'p_' }] }, {}],
    });
    const second = (await admin(`GET ${first.next as '/'}`)).body;
    expect(second.namespaces.map((one: { namespace: string }) => one.namespace)).toEqual([names[0]]);
    expect(second.next).toBeUndefined();
  });

  test('those that come with the service are for everybody to read', async () => {
    const { body } = await rest(server, `GET ${root}?limit=1000&resource_types=OS::Glance::Image`);
    const names = body.namespaces.map((one: { namespace: string }) => one.namespace);
    expect(names).toEqual(expect.arrayContaining(['OS::Compute::Watchdog', 'OS::OperatingSystem']));
    const shown = await rest(server, `GET ${root}/OS::Compute::Watchdog?resource_type=OS::Glance::Image`);
    expect(Object.keys(shown.body.properties)).toEqual(['hw_watchdog_action']);
  });

  test.each(['limit=-1', 'limit=x', 'visibility=shared', 'sort_key=owner', 'sort_dir=up'])(
    'are not listed with %s',
    async (query) => {
      expect((await admin(`GET ${root}?${query}`)).status).toBe(400);
    },
  );

  test('a marker that is not there is 404', async () => {
    expect((await admin(`GET ${root}?marker=none`)).status).toBe(404);
  });

  test.each<[string, unknown]>([
    ['no name', {}],
    ['a list', []],
    ['an empty name', { namespace: '' }],
    ['a long name', { namespace: 'x'.repeat(81) }],
    ['a long description', { namespace: 'x', description: 'x'.repeat(501) }],
    ['an unknown visibility', { namespace: 'x', visibility: 'shared' }],
    ['a text as boolean', { namespace: 'x', protected: 'yes' }],
    ['an unknown key', { namespace: 'x', colour: 'blue' }],
    ['a property without a type', { namespace: 'x', properties: { a: { title: 'A' } } }],
    ['a property without a title', { namespace: 'x', properties: { a: { type: 'string' } } }],
    ['an unknown type', { namespace: 'x', properties: { a: { title: 'A', type: 'date' } } }],
    [
      'an object that requires what it has not',
      { namespace: 'x', objects: [{ name: 'o', required: ['a'] }] },
    ],
    ['a tag given twice', { namespace: 'x', tags: [{ name: 'a' }, { name: 'a' }] }],
  ])('refuse %s with 400', async (_what, json) => {
    const answer = await admin(`POST ${root}`, json);
    expect(answer).toMatchObject({ status: 400, body: refusal(400, 'Bad Request') });
  });

  test.each(['self', 'schema', 'created_at', 'updated_at'])('do not take %s', async (name) => {
    const path = await aNamespace();
    const namespace = path.slice(root.length + 1);
    for (const call of [`POST ${root}`, `PUT ${path}`] as const) {
      expect((await admin(call, { namespace, [name]: 'x' })).status).toBe(403);
    }
  });

  test('are a conflict by a name that is taken', async () => {
    const [one, two] = [await aNamespace(), await aNamespace()];
    const namespace = one.slice(root.length + 1);
    expect((await admin(`POST ${root}`, { namespace })).status).toBe(409);
    expect((await admin(`PUT ${two}`, { namespace })).status).toBe(409);
  });
});

describe.skipIf(long.skip)(`who may${long.why}`, () => {
  const bodies: [string, unknown][] = [
    ['PUT ', { namespace: 'x' }],
    ['DELETE ', undefined],
    ['POST /properties', { name: 'p', title: 'P', type: 'string' }],
    ['PUT /properties/cores', { name: 'p', title: 'P', type: 'string' }],
    ['DELETE /properties/cores', undefined],
    ['DELETE /properties', undefined],
    ['POST /objects', { name: 'o' }],
    ['PUT /objects/CPU', { name: 'o' }],
    ['DELETE /objects/CPU', undefined],
    ['DELETE /objects', undefined],
    ['POST /tags', { tags: [{ name: 't' }] }],
    ['POST /tags/t', undefined],
    ['PUT /tags/one', { name: 't' }],
    ['DELETE /tags/one', undefined],
    ['DELETE /tags', undefined],
    ['POST /resource_types', { name: 'R' }],
    ['DELETE /resource_types/OS::Nova::Flavor', undefined],
  ];
  const callAt = (path: string, call: string) => call.replace(' ', ` ${path}`) as `${string} /${string}`;

  test('only an admin writes, and to others what is private is not there', async () => {
    const shown = await aNamespace(whole);
    const hidden = await aNamespace({ ...whole, visibility: 'private', owner: 'green' });
    expect((await rest(server, `POST ${root}`, { json: { namespace: 'x' } })).status).toBe(403);
    for (const [call, json] of bodies) {
      expect((await rest(server, callAt(shown, call), { json })).status, call).toBe(403);
      expect((await rest(server, callAt(hidden, call), { json })).status, call).toBe(404);
    }
    for (const below of [
      '',
      '/properties',
      '/properties/cores',
      '/objects',
      '/objects/CPU',
      '/tags',
      '/tags/one',
      '/resource_types',
    ]) {
      expect((await rest(server, `GET ${shown}${below}`)).status, below).toBe(200);
      expect((await rest(server, `GET ${hidden}${below}`)).status, below).toBe(404);
      expect((await rest(server, `GET ${hidden}${below}`, { as: 'green' })).status, below).toBe(200);
    }
  });

  test('nothing goes from a namespace that is protected', async () => {
    const path = await aNamespace({ ...whole, protected: true });
    const removals = bodies.filter(([call]) => call.startsWith('DELETE'));
    for (const [call] of removals) {
      expect((await admin(callAt(path, call))).status, call).toBe(403);
    }
    await admin(`PUT ${path}`, { namespace: path.slice(root.length + 1), visibility: 'public' });
    for (const [call] of [...removals.slice(1), ...removals.slice(0, 1)]) {
      expect((await admin(callAt(path, call))).status, call).toBe(204);
    }
    expect((await admin(`GET ${path}`)).status).toBe(404);
  });
});

describe.skipIf(long.skip)(`properties${long.why}`, () => {
  const given = { name: 'size', title: 'Size', type: 'integer', minimum: 0, required: true };

  test('are added, shown, said anew and removed', async () => {
    const path = await aNamespace(whole);
    const added = await admin(`POST ${path}/properties`, given);
    expect(added).toMatchObject({ status: 201, body: given });
    expect(added.headers.location).toMatch(/\/properties\/size$/);
    expect(added.body).toEqual(given);
    expect((await admin(`POST ${path}/properties`, given)).status).toBe(409);
    expect((await admin(`GET ${path}/properties/size`)).body).toEqual(given);
    const changed = { name: 'volume', title: 'Volume', type: 'string', maxLength: 5 };
    expect(await admin(`PUT ${path}/properties/size`, changed)).toMatchObject({ status: 200, body: changed });
    const { body } = await admin(`GET ${path}/properties`);
    expect(Object.keys(body.properties).sort()).toEqual(['cores', 'list', 'mode', 'volume']);
    expect((await admin(`DELETE ${path}/properties/volume`)).status).toBe(204);
    for (const method of ['GET', 'DELETE'] as const) {
      expect((await admin(`${method} ${path}/properties/volume`)).status).toBe(404);
    }
    expect((await admin(`PUT ${path}/properties/volume`, changed)).status).toBe(404);
    expect((await admin(`DELETE ${path}/properties`)).status).toBe(204);
    expect((await admin(`GET ${path}/properties`)).body).toEqual({ properties: {} });
  });

  test('are found by their names on a type of resources', async () => {
    const path = await aNamespace(whole);
    const show = (name: string, type: string) =>
      admin(`GET ${path}/properties/${name}?resource_type=${type}`);
    expect((await show('hw_cores', 'OS::Glance::Image')).body).toMatchObject({
      name: 'cores',
      title: 'Cores',
    });
    expect((await show('cores', 'OS::Glance::Image')).status).toBe(404);
    expect((await show('cores', 'OS::Cinder::Volume')).status).toBe(404);
  });

  test.each<[string, object]>([
    ['no name', { title: 'A', type: 'string' }],
    ['no title', { name: 'a', type: 'string' }],
    ['no type', { name: 'a', title: 'A' }],
    ['a text as minimum', { name: 'a', title: 'A', type: 'integer', minimum: '1' }],
    ['an unknown key', { name: 'a', title: 'A', type: 'string', colour: 'blue' }],
    ['a pattern that is none', { name: 'a', title: 'A', type: 'string', pattern: '(' }],
  ])('refuse %s with 400', async (_what, json) => {
    expect((await admin(`POST ${await aNamespace()}/properties`, json)).status).toBe(400);
  });
});

describe.skipIf(long.skip)(`objects${long.why}`, () => {
  const given = {
    name: 'disk',
    description: 'A disk',
    properties: { bus: { title: 'Bus', type: 'string' } },
  };

  test('are added, shown, said anew and removed', async () => {
    const path = await aNamespace(whole);
    const added = await admin(`POST ${path}/objects`, given);
    expect(added.status).toBe(201);
    const shown = { ...given, created_at: aTime, updated_at: aTime, schema: '/v2/schemas/metadefs/object' };
    expect(added.body).toEqual({ ...shown, self: expect.stringMatching(/^\/v2.*\/objects\/disk$/) });
    expect((await admin(`POST ${path}/objects`, given)).status).toBe(409);
    expect((await admin(`GET ${path}/objects/disk`)).body).toEqual(added.body);
    const list = (await admin(`GET ${path}/objects?sort_key=name&sort_dir=asc`)).body;
    expect(list).toMatchObject({
      objects: [{ name: 'CPU', required: ['threads'] }, { name: 'disk' }],
      schema: '/v2/schemas/metadefs/objects',
    });
    const page = (await admin(`GET ${path}/objects?limit=1&sort_key=name&sort_dir=asc`)).body;
    expect((await admin(`GET ${page.next as '/'}`)).body.objects).toMatchObject([{ name: 'disk' }]);
    const changed = await admin(`PUT ${path}/objects/disk`, { name: 'drive' });
    expect(changed).toMatchObject({ status: 200, body: { name: 'drive', properties: {} } });
    expect((await admin(`DELETE ${path}/objects/drive`)).status).toBe(204);
    expect((await admin(`GET ${path}/objects/drive`)).status).toBe(404);
    expect((await admin(`DELETE ${path}/objects/drive`)).status).toBe(404);
    expect((await admin(`DELETE ${path}/objects`)).status).toBe(204);
    expect((await admin(`GET ${path}/objects`)).body.objects).toEqual([]);
  });

  test('are refused as they must be', async () => {
    const path = await aNamespace();
    for (const query of ['limit=0', 'limit=-1', 'sort_key=x']) {
      expect((await admin(`GET ${path}/objects?${query}`)).status, query).toBe(400);
    }
    expect((await admin(`GET ${path}/objects?marker=x`)).status).toBe(404);
    expect((await admin(`POST ${path}/objects`, {})).status).toBe(400);
    expect((await admin(`POST ${path}/objects`, { name: 'x', properties: { a: {} } })).status).toBe(400);
    expect((await admin(`POST ${path}/objects`, { ...given, self: 'x' })).status).toBe(403);
    expect((await admin(`PUT ${path}/objects/none`, { name: 'none' })).status).toBe(404);
  });
});

describe.skipIf(long.skip)(`tags${long.why}`, () => {
  const put = (path: string, names: string[], append?: string) =>
    rest(server, `POST ${path as '/'}/tags`, {
      as: 'admin',
      json: { tags: names.map((name) => ({ name })) },
      ...(append && { headers: { 'content-type': 'application/json', 'x-openstack-append': append } }),
    });
  const names = async (path: string) =>
    (await admin(`GET ${path as '/'}/tags?sort_key=name&sort_dir=asc`)).body.tags.map(
      ({ name }: { name: string }) => name,
    );

  test('are added, shown, renamed and removed one by one', async () => {
    const path = await aNamespace();
    const added = await admin(`POST ${path}/tags/one`);
    expect([added.status, added.body]).toEqual([201, { name: 'one', created_at: aTime, updated_at: aTime }]);
    expect((await admin(`POST ${path}/tags/one`)).status).toBe(409);
    expect((await admin(`GET ${path}/tags/one`)).body).toEqual(added.body);
    expect((await admin(`PUT ${path}/tags/one`, { name: 'two' })).body.name).toBe('two');
    expect((await admin(`GET ${path}/tags/one`)).status).toBe(404);
    expect((await admin(`PUT ${path}/tags/one`, { name: 'two' })).status).toBe(404);
    expect((await admin(`PUT ${path}/tags/two`, { name: '' })).status).toBe(400);
    expect((await admin(`DELETE ${path}/tags/two`)).status).toBe(204);
    expect((await admin(`DELETE ${path}/tags/two`)).status).toBe(404);
    expect((await admin(`POST ${path}/tags/${'x'.repeat(81)}`)).status).toBe(400);
  });

  test('take the place of all there, or are appended', async () => {
    const path = await aNamespace(whole);
    expect(await put(path, ['b', 'a'])).toMatchObject({
      status: 201,
      body: { tags: [{ name: 'b' }, { name: 'a' }] },
    });
    expect(await names(path)).toEqual(['a', 'b']);
    expect((await put(path, ['c'], 'True')).status).toBe(201);
    expect((await put(path, ['d', 'a'], 'true')).status).toBe(409);
    expect((await put(path, ['e', 'e'])).status).toBe(409);
    expect((await put(path, ['e'], 'maybe')).status).toBe(400);
    expect((await admin(`POST ${path}/tags`, { tags: ['e'] })).status).toBe(400);
    expect(await names(path)).toEqual(['a', 'b', 'c']);
    expect((await admin(`DELETE ${path}/tags`)).status).toBe(204);
    expect(await names(path)).toEqual([]);
  });
});

describe.skipIf(long.skip)(`resource types${long.why}`, () => {
  test('a namespace is for some, with a prefix', async () => {
    const path = await aNamespace();
    const name = `Type::${randomUUID()}`;
    const given = { name, prefix: 'x_', properties_target: 'image' };
    const added = await admin(`POST ${path}/resource_types`, given);
    expect([added.status, added.body]).toEqual([201, { ...given, created_at: aTime, updated_at: aTime }]);
    expect((await admin(`POST ${path}/resource_types`, given)).status).toBe(409);
    expect((await rest(server, `GET ${path}/resource_types`)).body).toEqual({
      resource_type_associations: [added.body],
    });
    const types = (await rest(server, 'GET /v2/metadefs/resource_types')).body.resource_types;
    expect(types).toContainEqual({ name, created_at: aTime, updated_at: aTime });
    expect(types.map((one: { name: string }) => one.name)).toContain('OS::Glance::Image');
    expect((await admin(`DELETE ${path}/resource_types/${name}`)).status).toBe(204);
    expect((await admin(`DELETE ${path}/resource_types/${name}`)).status).toBe(404);
    expect((await admin(`POST ${path}/resource_types`, { prefix: 'x' })).status).toBe(400);
    expect((await admin(`POST ${path}/resource_types`, { ...given, updated_at: 'x' })).status).toBe(403);
  });
});
