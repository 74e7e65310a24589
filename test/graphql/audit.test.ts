/** The audit log: every mutation of the schema and every byte route leaves its entry, in the transaction of its change. */
import { randomUUID } from 'node:crypto';
import type { GraphQLInputObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forgetOldAudit } from '../../src/actions/forget-old-audit.ts';
import { reap } from '../../src/actions/reap.ts';
import { schema } from '../../src/graphql/schema.ts';
import { storesOf } from '../../src/stores/all.ts';
import { memoryStore } from '../../src/stores/memory.ts';
import { type AnImage, anImage } from '../support/an-image.ts';
import { someBytes } from '../support/bytes.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';

let server: TestServer;
let blue: string;
let admin: string;
beforeAll(async () => {
  const stores = storesOf([memoryStore({ id: 'one' }), memoryStore({ id: 'two' })]);
  server = await aServer({ stores, settings: 'imports:\n  egress: { allow: ["127.0.0.1:9"] }\n' });
  blue = server.tokenOf('blue');
  admin = server.tokenOf('admin');
});
afterAll(() => server.stop());

const bytes = new Uint8Array(someBytes(1000));
const newRequestId = () => `req-${randomUUID()}`;

interface Entry {
  at: string;
  actor: { kind: string; user: string | null; project: string | null };
  action: string;
  result: string;
  requestId: string | null;
  objectType: string;
  objectId: string | null;
  objectOwner: string | null;
  changes: { field: string; before: unknown; after: unknown }[];
  message: string | null;
  times: number;
}

const fields = `at actor { kind user project } action result requestId objectType objectId objectOwner
  changes { field before after } message times`;

/** As auditLog gives them, newest first. */
async function entries(where: object, token = admin): Promise<Entry[]> {
  const query = `query ($where: AuditFilter) { auditLog(where: $where, first: 1000) { nodes { ${fields} } } }`;
  const { data, errors } = await server.raw(token, query, { where });
  expect(errors).toEqual([]);
  return data.auditLog.nodes;
}

