/** Property protection over GraphQL: what may not be read is as if it were missing, and what may not be written stays. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anImage } from '../support/an-image.ts';
import { type ImageService, imageService } from '../support/image-service.ts';
import { storePassword } from '../support/planted.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const settings = (region: string) => `
keystone: { url: ${region}/v3, username: u, password: ${storePassword}, project: p }
search: { describingProperties: [title, billing_note], hotProperties: [os_distro, billing_code] }
propertyProtection:
  - { name: ^billing_, create: [admin], read: [admin], update: [admin], delete: '!' }
  - { name: ^drop_, create: [member], read: [admin], update: [member], delete: [member] }
  - { name: ^blind_, create: [member], read: [admin], update: [admin], delete: [member] }
  - { name: ^fixed_, create: modify_image, read: '@', update: '!', delete: '!' }
  - { name: ^hw_billing_, create: [admin], read: '@', update: '@', delete: '@' }
  - { name: ^hw_, create: '@', read: '@', update: '@', delete: '@' }
  - { name: ^closed$, create: '!', read: '!', update: '!', delete: '!' }
  - { name: ^(?i:open), create: '@', read: '@', update: '@', delete: '@' }
  - { name: '^(title|os_distro|missing_code|a|b)$', create: [member], read: [reader], update: [member], delete: [member] }
`;

let server: TestServer;
let region: ImageService;
let image: string;
let plain: string;
beforeAll(async () => {
  region = await imageService();
  server = await aServer({ settings: settings(region.url) });
  image = await anImage(server.app, {
    properties: {
      billing_code: '5',
      billing_note: 'xyzzy secret',
      title: 'hello there',
      closed: 'x',
      unruled: 'x',
      os_glance_x: 'y',
    },
  });
  plain = await anImage(server.app, { properties: { title: 'hello again', os_distro: 'debian' } });
});
afterAll(async () => {
  await server?.stop();
  await region?.close();
});

const ask = (query: string, token = server.tokenOf('blue')) => server.raw(token, query);
const admin = () => server.tokenOf('admin');

test('a robot token is for images by what its maker reads, whether or not its own roles do', async () => {
  const made = async (imageFilter: string, token: string) => {
    const query = `mutation { createToken(input: {name: "r", project: "blue", roles: ["reader"], imageFilter: ${imageFilter}}) {
      ... on CreateTokenPayload { secret } ... on ValidationError { issues { path code } } } }`;
    return (await ask(query, token)).data.createToken;
  };
  const hidden =
    '{not: {and: [{properties: [{name: "billing_code", text: {eq: "7"}}, {name: "billing_code"}]}]}}';
  const issue = (field: string) => ({
    issues: [{ path: ['input', 'imageFilter', field], code: 'PROTECTED' }],
  });
  expect(await made(hidden, server.tokenOf('blue'))).toEqual(issue('properties'));
  for (const token of [server.tokenOf('blue'), admin()]) {
    expect(await made('{or: [{freeText: "hello"}]}', token)).toEqual(issue('freeText'));
  }
  const { secret } = await made('{properties: [{name: "billing_code", text: {eq: "5"}}]}', admin());
  const { data } = await ask(
    `{ images { totalCount nodes { id properties { name } } facets(of: [{property: "billing_code"}]) { buckets { value } } }
      image(id: "${image}") { id } other: image(id: "${plain}") { id }
      asked: images(where: {properties: [{name: "billing_code"}]}) { totalCount } }`,
    secret,
  );
  expect(data).toEqual({
    images: {
      totalCount: 1,
      nodes: [{ id: image, properties: [{ name: 'os_glance_x' }, { name: 'title' }] }],
      facets: [{ buckets: [] }],
    },
    image: { id: image },
    other: null,
    asked: { totalCount: 0 },
  });
});

test('of an image only what may be read is there', async () => {
  const query = `{ image(id: "${image}") {
    properties { name value } some: properties(names: ["billing_code", "title"]) { name }
    family: properties(prefix: "billing") { name } property(name: "billing_code") closed: property(name: "closed") } }`;
  const names = (data: { image: { properties: { name: string }[] } }) =>
    data.image.properties.map(({ name }) => name);
  const member = (await ask(query)).data;
  expect(names(member)).toEqual(['os_glance_x', 'title']);
  expect(member.image).toMatchObject({ some: [{ name: 'title' }], family: [], property: null, closed: null });
  const { data } = await ask(query, admin());
  // An admin too has what the rules give, and nothing where there is none.
  expect(names(data)).toEqual(['billing_code', 'billing_note', 'os_glance_x', 'title']);
  expect(data.image).toMatchObject({ property: '5', closed: null });
});

/** As many letters as the hidden one. */
const missing = 'missing_code';

