/** Requests that two programs in a row may read differently: none of them is read at all. */
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RawConnection, rawConnection, rawRequest } from '../support/raw-http.ts';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await aServer();
});
afterAll(() => server.stop());

/** A request inside of what is a body to us: whoever reads it as a request answers with its id. */
const smuggledId = 'req-00000000-0000-4000-8000-00000000dead';
const smuggled = `GET /healthz HTTP/1.1\r\nHost: x\r\nx-openstack-request-id: ${smuggledId}\r\n\r\n`;
/** To a path that reads bodies, and to one that does not. */
const query = 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
const post = 'POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

/** Nothing that came had the smuggled id, and nothing that was done was logged under it. */
function expectNothingSmuggled({ answers }: RawConnection): void {
  expect(answers.map((a) => a.headers['x-openstack-request-id'])).not.toContain(smuggledId);
  expect(server.logged.join('')).not.toContain(smuggledId);
}

test.each<[string, string | Uint8Array]>([
  [
    'a length and a transfer coding',
    `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  ],
  ['an unknown transfer coding', `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`],
  [
    'a transfer coding besides chunked',
    `${post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  ],
  [
    'a transfer coding after chunked',
    `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`,
  ],
  [
    'chunked twice',
    `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  ],
  ['a space before a colon', `${post}Content-Length : 5\r\n\r\nabcde${smuggled}`],
  ['a length with a sign', `${post}Content-Length: +5\r\n\r\nabcde${smuggled}`],
  ['a negative length', `${post}Content-Length: -5\r\n\r\nabcde${smuggled}`],
  ['a length in hex', `${post}Content-Length: 0x5\r\n\r\nabcde${smuggled}`],
  ['two equal lengths', `${post}Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde${smuggled}`],
  ['two lengths', `${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde${smuggled}`],
  ['a list of lengths', `${post}Content-Length: 5, 5\r\n\r\nabcde${smuggled}`],
  ['a header over two lines', 'GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n'],
  ['a transfer coding over two lines', `${post}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${smuggled}`],
  ['bare line feeds', 'GET /healthz HTTP/1.1\nHost: x\n\n'],
  ['a bare line feed after a header', 'GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\n\r\n'],
  ['a bare carriage return in a header', 'GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\rX-B: c\r\n\r\n'],
  ['a NUL in a header', 'GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\0c\r\n\r\n'],
  ['two hosts', 'GET /healthz HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n'],
  ['an old protocol', 'GET /healthz\r\n\r\n'],
  ['a new protocol', 'GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a method that there is not', 'FOO /healthz HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a path without a slash', 'GET healthz HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a TLS handshake', Buffer.from('16030102000100', 'hex')],
  ['a chunk extension without end', `${query}Transfer-Encoding: chunked\r\n\r\n5;${'a'.repeat(20_000)}`],
  ['chunks with bare line feeds', `${query}Transfer-Encoding: chunked\r\n\r\n5\nabcde\n0\n\n${smuggled}`],
  [
    'a chunk with a size that is none',
    `${query}Transfer-Encoding: chunked\r\n\r\nzz\r\nabcde\r\n0\r\n\r\n${smuggled}`,
  ],
  [
    'a chunk with more bytes than it says',
    `${query}Transfer-Encoding: chunked\r\n\r\n3\r\nabcde\r\n0\r\n\r\n${smuggled}`,
  ],
  [
    'a chunk size beyond 64 bits',
    `${query}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nab\r\n0\r\n\r\n${smuggled}`,
  ],
])('%s is answered with 400, in JSON, and ends the connection', async (_what, data) => {
  const connection = await rawConnection(server.url);
  connection.write(data);
  const { status, headers, body } = await connection.answer();
  expect(status).toBe(400);
  expect(headers.connection).toBe('close');
  expect(headers['x-openstack-request-id']).toMatch(/^req-[0-9a-f-]{36}$/);
  expect(JSON.parse(body)).toMatchObject({ error: { code: 400, title: 'Bad Request', type: 'BAD_REQUEST' } });
  await connection.closed;
  expect(connection.answers).toHaveLength(1);
  expectNothingSmuggled(connection);
});

const upload = '/v2/images/00000000-0000-4000-8000-000000000000/file';
const bytes = 'Content-Type: application/octet-stream\r\n';

const refused: [string, number, string][] = [
  ['a path that there is not', 404, 'POST /nope HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'],
  ['a method that the path does not have', 405, 'DELETE /graphql HTTP/1.1\r\nHost: x\r\n'],
  ['an upload without a token', 401, `PUT ${upload} HTTP/1.1\r\nHost: x\r\n${bytes}`],
  ['an upload of another type', 415, `PUT ${upload} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: TOKEN\r\n`],
  ['an upload to no image', 404, `PUT ${upload} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: TOKEN\r\n${bytes}`],
  ['a download of no image', 404, `GET ${upload} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: TOKEN\r\n`],
  ['a path that is broken', 400, 'POST /%zz HTTP/1.1\r\nHost: x\r\n'],
  [
    'a multipart request without the CSRF header',
    403,
    'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n',
  ],
  [
    'a multipart request without a token',
    401,
    'POST /graphql HTTP/1.1\r\nHost: x\r\nx-vitrine-csrf: 1\r\nContent-Type: multipart/form-data; boundary=x\r\n',
  ],
];

test.each(refused)('the body of %s is never read as a request', async (_what, status, head) => {
  const connection = await rawConnection(server.url);
  const own = 'req-00000000-0000-4000-8000-000000000001';
  const last = `GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nx-openstack-request-id: ${own}\r\n\r\n`;
  const withToken = head.replace('TOKEN', server.tokenOf('blue'));
  connection.write(`${withToken}Content-Length: ${smuggled.length * 3}\r\n\r\n${smuggled.repeat(3)}${last}`);
  expect((await connection.answer()).status).toBe(status);
  await connection.closed;
  // The request behind the body is one: it may be answered, or the connection closed before.
  expect(connection.answers.slice(1).map((a) => a.headers['x-openstack-request-id'])).toEqual(
    connection.answers.length > 1 ? [own] : [],
  );
  expectNothingSmuggled(connection);
});

test.each(refused)(
  '%s is answered while its body is on the way, and the connection closed',
  async (_what, status, head) => {
    const connection = await rawConnection(server.url);
    connection.write(
      `${head.replace('TOKEN', server.tokenOf('blue'))}Content-Length: 1000000\r\n\r\n${smuggled}`,
    );
    const answer = await connection.answer();
    expect([answer.status, answer.headers.connection]).toEqual([status, 'close']);
    connection.write(smuggled);
    connection.socket.end();
    await connection.closed;
    expect(connection.answers).toHaveLength(1);
    expectNothingSmuggled(connection);
  },
);

test('a client that goes on sending gets to read why it was refused', async () => {
  const connection = await rawConnection(server.url);
  connection.write(`PUT ${upload} HTTP/1.1\r\nHost: x\r\n${bytes}Content-Length: 1000000000\r\n\r\n`);
  const chunk = Buffer.alloc(2 ** 16);
  const push = () => connection.socket.destroyed || connection.socket.write(chunk, () => setImmediate(push));
  push();
  const { status, body } = await connection.answer();
  expect([status, JSON.parse(body).error.type]).toEqual([401, 'UNAUTHENTICATED']);
  await connection.closed;
});

test('what is no request does not get into an answer that is under way', async () => {
  const size = 16 * 2 ** 20;
  const token = server.tokenOf('blue');
  const created = await server.raw(
    token,
    'mutation { createImage(input: {name: "x", diskFormat: RAW, containerFormat: BARE}) { ... on CreateImagePayload { image { id } } } }',
  );
  const path = `/v2/images/${created.data.createImage.image.id}/file`;
  const put = await server.http(path, {
    method: 'PUT',
    token,
    headers: { 'content-type': 'application/octet-stream' },
    body: Buffer.alloc(size, 'x'),
  });
  expect(put.status).toBe(204);

  const connection = await rawConnection(server.url);
  const seen: Buffer[] = [];
  connection.socket.on('data', (chunk: Buffer) => seen.push(chunk));
  const begun = once(connection.socket, 'data');
  connection.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${token}\r\n\r\n`);
  await begun;
  // Not read for a while, so that the answer cannot end before the next bytes are looked at.
  connection.socket.pause();
  connection.write('GARBAGE\r\n\r\n');
  await new Promise((resolve) => setTimeout(resolve, 200));
  connection.socket.resume();
  await connection.closed;
  const all = Buffer.concat(seen);
  const body = all.subarray(all.indexOf('\r\n\r\n') + 4);
  expect(all.toString('latin1', 0, 15)).toBe('HTTP/1.1 200 OK');
  expect(body.length).toBeLessThan(size);
  expect(body.every((byte) => byte === 'x'.charCodeAt(0))).toBe(true);
});

test('a body that is held back is asked for only when it is wanted', async () => {
  const held = (head: string, length: number) =>
    rawRequest(server.url, `${head}Expect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`);
  expect((await held(query, 2 ** 20 + 1)).status).toBe(413);
  expect((await held(`PUT ${upload} HTTP/1.1\r\nHost: x\r\n${bytes}`, 10)).status).toBe(401);
  expect((await held('POST /nope HTTP/1.1\r\nHost: x\r\n', 10)).status).toBe(404);
  expect((await held(query, 10)).status).toBe(100);
});