/** One mutation under a request id of its own. */
async function mutate(name: string, input: object, token = blue) {
  const requestId = newRequestId();
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}`;
  const query = `mutation ($input: ${type}Input!) { ${name}(input: $input) { __typename ... on Error { code message } } }`;
  const response = await server.http('/graphql', {
    method: 'POST',
    token,
    headers: { 'content-type': 'application/json', 'x-openstack-request-id': requestId },
    body: JSON.stringify({ query, variables: { input } }),
  });
  const { data, errors } = (await response.json()) as {
    data: Record<string, { __typename: string; code?: string; message?: string }>;
    errors?: unknown;
  };
  expect(errors).toBeUndefined();
  return { result: data[name], requestId };
}

/** Sends bytes under a request id of its own. */
async function sendBytes(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: Uint8Array,
) {
  const requestId = newRequestId();
  const type = method === 'PATCH' ? 'application/offset+octet-stream' : 'application/octet-stream';
  const response = await server.http(path, {
    method,
    headers: { ...(body ? { 'content-type': type } : {}), 'x-openstack-request-id': requestId, ...headers },
    body: body as BodyInit | undefined,
  });
  await response.arrayBuffer();
  return { status: response.status, location: response.headers.get('location'), requestId };
}

const putFile = (id: string, headers: Record<string, string> = {}) =>
  sendBytes('PUT', `/v2/images/${id}/file`, { 'x-auth-token': blue, ...headers }, bytes);

const queued = (image: AnImage = {}) => anImage(server.app, { status: 'queued', ...image });

const change = (field: string, before: unknown, after: unknown) => ({ field, before, after });

/** An active image with a copy in both stores. */
async function copied(): Promise<string> {
  const id = await queued();
  expect((await putFile(id)).status).toBe(204);
  const { result } = await mutate('importImage', { id, method: { copy: true }, stores: ['two'] }, admin);
  expect(result?.__typename).toBe('ImportImagePayload');
  await until(async () => (await entries({ objectId: id, actions: ['finishImport'] })).length > 0);
  return id;
}

let count = 0;
/** A namespace with a property, an object, a tag and an association. */
async function aNamespace(): Promise<string> {
  const namespace = `Audited${++count}`;
  const { result } = await mutate(
    'createMetadefNamespace',
    {
      namespace,
      properties: [{ name: 'p', title: 'P', type: 'STRING' }],
      objects: [{ name: 'o', properties: [{ name: 'q', title: 'Q', type: 'INTEGER' }] }],
      tags: ['t'],
      resourceTypes: [{ resourceType: 'OS::Audited', prefix: 'a_' }],
    },
    admin,
  );
  expect(result?.__typename).toBe('CreateMetadefNamespacePayload');
  return namespace;
}

async function aToken(): Promise<string> {
  const { data } = await server.raw(
    blue,
    'mutation { createToken(input: {name: "given"}) { ... on CreateTokenPayload { token { id } } } }',
  );
  return data.createToken.token.id;
}

interface Recipe {
  input: object;
  changes: ReturnType<typeof change>[];
  token?: string;
}

const ofNamespace = (work: (namespace: string) => Omit<Recipe, 'token'>) => async () => ({
  ...work(await aNamespace()),
  token: admin,
});
const string = { type: 'string' };

/** For each mutation of the schema: what is sent, and some of what the entry says of it. */
const recipes: Record<string, () => Promise<Recipe>> = {
  createImage: async () => ({
    input: { name: 'n', tags: ['b', 'a'], properties: [{ name: 'os_distro', value: 'debian' }] },
    changes: [
      change('name', null, 'n'),
      change('tags', null, ['a', 'b']),
      change('properties.os_distro', null, 'debian'),
      change('visibility', null, 'shared'),
    ],
  }),
  updateImage: async () => ({
    input: {
      id: await queued({ name: 'old', tags: ['x'], properties: { a: '1', b: '2', c: '3' } }),
      name: 'new',
      addTags: ['y'],
      visibility: 'PRIVATE',
      setProperties: [{ name: 'a', value: '9' }],
      removeProperties: ['b'],
    },
    changes: [
      change('name', 'old', 'new'),
      change('tags', ['x'], ['x', 'y']),
      change('visibility', 'shared', 'private'),
      change('properties.a', '1', '9'),
      change('properties.b', '2', null),
    ],
  }),
  deleteImage: async () => ({
    input: { id: await queued({ name: 'gone', properties: { a: '1' } }) },
    changes: [
      change('name', 'gone', null),
      change('properties.a', '1', null),
      change('status', 'queued', null),
    ],
  }),
  deactivateImage: async () => ({
    input: { id: await anImage(server.app) },
    changes: [change('status', 'active', 'deactivated')],
  }),
  reactivateImage: async () => ({
    input: { id: await anImage(server.app, { status: 'deactivated' }) },
    changes: [change('status', 'deactivated', 'active')],
  }),
  addImageMember: async () => ({
    input: { imageId: await queued(), project: 'red' },
    changes: [change('members.red', null, 'pending')],
  }),
  removeImageMember: async () => ({
    input: { imageId: await queued({ members: { red: 'accepted' } }), project: 'red' },
    changes: [change('members.red', 'accepted', null)],
  }),
  respondToImageShare: async () => ({
    input: { imageId: await queued({ members: { red: 'pending' } }), status: 'REJECTED' },
    token: server.tokenOf('red'),
    changes: [change('members.red', 'pending', 'rejected')],
  }),
  createUpload: async () => ({
    input: { imageId: await queued(), size: 5, store: 'two' },
    changes: [change('size', null, '5'), change('store', null, 'two')],
  }),
  importImage: async () => ({
    input: {
      id: await queued(),
      method: { webDownload: { url: 'http://127.0.0.1:9/x?arch=arm64&sig=hunter2' } },
      stores: ['two'],
    },
    changes: [
      change('status', 'queued', 'importing'),
      change('copies.two', null, 'pending'),
      change('method.url', null, 'http://127.0.0.1:9/x?arch=arm64&sig=***'),
    ],
  }),
  deleteImageCopy: async () => ({
    input: { imageId: await copied(), store: 'one' },
    token: admin,
    changes: [change('copies.one', 'active', null)],
  }),
  createMetadefNamespace: async () => ({
    input: {
      namespace: `Made${++count}`,
      tags: ['t'],
      properties: [{ name: 'p', title: 'P', type: 'STRING' }],
    },
    token: admin,
    changes: [change('tags', null, ['t']), change('visibility', null, 'private')],
  }),
  updateMetadefNamespace: ofNamespace((namespace) => ({
    input: { namespace, displayName: 'Shown', tags: ['t', 'u'] },
    changes: [change('displayName', null, 'Shown'), change('tags', ['t'], ['t', 'u'])],
  })),
  deleteMetadefNamespace: ofNamespace((namespace) => ({
    input: { namespace },
    changes: [change('namespace', namespace, null), change('tags', ['t'], null)],
  })),
  addMetadefProperty: ofNamespace((namespace) => ({
    input: { namespace, property: { name: 'n', title: 'N', type: 'STRING' } },
    changes: [change('properties.n', null, expect.objectContaining(string))],
  })),
  updateMetadefProperty: ofNamespace((namespace) => ({
    input: { namespace, name: 'p', property: { name: 'r', title: 'R', type: 'STRING' } },
    changes: [
      change('properties.p', expect.objectContaining(string), null),
      change('properties.r', null, expect.objectContaining(string)),
    ],
  })),
  removeMetadefProperty: ofNamespace((namespace) => ({
    input: { namespace, name: 'q', object: 'o' },
    changes: [change('objectProperties.o.q', expect.objectContaining({ type: 'integer' }), null)],
  })),
  addMetadefObject: ofNamespace((namespace) => ({
    input: { namespace, object: { name: 'n', description: 'd' } },
    changes: [change('objects.n', null, { description: 'd', required: [] })],
  })),
  updateMetadefObject: ofNamespace((namespace) => ({
    input: { namespace, name: 'o', object: { name: 'o', description: 'd' } },
    changes: [
      change('objects.o', { required: [] }, { description: 'd', required: [] }),
      change('objectProperties.o.q', expect.anything(), null),
    ],
  })),
  removeMetadefObject: ofNamespace((namespace) => ({
    input: { namespace, name: 'o' },
    changes: [change('objects.o', { required: [] }, null)],
  })),
  addMetadefTag: ofNamespace((namespace) => ({
    input: { namespace, tag: 'u' },
    changes: [change('tags', ['t'], ['t', 'u'])],
  })),
  renameMetadefTag: ofNamespace((namespace) => ({
    input: { namespace, tag: 't', rename: 'u' },
    changes: [change('tags', ['t'], ['u'])],
  })),
  removeMetadefTag: ofNamespace((namespace) => ({
    input: { namespace, tag: 't' },
    changes: [change('tags', ['t'], null)],
  })),
  addMetadefResourceTypeAssociation: ofNamespace((namespace) => ({
    input: { namespace, resourceType: 'OS::More' },
    changes: [change('resourceTypes.OS::More', null, {})],
  })),
  updateMetadefResourceTypeAssociation: ofNamespace((namespace) => ({
    input: { namespace, resourceType: 'OS::Audited', prefix: 'b_' },
    changes: [change('resourceTypes.OS::Audited', { prefix: 'a_' }, { prefix: 'b_' })],
  })),
  removeMetadefResourceTypeAssociation: ofNamespace((namespace) => ({
    input: { namespace, resourceType: 'OS::Audited' },
    changes: [change('resourceTypes.OS::Audited', { prefix: 'a_' }, null)],
  })),
  createToken: async () => ({
    input: { name: 'made', roles: ['reader'], readOnly: true, imageFilter: { tags: { has: 'x' } } },
    changes: [
      change('name', null, 'made'),
      change('roles', null, ['reader']),
      change('readOnly', null, true),
      change('imageFilter', null, '{"tags":{"has":"x"}}'),
    ],
  }),
  revokeToken: async () => ({
    input: { id: await aToken() },
    changes: [change('name', 'given', null), change('roles', ['member'], null)],
  }),
  setQuota: async () => ({
    input: { project: 'elsewhere', set: [{ resource: 'image_count_total', limit: 3 }] },
    changes: [change('quotas.images', null, 3)],
    token: admin,
  }),
};

/** What entries are about, by a word in the name of the mutation; else about an image. */
const aboutOf = (name: string) =>
  /Metadef/.test(name)
    ? 'METADEF_NAMESPACE'
    : /Quota/.test(name)
      ? 'PROJECT'
      : /Token/.test(name)
        ? 'TOKEN'
        : 'IMAGE';

/** Its bytes come in a multipart request: with the other ways to send bytes, below. */
const elsewhere = ['uploadImage'];

describe('every mutation of the schema', () => {
  const names = Object.keys(schema.getMutationType()?.getFields() ?? {}).filter(
    (n) => !elsewhere.includes(n),
  );

  test.each(names)('%s leaves exactly one entry, of what was there before and after', async (name) => {
    const recipe = recipes[name];
    if (!recipe)
      throw new Error(`No recipe for ${name}: say here what it changes, and see that it is recorded.`);
    const { input, token = blue, changes } = await recipe();
    const { result, requestId } = await mutate(name, input, token);
    expect(result).toEqual({ __typename: `${name[0]?.toUpperCase()}${name.slice(1)}Payload` });
    const all = (await entries({ requestId })).filter(({ actor }) => actor.kind === 'TOKEN');
    expect(all).toHaveLength(1);
    expect(all[0]).toMatchObject({ action: name, result: 'DONE', requestId, times: 1, message: null });
    for (const one of changes) expect(all[0]?.changes).toContainEqual(one);
    const who = (await server.raw(token, '{ viewer { user project } }')).data.viewer;
    expect(all[0]?.actor).toEqual({ kind: 'TOKEN', ...who });
    expect(all[0]?.objectType).toBe(aboutOf(name));
    // The same again, where that is refused, leaves nothing.
    const again = await mutate(name, input, token);
    const left = await entries({ requestId: again.requestId });
    if (again.result?.code !== undefined) expect(left).toEqual([]);
    else expect(left.length).toBeLessThanOrEqual(1);
  });

  test('by a robot is told with its token, in its maker’s name, and never with its secret', async () => {
    const query =
      'mutation { createToken(input: {name: "r"}) { ... on CreateTokenPayload { secret token { id } } } }';
    const { secret, token } = (await server.raw(blue, query)).data.createToken;
    const id = await queued();
    expect((await putFile(id, { 'x-auth-token': secret })).status).toBe(204);
    // What is no id may be the secret, by mistake.
    expect((await mutate('revokeToken', { id: secret }, secret)).result?.code).toBe('FORBIDDEN');
    const asked = '{ auditLog(first: 5) { nodes { action result objectId actor { user robotToken } } } }';
    const { data } = await server.raw(admin, asked);
    const actor = { user: 'blue-member', robotToken: token.id };
    expect(data.auditLog.nodes).toEqual([
      { action: 'revokeToken', result: 'DENIED', objectId: null, actor },
      { action: 'finishUpload', result: 'DONE', objectId: id, actor },
      { action: 'beginUpload', result: 'DONE', objectId: id, actor },
      {
        action: 'createToken',
        result: 'DONE',
        objectId: token.id.replace('Token:', ''),
        actor: { user: 'blue-member', robotToken: null },
      },
      expect.anything(),
    ]);
    const rows = await server.app.db.query('select * from audit_log', []);
    expect(JSON.stringify(rows)).not.toContain(secret.slice(4, 60));
  });

  test('is read by a robot as by its maker, but not where it is for certain images', async () => {
    const asked = '{ auditLog(first: 1) { nodes { action } } }';
    const read = async (input: string) => {
      const query = `mutation { createToken(input: {name: "r" ${input}}) { ... on CreateTokenPayload { secret } } }`;
      return server.raw((await server.raw(blue, query)).data.createToken.secret, asked);
    };
    expect((await read('readOnly: true')).data.auditLog.nodes).toHaveLength(1);
    const { data, errors } = await read('imageFilter: {tags: {has: "x"}}');
    expect(data).toEqual({ auditLog: null });
    expect(errors).toMatchObject([
      { message: expect.stringContaining('certain images'), extensions: { code: 'FORBIDDEN' } },
    ]);
  });

  test('has an input with the names by which a denied call is told', () => {
    for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
      const input = field.args[0]?.type.toString().replace('!', '') ?? '';
      const known = Object.keys((schema.getType(input) as GraphQLInputObjectType).getFields());
      if (field.name.startsWith('create')) continue;
      expect(known.some((name) => ['id', 'imageId', 'namespace', 'project'].includes(name))).toBe(true);
    }
  });
});

describe('bytes', () => {
  const finished = [
    change('status', 'saving', 'active'),
    change('size', null, bytes.length),
    change('copies.one', 'uploading', 'active'),
  ];

  async function actionsOf(id: string): Promise<string[]> {
    return (await entries({ objectId: id })).map(({ action, result }) => `${action} ${result}`).reverse();
  }

  test('a PUT is begun and finished, by who sent it', async () => {
    const id = await queued();
    const { status, requestId } = await putFile(id);
    expect(status).toBe(204);
    const [end, begin, ...others] = await entries({ requestId });
    expect(others).toEqual([]);
    expect(begin).toMatchObject({
      action: 'beginUpload',
      objectId: id,
      changes: [change('status', 'queued', 'saving'), change('copies.one', null, 'uploading')],
    });
    expect(end).toMatchObject({ action: 'finishUpload', actor: { kind: 'TOKEN', user: 'blue-member' } });
    for (const one of finished) expect(end?.changes).toContainEqual(one);
  });

  test('one that fails says why, and what it left', async () => {
    const id = await queued();
    expect(
      (await putFile(id, { 'x-openstack-image-size': '1000', 'repr-digest': 'sha-256=:AAAA:' })).status,
    ).toBe(400);
    const { status, requestId } = await putFile(id, {
      'repr-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:`,
    });
    expect(status).toBe(400);
    const [end] = await entries({ requestId });
    expect(end).toMatchObject({
      action: 'failUpload',
      result: 'FAILED',
      changes: [change('status', 'saving', 'queued')],
      message: expect.stringContaining('sha256'),
    });
  });

  test('by a signed target they are those of who made it', async () => {
    const id = await queued();
    const made = await server.raw(
      blue,
      `mutation { createUpload(input: {imageId: "${id}"}) { ... on CreateUploadPayload { upload { url } resumable { url } } } }`,
    );
    const url = new URL(made.data.createUpload.upload.url);
    const { status } = await sendBytes('PUT', url.pathname + url.search, {}, bytes);
    expect(status).toBe(204);
    expect(await actionsOf(id)).toEqual(['createUpload DONE', 'beginUpload DONE', 'finishUpload DONE']);
    const [end] = await entries({ objectId: id });
    expect(end?.actor).toEqual({ kind: 'LINK', user: 'blue-member', project: 'blue' });
    url.searchParams.set('user', 'somebody-else');
    const forged = await sendBytes('PUT', url.pathname + url.search, {}, bytes);
    expect(forged.status).toBe(403);
    expect(await entries({ requestId: forged.requestId })).toEqual([]);
  });

  test('of a resumable upload the end is that of who began it', async () => {
    const tus = { 'tus-resumable': '1.0.0' };
    const begin = async (id: string) => {
      const metadata = `image ${Buffer.from(id).toString('base64')}`;
      const headers = { ...tus, 'upload-length': '1000', 'upload-metadata': metadata, 'x-auth-token': blue };
      const { status, location } = await sendBytes('POST', '/uploads', headers);
      expect(status).toBe(201);
      return new URL(location ?? '').pathname;
    };
    const [whole, ended] = [await queued(), await queued()];
    const path = await begin(whole);
    expect((await sendBytes('PATCH', path, { ...tus, 'upload-offset': '0' }, bytes)).status).toBe(204);
    expect(await actionsOf(whole)).toEqual(['beginUpload DONE', 'finishUpload DONE']);
    const [end] = await entries({ objectId: whole });
    expect(end?.actor).toEqual({ kind: 'TOKEN', user: 'blue-member', project: 'blue' });
    expect((await sendBytes('DELETE', await begin(ended), tus)).status).toBe(204);
    expect(await actionsOf(ended)).toEqual(['beginUpload DONE', 'endUpload DONE']);
    // One that nobody goes on with is given up by the service.
    const left = await queued();
    await begin(left);
    await server.app.db.query(
      `with over as (update uploads set expires_at = now() - interval '1 s' where image_id = $1::uuid)
       update images set lease_until = now() - interval '1 s' where id = $1::uuid`,
      [left],
    );
    await reap(server.app, { list: false });
    await until(async () => (await actionsOf(left)).includes('failUpload FAILED'));
    const [given] = await entries({ objectId: left });
    expect(given?.actor).toEqual({ kind: 'SERVICE', user: null, project: null });
  });

  test('what is staged and imported is told step by step, without the name of this machine', async () => {
    const id = await queued();
    const staged = await sendBytes('PUT', `/v2/images/${id}/stage`, { 'x-auth-token': blue }, bytes);
    expect(staged.status).toBe(204);
    const asked = await mutate('importImage', { id, method: { staged: true }, stores: ['one', 'two'] });
    await until(async () => (await actionsOf(id)).includes('finishImport DONE'));
    const steps = ['beginStaging', 'finishStaging', 'importImage', 'finishImport'].map(
      (one) => `${one} DONE`,
    );
    expect((await actionsOf(id)).slice(0, 4)).toEqual(steps);
    const [end] = await entries({ objectId: id, actions: ['finishImport'] });
    expect(end?.actor).toEqual({ kind: 'SERVICE', user: 'blue-member', project: 'blue' });
    expect(end?.requestId).toBe(asked.requestId);
    expect(end?.changes).toContainEqual(change('copies.two', 'uploading', 'active'));
    expect(JSON.stringify(await entries({ objectId: id }))).not.toContain('staging-');
  });

  test('uploadImage in a multipart request is begun and finished', async () => {
    const id = await queued();
    const form = new FormData();
    const query =
      'mutation ($id: ID!, $file: Upload!) { uploadImage(input: {id: $id, file: $file}) { __typename } }';
    form.set('operations', JSON.stringify({ query, variables: { id, file: null } }));
    form.set('map', JSON.stringify({ 0: ['variables.file'] }));
    form.set('0', new Blob([bytes]), 'file');
    const requestId = newRequestId();
    const headers = { 'x-vitrine-csrf': '1', 'x-openstack-request-id': requestId };
    const response = await server.http('/graphql', { method: 'POST', token: blue, headers, body: form });
    expect(await response.json()).toMatchObject({
      data: { uploadImage: { __typename: 'UploadImagePayload' } },
    });
    expect((await entries({ requestId })).map(({ action }) => action)).toEqual([
      'finishUpload',
      'beginUpload',
    ]);
  });
});