test.each([
  '{ images(where: {properties: [{name: "NAME"}]}) { totalCount nodes { id } } }',
  '{ images(where: {properties: [{name: "NAME", exists: false}]}) { totalCount nodes { id } } }',
  '{ images(where: {properties: [{name: "NAME", text: {isNull: true}}]}) { nodes { id } } }',
  '{ images(where: {not: {properties: [{name: "NAME", text: {eq: "5"}}]}}) { nodes { id } } }',
  '{ images(where: {properties: [{name: "NAME", text: {eq: "5"}}]}) { totalCount totalSize nodes { id } } }',
  '{ images(where: {properties: [{name: "NAME", text: {ne: "6"}}]}) { nodes { id } } }',
  '{ images(where: {properties: [{name: "NAME", text: {matches: "."}}, {name: "title"}]}) { nodes { id } } }',
  '{ images(where: {properties: [{name: "NAME", number: {gt: 1}}]}) { nodes { id } } }',
  '{ images(where: {properties: [{name: "NAME", version: {gte: "1"}}]}) { nodes { id } } }',
  '{ images(where: {properties: [{name: "NAME", elements: {has: "5"}}]}) { nodes { id } } }',
  '{ images(where: {or: [{properties: [{name: "NAME"}]}, {and: [{properties: [{name: "os_distro"}]}]}]}) { nodes { id } } }',
  '{ images(search: "NAME:5") { nodes { id } } }',
  '{ images(search: "NAME:>1") { nodes { id } } }',
  '{ images(search: "-NAME:5 sort:NAME:number") { nodes { id } edges { cursor } } }',
  '{ images(orderBy: [{field: PROPERTY, property: "NAME", direction: ASC}]) { nodes { id } edges { cursor } } }',
  '{ images(orderBy: [{field: PROPERTY, property: "NAME", as: NUMBER}], last: 1) { nodes { id } pageInfo { hasPreviousPage } } }',
  '{ images { facets(of: [{property: "NAME"}]) { property buckets { value count } otherCount missingCount } } }',
  '{ images(where: {properties: [{name: "NAME"}]}) { facets(of: [{property: "NAME"}, {attribute: STATUS}]) { property buckets { value count } missingCount } } }',
  '{ images(search: "hello NAME:5") { facets(of: [{property: "NAME"}]) { property buckets { value count } missingCount } } }',
  '{ imagePropertyNames(where: {properties: [{name: "NAME"}]}) { name count } }',
  '{ imagePropertyNames(prefix: "NAME") { name count } }',
  '{ parseSearch(search: "NAME:5 OR NAME:>=4") { ok where orderBy } }',
])('asked by who may not read it, a property is like one that no image has: %s', async (template) => {
  const about = async (name: string, token?: string) => {
    const { data, errors } = await ask(template.replaceAll('NAME', name), token);
    expect(errors).toEqual([]);
    // What a cursor holds is what was asked for, as text.
    const text = JSON.stringify(data).replace(/"cursor":"([\w-]+)"/g, (_, cursor) =>
      Buffer.from(cursor, 'base64url').toString(),
    );
    return text.replaceAll(name, 'NAME');
  };
  expect(await about('billing_code')).toBe(await about(missing));
});

