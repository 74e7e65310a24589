import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { graphql } from '../../src/client/gen/gql.ts';
import type { CreateImageInput, UpdateImageInput } from '../../src/client/gen/graphql.ts';
import type { Database } from '../../src/db/client.ts';
import { anImage } from '../support/an-image.ts';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let token: string;
beforeAll(async () => {
  server = await aServer();
  token = server.tokenOf('blue');
});
afterAll(() => server.stop());

const Create = graphql(`
  mutation CreateImage($input: CreateImageInput!) {
    createImage(input: $input) {
      __typename
      ... on CreateImagePayload {
        image { id name status visibility owner kind diskFormat containerFormat minDisk minRam protected hidden tags revision createdAt updatedAt properties { name value } }
      }
      ... on Error { code message }
      ... on ValidationError { issues { path code message suggestion } }
      ... on QuotaExceededError { resource limit requested }
    }
  }
`);

const Update = graphql(`
  mutation UpdateImage($input: UpdateImageInput!) {
    updateImage(input: $input) {
      __typename
      ... on UpdateImagePayload {
        image { id name kind visibility diskFormat tags revision updatedAt properties { name value } }
      }
      ... on Error { code message }
      ... on ConflictError { currentRevision }
      ... on ValidationError { issues { path code } }
      ... on QuotaExceededError { resource limit requested }
    }
  }
`);

async function create(input: CreateImageInput, as = token) {
  const { data, errors } = await server.query(as, Create, { input });
  expect(errors).toEqual([]);
  return data.createImage;
}

async function update(input: UpdateImageInput, as = token) {
  const { data, errors } = await server.query(as, Update, { input });
  expect(errors).toEqual([]);
  return data.updateImage;
}

