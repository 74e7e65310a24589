import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anImage } from '../support/an-image.ts';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let foreign: string;
const missing = randomUUID();

beforeAll(async () => {
  server = await aServer();
  foreign = await anImage(server.app, {
    owner: 'blue',
    visibility: 'private',
    name: 'secret-name',
    tags: ['secret-tag'],
    size: 12_345,
    properties: { secret_property: 'secret-value' },
    members: { green: 'accepted' },
  });
});
afterAll(() => server.stop());

/** The answer to the same operation about a foreign and about a missing image, with the ids made equal. */
async function both(operation: (id: string) => string, token = server.tokenOf('red')) {
  const answers = await Promise.all(
    [foreign, missing].map(async (id) => {
      const { status, data, errors } = await server.raw(token, operation(id));
      return JSON.stringify({ status, data, errors }).replaceAll(id, 'ID');
    }),
  );
  expect(answers[0]).not.toContain('secret');
  return answers;
}

const result = '{ __typename ... on Error { message code } }';

test.each<[string, (id: string) => string]>([
  ['image', (id) => `{ image(id: "${id}") { id name } }`],
  ['node', (id) => `{ node(id: "${id}") { id } }`],
  ['node of a typed id', (id) => `{ node(id: "Image:${id}") { id } }`],
  ['node of a member', (id) => `{ node(id: "ImageMember:${id}:green") { id } }`],
  ['nodes', (id) => `{ nodes(ids: ["${id}"]) { id } }`],
  ['a filter by id', (id) => `{ images(where: {id: {eq: "${id}"}}) { totalCount totalSize nodes { id } } }`],
  [
    'not of a filter by id',
    (id) => `{ images(where: {not: {id: {ne: "${id}"}}}) { totalCount nodes { id } } }`,
  ],
  ['updateImage', (id) => `mutation { updateImage(input: {id: "${id}", name: "x"}) ${result} }`],
  [
    'updateImage with a wrong revision',
    (id) => `mutation { updateImage(input: {id: "${id}", ifRevision: 99}) ${result} }`,
  ],
  [
    'updateImage with bad input',
    (id) => `mutation { updateImage(input: {id: "${id}", minDisk: -1}) ${result} }`,
  ],
  ['deleteImage', (id) => `mutation { deleteImage(input: {id: "${id}"}) ${result} }`],
  ['deactivateImage', (id) => `mutation { deactivateImage(input: {id: "${id}"}) ${result} }`],
  ['reactivateImage', (id) => `mutation { reactivateImage(input: {id: "${id}"}) ${result} }`],
  ['createUpload', (id) => `mutation { createUpload(input: {imageId: "${id}"}) ${result} }`],
  [
    'createUpload to a store that there is not',
    (id) => `mutation { createUpload(input: {imageId: "${id}", store: "x"}) ${result} }`,
  ],
  [
    'addImageMember',
    (id) => `mutation { addImageMember(input: {imageId: "${id}", project: "red"}) ${result} }`,
  ],
  [
    'removeImageMember',
    (id) => `mutation { removeImageMember(input: {imageId: "${id}", project: "green"}) ${result} }`,
  ],
  [
    'respondToImageShare',
    (id) => `mutation { respondToImageShare(input: {imageId: "${id}", status: ACCEPTED}) ${result} }`,
  ],
])('a foreign private image is exactly like a missing one: %s', async (_what, operation) => {
  const [asForeign, asMissing] = await both(operation);
  expect(asForeign).toBe(asMissing);
});

test('a former member of an image that is no longer shared does not see it either', async () => {
  const [asForeign, asMissing] = await both((id) => `{ image(id: "${id}") { id } }`, server.tokenOf('green'));
  expect(asForeign).toBe(asMissing);
});