test('who may read it finds it by all of these', async () => {
  const { data } = await ask(
    `{ a: images(where: {id: {eq: "${image}"}, properties: [{name: "billing_code", number: {gt: 1}}]}) { totalCount }
       b: images(where: {id: {eq: "${image}"}}, search: "billing_code:5") { totalCount facets(of: [{property: "billing_code"}, {attribute: PROPERTY_NAME}]) { buckets { value count } } }
       imagePropertyNames(prefix: "billing", where: {id: {eq: "${image}"}}) { name count } }`,
    admin(),
  );
  expect(data.a.totalCount).toBe(1);
  expect(data.b.facets[0].buckets).toEqual([{ value: '5', count: 1 }]);
  expect(data.b.facets[1].buckets.map(({ value }: { value: string }) => value)).toEqual([
    'billing_code',
    'billing_note',
    'os_glance_x',
    'title',
  ]);
  expect(data.imagePropertyNames).toEqual([
    { name: 'billing_code', count: 1 },
    { name: 'billing_note', count: 1 },
  ]);
});

test('a cursor of who may read it is a place among missing ones for who may not', async () => {
  const query = (name: string, after: string) =>
    `{ images(orderBy: [{field: PROPERTY, property: "${name}"}], first: 5${after}) { nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage } } }`;
  const { data } = await ask(query('billing_code', ''), admin());
  const cursor = data.images.edges[0].cursor;
  const forged = Buffer.from(
    Buffer.from(cursor, 'base64url').toString().replace('billing_code', missing),
  ).toString('base64url');
  const real = await ask(query('billing_code', `, after: "${cursor}"`));
  const other = await ask(query(missing, `, after: "${forged}"`));
  const shown = ({ nodes, pageInfo }: { nodes: unknown; pageInfo: unknown }) => ({ nodes, pageInfo });
  expect(shown(real.data.images)).toEqual(shown(other.data.images));
});

test('property names and their facet count nothing that is hidden, and images with nothing else have none', async () => {
  const only = await anImage(server.app, { properties: { billing_code: '7' }, tags: ['counted'] });
  await anImage(server.app, { properties: { billing_code: '7', a: '1' }, tags: ['counted'] });
  await anImage(server.app, { properties: {}, tags: ['counted'] });
  const query = `{ images(where: {tags: {has: "counted"}}) { totalCount
      facets(of: [{attribute: PROPERTY_NAME}], limit: 1) { buckets { value count } otherCount missingCount } }
    imagePropertyNames(where: {tags: {has: "counted"}}, limit: 1) { name count } }`;
  expect((await ask(query)).data).toEqual({
    images: {
      totalCount: 3,
      facets: [{ buckets: [{ value: 'a', count: 1 }], otherCount: 0, missingCount: 2 }],
    },
    imagePropertyNames: [{ name: 'a', count: 1 }],
  });
  expect((await ask(query, admin())).data).toEqual({
    images: {
      totalCount: 3,
      facets: [{ buckets: [{ value: 'billing_code', count: 2 }], otherCount: 1, missingCount: 1 }],
    },
    imagePropertyNames: [{ name: 'billing_code', count: 2 }],
  });
  await ask(`mutation { deleteImage(input: {id: "${only}"}) { __typename } }`);
});

test('words are not found in what may not be read', async () => {
  const found = async (search: string, token?: string) => {
    const query = `{ images(search: "${search}", where: {id: {in: ["${image}", "${plain}"]}}, orderBy: [{field: RELEVANCE}, {field: ID}]) { totalCount nodes { id } facets(of: [{attribute: STATUS}]) { buckets { count } } } }`;
    const { data } = await ask(query, token);
    const nodes: { id: string }[] = data.images.nodes;
    expect(data.images.totalCount).toBe(nodes.length);
    return nodes.map(({ id }) => id).sort();
  };
  const both = [image, plain].sort();
  expect(await found('xyzzy', admin())).toEqual([image]);
  for (const search of ['xyzzy', 'secret', 'yzz', 'xyzzy hello', 'zzy secret'])
    expect(await found(search)).toEqual([]);
  expect(await found('-xyzzy')).toEqual(both);
  expect(await found('hello')).toEqual(both);
  expect(await found('xyzzy OR again')).toEqual([plain]);
});

