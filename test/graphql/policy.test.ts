/** A policy of the settings, in force at every door. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anImage } from '../support/an-image.ts';
import { aServer, type TestServer } from '../support/server.ts';

const settings = `
policy:
  roles: [auditor, publisher]
  rules:
    get_image: { admin: any, auditor: any, reader: [owner, member, public, community, ownerless] }
    get_members: { auditor: any }
    get_task: {}
    add_image: { publisher: any }
    copy_image: { member: owner }
    publicize_image: { publisher: owner }
    modify_image: { publisher: owner, member: [owner, member] }
    delete_member: { member: [owner, member] }
    download_image: { admin: any, member: owner }
    download_deactivated_image: { member: owner }
    metadef_admin: { publisher: any }
    add_token: { admin: any, reader: owner, publisher: any }
    get_token: { member: [owner, maker], auditor: any }
    revoke_token: { member: maker }
`;

let server: TestServer;
beforeAll(async () => {
  server = await aServer({
    settings,
    people: [
      ['watch', 'auditor'],
      ['blue', 'publisher'],
    ],
  });
});
afterAll(() => server.stop());

const auditor = () => server.tokenOf('watch', 'auditor');
const result = '{ __typename ... on Error { code message } }';
const codeOf = async (token: string, field: string, input: string) =>
  (await server.raw(token, `mutation { ${field}(input: {${input}}) ${result} }`)).data[field].code ?? null;

test('a role that sees all sees it by id, in lists, counts, facets and names alike, and changes nothing', async () => {
  const mark = `m${randomUUID().slice(0, 8)}`;
  const facts = { tags: [mark], size: 7, properties: { [mark]: 'x' } };
  const id = await anImage(server.app, { ...facts, visibility: 'private' });
  await anImage(server.app, { ...facts, visibility: 'shared', members: { green: 'pending' } });
  await anImage(server.app, { ...facts, visibility: 'private', owner: null });
  const query = `{ image(id: "${id}") { id can { update download copy } }
    images(where: {tags: {has: "${mark}"}}) { totalCount totalSize nodes { id members { nodes { project } } }
      facets(of: [{attribute: OWNER}, {property: "${mark}"}]) { buckets { value count } missingCount } }
    shared: images(where: {tags: {has: "${mark}"}, sharedWith: {project: "green"}}) { totalCount }
    imagePropertyNames(where: {tags: {has: "${mark}"}}) { name count }
    viewer { isAdmin can { seeAllProjects createImage publish copyImage manageMetadefs } } }`;
  const { data } = await server.raw(auditor(), query);
  expect(data).toMatchObject({
    image: { id, can: { update: false, download: false, copy: false } },
    images: { totalCount: 3, totalSize: 21 },
    shared: { totalCount: 1 },
    imagePropertyNames: [{ name: mark, count: 3 }],
    viewer: {
      isAdmin: false,
      can: {
        seeAllProjects: true,
        createImage: false,
        publish: false,
        copyImage: false,
        manageMetadefs: false,
      },
    },
  });
  expect(data.images.facets).toEqual([
    { buckets: [{ value: 'blue', count: 2 }], missingCount: 1 },
    { buckets: [{ value: 'x', count: 3 }], missingCount: 0 },
  ]);
  const members = data.images.nodes.flatMap((node: { members: { nodes: unknown[] } }) => node.members.nodes);
  expect(members).toEqual([{ project: 'green' }]);
  expect(await codeOf(auditor(), 'updateImage', `id: "${id}", name: "x"`)).toBe('FORBIDDEN');
  expect((await server.http(`/v2/images/${id}/file`, { token: auditor() })).status).toBe(403);
  // Who is not overridden sees what they saw, and their own members no longer.
  const own = await server.raw(server.tokenOf('blue'), query);
  expect(own.data).toMatchObject({ images: { totalCount: 2 }, shared: { totalCount: 0 } });
});

test('rules are tightened and widened for what they are about, and for nothing else', async () => {
  const blue = server.tokenOf('blue');
  const publisher = server.tokenOf('blue', 'publisher');
  const own = await anImage(server.app);
  const open = await anImage(server.app, { owner: 'red', visibility: 'public' });
  const shut = await anImage(server.app, { status: 'deactivated' });
  const status = async (id: string, token = blue) =>
    (await server.http(`/v2/images/${id}/file`, { token })).status;
  expect(await status(open)).toBe(403);
  expect(await status(open, server.tokenOf('admin'))).not.toBe(403);
  expect(await status(shut)).not.toBe(403);
  expect(await codeOf(blue, 'importImage', `id: "${own}", method: {copy: true}`)).not.toBe('FORBIDDEN');
  expect(await codeOf(blue, 'importImage', `id: "${open}", method: {copy: true}`)).toBe('FORBIDDEN');
  expect(await codeOf(blue, 'updateImage', `id: "${own}", visibility: PUBLIC`)).toBe('FORBIDDEN');
  expect(await codeOf(server.tokenOf('admin'), 'updateImage', `id: "${own}", visibility: PUBLIC`)).toBe(
    'FORBIDDEN',
  );
  expect(await codeOf(blue, 'createImage', 'name: "x"')).toBe('FORBIDDEN');
  // It does not see what it made: without a role that reads there is nothing.
  expect(await codeOf(publisher, 'updateImage', `id: "${own}", visibility: PUBLIC`)).toBe('NOT_FOUND');
  expect(await codeOf(publisher, 'createImage', 'name: "x", owner: "red"')).toBeNull();
  expect(await codeOf(publisher, 'createMetadefNamespace', 'namespace: "Made"')).toBeNull();
  expect(await codeOf(server.tokenOf('admin'), 'createMetadefNamespace', 'namespace: "Other"')).toBe(
    'FORBIDDEN',
  );
});

test('robot tokens are made, seen and revoked by rules, and have roles of the settings as far as their maker has', async () => {
  const make = async (token: string, input: string) => {
    const query = `mutation { createToken(input: {name: "r", ${input}}) {
      ... on CreateTokenPayload { secret token { id } } ... on Error { code } } }`;
    return (await server.raw(token, query)).data.createToken;
  };
  const blue = server.tokenOf('blue');
  const publisher = server.tokenOf('blue', 'publisher');
  expect(await make(blue, 'roles: ["publisher"]')).toEqual({ code: 'FORBIDDEN' });
  expect(await make(publisher, '')).toEqual({ code: 'FORBIDDEN' });
  const { secret, token } = await make(publisher, 'project: "red", roles: ["Publisher"]');
  expect((await server.raw(secret, '{ viewer { project roles can { createImage } } }')).data.viewer).toEqual({
    project: 'red',
    roles: ['publisher'],
    can: { createImage: true },
  });
  const own = await make(blue, 'roles: ["reader"]');
  const sees = async (who: string, id: string) =>
    (await server.raw(who, `{ node(id: "${id}") { id } }`)).data.node !== null;
  expect(await sees(auditor(), token.id)).toBe(true);
  expect(await sees(publisher, token.id)).toBe(false);
  expect(await sees(server.tokenOf('admin'), own.token.id)).toBe(false);
  expect(await codeOf(auditor(), 'revokeToken', `id: "${own.token.id}"`)).toBe('FORBIDDEN');
  expect(await codeOf(publisher, 'revokeToken', `id: "${own.token.id}"`)).toBe('NOT_FOUND');
  expect(await codeOf(blue, 'revokeToken', `id: "${own.token.id}"`)).toBeNull();
});

test('a change that takes an image out of sight is told of once more', async () => {
  const green = server.tokenOf('green');
  const id = await anImage(server.app, { visibility: 'shared', members: { green: 'accepted' } });
  const { data } = await server.raw(
    green,
    `mutation { updateImage(input: {id: "${id}", visibility: PRIVATE}) { ... on UpdateImagePayload { image { id visibility } } } }`,
  );
  expect(data.updateImage.image).toEqual({ id, visibility: 'PRIVATE' });
  expect((await server.raw(green, `{ image(id: "${id}") { id } }`)).data.image).toBeNull();

  const shared = await anImage(server.app, { visibility: 'shared', members: { green: 'accepted' } });
  expect(await codeOf(green, 'removeImageMember', `imageId: "${shared}", project: "green"`)).toBeNull();
  expect((await server.raw(green, `{ image(id: "${shared}") { id } }`)).data.image).toBeNull();
});
