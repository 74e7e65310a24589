/** Limits on rates and numbers: who is refused, before anything is done, and who is not. */
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callerWith } from '../../src/domain/caller.ts';
import { type RateLimitedError, UnauthenticatedError } from '../../src/domain/errors.ts';
import { type Admission, type AdmissionLimits, openAdmission } from '../../src/http/admission.ts';
import { anImage } from '../support/an-image.ts';
import { rawConnection } from '../support/raw-http.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { only } from '../support/size.ts';
import { until } from '../support/until.ts';

// They wait for what is used up, and move much.
const long = only({ from: 'ci' });
const octets = { 'content-type': 'application/octet-stream' };

describe('requests', () => {
  let server: TestServer;
  // 4 at once, and one more each second.
  beforeAll(async () => {
    server = await aServer({
      settings: 'limits: { requestsPerSecond: 1 }',
      env: { VITRINE_TRUSTED_PROXIES: '127.0.0.2', VITRINE_CORS_ORIGINS: '*' },
    });
  });
  afterAll(() => server.stop());

  const graphql = (token: string, query = '{ viewer { project } }') => server.raw(token, query);
  async function exhaust(token: string) {
    for (let n = 0; n < 100; n++) {
      const answer = await graphql(token);
      if (answer.status === 429) return answer;
    }
    throw new Error('Nothing was refused.');
  }
  /** For most of a minute, however slow this machine is: what a costly query is owed for. */
  async function overdraw(token: string) {
    const costly = '{ images(first: 1000) { nodes { id name tags } } }';
    await expect
      .poll(async () => (await graphql(token, costly)).status, { timeout: 20_000, interval: 300 })
      .toBe(200);
  }

  test('beyond the burst are refused with 429 and a time to wait, and are welcome after it', async () => {
    const token = server.tokenOf('blue');
    const refused = await exhaust(token);
    expect(refused.errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED' } }]);
    expect(refused.errors[0]?.message).toBe('Project blue may send 1 requests a second; try again later.');
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBeGreaterThanOrEqual(1);
    await expect
      .poll(async () => (await graphql(token)).status, { timeout: 20_000, interval: 1_100 })
      .toBe(200);
  });

  test('another project has its own, and so has whoever has no token', async () => {
    await exhaust(server.tokenOf('blue'));
    expect((await graphql(server.tokenOf('green'))).status).toBe(200);
    expect((await server.raw(null, '{ service { version } }')).status).toBe(200);
  });

  test('of one project are counted together, whichever token, door or connection they come by', async () => {
    await overdraw(server.tokenOf('red'));
    const file = (token: string) => server.http(`/v2/images/${crypto.randomUUID()}/file`, { token });
    // The second token is new here, and pays all the same.
    for (const token of [server.tokenOf('red'), server.tokenOf('red', 'reader')]) {
      const answer = await file(token);
      expect(answer.status).toBe(429);
      expect(await answer.json()).toEqual({
        error: {
          code: 429,
          title: 'Too Many Requests',
          message: 'Project red may send 1 requests a second; try again later.',
          type: 'RATE_LIMITED',
        },
      });
    }
    const odd = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: {
        'X-AUTH-TOKEN': server.tokenOf('red'),
        authorization: `Basic ${crypto.randomUUID()}`,
        'x-forwarded-for': '203.0.113.9',
        'content-type': 'application/json',
      },
      body: '{"query": "{ viewer { project } }"}',
    });
    expect(odd.status).toBe(429);
  });

  test.skipIf(long.skip)(
    `without a good token are their address’s, and health, metrics and preflights nobody’s${long.why}`,
    async () => {
      const wrong = () =>
        server.http('/uploads', { method: 'POST', token: 'wrong', headers: { 'tus-resumable': '1.0.0' } });
      await expect.poll(async () => (await wrong()).status).toBe(429);
      expect((await server.http('/nothing')).status).toBe(429);
      for (const path of ['/healthz', '/readyz', '/healthcheck', '/metrics']) {
        for (let n = 0; n < 6; n++) expect((await server.http(path)).status, path).toBe(200);
      }
      const preflight = await server.http('/graphql', {
        method: 'OPTIONS',
        headers: { origin: 'https://panel.example', 'access-control-request-method': 'POST' },
      });
      expect(preflight.status).toBe(204);
      expect(await (await server.http('/metrics')).text()).toMatch(
        /vitrine_refused_requests_total\{limit="requests"\} [1-9]/,
      );
      // A known token is not held back by what others do at its address.
      await expect
        .poll(async () => (await graphql(server.tokenOf('green'))).status, {
          interval: 1_100,
          timeout: 10_000,
        })
        .toBe(200);
    },
  );

  test('are refused before their body is asked for, and pages of other origins can read why', async () => {
    await overdraw(server.tokenOf('blue'));
    const connection = await rawConnection(server.url);
    connection.write(
      `PUT /v2/images/${crypto.randomUUID()}/file HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${server.tokenOf('blue')}\r\n` +
        'Origin: https://panel.example\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n',
    );
    const { status, headers } = await connection.answer();
    expect(status).toBe(429);
    expect(headers['access-control-allow-origin']).toBe('*');
    expect(headers['retry-after']).toMatch(/^[1-9]\d*$/);
    connection.socket.destroy();
  });

  test.skipIf(long.skip)(`a costly query is owed for, a cheap one is not${long.why}`, async () => {
    const admin = server.tokenOf('admin');
    // It is new here: its address, which other tests have used up, has to have something left.
    const cheap = async () => (await graphql(admin, '{ service { version } }')).status;
    await expect.poll(cheap, { timeout: 20_000, interval: 1_100 }).toBe(200);
    const costly = '{ images(first: 250) { nodes { id name tags } } }';
    expect((await graphql(admin, costly)).status).toBe(200);
    const refused = await graphql(admin, '{ service { version } }');
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(4);
  });
});

