/** A robot token that is for certain images: all others are not there, through whichever door. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildSchema } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readStoredFilter, storedFilter } from '../../src/search/token-filter.ts';
import { type AnImage, anImage } from '../support/an-image.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { sized } from '../support/size.ts';
import { hasFile, mutationsOf, someInput } from '../support/some-input.ts';

let server: TestServer;
let member: string;
let admin: string;
/** For images with the tag gold. */
let gold: string;
let goldImage: string;
let leadImage: string;
const all: string[] = [];

async function secretFor(token: string, input: object): Promise<string> {
  const query = `mutation ($input: CreateTokenInput!) { createToken(input: $input) {
    ... on CreateTokenPayload { secret } ... on Error { message } } }`;
  const { data } = await server.raw(token, query, { input: { name: 'a robot', project: 'blue', ...input } });
  expect(data.createToken.message).toBeUndefined();
  return data.createToken.secret;
}

beforeAll(async () => {
  server = await aServer();
  member = server.tokenOf('blue');
  admin = server.tokenOf('admin');
  const add = async (image: AnImage) => {
    const id = await anImage(server.app, { status: 'queued', size: null, ...image });
    all.push(id);
    return id;
  };
  const many = ['alpha', 'beta', 'gamma', 'delta'].flatMap((name, n): AnImage[] => [
    { name, tags: ['gold', name], owner: 'blue', properties: { os_distro: 'debian', cores: String(n) } },
    { name, tags: ['lead', name], owner: 'blue', properties: { os_distro: 'ubuntu', cores: String(n) } },
    { name, tags: ['gold'], owner: 'red', visibility: 'public', properties: { os_version: `1${n}.04` } },
    { name, tags: ['lead'], owner: 'red', visibility: 'community', minDisk: n },
    { name, tags: ['gold'], owner: 'red', visibility: 'shared', members: { blue: 'accepted' } },
    { name, tags: ['gold'], owner: 'red', visibility: 'private' },
    { name, owner: 'blue', size: 2 ** 40 + n, status: 'active', hidden: n === 0 },
  ]);
  for (const image of many) await add(image);
  goldImage = await add({ name: 'mine', tags: ['gold'] });
  leadImage = await add({
    name: 'secret-name',
    tags: ['secret-tag'],
    properties: { secret: 'secret-value' },
  });
  gold = await secretFor(member, { imageFilter: { tags: { has: 'gold' } } });
});
afterAll(() => server.stop());

const filters: object[] = [
  { tags: { has: 'gold' } },
  { tags: { hasNone: ['gold'] } },
  { properties: [{ name: 'os_distro', text: { eq: 'debian' } }] },
  { properties: [{ name: 'os_version', version: { gte: '11' } }] },
  { properties: [{ name: 'cores', number: { lt: 2 } }] },
  { name: { startsWith: 'al' } },
  { name: { matches: '^(alpha|beta)$' } },
  { freeText: 'delta debian' },
  { or: [{ visibility: { eq: 'COMMUNITY' } }, { owner: { eq: 'blue' } }] },
  { not: { owner: { eq: 'blue' } } },
  { hidden: true },
  { size: { gt: '1099511627777' } },
  { size: { lt: '9223372036854775806' } },
  { status: { eq: 'ACTIVE' } },
  { sharedWith: { status: 'ACCEPTED' } },
  { createdAt: { gt: '2020-01-01T00:00:00Z' }, kind: { eq: 'IMAGE' } },
  { or: [] },
];

const lists = `query ($where: ImageFilter, $include: [ImageInclude!], $orderBy: [ImageOrder!], $search: String) {
  images(where: $where, include: $include, orderBy: $orderBy, search: $search, first: 100) {
    totalCount totalSize nodes { id name } pageInfo { hasNextPage endCursor }
    facets(of: [{attribute: TAG}, {attribute: OWNER}, {attribute: VISIBILITY}, {property: "os_distro"}]) {
      buckets { value count } missingCount otherCount } }
  imagePropertyNames(where: $where, include: $include) { name count } }`;