describe('a change', () => {
  const update = async (id: string, input: string, token?: string) => {
    const { data } = await ask(
      `mutation { updateImage(input: {id: "${id}", ${input}}) {
        ... on UpdateImagePayload { image { revision properties { name value } } } ... on Error { code message } } }`,
      token,
    );
    return data.updateImage;
  };
  const rowOf = async (id: string) => {
    const [row] = await server.app.db.query<{ properties: Record<string, string> }>(
      'select properties from images where id = $1::uuid',
      [id],
    );
    return row?.properties;
  };
  const set = (name: string, value = 'new') => `setProperties: [{name: "${name}", value: "${value}"}]`;
  const remove = (...names: string[]) => `removeProperties: ${JSON.stringify(names)}`;
  const there = { billing_code: '5', fixed_x: '1', drop_x: '1', blind_x: '1', a: '1' };
  const fresh = (properties: Record<string, string> = there) => anImage(server.app, { properties });

  test.each([
    ['creates a property of a rule that is not theirs', set('billing_new')],
    ['creates one without a rule', set('unruled_x')],
    ['creates one that nobody may', set('closed')],
    ['creates one whose name only looks like an allowed one', set('xopen')],
    ['updates one that may only be created', set('fixed_x')],
    ['removes one that may not be deleted', remove('fixed_x')],
    ['removes that and another', remove('a', 'fixed_x')],
    [
      'sets all anew with one that is not theirs',
      'properties: [{name: "a", value: "2"}, {name: "billing_x", value: "1"}]',
    ],
    ['changes one that may not be updated in all anew', 'properties: [{name: "fixed_x", value: "2"}]'],
  ])('that %s is refused, and changes nothing', async (_what, input) => {
    const id = await fresh();
    const refused = await update(id, input);
    expect(refused.code).toBe('FORBIDDEN');
    expect(refused.message).toMatch(/^Properties are protected: you may not (create|update|delete) "/);
    expect(await rowOf(id)).toEqual(there);
  });

  test('tells nothing of whether a hidden property is there', async () => {
    const [withOne, without] = [await fresh(), await fresh({ a: '1' })];
    for (const input of [
      set('billing_code', '5'),
      set('billing_code', '6'),
      set('blind_x', '1'),
      set('blind_x', '2'),
      remove('billing_code', 'drop_x', 'blind_x'),
    ]) {
      const [one, other] = [await update(withOne, input), await update(without, input)];
      expect(JSON.stringify([one.code, one.message])).toBe(JSON.stringify([other.code, other.message]));
    }
    expect(await rowOf(withOne)).toEqual(there);
    expect(await rowOf(without)).toEqual({ a: '1' });
  });

  test('sets what may be created and updated, seen or not', async () => {
    const id = await fresh();
    const { image } = await update(
      id,
      `setProperties: [{name: "drop_x", value: "2"}, {name: "b", value: "3"}]`,
    );
    expect(image.properties).toEqual([
      { name: 'a', value: '1' },
      { name: 'b', value: '3' },
      { name: 'fixed_x', value: '1' },
    ]);
    expect(await rowOf(id)).toEqual({ ...there, drop_x: '2', b: '3' });
  });

  test('that sets all anew leaves what may not be read or deleted', async () => {
    const id = await fresh();
    await update(id, 'properties: [{name: "b", value: "1"}]');
    expect(await rowOf(id)).toEqual({ billing_code: '5', fixed_x: '1', drop_x: '1', blind_x: '1', b: '1' });
    await update(id, 'properties: []');
    expect(await rowOf(id)).toEqual({ billing_code: '5', fixed_x: '1', drop_x: '1', blind_x: '1' });
    // Whoever may read and delete them takes them away: an admin has what a member has.
    await update(id, 'properties: []', admin());
    expect(await rowOf(id)).toEqual({ billing_code: '5', fixed_x: '1' });
  });

  test('counts against the number of properties only what is seen', async () => {
    const hidden = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`billing_${n}`, 'x']));
    const id = await fresh(hidden);
    const many = Array.from({ length: 128 }, (_, n) => `{name: "open${n}", value: "1"}`).join(', ');
    expect((await update(id, `properties: [${many}]`)).image.properties).toHaveLength(128);
    expect((await update(id, set('open_more'))).code).toBe('QUOTA_EXCEEDED');
    expect(Object.keys((await rowOf(id)) ?? {})).toHaveLength(228);
  });

  test('that says what stands there already is none', async () => {
    const id = await fresh();
    const { image } = await update(id, set('fixed_x', '1'));
    expect(image.revision).toBe(1);
  });

  test('is not needed to register an image: the same rules hold then', async () => {
    const create = async (name: string, token?: string) => {
      const { data } = await ask(
        `mutation { createImage(input: {owner: "blue", properties: [{name: "${name}", value: "1"}]}) {
          ... on CreateImagePayload { image { id properties { name } } } ... on Error { code message } } }`,
        token,
      );
      return data.createImage;
    };
    for (const name of ['billing_x', 'closed', 'unruled'])
      expect((await create(name)).code).toBe('FORBIDDEN');
    expect((await create('unruled', admin())).code).toBe('FORBIDDEN');
    expect((await create('billing_x', admin())).image.properties).toEqual([{ name: 'billing_x' }]);
    expect((await create('OPEN')).image.properties).toEqual([{ name: 'OPEN' }]);
    const { image } = await create('blind_x');
    expect(image.properties).toEqual([]);
    expect(await rowOf(image.id)).toEqual({ blind_x: '1' });
  });
});

