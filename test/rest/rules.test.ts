/** What holds at every door holds at /v2: the audit log, denied calls, property protection, quotas, rules that operators write. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resources } from '../../src/rest/resources.ts';
import { anImage } from '../support/an-image.ts';
import { aProject } from '../support/quotas.ts';
import { refusal, rest, v21 } from '../support/rest.ts';
import { aServer, type TestServer } from '../support/server.ts';

const settings = `
quotas: { bytes: 1MiB, uploads: 1 }
policy:
  roles: [librarian]
  rules:
    tasks_api_access: { librarian: any }
    stores_info_detail: { librarian: any }
propertyProtection:
  - { name: ^secret_, create: [admin], read: [admin], update: [admin], delete: [admin] }
  - { name: ^fixed_, create: '@', read: '@', update: '!', delete: '!' }
  - { name: '', create: '@', read: '@', update: '@', delete: '@' }
`;

let server: TestServer;
beforeAll(async () => {
  server = await aServer({ settings, people: [['books', 'librarian']] });
});
afterAll(() => server.stop());

const patch = (id: string, json: unknown, as = 'blue') =>
  rest(server, `PATCH /v2/images/${id}`, { as, json, headers: { 'content-type': v21 } });

async function entries(requestId: string) {
  const query = `query ($id: String!) { auditLog(where: {requestId: $id}) {
    nodes { action result objectType objectId message changes { field before after } } } }`;
  const { data } = await server.raw(server.tokenOf('admin'), query, { id: requestId });
  return data.auditLog.nodes;
}

const newRequestId = () => `req-${randomUUID()}`;

test('a change by /v2 is in the audit log under the id of its request', async () => {
  const id = await anImage(server.app);
  const requestId = newRequestId();
  const headers = { 'content-type': v21, 'x-openstack-request-id': requestId };
  await rest(server, `PATCH /v2/images/${id}`, { headers, json: [{ op: 'add', path: '/a', value: 'b' }] });
  expect(await entries(requestId)).toMatchObject([
    {
      action: 'updateImage',
      result: 'DONE',
      objectId: id,
      changes: [{ field: 'properties.a', before: null, after: 'b' }],
    },
  ]);
});

test('tags of a namespace that are appended are in the audit log', async () => {
  const namespace = `ns-${randomUUID()}`;
  await rest(server, 'POST /v2/metadefs/namespaces', { as: 'admin', json: { namespace } });
  const requestId = newRequestId();
  await rest(server, `POST /v2/metadefs/namespaces/${namespace}/tags`, {
    as: 'admin',
    json: { tags: [{ name: 'x' }] },
    headers: { 'x-openstack-append': 'true', 'x-openstack-request-id': requestId },
  });
  expect(await entries(requestId)).toMatchObject([
    { action: 'addMetadefTags', changes: [{ field: 'tags' }] },
  ]);
});

test('what is denied is in the audit log, by the name of the mutation that does the same', async () => {
  const id = await anImage(server.app, { owner: 'red', visibility: 'public' });
  for (const [call, action, objectId] of [
    [`DELETE /v2/images/${id}`, 'deleteImage', id],
    [`POST /v2/images/${id}/import`, 'importImage', id],
    ['GET /v2/tasks', 'listTasks', null],
    ['DELETE /v2/metadefs/namespaces/OS::Compute::TPM', 'deleteMetadefNamespace', expect.any(String)],
  ] as const) {
    const requestId = newRequestId();
    const json = call.startsWith('POST') ? { method: { name: 'glance-direct' } } : undefined;
    const headers = { 'x-openstack-request-id': requestId };
    expect((await rest(server, call, { json, headers })).status).toBe(403);
    expect(await entries(requestId)).toMatchObject([{ action, result: 'DENIED', objectId }]);
  }
});

test('every operation that writes has a name for the audit log', () => {
  const nameless = resources.flatMap(({ path, operations }) =>
    Object.entries(operations)
      .filter(([method, { action }]) => method !== 'GET' && action === undefined)
      .map(([method]) => `${method} ${path}`),
  );
  expect(nameless).toEqual([]);
});

test('a property that may not be read is not there, to filters and patches as well', async () => {
  const id = await anImage(server.app, { properties: { secret_code: '5', fixed_a: 'x', title: 'y' } });
  const { body } = await rest(server, `GET /v2/images/${id}`);
  expect(body).toMatchObject({ fixed_a: 'x', title: 'y' });
  expect(body).not.toHaveProperty('secret_code');
  const found = async (query: string, as = 'blue') =>
    (await rest(server, `GET /v2/images?id=${id}&${query}`, { as })).body.images.length;
  expect([await found('secret_code=5'), await found('secret_code=5', 'admin')]).toEqual([0, 1]);
  // As of one that is missing.
  for (const name of ['secret_code', 'missing_code']) {
    expect((await patch(id, [{ op: 'remove', path: `/${name}` }])).status).toBe(409);
    expect((await patch(id, [{ op: 'replace', path: `/${name}`, value: 'z' }])).status).toBe(409);
  }
  expect((await patch(id, [{ op: 'add', path: '/secret_code', value: '5' }])).status).toBe(403);
  expect((await patch(id, [{ op: 'replace', path: '/fixed_a', value: 'z' }])).status).toBe(403);
  expect((await patch(id, [{ op: 'replace', path: '/title', value: 'z' }])).body.title).toBe('z');
  const { body: all } = await rest(server, `GET /v2/images/${id}`, { as: 'admin' });
  expect(all).toMatchObject({ secret_code: '5', fixed_a: 'x', title: 'z' });
});

test('a project that has no room is told so with 413, and how much it has', async () => {
  const project = aProject(server);
  await project.limit({ images: 1 });
  const make = () =>
    rest(server, 'POST /v2/images', {
      as: 'admin',
      json: { owner: project.name, disk_format: 'raw', container_format: 'bare' },
    });
  expect((await make()).status).toBe(201);
  const refused = await make();
  expect(refused).toMatchObject({ status: 413, body: refusal(413, 'Request Entity Too Large') });
  expect(refused.body.error).toMatchObject({
    resource: 'image_count_total',
    limit: 1,
    used: 1,
    requested: 1,
  });
  // Of one's own project: sizes in MiB, what is begun counts, and -1 is no limit.
  await anImage(server.app, { owner: 'yellow', size: 5 });
  expect((await rest(server, 'GET /v2/info/usage', { as: 'yellow' })).body).toEqual({
    usage: {
      image_count_total: { limit: -1, usage: 1 },
      image_size_total: { limit: 1, usage: expect.any(Number) },
      image_stage_total: { limit: -1, usage: 0 },
      image_count_uploading: { limit: 1, usage: 0 },
    },
  });
});

test('rules that the settings override hold at /v2', async () => {
  const books = { as: 'books', role: 'librarian' as never };
  expect((await rest(server, 'GET /v2/tasks', books)).status).toBe(200);
  expect((await rest(server, 'GET /v2/info/stores/detail', books)).status).toBe(200);
  expect((await rest(server, 'GET /v2/tasks', { as: 'admin' })).status).toBe(403);
});