test.each(
  filters
    .slice(0, sized({ quick: 2, ci: 17, full: 17 }))
    .map((filter) => [JSON.stringify(filter), filter] as const),
)(
  'a token sees in every list, number and facet what its maker sees by the same filter: %s',
  async (_name, filter) => {
    for (const maker of sized({ quick: [member], ci: [member, admin], full: [member, admin] })) {
      const roles = [maker === admin ? 'admin' : 'member'];
      const project = maker === admin ? 'admin' : 'blue';
      const secret = await secretFor(maker, { imageFilter: filter, readOnly: true, roles, project });
      const everything = { include: ['COMMUNITY', 'HIDDEN'] };
      for (const asked of [
        {},
        everything,
        { ...everything, orderBy: [{ field: 'NAME', direction: 'ASC' }] },
        { ...everything, orderBy: [{ field: 'PROPERTY', property: 'os_distro', direction: 'DESC' }] },
        { ...everything, search: 'alpha sort:-relevance' },
      ]) {
        // Out of reach of what facets leave out, and of what relevance counts.
        const where = { and: [{ and: [filter] }] };
        const [robot, person] = await Promise.all([
          server.raw(secret, lists, asked),
          server.raw(maker, lists, { ...asked, where }),
        ]);
        expect(robot.errors).toEqual([]);
        expect(robot.data).toEqual(person.data);
      }
      const { data } = await server.raw(
        maker,
        `query ($where: ImageFilter) { images(where: $where, include: [COMMUNITY, HIDDEN], first: 100) { nodes { id } } }`,
        { where: filter },
      );
      const expected = new Set(data.images.nodes.map(({ id }: { id: string }) => id));
      const found = await server.raw(secret, 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
        ids: all,
      });
      expect(new Set(found.data.nodes.flatMap((node: { id: string } | null) => node?.id ?? []))).toEqual(
        expected,
      );
    }
  },
);

/** The answer about an image that the token is not for, and about a missing one, with the ids made equal. */
async function both(ask: (id: string) => Promise<unknown>): Promise<void> {
  const missing = randomUUID();
  const [other, none] = await Promise.all(
    [leadImage, missing].map(async (id) => JSON.stringify(await ask(id)).replaceAll(id, 'ID')),
  );
  expect(other).not.toContain('secret');
  expect(other).toBe(none);
}

const plain = async (query: string, variables?: unknown) => {
  const { status, data, errors } = await server.raw(gold, query, variables);
  return { status, data, errors };
};

test('an image that a token is not for is a missing one, in every query that takes an id', async () => {
  const copy = await server.app.db.query<{ id: string }>(
    `insert into image_copies (image_id, store, key, state) values ($1::uuid, 'file', 'k', 'active') returning id`,
    [leadImage],
  );
  const task = await server.app.db.query<{ id: string }>(
    `insert into tasks (type, image_id, owner, queue, status) values ('api_image_import', $1::uuid, 'blue', 'none', 'success') returning id`,
    [leadImage],
  );
  for (const query of [
    (id: string) => `{ image(id: "${id}") { id } }`,
    (id: string) =>
      `{ node(id: "${id}") { id } nodes(ids: ["${id}", "Image:${id}", "ImageMember:${id}:blue"]) { id } }`,
    (id: string) => `{ images(where: {id: {eq: "${id}"}}) { totalCount totalSize nodes { id } } }`,
    (id: string) =>
      `{ images(where: {not: {id: {ne: "${id}"}}}, include: [HIDDEN]) { totalCount nodes { id } } }`,
    () => '{ images(where: {name: {contains: "secret"}}) { totalCount nodes { id } } }',
    () =>
      '{ images(search: "secret") { totalCount nodes { id } facets(of: [{property: "secret"}]) { buckets { value } } } }',
    () => '{ imagePropertyNames(prefix: "sec") { name } }',
  ]) {
    await both((id) => plain(query(id)));
  }
  const nodes = await plain(
    `{ copy: node(id: "ImageCopy:${copy[0]?.id}") { id } task(id: "${task[0]?.id}") { id } node(id: "Task:${task[0]?.id}") { id } }`,
  );
  expect(nodes).toMatchObject({ data: { copy: null, task: null, node: null }, errors: [] });
  const person = await server.raw(member, `{ task(id: "${task[0]?.id}") { id } }`);
  expect(person.data.task).not.toBeNull();
});

test('and in every mutation there is', async () => {
  const schema = buildSchema(
    await readFile(join(import.meta.dirname, '../../schema/schema.graphql'), 'utf8'),
  );
  const mutations = mutationsOf(schema).filter(({ input }) => !hasFile(input));
  for (const { name, query, input } of mutations) {
    const asked = JSON.stringify(someInput(input, leadImage));
    if (!asked.includes(leadImage)) continue;
    await both((id) => plain(query, { input: JSON.parse(asked.replaceAll(leadImage, id)) }));
    const { data } = await server.raw(member, `{ image(id: "${leadImage}") { revision status } }`);
    expect(data.image, name).toEqual({ revision: 1, status: 'QUEUED' });
  }
});

