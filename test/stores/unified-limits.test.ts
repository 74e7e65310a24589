/** Limits that Keystone keeps: read with the service's own token, remembered, and never taken for none. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openUnifiedLimits } from '../../src/stores/unified-limits.ts';
import { type Access, ask, newImage, put } from '../support/images.ts';
import { storePassword } from '../support/planted.ts';
import { aServer } from '../support/server.ts';
import { withServices } from '../support/services.ts';
import { only } from '../support/size.ts';
import { type WireServer, wireServer } from '../support/wire-server.ts';

const GiB = 2 ** 30;
const registered = (
  resource_name: string,
  default_limit: number,
  region_id: string | null = 'RegionOne',
) => ({
  ...{ id: resource_name, service_id: 's1', resource_name, default_limit, region_id },
});
const own = (resource_name: string, resource_limit: number, project_id: string) => ({
  ...{
    id: resource_name,
    service_id: 's1',
    resource_name,
    resource_limit,
    project_id,
    region_id: 'RegionOne',
  },
});

let keystone: WireServer;
let tokens: Set<string>;
let registry: ReturnType<typeof registered>[];
let limits: ReturnType<typeof own>[];
/** The last login asked for this scope. */
let scope: unknown;

beforeAll(async () => {
  const json = (body: unknown, status = 200, headers = {}) => ({
    status,
    headers,
    body: JSON.stringify(body),
  });
  keystone = await wireServer({
    answer({ url, headers, body }) {
      if (url.pathname === '/v3/auth/tokens') {
        scope = JSON.parse(body.toString()).auth.scope;
        const token = `token-${Math.random()}`;
        tokens.add(token);
        const expires_at = new Date(Date.now() + 3_600_000).toISOString();
        return json({ token: { expires_at } }, 201, { 'x-subject-token': token });
      }
      if (!tokens.has(String(headers['x-auth-token']))) return { status: 401 };
      const isOurs = url.searchParams.get('service_id') === 's1';
      if (url.pathname === '/v3/services') return json({ services: [{ id: 's1', type: 'image' }] });
      if (url.pathname === '/v3/registered_limits')
        return json({ registered_limits: isOurs ? registry : [] });
      const project = url.searchParams.get('project_id');
      return json({ limits: limits.filter(({ project_id }) => isOurs && project_id === project) });
    },
  });
});
beforeEach(() => {
  keystone.fail();
  tokens = new Set();
  registry = [registered('image_count_total', 10), registered('image_size_total', 1000)];
  limits = [];
});
afterAll(() => keystone.close());

let now = 0;
const open = () =>
  openUnifiedLimits({
    keystone: {
      ...{ url: `${keystone.url}/v3`, username: 'glance', password: storePassword, userDomain: 'Default' },
      ...{ project: 'service', projectDomain: 'Default', region: 'RegionOne' },
      ...{ connectTimeoutMs: 1000, answerTimeoutMs: 1000 },
    },
    now: () => now,
  });
const asked = () => keystone.seen.filter((what) => what.includes('/v3/limits')).length;

