/** GET /v2/images: what is in it, by every filter, order and page. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AnImage, anImage } from '../support/an-image.ts';
import { refusal, rest } from '../support/rest.ts';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
const ids: Record<string, string> = {};
const names: Record<string, string> = {};

/** By name, in the order of time: one a minute. */
const catalog: Record<string, AnImage> = {
  debian: {
    name: 'debian',
    tags: ['lts', 'x'],
    properties: { os_distro: 'debian', os_version: '12' },
    size: 100,
  },
  ubuntu: { name: 'ubuntu, "lts"', tags: ['lts'], properties: { os_distro: 'ubuntu', a_b: '1' }, size: 200 },
  twin: { name: 'ubuntu, "lts"', minRam: 512, minDisk: 10, diskFormat: 'iso', size: 300, virtualSize: 4000 },
  queued: {
    name: null,
    status: 'queued',
    size: null,
    diskFormat: null,
    containerFormat: null,
    checksum: null,
  },
  kept: { name: 'kept', protected: true, checksum: '0123456789abcdef0123456789abcdef', size: 50 },
  unseen: { name: 'unseen', hidden: true },
  'own community': { name: 'own community', visibility: 'community' },
  'their private': { name: 'their private', owner: 'red', visibility: 'private' },
  'their public': { name: 'their public', owner: 'red', visibility: 'public', size: 1 },
  'their community': { name: 'their community', owner: 'red', visibility: 'community' },
  pending: { name: 'pending', owner: 'red', visibility: 'shared', members: { blue: 'pending' } },
  accepted: { name: 'accepted', owner: 'red', visibility: 'shared', members: { blue: 'accepted' } },
  rejected: { name: 'rejected', owner: 'red', visibility: 'shared', members: { blue: 'rejected' } },
};

beforeAll(async () => {
  server = await aServer();
  for (const [n, [key, given]] of Object.entries(catalog).entries()) {
    const createdAt = `2026-01-01T00:${String(n).padStart(2, '0')}:30.500000Z`;
    const id = await anImage(server.app, {
      visibility: 'private',
      ...given,
      createdAt,
      updatedAt: createdAt,
    });
    ids[key] = id;
    names[id] = key;
  }
});
afterAll(() => server.stop());

const list = (query: string, as?: string) => rest(server, `GET /v2/images${query}`, { as });
const shown = async (query: string, as?: string): Promise<string[]> => {
  const { status, body } = await list(query, as);
  expect([query, status]).toEqual([query, 200]);
  return body.images.map(({ id }: { id: string }) => names[id]);
};

const normal = ['accepted', 'their public', 'own community', 'kept', 'queued', 'twin', 'ubuntu', 'debian'];

test('is a page of images with links relative to the service', async () => {
  const { status, body } = await list('');
  expect(status).toBe(200);
  expect(Object.keys(body).sort()).toEqual(['first', 'images', 'schema']);
  expect([body.first, body.schema]).toEqual(['/v2/images', '/v2/schemas/images']);
  const one = await rest(server, `GET /v2/images/${ids.debian}`);
  expect(body.images.at(-1)).toEqual(one.body);
  expect(body.images.at(-1)).toMatchObject({
    created_at: '2026-01-01T00:00:30Z',
    tags: ['lts', 'x'],
    os_distro: 'debian',
  });
});

describe('who sees what', () => {
  test.each<[string, string[]]>([
    ['', normal],
    ['?visibility=public', ['their public']],
    ['?visibility=private', ['kept', 'queued', 'twin', 'ubuntu', 'debian']],
    ['?visibility=community', ['their community', 'own community']],
    ['?visibility=shared', ['accepted']],
    ['?visibility=shared&member_status=pending', ['pending']],
    ['?visibility=shared&member_status=rejected', ['rejected']],
    ['?visibility=shared&member_status=all', ['rejected', 'accepted', 'pending']],
    ['?member_status=pending&owner=red', ['pending', 'their public']],
    ['?visibility=all&owner=red', ['accepted', 'their community', 'their public']],
    ['?os_hidden=true', ['unseen']],
    ['?os_hidden=True', ['unseen']],
    ['?os_hidden=false', normal],
  ])('a member by %j', async (query, expected) => {
    expect(await shown(query)).toEqual(expected);
  });

  test('an admin all, but the community images of others only when asked', async () => {
    const all = Object.keys(catalog)
      .toReversed()
      .filter((name) => name !== 'unseen');
    const isForeign = (name: string) => name.endsWith('community');
    expect(await shown('', 'admin')).toEqual(all.filter((name) => !isForeign(name)));
    expect(await shown('?visibility=all', 'admin')).toEqual(all);
    expect(await shown('?visibility=community', 'admin')).toEqual(all.filter(isForeign));
    expect(await shown('?member_status=pending', 'admin')).toEqual(all.filter((name) => !isForeign(name)));
  });
});