test('and on the byte routes, in every method', async () => {
  for (const [method, path] of [
    ['GET', 'file'],
    ['HEAD', 'file'],
    ['PUT', 'file'],
    ['PUT', 'stage'],
  ] as const) {
    await both(async (id) => {
      const answer = await server.http(`/v2/images/${id}/${path}`, {
        method,
        token: gold,
        headers: method === 'PUT' ? { 'content-type': 'application/octet-stream' } : {},
        body: method === 'PUT' ? 'bytes' : undefined,
      });
      return [answer.status, await answer.text()];
    });
  }
  await both(async (id) => {
    const headers = {
      'tus-resumable': '1.0.0',
      'upload-length': '5',
      'upload-metadata': `image ${btoa(id)}`,
    };
    const answer = await server.http('/uploads', { method: 'POST', token: gold, headers });
    return [answer.status, await answer.text()];
  });
});

const create = (input: object) =>
  plain(
    `mutation ($input: CreateImageInput!) { createImage(input: $input) {
      __typename ... on CreateImagePayload { image { id } } ... on Error { code message } } }`,
    { input },
  );
const update = (input: object) =>
  plain(
    `mutation ($input: UpdateImageInput!) { updateImage(input: $input) {
      __typename ... on UpdateImagePayload { image { tags } } ... on Error { code message } } }`,
    { input },
  );

test('what a token makes and changes has to stay among the images that it is for', async () => {
  const id = randomUUID();
  expect(await create({ id, tags: ['silver'] })).toMatchObject({
    data: { createImage: { code: 'FORBIDDEN', message: expect.stringContaining('certain images') } },
  });
  expect((await server.raw(member, `{ image(id: "${id}") { id } }`)).data.image).toBeNull();
  expect(await create({ id, tags: ['gold', 'new'] })).toMatchObject({
    data: { createImage: { image: { id } } },
  });
  expect(await update({ id, removeTags: ['gold'] })).toMatchObject({
    data: { updateImage: { code: 'FORBIDDEN' } },
  });
  expect(await update({ id, removeTags: ['new'] })).toMatchObject({
    data: { updateImage: { image: { tags: ['gold'] } } },
  });
  // Somebody else may; then it is gone for the token.
  await server.raw(member, `mutation { updateImage(input: {id: "${id}", tags: []}) { __typename } }`);
  expect((await plain(`{ image(id: "${id}") { id } }`)).data).toEqual({ image: null });
  expect(await update({ id, name: 'mine again' })).toMatchObject({
    data: { updateImage: { code: 'NOT_FOUND' } },
  });
});

test('with its own images a token does what its roles allow', async () => {
  const put = { method: 'PUT', headers: { 'content-type': 'application/octet-stream' }, body: 'bytes' };
  expect((await server.http(`/v2/images/${goldImage}/file`, { token: gold, ...put })).status).toBe(204);
  expect(await (await server.http(`/v2/images/${goldImage}/file`, { token: gold })).text()).toBe('bytes');
  const { data } =
    await plain(`mutation { deactivateImage(input: {id: "${goldImage}"}) { ... on DeactivateImagePayload { image { status } } }
    deleteImage(input: {id: "${goldImage}"}) { ... on DeleteImagePayload { id } } }`);
  expect(data).toEqual({
    deactivateImage: { image: { status: 'DEACTIVATED' } },
    deleteImage: { id: goldImage },
  });
});

test('the usage of a defined property counts only the images that a token is for', async () => {
  const query = `{ images { facets(of: [{property: "os_distro"}]) { buckets { value count } } } }`;
  const { data } = await server.raw(gold, query);
  expect(data.images.facets[0].buckets).toEqual([{ value: 'debian', count: 4 }]);
  const usage = `{ images(where: {properties: [{name: "os_distro"}]}, first: 1) { nodes {
    properties(names: ["os_distro"]) { definition { usage { buckets { value count } } } } } } }`;
  const counted = async (token: string) => {
    const { data, errors } = await server.raw(token, usage);
    expect(errors).toEqual([]);
    return data.images.nodes[0].properties[0].definition.usage.buckets;
  };
  expect(await counted(member)).toContainEqual({ value: 'ubuntu', count: 4 });
  expect(await counted(gold)).toEqual([{ value: 'debian', count: 4 }]);
});

test('a filter that is read back is the one that was kept, and one that is not known opens nothing', () => {
  const filter = { size: { gt: 2n ** 60n, in: [1, 2n ** 61n] }, not: { tags: { has: 'x' } } };
  const kept = JSON.parse(JSON.stringify(storedFilter(filter, { readOnly: true })));
  expect(readStoredFilter(kept)).toEqual(filter);
  expect(() => readStoredFilter({ or: [{ not: { mood: { eq: 'good' } } }] })).toThrow(/newer version/);
});