describe('what has a limit of its own', () => {
  let server: TestServer;
  let token: string;
  beforeAll(async () => {
    server = await aServer({
      settings:
        'limits: { createsPerMinute: 3, importsPerMinute: 3, uploads: 1, downloads: 1, imports: 1, graphqlCost: 5000, graphqlDepth: 5 }\nimports: { egress: { allow: [127.0.0.1] } }',
      env: { VITRINE_TASKS: 'off' },
    });
    token = server.tokenOf('blue');
  });
  afterAll(() => server.stop());

  const create = (names: string[], as = token) =>
    server.raw(
      as,
      `mutation { ${names.map((name) => `${name}: createImage(input: {name: "${name}"}) { __typename }`).join(' ')} }`,
    );
  const total = async (as = token) =>
    (await server.raw(as, '{ images { totalCount } }')).data.images.totalCount;

  test('images are made so many a minute, all that a request asks for or none', async () => {
    const green = server.tokenOf('green');
    expect((await create(['a', 'b'], green)).status).toBe(200);
    const refused = await create(['c', 'd'], green);
    expect(refused.status).toBe(429);
    expect(refused.data).toBeUndefined();
    expect(refused.errors).toMatchObject([
      {
        message: 'Project green may send 3 new images a minute; try again later.',
        extensions: { code: 'RATE_LIMITED' },
      },
    ]);
    expect(JSON.stringify(refused.errors)).not.toContain('"http"');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await total(green)).toBe(2);
    const spread = `mutation { ...Many ... on Mutation { c: createImage(input: {}) { __typename } } }
      fragment Many on Mutation { d: createImage(input: {}) { __typename } }`;
    expect((await server.raw(green, spread)).status).toBe(429);
    expect((await create(['e', 'f', 'g', 'h'], server.tokenOf('red'))).errors[0]?.message).toContain(
      'fewer than 4 at once',
    );
    expect((await create(['c'], green)).status).toBe(200);
    // In the other media type, and with what yoga answers itself.
    const answer = await server.http('/graphql', {
      method: 'POST',
      token: green,
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json; charset=utf-8',
      },
      body: JSON.stringify({ query: 'mutation { createImage(input: {}) { __typename } }' }),
    });
    expect(answer.status).toBe(429);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'RATE_LIMITED' } }] });
  });

  test('uploads at once are so many for a project, and one that breaks off makes room', async () => {
    const ids = await Promise.all([1, 2, 3].map(() => anImage(server.app, { status: 'queued', size: null })));
    const begun = await rawConnection(server.url);
    begun.write(
      `PUT /v2/images/${ids[0]}/file HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${token}\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\nfirst`,
    );
    const status = async (id: string | undefined) =>
      (await server.raw(token, `{ image(id: "${id}") { status } }`)).data.image.status;
    await until(async () => (await status(ids[0])) === 'SAVING');
    const put = (id: string | undefined, as = token) =>
      server.http(`/v2/images/${id}/file`, { method: 'PUT', token: as, headers: octets, body: 'x' });
    const refused = await put(ids[1]);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(await refused.text()).toContain('Project blue may have 1 uploads under way');
    expect(await status(ids[1])).toBe('QUEUED');
    const form = new FormData();
    form.set(
      'operations',
      '{"query": "mutation ($f: Upload!) { uploadImage(input: {id: \\"x\\", file: $f}) { __typename } }", "variables": {"f": null}}',
    );
    form.set('map', '{"0": ["variables.f"]}');
    form.set('0', new Blob(['bytes']), 'x');
    const multipart = await server.http('/graphql', {
      method: 'POST',
      token,
      headers: { 'x-vitrine-csrf': '1' },
      body: form,
    });
    expect(multipart.status).toBe(429);
    expect((await put(ids[1], server.tokenOf('green'))).status).toBe(404);
    begun.socket.destroy();
    await expect.poll(async () => (await put(ids[1])).status, { timeout: 20_000 }).toBe(204);
    expect((await put(ids[2])).status).toBe(204);
  });

  test.skipIf(long.skip)(`and downloads too, however they end${long.why}`, async () => {
    const id = await anImage(server.app, { status: 'queued', size: null });
    const body = Buffer.alloc(30_000_000);
    const url = `/v2/images/${id}/file`;
    expect((await server.http(url, { method: 'PUT', token, headers: octets, body })).status).toBe(204);
    const begun = await rawConnection(server.url);
    begun.write(`GET ${url} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${token}\r\n\r\n`);
    await once(begun.socket, 'data');
    begun.socket.pause();
    expect((await server.http(url, { token })).status).toBe(429);
    expect((await server.http(url, { token, method: 'HEAD' })).status).toBe(200);
    begun.socket.destroy();
    const get = async (headers: Record<string, string>) => {
      const answer = await server.http(url, { token, headers });
      await answer.arrayBuffer();
      return answer.status;
    };
    await expect.poll(() => get({}), { timeout: 20_000 }).toBe(200);
    await expect.poll(() => get({ range: 'bytes=99999999-' }), { timeout: 20_000 }).toBe(416);
    await expect.poll(() => get({ range: 'bytes=0-9' }), { timeout: 20_000 }).toBe(206);
    expect((await server.http(`/v2/images/${crypto.randomUUID()}/file`, { token })).status).toBe(404);
  });

  test('imports under way are so many for a project, on every server', async () => {
    const ids = await Promise.all(
      [1, 2].map(() =>
        anImage(server.app, { status: 'queued', size: null, containerFormat: 'bare', diskFormat: 'raw' }),
      ),
    );
    const start = (id: string | undefined, more = '') =>
      server.raw(
        token,
        `mutation { importImage(input: {id: "${id}", method: {webDownload: {url: "http://127.0.0.1:80/x"}}}) {
        __typename ... on Error { message } } ${more} }`,
      );
    expect((await start(ids[0])).data.importImage).toEqual({ __typename: 'ImportImagePayload' });
    const refused = await start(ids[1]);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('10');
    expect(refused.errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED' } }]);
    // What else the request did is not taken back: it is answered as it stands.
    const mixed = await start(ids[1], `updateImage(input: {id: "${ids[1]}", name: "x"}) { __typename }`);
    expect(mixed.status).toBe(200);
    expect(mixed.data).toEqual({ importImage: null, updateImage: { __typename: 'UpdateImagePayload' } });
    expect(mixed.errors).toMatchObject([{ path: ['importImage'], extensions: { code: 'RATE_LIMITED' } }]);
    expect((await start(ids[1])).errors[0]?.message).toContain('3 imports a minute');
    await server.app.db.query(`update tasks set status = 'failure', "order" = null`, []);
  });

  test('the cost and the depth of an operation are those of the settings', async () => {
    const costly = await server.raw(token, '{ images(first: 1000) { nodes { id name tags } } }');
    expect(costly.errors).toMatchObject([{ extensions: { code: 'TOO_COSTLY', limit: 5000 } }]);
    const deep = await server.raw(token, '{ images { edges { node { membership { image { id } } } } } }');
    expect(deep.errors).toMatchObject([{ extensions: { code: 'TOO_COSTLY', cost: 6, limit: 5 } }]);
  });
});