describe('createImage', () => {
  test('registers what is said, with defaults for the rest', async () => {
    const result = await create({});
    expect(result).toMatchObject({
      __typename: 'CreateImagePayload',
      image: {
        name: null,
        status: 'QUEUED',
        visibility: 'SHARED',
        owner: 'blue',
        kind: 'IMAGE',
        minDisk: 0,
        minRam: 0,
        protected: false,
        hidden: false,
        tags: [],
        properties: [],
        revision: 1,
      },
    });
    const image = result?.__typename === 'CreateImagePayload' ? result.image : null;
    expect(image?.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  test('keeps text as it is: emoji, right-to-left marks, quotes, JSON, odd property names', async () => {
    const id = randomUUID();
    const name = '🐧 "x" \\ \u202e %_ \u{10ffff} \'';
    const properties = ['__proto__', 'constructor', "a'b", '"', '日本', ' ', '$.x'].map((n) => ({
      name: n,
      value: `${n}=\n\t`,
    }));
    const result = await create({
      id: id.toUpperCase(),
      name,
      tags: ['b', 'a', '\u{10000}', '\uffff', 'b'],
      properties,
    });
    expect(result).toMatchObject({ image: { id, name, tags: ['a', 'b', '\uffff', '\u{10000}'] } });
    const image = result?.__typename === 'CreateImagePayload' ? result.image : null;
    expect(new Map(image?.properties.map((p) => [p.name, p.value]))).toEqual(
      new Map(properties.map((p) => [p.name, p.value])),
    );
    const one = await server.raw(
      token,
      `{ image(id: "${id}") { property(name: "__proto__") none: property(name: "toString") family: properties(prefix: "__") { name } some: properties(names: ["日本", "x"]) { value } } }`,
    );
    expect(one.data.image).toEqual({
      property: '__proto__=\n\t',
      none: null,
      family: [{ name: '__proto__' }],
      some: [{ value: '日本=\n\t' }],
    });
  });

  test.each<[string, CreateImageInput, [string[], string][]]>([
    ['a bad id', { id: 'x' }, [[['input', 'id'], 'BAD_ID']]],
    ['an empty id', { id: '' }, [[['input', 'id'], 'BAD_ID']]],
    ['a long name', { name: 'x'.repeat(256) }, [[['input', 'name'], 'TOO_LONG']]],
    ['a NUL', { name: 'a\0' }, [[['input', 'name'], 'BAD_CHARACTER']]],
    ['half a surrogate pair', { tags: ['\ud800'] }, [[['input', 'tags', '0'], 'BAD_CHARACTER']]],
    ['an empty tag', { tags: ['a', ''] }, [[['input', 'tags', '1'], 'EMPTY']]],
    ['a long tag', { tags: ['x'.repeat(256)] }, [[['input', 'tags', '0'], 'TOO_LONG']]],
    ['minDisk below 0', { minDisk: -1 }, [[['input', 'minDisk'], 'OUT_OF_RANGE']]],
    [
      'a base field as property',
      { properties: [{ name: 'size', value: '1' }] },
      [[['input', 'properties', '0', 'name'], 'RESERVED_NAME']],
    ],
    [
      'a name of the service',
      { properties: [{ name: 'os_glance_x', value: '1' }] },
      [[['input', 'properties', '0', 'name'], 'RESERVED_NAME']],
    ],
    [
      'a name given twice',
      {
        properties: [
          { name: 'a', value: '1' },
          { name: 'a', value: '2' },
        ],
      },
      [[['input', 'properties', '1', 'name'], 'DUPLICATE']],
    ],
    [
      'a value over 64 KiB',
      { properties: [{ name: 'a', value: 'x'.repeat(65_537) }] },
      [[['input', 'properties', '0', 'value'], 'TOO_LONG']],
    ],
    [
      'several mistakes at once',
      { name: '\0', minRam: -5, tags: [''] },
      [
        [['input', 'name'], 'BAD_CHARACTER'],
        [['input', 'minRam'], 'OUT_OF_RANGE'],
        [['input', 'tags', '0'], 'EMPTY'],
      ],
    ],
  ])('with %s reports every mistake with its path', async (_what, input, issues) => {
    const result = await create(input);
    expect(result).toMatchObject({ __typename: 'ValidationError', code: 'INVALID_INPUT' });
    expect(result?.__typename === 'ValidationError' && result.issues.map((i) => [i.path, i.code])).toEqual(
      issues,
    );
  });

  test('has limits on what is many: 128 tags, 128 properties, 512 KiB of values', async () => {
    const many = Array.from({ length: 129 }, (_, i) => `n${i}`);
    expect(await create({ tags: many })).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      resource: 'tags',
      limit: 128,
      requested: 129,
    });
    const properties = many.map((name) => ({ name, value: '' }));
    expect(await create({ properties })).toMatchObject({
      resource: 'properties',
      limit: 128,
      requested: 129,
    });
    const large = many.slice(0, 9).map((name) => ({ name, value: 'x'.repeat(60_000) }));
    expect(await create({ properties: large })).toMatchObject({
      resource: 'properties',
      limit: 524_288,
      requested: 540_000,
    });
    expect(await create({ tags: many.slice(1), properties: properties.slice(1) })).toMatchObject({
      __typename: 'CreateImagePayload',
    });
  });

  test('is for members in their own project; publishing and other owners are for admins', async () => {
    expect(await create({}, server.tokenOf('blue', 'reader'))).toMatchObject({ code: 'FORBIDDEN' });
    expect(await create({ owner: 'red' })).toMatchObject({ code: 'FORBIDDEN' });
    expect(await create({ owner: 'blue' })).toMatchObject({ image: { owner: 'blue' } });
    expect(await create({ visibility: 'PUBLIC' })).toMatchObject({ code: 'FORBIDDEN' });
    expect(await create({ visibility: 'COMMUNITY' })).toMatchObject({ image: { visibility: 'COMMUNITY' } });
    const admin = server.tokenOf('admin');
    expect(await create({ owner: 'red', visibility: 'PUBLIC' }, admin)).toMatchObject({
      image: { owner: 'red', visibility: 'PUBLIC' },
    });
  });

  test.each<[string, CreateImageInput, string]>([
    [
      'diskFormat AKI',
      { diskFormat: 'AKI', properties: [{ name: 'image_type', value: 'backup' }] },
      'KERNEL',
    ],
    ['diskFormat ARI', { diskFormat: 'ARI' }, 'RAMDISK'],
    [
      'block_device_mapping',
      {
        properties: [
          { name: 'block_device_mapping', value: '[]' },
          { name: 'image_type', value: 'snapshot' },
        ],
      },
      'VOLUME_SNAPSHOT',
    ],
    [
      'image_type=backup',
      {
        properties: [
          { name: 'image_type', value: 'backup' },
          { name: 'instance_uuid', value: 'x' },
        ],
      },
      'BACKUP',
    ],
    ['image_type=snapshot', { properties: [{ name: 'image_type', value: 'snapshot' }] }, 'SNAPSHOT'],
    ['instance_uuid', { properties: [{ name: 'instance_uuid', value: 'x' }] }, 'SNAPSHOT'],
  ])('derives the kind from %s', async (_what, input, kind) => {
    expect(await create(input)).toMatchObject({ image: { kind } });
  });

  test('of one id at once by many is done by one', async () => {
    const id = randomUUID();
    const results = await Promise.all(Array.from({ length: 12 }, () => create({ id })));
    expect(results.filter((r) => r?.__typename === 'CreateImagePayload')).toHaveLength(1);
    expect(results.filter((r) => r?.__typename === 'ConflictError')).toHaveLength(11);
  });

  test('of an id racing its deletion never brings the id back', async () => {
    for (let i = 0; i < 10; i++) {
      const id = await anImage(server.app);
      const [, created] = await Promise.all([
        server.raw(token, `mutation { deleteImage(input: {id: "${id}"}) { __typename } }`),
        create({ id }),
      ]);
      expect(created).toMatchObject({ code: 'ALREADY_EXISTS' });
    }
  });
});

describe('updateImage', () => {
  test('changes what is said and nothing else, and counts the revision', async () => {
    const id = await anImage(server.app, { name: 'a', tags: ['x'], properties: { a: '1', b: '2' } });
    expect(
      await update({
        id,
        name: 'b',
        addTags: ['y'],
        setProperties: [{ name: 'c', value: '3' }],
        removeProperties: ['a', 'none'],
      }),
    ).toMatchObject({
      image: {
        name: 'b',
        tags: ['x', 'y'],
        revision: 2,
        properties: [
          { name: 'b', value: '2' },
          { name: 'c', value: '3' },
        ],
      },
    });
    expect(await update({ id, name: null, removeTags: ['x', 'none'], properties: [] })).toMatchObject({
      image: { name: null, tags: ['y'], revision: 3, properties: [] },
    });
  });

  test.each([
    ['a\0b', 'BAD_CHARACTER'],
    ['\ud800', 'BAD_CHARACTER'],
    ['', 'EMPTY'],
    ['x'.repeat(256), 'TOO_LONG'],
  ])('to an owner that no project can be (%j) is refused by rule', async (owner, code) => {
    const id = await anImage(server.app, { name: 'a' });
    const answer = await update({ id, owner }, server.tokenOf('admin'));
    expect(answer).toMatchObject({
      __typename: 'ValidationError',
      issues: [{ path: ['input', 'owner'], code }],
    });
  });

  test('that changes nothing leaves revision and time alone', async () => {
    const id = await anImage(server.app, { name: 'a', tags: ['x'], properties: { a: '1', b: '2' } });
    const same = {
      id,
      name: 'a',
      tags: ['x', 'x'],
      properties: [
        { name: 'b', value: '2' },
        { name: 'a', value: '1' },
      ],
    };
    expect(await update(same)).toMatchObject({ image: { revision: 1 } });
  });

  test('derives the kind anew', async () => {
    const id = await anImage(server.app);
    expect(await update({ id, setProperties: [{ name: 'image_type', value: 'snapshot' }] })).toMatchObject({
      image: { kind: 'SNAPSHOT' },
    });
    expect(await update({ id, removeProperties: ['image_type'] })).toMatchObject({
      image: { kind: 'IMAGE' },
    });
  });

  test('with ifRevision is done by one of two, and the other learns the revision', async () => {
    const id = await anImage(server.app);
    const results = await Promise.all([
      update({ id, ifRevision: 1, name: 'a' }),
      update({ id, ifRevision: 1, name: 'b' }),
    ]);
    expect(results.map((r) => r?.__typename).sort()).toEqual(['ConflictError', 'UpdateImagePayload']);
    expect(results.find((r) => r?.__typename === 'ConflictError')).toMatchObject({
      code: 'REVISION_MISMATCH',
      currentRevision: 2,
    });
  });

  test('by fifty at once loses none of their tags', async () => {
    const id = await anImage(server.app);
    await Promise.all(Array.from({ length: 50 }, (_, i) => update({ id, addTags: [`t${i}`] })));
    const { data } = await server.raw(token, `{ image(id: "${id}") { tags revision } }`);
    expect(data.image.tags).toHaveLength(50);
    expect(data.image.revision).toBe(51);
  });

  test.each<[string, Omit<UpdateImageInput, 'id'>, [string[], string][]]>([
    [
      'null where there must be a value',
      { visibility: null, minDisk: null, tags: null },
      [
        [['input', 'visibility'], 'REQUIRED'],
        [['input', 'minDisk'], 'REQUIRED'],
        [['input', 'tags'], 'REQUIRED'],
      ],
    ],
    ['tags with addTags', { tags: [], addTags: ['x'] }, [[['input', 'tags'], 'CONTRADICTION']]],
    [
      'properties with setProperties',
      { properties: [], setProperties: [] },
      [[['input', 'properties'], 'CONTRADICTION']],
    ],
    [
      'a property set and removed',
      { setProperties: [{ name: 'a', value: '' }], removeProperties: ['a'] },
      [[['input', 'removeProperties', '0'], 'CONTRADICTION']],
    ],
    [
      'a reserved name',
      { setProperties: [{ name: 'status', value: 'active' }] },
      [[['input', 'setProperties', '0', 'name'], 'RESERVED_NAME']],
    ],
  ])('with %s is refused', async (_what, input, issues) => {
    const result = await update({ id: await anImage(server.app), ...input });
    expect(result?.__typename === 'ValidationError' && result.issues.map((i) => [i.path, i.code])).toEqual(
      issues,
    );
  });

  test('keeps formats once there is data', async () => {
    const id = await anImage(server.app);
    expect(await update({ id, diskFormat: 'QCOW2' })).toMatchObject({ code: 'WRONG_STATUS' });
    expect(await update({ id, diskFormat: 'RAW' })).toMatchObject({ image: { revision: 1 } });
    const open = await anImage(server.app, { status: 'queued' });
    expect(await update({ id: open, diskFormat: null, containerFormat: 'OVA' })).toMatchObject({
      image: { diskFormat: null },
    });
  });

  test('is for the owner: others who see it are forbidden', async () => {
    const id = await anImage(server.app, { visibility: 'public' });
    expect(await update({ id, name: 'x' }, server.tokenOf('red'))).toMatchObject({ code: 'FORBIDDEN' });
    expect(await update({ id, name: 'x' }, server.tokenOf('blue', 'reader'))).toMatchObject({
      code: 'FORBIDDEN',
    });
    expect(await update({ id, owner: 'red' })).toMatchObject({ code: 'FORBIDDEN' });
    expect(await update({ id, owner: 'red' }, server.tokenOf('admin'))).toMatchObject({
      image: { revision: 2 },
    });
  });

  test('cannot pass the limits by small steps', async () => {
    const id = await anImage(server.app, { tags: Array.from({ length: 128 }, (_, i) => `t${i}`).sort() });
    expect(await update({ id, addTags: ['one more'] })).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      resource: 'tags',
    });
    expect(await update({ id, addTags: ['one more'], removeTags: ['t0'] })).toMatchObject({
      image: { revision: 2 },
    });
  });
});