describe('a limit', () => {
  test('of the project comes before the registered one, sizes in MiB and -1 for none; what is not registered is left out', async () => {
    limits = [own('image_size_total', 2048, 'blue'), own('image_count_total', -1, 'blue')];
    expect(await open().limitsOf('blue')).toEqual({ images: null, bytes: 2 * GiB });
    expect(await open().limitsOf('red')).toEqual({ images: 10, bytes: 1000 * 2 ** 20 });
    expect(scope).toEqual({ system: { all: true } });
  });

  test('of another region counts for nothing, and of none for less than of ours', async () => {
    registry = [
      registered('image_count_total', 1, 'RegionTwo'),
      registered('image_count_total', 2),
      registered('image_count_total', 3, null),
      registered('image_count_uploading', 4, null),
      registered('cores', 5),
    ];
    expect(await open().limitsOf('red')).toEqual({ images: 2, uploads: 4 });
  });

  test('is remembered for a short while, asked for once by many, and with a new token when one is refused', async () => {
    const unified = open();
    const before = asked();
    await Promise.all(Array.from({ length: 20 }, () => unified.limitsOf('red')));
    expect(asked() - before).toBe(1);
    registry = [registered('image_count_total', 11)];
    tokens.clear();
    expect(await unified.limitsOf('red')).toMatchObject({ images: 10 });
    now += 31_000;
    expect(await unified.limitsOf('red')).toEqual({ images: 11 });
  });

  test.each([
    ['refuses', { status: 500 }],
    ['does not let us', { status: 403 }],
    ['breaks off', 'reset'],
    ['says nothing', 'hang'],
  ] as const)(
    'is the last one known while Keystone %s, and unknown to be none where it never was',
    async (_what, how) => {
      const unified = open();
      expect(await unified.limitsOf('red')).toMatchObject({ images: 10 });
      keystone.fail({ on: /limits/, how });
      now += 31_000;
      expect(await unified.limitsOf('red')).toMatchObject({ images: 10 });
      const before = keystone.seen.length;
      await expect(unified.limitsOf('blue')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      const after = keystone.seen.length;
      expect(after).toBeGreaterThan(before);
      // For a few seconds it is left alone.
      await expect(unified.limitsOf('blue')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      expect(keystone.seen.length).toBe(after);
      keystone.fail();
      now += 6_000;
      expect(await unified.limitsOf('blue')).toMatchObject({ images: 10 });
    },
  );

  test('that is no limit but something else is a failure, told as one', async () => {
    registry = null as never;
    await expect(open().limitsOf('red')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

const unifiedSettings = (url: string, password: string) => `
keystone: { url: "${url}", username: glance, password: ${password}, project: service, region: RegionOne, unifiedLimits: true }
quotas: { images: 1, uploads: 7 }
`;

async function quotasOf(access: Access) {
  const text = '{ viewer { quotas { resource limit used } } }';
  const { viewer } = await ask<{ viewer: { quotas: { resource: string; limit: number }[] } }>(access, text);
  return Object.fromEntries(viewer.quotas.map(({ resource, limit }) => [resource, limit]));
}

test('a server goes by them, takes none of its own, and refuses what it cannot know', async () => {
  const server = await aServer({ settings: unifiedSettings(`${keystone.url}/v3`, storePassword) });
  try {
    const blue = { url: server.url, token: server.tokenOf('blue') };
    limits = [own('image_size_total', 1, 'blue')];
    expect(await quotasOf(blue)).toEqual({
      ...{
        image_count_total: 10,
        image_size_total: 2 ** 20,
        image_stage_total: null,
        image_count_uploading: 7,
      },
    });
    const id = await newImage(blue);
    expect((await put(blue, id, new Uint8Array(2 ** 20 + 1))).status).toBe(413);
    const set =
      'mutation { setQuota(input: { project: "blue", unset: ["image_size_total"] }) { ... on ValidationError { issues { code } } } }';
    const { data } = await server.raw(server.tokenOf('admin'), set);
    expect(data.setQuota.issues).toEqual([{ code: 'KEPT_IN_KEYSTONE' }]);
    keystone.fail({ on: /limits/, how: { status: 503 } });
    const red = { url: server.url, token: server.tokenOf('red') };
    await expect(newImage(red)).rejects.toThrow('UNAVAILABLE');
    expect((await put(blue, id, new Uint8Array(10))).status).toBe(204);
  } finally {
    await server.stop();
  }
});

const real = only(withServices);
test.skipIf(real.skip)(`a real Keystone's limits are understood${real.why}`, async () => {
  const url = process.env.TEST_SWIFT_AUTH_URL ?? '';
  const password = process.env.TEST_PASSWORD ?? '';
  const domain = { id: 'default' };
  const login = await fetch(`${url}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: { methods: ['password'], password: { user: { name: 'admin', domain, password } } },
        scope: { system: { all: true } },
      },
    }),
  });
  const token = login.headers.get('x-subject-token') ?? '';
  async function call(method: string, path: string, body?: object) {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { 'x-auth-token': token, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok && response.status !== 409) throw new Error(`${method} ${path}: ${text}`);
    return text ? JSON.parse(text) : null;
  }
  const idOf = async (what: string, query: string) => (await call('GET', `/${what}?${query}`))[what][0].id;
  const [user, role, service, project] = await Promise.all([
    idOf('users', 'name=glance'),
    idOf('roles', 'name=reader'),
    idOf('services', 'type=image'),
    idOf('projects', 'name=demo'),
  ]);
  await call('PUT', `/system/users/${user}/roles/${role}`);
  const about = { service_id: service, region_id: 'RegionOne' };
  await call('POST', '/registered_limits', {
    registered_limits: [
      { ...about, resource_name: 'image_size_total', default_limit: 1000 },
      { ...about, resource_name: 'image_count_total', default_limit: -1 },
    ],
  });
  await call('POST', '/limits', {
    limits: [{ ...about, project_id: project, resource_name: 'image_size_total', resource_limit: 5 }],
  });
  const unified = openUnifiedLimits({
    keystone: {
      ...{ url, username: 'glance', password, userDomain: 'Default', project: 'service' },
      ...{ projectDomain: 'Default', region: 'RegionOne', connectTimeoutMs: 5000, answerTimeoutMs: 30_000 },
    },
  });
  expect(await unified.limitsOf(project)).toEqual({ bytes: 5 * 2 ** 20, images: null });
  expect(await unified.limitsOf('another')).toEqual({ bytes: 1000 * 2 ** 20, images: null });
});