describe('an entry and its change', () => {
  test('are of one transaction', async () => {
    const id = await queued();
    await mutate('updateImage', { id, name: 'other' });
    const [row] = await server.app.db.query<{ same: boolean }>(
      `select a.xmin = i.xmin as same from audit_log a join images i on i.id::text = a.object_id
       where i.id = $1::uuid and a.action = 'updateImage'`,
      [id],
    );
    expect(row?.same).toBe(true);
  });

  test('come together or not at all: what cannot be recorded does not happen', async () => {
    const name = `unrecorded-${randomUUID()}`;
    await server.app.db.query(
      `alter table audit_log add constraint refused check (object_name <> '${name}') not valid`,
      [],
    );
    const { data, errors } = await server.raw(
      blue,
      `mutation { createImage(input: {name: "${name}"}) { __typename } }`,
    );
    expect(data.createImage).toBeNull();
    expect(errors[0]?.extensions.code).toBe('INTERNAL_SERVER_ERROR');
    await server.app.db.query('alter table audit_log drop constraint refused', []);
    expect(await server.app.db.query('select 1 from images where name = $1::text', [name])).toEqual([]);
  });

  test('are as many, and in the same order, when many write at once', async () => {
    const id = await queued();
    const names = Array.from({ length: 20 }, (_, n) => `name ${n}`);
    await Promise.all(names.map((name) => mutate('updateImage', { id, name })));
    const log = (await entries({ objectId: id, actions: ['updateImage'] })).reverse();
    expect(log).toHaveLength(names.length);
    const steps = log.map(({ changes }) => changes[0]);
    for (const [n, step] of steps.entries()) expect(step?.before).toBe(n === 0 ? null : steps[n - 1]?.after);
  });
});