describe('an image in its life', () => {
  const act = async (name: string, id: string, as = token) => {
    const { data } = await server.raw(
      as,
      `mutation { ${name}(input: {id: "${id}"}) { __typename ... on Error { code } ... on ${name[0]?.toUpperCase()}${name.slice(1)}Payload { ${name === 'deleteImage' ? 'id' : 'image { status }'} } } }`,
    );
    return data[name];
  };

  test('is deactivated and reactivated, again without effect, and not before it has data', async () => {
    const id = await anImage(server.app);
    expect(await act('deactivateImage', id)).toMatchObject({ image: { status: 'DEACTIVATED' } });
    expect(await act('deactivateImage', id)).toMatchObject({ image: { status: 'DEACTIVATED' } });
    expect(await act('reactivateImage', id)).toMatchObject({ image: { status: 'ACTIVE' } });
    expect(await act('reactivateImage', id)).toMatchObject({ image: { status: 'ACTIVE' } });
    const queued = await anImage(server.app, { status: 'queued' });
    expect(await act('deactivateImage', queued)).toMatchObject({ code: 'WRONG_STATUS' });
    expect(await act('reactivateImage', queued)).toMatchObject({ code: 'WRONG_STATUS' });
  });

  test('is deleted unless it is protected, and then is gone everywhere', async () => {
    const id = await anImage(server.app, { protected: true });
    expect(await act('deleteImage', id)).toMatchObject({ code: 'PROTECTED' });
    await update({ id, protected: false });
    expect(await act('deleteImage', id)).toEqual({ __typename: 'DeleteImagePayload', id });
    expect(await act('deleteImage', id)).toMatchObject({ code: 'NOT_FOUND' });
    const { data } = await server.raw(token, `{ image(id: "${id}") { id } node(id: "${id}") { id } }`);
    expect(data).toEqual({ image: null, node: null });
  });

  test('tells what the caller can do with it', async () => {
    const id = await anImage(server.app, { status: 'queued', visibility: 'public' });
    const can = 'can { update delete upload download share respond publish deactivate reactivate }';
    const ask = async (as: string) =>
      (await server.raw(as, `{ image(id: "${id}") { ${can} } images { nodes { ${can} } } }`)).data.image.can;
    const none = {
      update: false,
      delete: false,
      upload: false,
      download: false,
      share: false,
      respond: false,
      publish: false,
      deactivate: false,
      reactivate: false,
    };
    expect(await ask(token)).toEqual({ ...none, update: true, delete: true, upload: true });
    expect(await ask(server.tokenOf('red'))).toEqual(none);
    expect(await ask(server.tokenOf('admin'))).toEqual({ ...none, update: true, delete: true, upload: true });
    await update({ id, visibility: 'SHARED' });
    expect(await ask(token)).toMatchObject({ share: true, publish: false });
  });
});