describe('in itself', () => {
  const none: AdmissionLimits = {
    requestsPerSecond: null,
    createsPerMinute: null,
    importsPerMinute: null,
    uploads: null,
    downloads: null,
  };
  const open = (limits: Partial<AdmissionLimits>): Admission =>
    openAdmission({ ...none, ...limits }, () => {});
  const request = (ip: string) => ({ ip, headers: {} }) as never;
  const nobody = callerWith({ user: null, project: null, roles: [] });

  test('addresses of IPv6 count by their network, and IPv4 is itself however it is written', () => {
    const admission = open({});
    const payer = (ip: string) => admission.payerOf(request(ip), nobody);
    expect(payer('2001:db8:1:2::1')).toBe(payer('2001:db8:1:2:ffff::9'));
    expect(payer('2001:db8:1:2::1')).not.toBe(payer('2001:db8:1:3::1'));
    expect(payer('::ffff:192.0.2.1')).toBe(payer('192.0.2.1'));
    expect(payer('192.0.2.1')).not.toBe(payer('192.0.2.2'));
    expect(payer('::1')).not.toBe(payer('::ffff:127.0.0.1'));
  });

  test('a transfer makes room once, however often it ends', () => {
    const admission = open({ uploads: 2 });
    const [first] = [admission.begin('project a', 'uploads'), admission.begin('project a', 'uploads')];
    first?.();
    first?.();
    admission.begin('project a', 'uploads');
    expect(() => admission.begin('project a', 'uploads')).toThrow(/2 uploads under way/);
    admission.begin('project b', 'uploads')();
    admission.begin('project a', 'downloads')();
  });

  test('what is owed is worked off, and a token that is no longer good is its address’s again', async () => {
    const admission = open({ requestsPerSecond: 10, createsPerMinute: 2 });
    admission.take('project a', 'creates', 2);
    const refused = () => admission.take('project a', 'creates', 1);
    expect(refused).toThrow(/2 new images a minute/);
    try {
      refused();
    } catch (error) {
      expect((error as RateLimitedError).retryAfterSeconds).toBeGreaterThan(20);
    }
    let isGood = true;
    const caller = callerWith({ user: 'u', project: 'a', roles: ['member'] });
    const authenticate = admission.watching(async () => {
      if (isGood) return caller;
      throw new UnauthenticatedError('gone');
    });
    expect(await authenticate({ 'x-auth-token': 't' })).toBe(caller);
    isGood = false;
    await expect(authenticate({ 'x-auth-token': 't' })).rejects.toThrow('gone');
  });
});