describe('denied calls', () => {
  const reader = () => server.tokenOf('blue', 'reader');
  const deniedOf = (where: object) => entries({ ...where, result: 'DENIED' });

  test('are recorded with who asked for what, and read by the owner', async () => {
    const id = await anImage(server.app, { visibility: 'public' });
    const red = server.tokenOf('red');
    const { result, requestId } = await mutate('updateImage', { id, name: 'mine' }, red);
    expect(result?.code).toBe('FORBIDDEN');
    const [entry, ...others] = await deniedOf({ requestId });
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      action: 'updateImage',
      actor: { kind: 'TOKEN', user: 'red-member', project: 'red' },
      objectId: id,
      objectOwner: 'blue',
      changes: [],
      message: result?.message,
    });
    expect(await entries({ requestId }, blue)).toHaveLength(1);
    expect(await entries({ requestId }, red)).toEqual([]);
  });

  test('at the byte routes, too', async () => {
    const id = await queued();
    const put = await putFile(id, { 'x-auth-token': reader() });
    expect(put.status).toBe(403);
    expect(await deniedOf({ requestId: put.requestId })).toMatchObject([
      { action: 'beginUpload', objectId: id },
    ]);
    const off = await anImage(server.app, { status: 'deactivated', size: 5 });
    const get = await sendBytes('GET', `/v2/images/${off}/file`, { 'x-auth-token': blue });
    expect(get.status).toBe(403);
    expect(await deniedOf({ requestId: get.requestId })).toMatchObject([
      { action: 'downloadImage', objectId: off },
    ]);
  });

  test('of what is invisible or missing there are none: the one is the other', async () => {
    const foreign = await anImage(server.app, { visibility: 'private' });
    for (const id of [foreign, randomUUID()]) {
      const { result, requestId } = await mutate('deleteImage', { id }, server.tokenOf('red'));
      expect(result?.code).toBe('NOT_FOUND');
      expect(await entries({ requestId })).toEqual([]);
    }
  });

  test('the same again is counted, and a flood of others leaves few', async () => {
    const user = 'green-member';
    const token = server.tokenOf('green');
    const image = { visibility: 'public' as const };
    const id = await anImage(server.app, image);
    for (let n = 0; n < 5; n++) await mutate('deactivateImage', { id }, token);
    await server.app.denials.flush();
    const counted = await deniedOf({ user, objectId: id });
    expect(counted.map(({ times }) => times)).toEqual([4, 1]);
    const ids = await Promise.all(Array.from({ length: 40 }, () => anImage(server.app, image)));
    for (const one of ids) await mutate('deactivateImage', { id: one }, token);
    await server.app.denials.flush();
    const flood = (await deniedOf({ user })).filter(({ objectId }) => objectId !== id);
    expect(flood.reduce((sum, { times }) => sum + times, 0)).toBe(40);
    expect(flood.filter(({ objectId }) => objectId !== null)).toHaveLength(30);
    expect(flood.filter(({ objectId }) => objectId === null).map(({ times }) => times)).toEqual([9, 1]);
  });
});

