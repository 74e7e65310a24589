import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anImage } from '../support/an-image.ts';
import { refusal, rest } from '../support/rest.ts';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await aServer();
});
afterAll(() => server.stop());

const tagsOf = async (id: string) => (await rest(server, `GET /v2/images/${id}`)).body.tags;

test('a tag is added, however often, and taken away once', async () => {
  const id = await anImage(server.app, { tags: ['b'] });
  const path = `/v2/images/${id}/tags/a%20%F0%9F%90%98`;
  for (let n = 0; n < 2; n++) {
    expect(await rest(server, `PUT ${path}` as 'PUT /')).toMatchObject({ status: 204, body: '' });
    expect(await tagsOf(id)).toEqual(['a 🐘', 'b']);
  }
  expect(await rest(server, `DELETE ${path}` as 'DELETE /')).toMatchObject({ status: 204, body: '' });
  expect(await tagsOf(id)).toEqual(['b']);
  const again = await rest(server, `DELETE ${path}` as 'DELETE /');
  expect(again).toMatchObject({ status: 404, body: refusal(404, 'Not Found') });
});

test('a tag has up to 255 characters', async () => {
  const id = await anImage(server.app);
  expect((await rest(server, `PUT /v2/images/${id}/tags/${'x'.repeat(255)}`)).status).toBe(204);
  expect(await rest(server, `PUT /v2/images/${id}/tags/${'x'.repeat(256)}`)).toMatchObject({
    status: 400,
    body: refusal(400, 'Bad Request'),
  });
  expect((await rest(server, `PUT /v2/images/${id}/tags/a%00b`)).status).toBe(400);
});

test('an image has up to 128 tags', async () => {
  const tags = Array.from({ length: 128 }, (_, n) => `t${n}`);
  const id = await anImage(server.app, { tags: tags.sort() });
  expect(await rest(server, `PUT /v2/images/${id}/tags/one-more`)).toMatchObject({
    status: 413,
    body: refusal(413, 'Request Entity Too Large'),
  });
  expect((await rest(server, `PUT /v2/images/${id}/tags/t0`)).status).toBe(204);
});

test('tags are for who may change the image', async () => {
  const open = await anImage(server.app, { visibility: 'public', tags: ['a'] });
  const closed = await anImage(server.app, { visibility: 'private', tags: ['a'] });
  for (const method of ['PUT', 'DELETE']) {
    const call = (id: string) => rest(server, `${method} /v2/images/${id}/tags/a`, { as: 'red' });
    expect((await call(open)).status).toBe(403);
    expect((await call(closed)).status).toBe(404);
    expect((await call(randomUUID())).status).toBe(404);
  }
});
