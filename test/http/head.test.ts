/** What stands before a body: how much of it there may be, ids of requests, paths and methods. */

import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMetrics } from '../../src/http/metrics.ts';
import { bounds, createHttp } from '../../src/http/server.ts';
import { rawConnection, rawRequest } from '../support/raw-http.ts';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await aServer();
});
afterAll(() => server.stop());

const get = 'GET /healthz HTTP/1.1\r\nHost: x\r\n';
const headers = (count: number) => Array.from({ length: count }, (_, i) => `x-${i}: 1\r\n`).join('');

test('a request has at most 100 headers', async () => {
  expect((await rawRequest(server.url, `${get}${headers(99)}\r\n`)).status).toBe(200);
  for (const tooMany of [100, 101, 150, 1_900]) {
    const { status, body } = await rawRequest(server.url, `${get}${headers(tooMany)}\r\n`);
    expect([status, JSON.parse(body).error.code]).toEqual([431, 431]);
  }
});

test('the same header a hundred times counts a hundred times', async () => {
  const { status } = await rawRequest(server.url, `${get}${'x: 1\r\n'.repeat(100)}\r\n`);
  expect(status).toBe(431);
});

test('headers and path together have at most 16 KiB', async () => {
  expect((await rawRequest(server.url, `${get}x: ${'a'.repeat(15_000)}\r\n\r\n`)).status).toBe(200);
  for (const data of [`${get}x: ${'a'.repeat(17_000)}`, `GET /${'a'.repeat(17_000)}`]) {
    const { status, headers: answered, body } = await rawRequest(server.url, data);
    expect([status, answered.connection]).toEqual([431, 'close']);
    expect(JSON.parse(body).error.type).toBe('TOO_LARGE_HEADERS');
  }
});

test('headers that do not come to their end are given up on', async () => {
  const metrics = createMetrics();
  const log = pino({ level: 'silent' });
  // A listener of its own: the server's would take as long as bounds.headersTimeoutMs says.
  const http = await createHttp({ corsOrigins: [], trustedProxies: [], metrics, log });
  expect(http.server.headersTimeout).toBe(bounds.headersTimeoutMs);
  http.server.headersTimeout = 50;
  const url = await http.listen({ host: '127.0.0.1', port: 0 });
  const connection = await rawConnection(url);
  connection.write('GET / HTTP/1.1\r\nHost: x\r\n');
  const drip = setInterval(() => connection.write('x: 1\r\n'), 250);
  const { status, body } = await connection.answer();
  clearInterval(drip);
  expect([status, JSON.parse(body).error.type]).toEqual([408, 'TOO_SLOW']);
  await connection.closed;
  await http.close();
}, 20_000);

const given = 'req-01234567-89ab-4cde-8f01-23456789abcd';

test('an id of the client is kept for answers, errors and the log', async () => {
  const id = { 'x-openstack-request-id': given };
  for (const path of ['/healthz', '/nope', '/graphql', '/v2/images/x/file', '/%zz']) {
    const response = await server.http(path, { headers: id });
    expect([path, response.headers.get('x-openstack-request-id')]).toEqual([path, given]);
  }
  expect(server.logged.filter((line) => line.includes(given)).length).toBeGreaterThanOrEqual(4);
});