test('the usage of a definition tells no hidden values', async () => {
  await ask(
    `mutation { createMetadefNamespace(input: {namespace: "Billing", visibility: PUBLIC,
      resourceTypes: [{resourceType: "OS::Glance::Image"}],
      properties: [{name: "billing_code", title: "x", type: STRING}]}) { __typename } }`,
    admin(),
  );
  const query = `{ metadefNamespace(namespace: "Billing") { properties { nodes { usage { buckets { value count } missingCount } } } } }`;
  const usage = async (token?: string) =>
    (await ask(query, token)).data.metadefNamespace.properties.nodes[0].usage.buckets;
  expect(await usage()).toEqual([]);
  expect(await usage(admin())).toContainEqual({ value: '5', count: expect.any(Number) });
});

test('an import brings along only properties that who asked for it may create', async () => {
  const remote = region.put(Buffer.from('bytes'), { hw_disk_bus: 'scsi', hw_billing_code: '5' });
  const imported = async (token: string) => {
    const id = await anImage(server.app, { status: 'queued' });
    const method = `{glanceDownload: {region: "RegionTwo", imageId: "${remote}"}}`;
    const { data } = await ask(
      `mutation { importImage(input: {id: "${id}", method: ${method}}) { __typename } }`,
      token,
    );
    expect(data.importImage.__typename).toBe('ImportImagePayload');
    return until(async () => {
      const { data } = await ask(`{ image(id: "${id}") { status properties { name } } }`);
      return data.image.status === 'ACTIVE' ? data.image.properties : null;
    });
  };
  expect(await imported(server.tokenOf('blue'))).toEqual([{ name: 'hw_disk_bus' }]);
  expect(await imported(admin())).toEqual([{ name: 'hw_billing_code' }, { name: 'hw_disk_bus' }]);
});
