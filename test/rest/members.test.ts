import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AnImage, anImage } from '../support/an-image.ts';
import { aTime, refusal, rest } from '../support/rest.ts';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await aServer();
});
afterAll(() => server.stop());

const shared = (rest: AnImage = {}) => anImage(server.app, { visibility: 'shared', ...rest });
const membersOf = (id: string, as?: string) => rest(server, `GET /v2/images/${id}/members`, { as });
const add = (id: string, json: unknown, as?: string) =>
  rest(server, `POST /v2/images/${id}/members`, { json, as });
const answer = (id: string, member: string, json: unknown, as?: string) =>
  rest(server, `PUT /v2/images/${id}/members/${member}`, { json, as });

test('an image is shared, seen by id at once, and in the list once that project accepts', async () => {
  const id = await shared();
  const member = {
    image_id: id,
    member_id: 'red',
    status: 'pending',
    created_at: aTime,
    updated_at: aTime,
    schema: '/v2/schemas/member',
  };
  expect(await add(id, { member: 'red' })).toMatchObject({ status: 200, body: member });
  expect((await rest(server, `GET /v2/images/${id}`, { as: 'red' })).status).toBe(200);
  const listed = async () => {
    const { body } = await rest(server, 'GET /v2/images', { as: 'red' });
    return body.images.some((image: { id: string }) => image.id === id);
  };
  expect(await listed()).toBe(false);

  const accepted = await answer(id, 'red', { status: 'accepted' }, 'red');
  expect(accepted).toMatchObject({ status: 200, body: { ...member, status: 'accepted' } });
  expect(await listed()).toBe(true);
  expect(await membersOf(id)).toMatchObject({
    status: 200,
    body: { members: [{ ...member, status: 'accepted' }], schema: '/v2/schemas/members' },
  });
  const one = await rest(server, `GET /v2/images/${id}/members/red`);
  expect(one).toMatchObject({ status: 200, body: { ...member, status: 'accepted' } });

  expect(await rest(server, `DELETE /v2/images/${id}/members/red`)).toMatchObject({ status: 204, body: '' });
  expect((await rest(server, `GET /v2/images/${id}`, { as: 'red' })).status).toBe(404);
});

test('the owner sees all members, a member only itself', async () => {
  const id = await shared({ members: { red: 'accepted', green: 'rejected' } });
  const names = async (as: string) =>
    (await membersOf(id, as)).body.members.map((member: { member_id: string }) => member.member_id).sort();
  expect(await names('blue')).toEqual(['green', 'red']);
  expect(await names('admin')).toEqual(['green', 'red']);
  expect(await names('red')).toEqual(['red']);
  expect((await rest(server, `GET /v2/images/${id}/members/green`, { as: 'red' })).status).toBe(404);
});

describe('POST …/members', () => {
  test.each<[string, unknown]>([
    ['nothing', {}],
    ['an empty member', { member: '' }],
    ['a number', { member: 5 }],
    ['null', { member: null }],
    ['a list', ['red']],
    ['a long member', { member: 'x'.repeat(256) }],
    ['a NUL', { member: 'a\0b' }],
  ])('refuses %s with 400', async (_what, json) => {
    expect(await add(await shared(), json)).toMatchObject({ status: 400, body: refusal(400, 'Bad Request') });
  });

  test('refuses one that is a member already with 409, and one too many with 413', async () => {
    const id = await shared({ members: { red: 'pending' } });
    expect(await add(id, { member: 'red' })).toMatchObject({ status: 409, body: refusal(409, 'Conflict') });
    const many = Object.fromEntries(Array.from({ length: 128 }, (_, n) => [`p${n}`, 'pending'] as const));
    const full = await shared({ members: many });
    expect(await add(full, { member: 'red' })).toMatchObject({
      status: 413,
      body: refusal(413, 'Request Entity Too Large'),
    });
  });

  test.each(['public', 'community', 'private'] as const)(
    'is forbidden for a %s image',
    async (visibility) => {
      const id = await anImage(server.app, { visibility });
      expect(await add(id, { member: 'red' })).toMatchObject({
        status: 403,
        body: refusal(403, 'Forbidden'),
      });
      expect((await membersOf(id)).status).toBe(403);
      expect((await rest(server, `GET /v2/images/${id}/members/red`)).status).toBe(404);
      expect((await rest(server, `DELETE /v2/images/${id}/members/red`)).status).toBe(403);
    },
  );

  test('is for the owner', async () => {
    const id = await shared({ members: { red: 'accepted' } });
    expect((await add(id, { member: 'green' }, 'red')).status).toBe(403);
    expect((await add(id, { member: 'green' }, 'green')).status).toBe(404);
    expect((await add(randomUUID(), { member: 'green' })).status).toBe(404);
    expect((await add(id, { member: 'green' }, 'admin')).status).toBe(200);
  });
});

describe('PUT …/members/{member}', () => {
  test('refuses what is no status with 400', async () => {
    const id = await shared({ members: { red: 'pending' } });
    for (const json of [{}, { status: 'maybe' }, { status: null }, [], 'accepted']) {
      expect(await answer(id, 'red', json, 'red')).toMatchObject({
        status: 400,
        body: refusal(400, 'Bad Request'),
      });
    }
  });

  test('is not for the owner, nor for other projects', async () => {
    const id = await shared({ members: { red: 'pending', green: 'pending' } });
    const accepted = { status: 'accepted' };
    expect((await answer(id, 'red', accepted)).status).toBe(403);
    expect((await answer(id, 'red', accepted, 'green')).status).toBe(403);
    expect((await answer(id, 'red', accepted, 'admin')).status).toBe(200);
    expect((await answer(id, 'nobody', accepted, 'admin')).status).toBe(404);
    expect((await answer(await shared(), 'red', accepted, 'red')).status).toBe(404);
  });
});

test('DELETE …/members/{member} is for the owner, and of a member that there is', async () => {
  const id = await shared({ members: { red: 'pending' } });
  const remove = (member: string, as?: string) =>
    rest(server, `DELETE /v2/images/${id}/members/${member}`, { as });
  expect((await remove('red', 'red')).status).toBe(403);
  expect((await remove('red', 'green')).status).toBe(404);
  expect((await remove('nobody')).status).toBe(404);
  expect((await remove('red')).status).toBe(204);
  expect((await remove('red')).status).toBe(404);
});