test.each([
  'req-x',
  'REQ-01234567-89AB-4CDE-8F01-23456789ABCD',
  `${given}, ${given}`,
  `${given}x`,
  'req-01234567-89ab-4cde-8f01-23456789abc\u00e9',
  '"><script>alert(1)</script>',
])('an id that is none is replaced by a new one: %s', async (id) => {
  const { headers: answered } = await rawRequest(server.url, `${get}x-openstack-request-id: ${id}\r\n\r\n`);
  expect(answered['x-openstack-request-id']).toMatch(/^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  expect(answered['x-openstack-request-id']).not.toBe(given);
});

test.each([
  '/nope',
  '/graphql/',
  '/graphql/health',
  '//healthz',
  '/healthz/../metrics',
  '/%2e%2e/healthz',
  '/healthz;a=b',
  '/healthz%00',
  '/v2/images/../../etc/passwd',
  '/v2/images/x/file/..',
  '/__proto__',
  '/constructor',
])('a path that there is not is 404: %s', async (path) => {
  const { status, body } = await rawRequest(server.url, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  expect(status).toBe(404);
  expect(JSON.parse(body)).toMatchObject({ error: { code: 404, title: 'Not Found', type: 'NOT_FOUND' } });
});

test.each([
  '',
  '%00',
  '%2e%2e',
  '..%2f..%2fetc%2fpasswd',
  ';a=b',
  '%252e',
  'a'.repeat(300),
  "' or 1=1 --",
  '{id}',
])('an id in a path that is none is an image that is not found: %s', async (id) => {
  const response = await server.http(`/v2/images/${id}/file`, { token: server.tokenOf('blue') });
  expect([response.status, (await response.json()).error.type]).toEqual([404, 'NOT_FOUND']);
});

test.each(['%zz', '%c0%ae', '%ff', '%'])('a path with a broken percent sign is 400: %s', async (path) => {
  const {
    status,
    headers: answered,
    body,
  } = await rawRequest(server.url, `GET /${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  expect([status, JSON.parse(body).error.type]).toEqual([400, 'BAD_URL']);
  expect(answered['x-openstack-request-id']).toMatch(/^req-/);
  expect(body).not.toContain(path);
});

const paths: Record<string, string[]> = {
  '/healthz': ['GET', 'HEAD'],
  '/readyz': ['GET', 'HEAD'],
  '/healthcheck': ['GET', 'HEAD'],
  '/metrics': ['GET'],
  '/graphql': ['GET', 'POST'],
  '/v2/images/00000000-0000-4000-8000-000000000000/file': ['GET', 'HEAD', 'PUT'],
};

test.each(Object.entries(paths))(
  '%s answers every other method with 405 and says which it has',
  async (path, known) => {
    const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'];
    for (const method of methods.filter((m) => !known.includes(m))) {
      const data = `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
      const connection = await rawConnection(server.url);
      connection.write(data);
      // An answer to HEAD has a length but no body.
      if (method === 'HEAD') {
        await connection.closed;
        continue;
      }
      const { status, headers: answered, body } = await connection.answer();
      expect([method, status]).toEqual([method, 405]);
      expect(answered.allow?.split(', ').sort()).toEqual(known);
      expect(JSON.parse(body)).toMatchObject({ error: { code: 405, type: 'METHOD_NOT_ALLOWED' } });
    }
  },
);

test('health, readiness and metrics need no token and say nothing of what is stored', async () => {
  const health = await server.http('/healthz');
  expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }]);

  const ready = await server.http('/readyz');
  expect([ready.status, await ready.json()]).toEqual([
    200,
    { status: 'ready', checks: { database: 'ok', 'store file': 'ok' } },
  ]);

  const check = await server.http('/healthcheck');
  expect([check.status, await check.text()]).toEqual([200, 'OK']);

  const metrics = await server.http('/metrics');
  expect(metrics.headers.get('content-type')).toMatch(/^text\/plain/);
  const text = await metrics.text();
  expect(text).toMatch(
    /vitrine_http_request_seconds_count\{method="GET",route="\/healthz",status="200"\} \d/,
  );
  expect(text).not.toContain('/v2/images/0');
  expect(text).not.toMatch(/\bblue\b|\bred\b|req-/);

  for (const path of ['/healthz', '/readyz', '/healthcheck']) {
    const head = await server.http(path, { method: 'HEAD' });
    expect([path, head.status, await head.text()]).toEqual([path, 200, '']);
  }
});

test('nothing that is answered is sniffed for another type', async () => {
  for (const path of ['/healthz', '/nope', '/graphql', '/v2/images/x/file']) {
    expect((await server.http(path)).headers.get('x-content-type-options')).toBe('nosniff');
  }
});
