/** What robot tokens and limits mean at /v2: the same as everywhere. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anImage } from '../support/an-image.ts';
import { type RestRequest, refusal, rest } from '../support/rest.ts';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let gold: string;
let lead: string;
beforeAll(async () => {
  server = await aServer({
    settings: 'limits: { createsPerMinute: 2, importsPerMinute: 2 }\nlocations: { showMultiple: true }',
  });
  gold = await anImage(server.app, { name: 'gold', tags: ['gold'], size: 1 });
  lead = await anImage(server.app, { name: 'lead', tags: ['lead'], size: 1 });
});
afterAll(() => server.stop());

async function robot(input: string, role = 'MEMBER'): Promise<RestRequest> {
  const maker = server.tokenOf(role === 'ADMIN' ? 'admin' : 'blue');
  const { data } = await server.raw(
    maker,
    `mutation { createToken(input: {name: "robot", project: "blue", ${input}}) {
      ... on CreateTokenPayload { secret } ... on Error { message } } }`,
  );
  expect(data.createToken.message).toBeUndefined();
  return { as: null, headers: { 'x-auth-token': data.createToken.secret } };
}

const image = { name: 'x', disk_format: 'raw', container_format: 'bare' };

test('one that is read-only reads, and is refused whatever it would change', async () => {
  const reader = await robot('roles: ["member"], readOnly: true');
  expect((await rest(server, `GET /v2/images/${gold}`, reader)).status).toBe(200);
  for (const [call, json] of [
    ['POST /v2/images', image],
    [`DELETE /v2/images/${gold}`, undefined],
    [`PUT /v2/images/${gold}/tags/x`, undefined],
    [`POST /v2/images/${gold}/members`, { member: 'red' }],
    [`POST /v2/images/${gold}/actions/deactivate`, undefined],
    ['POST /v2/metadefs/namespaces', { namespace: 'X' }],
    ['POST /v2/tasks', { type: 'import', input: {} }],
  ] as const) {
    const { status, body } = await rest(server, call, json ? { ...reader, json } : reader);
    expect([call, status], JSON.stringify(body)).toEqual([call, 403]);
    expect(body).toEqual(refusal(403, 'Forbidden'));
    expect(body.error.message).toMatch(/read-only/);
  }
});

test('one for certain images sees no others, here neither, nor all tasks', async () => {
  const filtered = await robot('roles: ["admin"], imageFilter: {tags: {has: "gold"}}', 'ADMIN');
  const other = await robot('roles: ["admin"]', 'ADMIN');
  // At once: what is asked together is answered apart.
  const [seen, unseen, all] = await Promise.all([
    rest(server, `GET /v2/images/${gold}`, filtered),
    rest(server, `GET /v2/images/${lead}`, filtered),
    rest(server, `GET /v2/images/${lead}`, other),
  ]);
  expect([seen.status, unseen.status, all.status]).toEqual([200, 404, 200]);
  const { body } = await rest(server, 'GET /v2/images', filtered);
  expect(body.images.map(({ id }: { id: string }) => id)).toEqual([gold]);
  expect((await rest(server, 'GET /v2/tasks', filtered)).status).toBe(403);
  expect((await rest(server, 'GET /v2/tasks', other)).status).toBe(200);
  expect((await rest(server, `DELETE /v2/images/${lead}`, filtered)).status).toBe(404);
});

test('new images and imports have their rates, whichever door they come by', async () => {
  const as = 'red';
  for (const expected of [201, 201, 429]) {
    const { status, headers } = await rest(server, 'POST /v2/images', { as, json: image });
    expect(status).toBe(expected);
    if (expected === 429) expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  }
  const { data, errors } = await server.raw(
    server.tokenOf(as),
    'mutation { createImage(input: {name: "x"}) { __typename } }',
  );
  expect(data?.createImage?.__typename ?? errors[0]?.extensions.code).not.toBe('CreateImagePayload');
  const green = await anImage(server.app, { owner: 'green', status: 'queued' });
  const json = { method: { name: 'web-download', uri: 'http://192.0.2.1/x' } };
  const statuses: number[] = [];
  for (let n = 0; n < 3; n++)
    statuses.push((await rest(server, `POST /v2/images/${green}/import`, { as: 'green', json })).status);
  expect(statuses[2]).toBe(429);
  expect(statuses.slice(0, 2)).not.toContain(429);
});

test('a patch of locations is as many imports as it registers, and is refused before it changes anything', async () => {
  const id = await anImage(server.app, { owner: 'red', status: 'queued' });
  const patch = (json: unknown) =>
    rest(server, `PATCH /v2/images/${id}`, {
      as: 'red',
      headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
      json,
    });
  const location = { op: 'add', path: '/locations/-', value: { url: 'http://192.0.2.1/x', metadata: {} } };
  const { status, headers } = await patch([
    { op: 'replace', path: '/name', value: 'other' },
    location,
    location,
    location,
  ]);
  expect(status).toBe(429);
  expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  expect((await rest(server, `GET /v2/images/${id}`, { as: 'red' })).body.name).not.toBe('other');
  const answers = [await patch([location]), await patch([location]), await patch([location])];
  expect(answers[2]?.status).toBe(429);
  expect(answers.slice(0, 2).map((answer) => answer.status)).not.toContain(429);
  expect((await patch([{ op: 'replace', path: '/name', value: 'other' }])).status).toBe(200);
});