test.each([
  ['name', '{name: {contains: "secret"}}'],
  ['owner', '{owner: {eq: "blue"}}'],
  ['tag', '{tags: {has: "secret-tag"}}'],
  ['property', '{properties: [{name: "secret_property"}]}'],
  ['size', '{size: {eq: 12345}}'],
  ['what it is not', '{not: {name: {eq: "x"}}}'],
  ['visibility', '{visibility: {eq: PRIVATE}}'],
  ['community and hidden at once', '{or: [{visibility: {eq: COMMUNITY}}, {hidden: true}, {}]}'],
])('no filter, count or sum tells of it: %s', async (_what, where) => {
  const query = `{ images(where: ${where}, include: [COMMUNITY, PENDING_SHARES, REJECTED_SHARES, HIDDEN]) { totalCount totalSize nodes { id } pageInfo { hasNextPage hasPreviousPage } } }`;
  const { data } = await server.raw(server.tokenOf('red'), query);
  expect(data.images).toEqual({
    totalCount: 0,
    totalSize: 0,
    nodes: [],
    pageInfo: { hasNextPage: false, hasPreviousPage: false },
  });
});

test('a cursor made for its place shows nothing on either side', async () => {
  const mine = await server.raw(server.tokenOf('blue'), '{ images { pageInfo { endCursor } nodes { id } } }');
  expect(mine.data.images.nodes).toHaveLength(1);
  const cursor = mine.data.images.pageInfo.endCursor;
  const theirs = await server.raw(
    server.tokenOf('red'),
    `{ after: images(first: 5, after: "${cursor}") { nodes { id } pageInfo { hasPreviousPage hasNextPage } }
       before: images(last: 5, before: "${cursor}") { nodes { id } pageInfo { hasPreviousPage hasNextPage } } }`,
  );
  const nothing = { nodes: [], pageInfo: { hasPreviousPage: false, hasNextPage: false } };
  expect(theirs.data).toEqual({ after: nothing, before: nothing });
});

test('no node is found without a token, and the staging area of a machine by nobody', async () => {
  const { id } = server.app.stores.default;
  const { id: staging } = server.app.stores.staging;
  const query = 'query ($id: ID!) { node(id: $id) { __typename } nodes(ids: [$id]) { __typename } }';
  for (const known of [`Store:${id}`, `Store:${staging}`, foreign, `Task:${missing}`, 'Nothing:x', '']) {
    const { data, errors } = await server.raw(null, query, { id: known });
    expect(data?.node ?? null, known).toBeNull();
    expect(errors[0]?.extensions.code, known).toBe('UNAUTHENTICATED');
  }
  const red = server.tokenOf('red');
  expect((await server.raw(red, query, { id: `Store:${id}` })).data.node).toEqual({ __typename: 'Store' });
  expect(staging).not.toBe(id);
  for (const token of [red, server.tokenOf('admin')]) {
    expect((await server.raw(token, query, { id: `Store:${staging}` })).data).toEqual({
      node: null,
      nodes: [null],
    });
  }
});

test('on the byte route too, in every method', async () => {
  for (const method of ['GET', 'HEAD', 'PUT']) {
    const answers = await Promise.all(
      [foreign, missing].map(async (id) => {
        const response = await server.http(`/v2/images/${id}/file`, {
          method,
          token: server.tokenOf('red'),
          headers: method === 'PUT' ? { 'content-type': 'application/octet-stream' } : {},
          body: method === 'PUT' ? 'bytes' : undefined,
        });
        const headers = [...response.headers].filter(
          ([name]) => name !== 'x-openstack-request-id' && name !== 'date',
        );
        return JSON.stringify([response.status, headers, await response.text()]).replaceAll(id, 'ID');
      }),
    );
    expect(answers[0]).toBe(answers[1]);
    expect(JSON.parse(answers[0] ?? '')[0]).toBe(404);
  }
});

test('its id is taken for everybody, as that of a deleted image is', async () => {
  const create = (id: string) =>
    `mutation { createImage(input: {id: "${id}"}) { __typename ... on Error { message code } } }`;
  const deleted = await anImage(server.app, { owner: 'red' });
  await server.raw(
    server.tokenOf('red'),
    `mutation { deleteImage(input: {id: "${deleted}"}) { __typename } }`,
  );
  const own = await anImage(server.app, { owner: 'red' });
  const answers = await Promise.all(
    [foreign, deleted, own, own.toUpperCase()].map(async (id) => {
      const { data } = await server.raw(server.tokenOf('red'), create(id));
      return JSON.stringify(data).replaceAll(id.toLowerCase(), 'ID');
    }),
  );
  expect(new Set(answers).size).toBe(1);
  expect(answers[0]).toContain('ALREADY_EXISTS');
});