describe('filters', () => {
  const enc = encodeURIComponent;
  test.each<[string, string[]]>([
    ['name=debian', ['debian']],
    [`name=${enc('ubuntu, "lts"')}`, ['twin', 'ubuntu']],
    [`name=${enc('in:debian,"ubuntu, \\"lts\\"", kept')}`, ['kept', 'twin', 'ubuntu', 'debian']],
    ['name=eq:debian', ['debian']],
    ['name=ubuntu:22.04', []],
    ['name=Debian', []],
    ['name=', []],
    ['name=x&name=debian', ['debian']],
    ['id=ID', ['debian']],
    ['id=in:ID,x', ['debian']],
    ['id=x', []],
    ['status=queued', ['queued']],
    ['status=in:queued,saving', ['queued']],
    ['status=nonsense', []],
    ['disk_format=iso', ['twin']],
    ['disk_format=in:vhd,iso', ['twin']],
    ['container_format=nonsense', []],
    ['owner=red', ['accepted', 'their public']],
    ['protected=true', ['kept']],
    ['protected=True&name=in:kept,debian', ['kept']],
    ['checksum=0123456789abcdef0123456789abcdef', ['kept']],
    ['checksum=0123456789abcdef', []],
    ['os_hash_algo=md5', []],
    ['os_hash_value=0123456789abcdef0123456789abcdef', []],
    ['tag=lts', ['ubuntu', 'debian']],
    ['tag=lts&tag=x', ['debian']],
    ['tag=none', []],
    ['os_distro=debian', ['debian']],
    ['os_distro=debian&os_version=12', ['debian']],
    ['os_distro=debian&os_version=13', []],
    ['os_distro=in:debian', []],
    ['a_b=1', ['ubuntu']],
    ['no_such_property=1', []],
    ['__proto__=1', []],
    ['tags=lts', []],
    ['size_min=200&size_max=299', ['ubuntu']],
    ['size=300', ['twin']],
    ['size_min=99999999999999999999', []],
    ['size_max=99999999999999999999&name=debian', ['debian']],
    ['size_min=-5&name=debian', ['debian']],
    ['size_max=-1', []],
    ['min_ram=512', ['twin']],
    ['min_ram_min=1', ['twin']],
    ['min_disk_min=10&min_disk_max=10', ['twin']],
    ['min_disk=2147483648', []],
    ['virtual_size_min=4000', ['twin']],
    // Images show whole seconds; it is these that are compared.
    ['created_at=2026-01-01T00:00:30Z', ['debian']],
    ['created_at=eq:2026-01-01T00:00:30Z', ['debian']],
    ['created_at=lt:2026-01-01T00:01:30Z', ['debian']],
    ['created_at=lte:2026-01-01T00:01:30Z', ['ubuntu', 'debian']],
    ['created_at=gt:2026-01-01T00:08:30Z', ['accepted']],
    ['created_at=gte:2026-01-01T00:08:30Z', ['accepted', 'their public']],
    ['created_at=gte:2026-01-01T01:08:30%2B01:00', ['accepted', 'their public']],
    ['created_at=gte:2026-01-01T01:08:30+01:00', ['accepted', 'their public']],
    ['created_at=gte:2026-01-01T00:08:30', ['accepted', 'their public']],
    ['created_at=gte:2026-01-01T00:08:30.2', ['accepted']],
    ['created_at=gte:20260101T000830Z', ['accepted', 'their public']],
    ['created_at=gte:2026-01-02', []],
    ['created_at=neq:2026-01-01T00:00:30Z&name=in:debian,kept', ['kept']],
    ['created_at=gte:2026-01-01T00:01:00Z&created_at=lt:2026-01-01T00:02:00Z', ['ubuntu']],
    ['updated_at=lt:2026-01-01T00:01:00Z', ['debian']],
  ])('%s', async (query, expected) => {
    expect(await shown(`?${query.replace('ID', ids.debian ?? '')}`)).toEqual(expected);
  });

  test.each([
    ...['visibility=secret', 'visibility=', 'member_status=maybe', 'os_hidden=both', 'protected=maybe'],
    ...['limit=-1', 'limit=x', 'limit=1e3', 'limit=', 'marker=x', `marker=${randomUUID()}`],
    ...['sort=color', 'sort=name:up', 'sort=name:asc:asc', 'sort_key=color', 'sort_dir=up', 'sort='],
    ...['sort=name&sort_key=name', 'sort=name&sort_dir=asc', 'sort_key=name&sort_dir=asc&sort_dir=desc'],
    ...[`sort=${'name:asc,'.repeat(99)}name:asc`],
    ...[
      'name=gt:x',
      'status=neq:queued',
      'id=lt:1',
      'name=in:"a',
      'name=in:a"b"',
      'name=in:"a"b',
      'name=in:',
    ],
    ...[
      'created_at=today',
      'created_at=in:2026-01-01',
      'created_at=gt:',
      'created_at=2026-13-01',
      'updated_at=x',
    ],
    ...['size_min=x', 'size_max=1.5', 'size=', 'min_ram_min=x', 'my_max=1', 'name_min=1', 'created_at_min=1'],
    ...['changes-since=2026-01-01', 'name=a%00b', 'x=a%00b', 'a%00b=x'],
  ])('refuses %s with 400', async (query) => {
    expect(await list(`?${query}`)).toMatchObject({ status: 400, body: refusal(400, 'Bad Request') });
  });
});

