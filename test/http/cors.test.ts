/** Pages of other origins: only those of the setting, and what their browsers ask before. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aServer, type TestServer } from '../support/server.ts';

const panel = 'https://panel.example.org';
const other = 'https://other.example.org';

function preflight(server: TestServer, origin: string, path = '/graphql', method = 'POST') {
  return server.http(path, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': method,
      'access-control-request-headers': 'content-type,x-auth-token',
    },
  });
}

describe('with origins in the setting', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await aServer({ env: { VITRINE_CORS_ORIGINS: `${panel},https://second.example.org` } });
  });
  afterAll(() => server.stop());

  test.each(['/graphql', '/v2/images/00000000-0000-4000-8000-000000000000/file'])(
    'a browser of such an origin may send its requests to %s',
    async (path) => {
      const answer = await preflight(server, panel, path, 'PUT');
      expect(answer.status).toBe(204);
      expect(answer.headers.get('access-control-allow-origin')).toBe(panel);
      expect(answer.headers.get('access-control-allow-methods')?.split(', ')).toEqual(
        expect.arrayContaining(['GET', 'HEAD', 'POST', 'PUT']),
      );
      expect(answer.headers.get('access-control-allow-headers')).toBe('content-type,x-auth-token');
      expect(answer.headers.get('vary')).toContain('Origin');
      expect(answer.headers.get('x-openstack-request-id')).toMatch(/^req-/);
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    },
  );

  test('its pages may read answers and errors, with the headers that matter', async () => {
    for (const path of ['/healthz', '/nope', '/graphql', '/v2/images/x/file']) {
      const answer = await server.http(path, { headers: { origin: panel } });
      expect([path, answer.headers.get('access-control-allow-origin')]).toEqual([path, panel]);
      const exposed = answer.headers.get('access-control-expose-headers');
      for (const name of ['x-openstack-request-id', 'etag', 'content-range', 'repr-digest']) {
        expect(exposed).toContain(name);
      }
    }
  });

  test.each([other, 'null', `${panel}.evil.example`, 'http://panel.example.org', panel.toUpperCase()])(
    'a browser of the origin %s may not',
    async (origin) => {
      for (const answer of [
        await preflight(server, origin),
        await server.http('/healthz', { headers: { origin } }),
      ]) {
        expect(answer.headers.get('access-control-allow-origin')).toBeNull();
        expect(answer.headers.get('vary')).toContain('Origin');
      }
    },
  );

  test('an OPTIONS request that is no preflight is answered as any other method', async () => {
    const answer = await server.http('/graphql', { method: 'OPTIONS', headers: { origin: panel } });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, GET']);
    expect((await server.http('/nope', { method: 'OPTIONS' })).status).toBe(404);
  });
});

describe('with all origins in the setting', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await aServer({ env: { VITRINE_CORS_ORIGINS: '*' } });
  });
  afterAll(() => server.stop());

  test('pages of any origin may, without credentials of the browser', async () => {
    for (const answer of [
      await preflight(server, other),
      await server.http('/healthz', { headers: { origin: other } }),
    ]) {
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    }
  });
});

describe('without the setting', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await aServer();
  });
  afterAll(() => server.stop());

  test('no page of another origin may anything', async () => {
    const asked = await preflight(server, panel);
    expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([405, null]);
    const answer = await server.http('/healthz', { headers: { origin: panel } });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });
});