describe('members', () => {
  const add = (id: string, project: string, as = token) =>
    call(
      'addImageMember',
      `imageId: "${id}", project: "${project}"`,
      'member { id project status image { id } }',
      as,
    );
  const respond = (id: string, status: string, as: string, more = '') =>
    call(
      'respondToImageShare',
      `imageId: "${id}", status: ${status}${more}`,
      'member { project status }',
      as,
    );
  const remove = (id: string, project: string, as = token) =>
    call('removeImageMember', `imageId: "${id}", project: "${project}"`, 'id image { id }', as);

  async function call(name: string, input: string, fields: string, as: string) {
    const payload = `${name[0]?.toUpperCase()}${name.slice(1)}Payload`;
    const { data, errors } = await server.raw(
      as,
      `mutation { ${name}(input: {${input}}) { __typename ... on ${payload} { ${fields} } ... on Error { code message } } }`,
    );
    expect(errors).toEqual([]);
    return data[name];
  }

  const listed = async (as: string, include = '') =>
    (await server.raw(as, `{ images${include} { nodes { id membership { status } } } }`)).data.images.nodes;

  test('share, answer, change their mind and leave', async () => {
    const id = await anImage(server.app);
    const red = server.tokenOf('red');
    expect(await add(id, 'red')).toMatchObject({
      member: { id: `ImageMember:${id}:red`, status: 'PENDING', image: { id } },
    });
    expect(await add(id, 'red')).toMatchObject({ code: 'ALREADY_EXISTS' });
    const mine = (nodes: { id: string }[]) => nodes.filter((n) => n.id === id);
    expect(mine(await listed(red))).toEqual([]);
    expect(mine(await listed(red, '(include: [PENDING_SHARES])'))).toEqual([
      { id, membership: { status: 'PENDING' } },
    ]);
    expect(await respond(id, 'ACCEPTED', red)).toMatchObject({
      member: { project: 'red', status: 'ACCEPTED' },
    });
    expect(mine(await listed(red))).toHaveLength(1);
    expect(await respond(id, 'REJECTED', red)).toMatchObject({ member: { status: 'REJECTED' } });
    expect(mine(await listed(red))).toEqual([]);
    expect(mine(await listed(red, '(include: [REJECTED_SHARES])'))).toHaveLength(1);
    const byId = await server.raw(red, `{ image(id: "${id}") { id } }`);
    expect(byId.data.image).toEqual({ id });
    expect(await remove(id, 'red')).toEqual({
      __typename: 'RemoveImageMemberPayload',
      id: `ImageMember:${id}:red`,
      image: { id },
    });
    expect((await server.raw(red, `{ image(id: "${id}") { id } }`)).data.image).toBeNull();
    expect(await remove(id, 'red')).toMatchObject({ code: 'NOT_FOUND' });
  });

  test('see only themselves; the owner and admins see all, in pages', async () => {
    const id = await anImage(server.app, { members: { red: 'accepted', green: 'pending' } });
    const ask = async (as: string, args = '') =>
      (
        await server.raw(
          as,
          `{ image(id: "${id}") { members${args} { totalCount nodes { project } edges { cursor } pageInfo { hasNextPage hasPreviousPage endCursor } } } }`,
        )
      ).data.image.members;
    expect(await ask(server.tokenOf('red'))).toMatchObject({ totalCount: 1, nodes: [{ project: 'red' }] });
    expect(await ask(token)).toMatchObject({ totalCount: 2 });
    expect(await ask(server.tokenOf('admin'))).toMatchObject({ totalCount: 2 });
    const first = await ask(token, '(first: 1)');
    // Both came in one moment: then the project decides.
    expect(first).toMatchObject({
      nodes: [{ project: 'green' }],
      pageInfo: { hasNextPage: true, hasPreviousPage: false },
    });
    const second = await ask(token, `(first: 1, after: "${first.pageInfo.endCursor}")`);
    expect(second).toMatchObject({
      nodes: [{ project: 'red' }],
      pageInfo: { hasNextPage: false, hasPreviousPage: true },
    });
    const last = await ask(token, '(last: 1)');
    expect(last).toMatchObject({ nodes: [{ project: 'red' }] });
  });

  test('are only for shared images, of the owner, and at most 128', async () => {
    const secret = await anImage(server.app, { visibility: 'private' });
    expect(await add(secret, 'red')).toMatchObject({ code: 'NOT_SHARED' });
    const id = await anImage(server.app, { members: { red: 'accepted' } });
    expect(await add(id, 'green', server.tokenOf('red'))).toMatchObject({ code: 'FORBIDDEN' });
    expect(await add(id, '')).toMatchObject({ code: 'INVALID_INPUT' });
    expect(await respond(id, 'ACCEPTED', token)).toMatchObject({ code: 'FORBIDDEN' });
    expect(await respond(id, 'ACCEPTED', server.tokenOf('red', 'reader'))).toMatchObject({
      code: 'FORBIDDEN',
    });
    expect(await respond(id, 'PENDING', server.tokenOf('admin'), ', project: "red"')).toMatchObject({
      member: { project: 'red', status: 'PENDING' },
    });
    const full = await anImage(server.app, {
      members: Object.fromEntries(Array.from({ length: 128 }, (_, i) => [`p${i}`, 'pending' as const])),
    });
    expect(await add(full, 'red')).toMatchObject({ code: 'QUOTA_EXCEEDED' });
  });

  test('of a page of images cost one more statement, however many there are', async () => {
    const counted = server.app.db as { query: Database['query']; search: Database['search'] };
    const { query, search } = counted;
    let statements = 0;
    // Those of the service's own work are none of ours.
    const isAsked = (text: string) => /from (images|image_members)\b/.test(text);
    counted.query = (text, params) => {
      if (isAsked(text)) statements++;
      return query(text, params);
    };
    counted.search = (text, params, how) => {
      if (isAsked(text)) statements++;
      return search(text, params, how);
    };
    try {
      const { data } = await server.raw(
        token,
        '{ images { nodes { id members { nodes { project image { name } } } } } }',
      );
      expect(data.images.nodes.length).toBeGreaterThan(5);
    } finally {
      Object.assign(counted, { query, search });
    }
    expect(statements).toBe(3);
  });
});