describe('the table', () => {
  test('is only added to, whoever asks', async () => {
    await mutate('createImage', {});
    for (const statement of [
      `update audit_log set action = 'x'`,
      'delete from audit_log',
      'truncate audit_log',
      `delete from audit_log where id in (select max(id) from audit_log)`,
    ]) {
      await expect(server.app.db.query(statement, [])).rejects.toMatchObject({ code: '42501' });
    }
  });

  test('lets go of what is older than the settings say, and of nothing else', async () => {
    expect(server.config.audit.retentionDays).toBe(365);
    const add = `insert into audit_log (at, actor_kind, action, object_type)
      select now() - make_interval(days => d), 'service', 'aged', 'catalog' from unnest($1::int[]) d`;
    await server.app.db.query(add, [[364, 366, 400, 3000]]);
    const [before] = await server.app.db.query<{ n: number }>('select count(*)::int as n from audit_log', []);
    expect(await forgetOldAudit({ ...server.app, audit: { retentionDays: null } })).toBe(0);
    expect(await forgetOldAudit(server.app)).toBe(3);
    const [after] = await server.app.db.query<{ n: number }>('select count(*)::int as n from audit_log', []);
    expect(after?.n).toBe((before?.n ?? 0) - 3);
    expect(await entries({ actions: ['aged'] })).toHaveLength(1);
  });

  test('has no secret, wherever one came in', async () => {
    const planted = ['token', 'url', 'query', 'password', 'inside'].map(
      (name) => `S3CR3T-${name}-${randomUUID()}`,
    );
    const [, inUrl, inQuery, password, inside] = planted;
    const id = await queued();
    const value = `see https://u:${inside}@example.org/x?key=${inQuery} for more`;
    await mutate('updateImage', {
      id,
      setProperties: [
        { name: 'source', value },
        { name: 'admin_password', value: password },
      ],
    });
    for (const url of [`http://u:${inUrl}@127.0.0.1:9/x`, `http://127.0.0.1:9/x?sig=${inQuery}`]) {
      await mutate('importImage', { id, method: { webDownload: { url } } });
    }
    expect(await entries({ objectId: id, actions: ['importImage'] })).toHaveLength(1);
    const target = await queued();
    const made = await server.raw(
      blue,
      `mutation { createUpload(input: {imageId: "${target}"}) { ... on CreateUploadPayload { upload { url } } } }`,
    );
    const link = new URL(made.data.createUpload.upload.url);
    await sendBytes('PUT', link.pathname + link.search, {}, bytes);
    const secrets = [
      ...planted,
      blue,
      admin,
      link.searchParams.get('signature') ?? '',
      server.app.signingKey,
    ];
    const rows = await server.app.db.query<{ row: string }>('select a::text as row from audit_log a', []);
    const text = rows.map(({ row }) => row).join('\n');
    expect(text).toContain('https://***:***@example.org/x?key=***');
    for (const secret of secrets) expect(text.includes(secret), secret).toBe(false);
    const keys = await server.app.db.query<{ key: string }>('select key from image_copies', []);
    for (const { key } of keys) expect(text).not.toContain(key);
  });
});