describe('order', () => {
  test.each<[string, string[]]>([
    ['', normal],
    ['sort_key=created_at&sort_dir=asc', normal.toReversed()],
    ['sort_dir=asc', normal.toReversed()],
    ['sort=created_at:asc', normal.toReversed()],
    [
      'sort_key=name&sort_dir=asc',
      ['accepted', 'debian', 'kept', 'own community', 'their public', 'ubuntu', 'twin', 'queued'],
    ],
    [
      'sort=name',
      ['twin', 'ubuntu', 'their public', 'own community', 'kept', 'debian', 'accepted', 'queued'],
    ],
    ['sort=size:asc&size_min=1', ['their public', 'kept', 'debian', 'ubuntu', 'twin']],
    ['sort=name:asc,created_at:desc&tag=lts', ['debian', 'ubuntu']],
    ['sort_key=status&sort_key=name&sort_dir=asc&sort_dir=desc&owner=red', ['their public', 'accepted']],
    ['sort=disk_format:asc,name:asc&name=in:kept,debian&protected=false', ['debian']],
  ])('%s', async (query, expected) => {
    const found = await shown(`?${query}`);
    // Images made without a size of their own all have the same one.
    expect(query.includes('size_min') ? found.filter((name) => expected.includes(name)) : found).toEqual(
      expected,
    );
  });
});

describe('pages', () => {
  async function walk(query: string, as?: string): Promise<string[][]> {
    const pages: string[][] = [];
    for (let next: string | undefined = `/v2/images?${query}`; next !== undefined; ) {
      const { status, body } = await rest(server, `GET ${next}` as 'GET /', { as });
      expect(status).toBe(200);
      expect(body.first).toBe(`/v2/images?${new URLSearchParams(query)}`);
      pages.push(body.images.map(({ id }: { id: string }) => names[id]));
      next = body.next;
      if (next !== undefined) expect(next).toMatch(/^\/v2\/images\?/);
    }
    return pages;
  }

  test.each([
    'sort=name:asc',
    'sort=name:desc',
    'sort=size:desc,name:asc',
    'sort_key=status&sort_dir=asc',
    'x=y',
    '',
  ])('follow each other without a gap or a double: %s', async (query) => {
    const whole = await shown(`?${query}&limit=1000`);
    for (const limit of [1, 3, 8]) {
      const pages = await walk(`${query ? `${query}&` : ''}limit=${limit}`);
      expect(pages.flat()).toEqual(whole);
      // None is empty for what was left out of it, but the only one.
      expect(pages.length).toBe(Math.max(1, Math.ceil(whole.length / limit)));
    }
  });

  test('keep the filters, those that come twice too', async () => {
    expect(await walk('tag=lts&tag=lts&limit=1')).toEqual([['ubuntu'], ['debian']]);
    expect(await walk('visibility=community&limit=1', 'admin')).toEqual([
      ['their community'],
      ['own community'],
    ]);
  });

  test('have 25 images unless asked, at most 1000, and may have none', async () => {
    expect(await shown('?limit=0')).toEqual([]);
    expect((await list('?limit=0')).body.next).toBeUndefined();
    expect(await shown('?limit=1000000000')).toEqual(normal);
    for (let n = 0; n < 26; n++) await anImage(server.app, { owner: 'green', name: `n${n}` });
    const { body } = await list('', 'green');
    expect(body.images.length).toBe(25);
    expect(body.next).toBe(`/v2/images?marker=${body.images[24].id}`);
  });

  test('go on after any image that is seen by id, in the list or not', async () => {
    expect(await shown(`?marker=${ids.pending}&limit=2`)).toEqual(['their public', 'own community']);
    expect(await shown(`?marker=${ids.debian}`)).toEqual([]);
  });

  test('do not tell an image that is not seen from one that is not there', async () => {
    const texts = await Promise.all(
      [ids['their private'] ?? '', randomUUID()].map(async (id) => {
        const answer = await list(`?marker=${id}`);
        return JSON.stringify([answer.status, answer.body]).replace(id, 'ID');
      }),
    );
    expect(texts[0]).toBe(texts[1]);
  });
});