describe('auditLog', () => {
  const page = `query ($first: Int, $after: String, $last: Int, $before: String, $where: AuditFilter) {
    auditLog(where: $where, first: $first, after: $after, last: $last, before: $before) {
      totalCount nodes { id action } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;

  test('pages in both directions, newest first, through the same entries', async () => {
    const id = await queued();
    for (let n = 0; n < 7; n++) await mutate('updateImage', { id, name: `${n}` });
    const where = { objectId: id.toUpperCase() };
    const all = (await server.raw(blue, page, { where, first: 100 })).data.auditLog;
    expect(all.totalCount).toBe(7);
    const ids: string[] = all.nodes.map((one: { id: string }) => one.id);
    expect(ids).toEqual(ids.toSorted((a, b) => Number(b) - Number(a)));
    for (const forward of [true, false]) {
      const seen: string[][] = [];
      for (let cursor: string | null = null, more = true; more; ) {
        const size: object = forward ? { first: 3, after: cursor } : { last: 3, before: cursor };
        const answer = await server.raw(blue, page, { where, ...size });
        const { nodes, pageInfo } = answer.data.auditLog;
        seen.push(nodes.map((one: { id: string }) => one.id));
        cursor = forward ? pageInfo.endCursor : pageInfo.startCursor;
        more = forward ? pageInfo.hasNextPage : pageInfo.hasPreviousPage;
        expect(forward ? pageInfo.hasPreviousPage : pageInfo.hasNextPage).toBe(seen.length > 1);
      }
      expect((forward ? seen : seen.reverse()).flat()).toEqual(ids);
    }
  });

  test('shows others than admins what is about objects of their project, and nothing else', async () => {
    const own = await queued({ visibility: 'public' });
    await mutate('updateImage', { id: own, name: 'by an admin' }, admin);
    for (const token of [blue, server.tokenOf('blue', 'reader')]) {
      expect(await entries({ objectId: own }, token)).toHaveLength(1);
      for (const { objectOwner } of await entries({}, token)) expect(objectOwner).toBe('blue');
    }
    expect(await entries({ objectId: own }, server.tokenOf('red'))).toEqual([]);
    // Given away: the former owner reads that, the new one what follows.
    await mutate('updateImage', { id: own, owner: 'red' }, admin);
    await mutate('updateImage', { id: own, name: 'later' }, admin);
    expect(await entries({ objectId: own }, blue)).toHaveLength(2);
    expect(await entries({ objectId: own }, server.tokenOf('red'))).toHaveLength(1);
  });

  test('filters by who, what, when and what became of it', async () => {
    const id = await queued();
    const { requestId } = await mutate('updateImage', { id, name: 'x' });
    const [entry] = await entries({ requestId });
    const at = entry?.at;
    const is = { objectType: 'IMAGE', objectId: id, user: 'blue-member', project: 'blue', result: 'DONE' };
    expect(await entries({ ...is, actions: ['x', 'updateImage'], from: at })).toEqual([entry]);
    for (const not of [
      { ...is, objectType: 'CATALOG' },
      { ...is, user: 'x' },
      { ...is, project: 'red' },
      { ...is, result: 'DENIED' },
      { ...is, actions: [] },
      { ...is, until: at },
    ]) {
      expect(await entries(not)).toEqual([]);
    }
  });

  test('refuses what it cannot read, in words', async () => {
    const code = async (variables: object, token: string | null = blue) =>
      (await server.raw(token, page, variables)).errors.map(({ extensions }) => extensions.code);
    expect(await code({ after: 'x' })).toEqual(['BAD_CURSOR']);
    expect(await code({ first: 1001 })).toEqual(['BAD_USER_INPUT']);
    expect(await code({ where: { user: 'a\0' } })).toEqual(['BAD_USER_INPUT']);
    expect(await code({}, null)).toEqual(['UNAUTHENTICATED']);
  });
});
