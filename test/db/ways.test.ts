/** Which way a page is found in a catalog that is searched as if it were large, and that it is the page. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, transaction } from '../../src/db/client.ts';
import { findImagePage } from '../../src/db/image-pages.ts';
import type { Catalog, Sizes } from '../../src/db/image-scope.ts';
import { copies } from '../../src/db/tables.ts';
import type { Caller } from '../../src/domain/caller.ts';
import { builtInPolicy, membersKnownTo, sightOf } from '../../src/domain/policy.ts';
import type { ImageFilter } from '../../src/search/image-filter.ts';
import { type ImageOrder, newestFirst, totalOrder } from '../../src/search/image-order.ts';
import { anImage } from '../support/an-image.ts';
import { aServer, type TestServer } from '../support/server.ts';

const admin: Caller = { user: 'u', project: 'p', roles: ['admin'], isAdmin: true, isAnonymous: false };
const member: Caller = { user: 'u', project: 'red', roles: ['member'], isAdmin: false, isAnonymous: false };

let server: TestServer;
/** The ids of image 0, 1, ... */
const ids: string[] = [];
/** The copies of those that are shared with green, who rejected them. */
const shared: (typeof copies.$inferInsert)[] = [];
beforeAll(async () => {
  server = await aServer();
  for (let n = 0; n < 60; n++) {
    const isShared = n % 4 === 1 && n % 7 !== 0;
    const id = await anImage(server.app, {
      name: `base-${n % 3}.04-${1000 + n}`,
      tags: [`third-${n % 3}`, `fourth-${n % 4}`],
      properties: { os_version: `${n % 30}.5`, description: n % 5 === 0 ? 'one fine day' : 'fine one day' },
      owner: n % 2 === 0 ? 'red' : 'blue',
      visibility: n % 7 === 0 ? 'public' : isShared ? 'shared' : 'private',
      members: isShared ? { green: 'rejected', gold: 'accepted' } : {},
    });
    ids.push(id);
    if (isShared) shared.push({ imageId: id, store: 'near', key: id, state: 'active' });
  }
  await transaction(server.app.db, async (tx) => {
    await tx.insert(copies).values(shared);
  });
});
afterAll(() => server.stop());

interface Found {
  /** Numbers of images, in order. */
  images: number[];
  /** What was sent. */
  statements: string[];
}

interface Asked {
  caller?: Caller;
  order?: readonly ImageOrder[];
  limit?: number;
  /** Runs what is sent. */
  search?: Database['search'];
  sizes?: Partial<Sizes>;
}

async function find(
  filter: ImageFilter,
  { caller = admin, order = newestFirst, limit = 100, search = server.app.db.search, sizes = {} }: Asked = {},
): Promise<Found> {
  const statements: string[] = [];
  const { db, search: options } = server.app;
  const catalog: Catalog = {
    db: {
      ...db,
      search(text, params, how) {
        statements.push(text);
        return search(text, params, how);
      },
    },
    search: { ...options, sizes: { fewRows: 0, ...sizes } },
  };
  const seen = { sight: sightOf(builtInPolicy, caller), membersKnown: membersKnownTo(builtInPolicy, caller) };
  const scope = { caller, ...seen, filters: [filter], includes: new Set<never>(), hidden: null };
  const { images } = await findImagePage(catalog, scope, {
    fields: ['id'],
    order: totalOrder(order, { hasWords: false }),
    limit,
    from: null,
    backward: false,
    reads: 'page',
  });
  return { images: images.map(({ id }) => ids.indexOf(id)), statements };
}

const numbers = (isOne: (n: number) => boolean) => ids.map((_, n) => n).filter(isOne);
const sorted = (list: readonly number[]) => [...list].sort((a, b) => a - b);
const isMarked = (text: string) => text.includes('vitrine_marks(');

test.each<[string, ImageFilter, (n: number) => boolean]>([
  ['tags', { tags: { hasAll: ['third-1', 'fourth-2'] } }, (n) => n % 3 === 1 && n % 4 === 2],
  ['words', { freeText: 'fine fourth-2' }, (n) => n % 4 === 2],
  ['a phrase', { freeText: '"one fine day"' }, (n) => n % 5 === 0],
  ['a part of a name', { name: { contains: '.04-101' } }, (n) => n >= 10 && n < 20],
  ['the end of a name', { name: { endsWith: '-1007' } }, (n) => n === 7],
  [
    'a value and a tag',
    { properties: [{ name: 'os_version', text: { eq: '7.5' } }], tags: { has: 'third-1' } },
    (n) => n % 30 === 7 && n % 3 === 1,
  ],
])('%s meet in the index of marks', async (_what, filter, isOne) => {
  const { images, statements } = await find(filter);
  expect(sorted(images)).toEqual(numbers(isOne));
  expect(statements.at(-1)).toSatisfy(isMarked);
});

test.each([
  ['an admin', admin, () => true],
  ['a member', member, (n: number) => n % 2 === 0 || n % 7 === 0],
  ['who shares are accepted by', { ...member, project: 'gold' }, (n: number) => n % 7 === 0 || n % 4 === 1],
])(
  'for %s terms that meet far along their lists are asked for together, and what a cut list lacks is found otherwise',
  async (_who, caller, isSeen) => {
    await server.app.db.query('analyze images, image_terms', []);
    // Before PostgreSQL 17 rows are asked one by one, and the index of marks is often sooner.
    const [{ seeks } = { seeks: false }] = await server.app.db.query<{ seeks: boolean }>(
      `select current_setting('server_version_num')::int >= 170000 as seeks`,
      [],
    );
    const filter: ImageFilter = { tags: { hasAll: ['third-1', 'fourth-1'] } };
    const seen = numbers((n) => n % 3 === 1 && n % 4 === 1 && isSeen(n)).reverse();
    for (const rows of [1, 3, 10, 100])
      for (const limit of [1, 2, 6]) {
        const sizes = { fewExpected: 0, imagesPerShare: 0, rowSteps: [rows] };
        const { images, statements } = await find(filter, { caller, limit, sizes });
        expect(images).toEqual(seen.slice(0, limit));
        const walks = statements.filter((text) => /with (times|led) as/.test(text));
        if (seeks) expect(walks.length).toBe(1);
        if (seeks && rows === 100) expect(statements.at(-1)).toBe(walks[0]);
      }
    const none = await find(
      { tags: { hasAll: ['third-1', 'nowhere'] } },
      { caller, sizes: { fewExpected: 0 } },
    );
    expect(none.images).toEqual([]);
  },
);

test('a member finds by marks what they see, and nothing else', async () => {
  const { images, statements } = await find(
    { tags: { hasAll: ['third-1', 'fourth-3'] } },
    { caller: member },
  );
  expect(sorted(images)).toEqual(numbers((n) => n % 3 === 1 && n % 4 === 3 && (n % 2 === 0 || n % 7 === 0)));
  expect(statements.at(-1)).toSatisfy(isMarked);
});

test('a member finds the beginning of a name by the index of names', async () => {
  const { images, statements } = await find({ name: { startsWith: 'base-2.04-105' } }, { caller: member });
  expect(sorted(images)).toEqual(numbers((n) => n >= 50 && n % 3 === 2 && (n % 2 === 0 || n % 7 === 0)));
  expect(statements.at(-1)).toContain('as n cross join');
});

test('a range of a hot property is a list of its values', async () => {
  const range = { properties: [{ name: 'os_version', number: { gte: 3, lt: 6 } }] };
  const { images, statements } = await find(range);
  expect(sorted(images)).toEqual(numbers((n) => n % 30 >= 3 && n % 30 < 6));
  expect(statements.some((text) => text.includes('vitrine_number'))).toBe(false);
});

test('what is asked of the elements of a value is asked beside a range of it', async () => {
  const filter = (hasAny: string[]): ImageFilter => ({
    properties: [{ name: 'os_version', number: { gte: 3, lt: 6 }, elements: { hasAny } }],
  });
  expect((await find(filter([]))).images).toEqual([]);
  const { images } = await find(filter(['4.5', '7.5']));
  expect(sorted(images)).toEqual(numbers((n) => n % 30 === 4));
});

/** As PostgreSQL does it where it takes the statistics to speak for a join that sorts. */
const bySortedJoins: Database['search'] = async (text, params) => {
  const client = await server.app.db.writers.connect();
  try {
    await client.query('begin; set local enable_hashjoin to off; set local enable_nestloop to off');
    const { rows } = await client.query(text, params as unknown[]);
    return rows;
  } finally {
    await client.query('rollback');
    client.release();
  }
};

test.each<[string, ImageFilter]>([
  ['a membership', { sharedWith: { project: 'green', status: 'rejected' } }],
  ['a store', { store: { eq: 'near' } }],
])('the first images of a list are found along its order, however %s is joined', async (_what, filter) => {
  const orders: ImageOrder[][] = [
    [{ field: 'updatedAt', direction: 'desc' }],
    [{ field: 'name', direction: 'asc' }],
    [{ field: 'property', property: 'os_version', as: 'number', direction: 'desc' }],
  ];
  for (const order of [newestFirst, ...orders]) {
    const all = await find(filter, { order });
    expect(all.images.length).toBe(shared.length);
    const { images, statements } = await find(filter, { order, limit: 2, search: bySortedJoins });
    expect(statements.at(-1)).toContain('limit 4000');
    expect(images).toEqual(all.images.slice(0, 2));
  }
});

test('a member goes along the values of a hot property', async () => {
  const order: ImageOrder[] = [
    { field: 'property', property: 'os_version', as: 'number', direction: 'desc' },
  ];
  const { images, statements } = await find({}, { caller: member, order });
  const seen = numbers((n) => n % 2 === 0 || n % 7 === 0);
  expect(sorted(images)).toEqual(seen);
  expect(images.map((n) => n % 30)).toEqual(seen.map((n) => n % 30).sort((a, b) => b - a));
  expect(statements[0]).toContain('from image_vocabulary');
});

test('all terms of an image are among its marks', async () => {
  const rows = await server.app.db.query<{ missing: number }>(
    `select count(*)::int as missing
     from images i, vitrine_terms(i.tags, i.properties, i.search_text, i.checksum, i.digests) as term
     where not term = any(vitrine_marks(
       i.name, i.tags, i.properties, i.search_text, i.checksum, i.digests, i.visibility, i.owner))`,
    [],
  );
  expect(rows).toEqual([{ missing: 0 }]);
});

test('what is shared stands where its image does in time, whoever writes the one or the other', async () => {
  const id = await anImage(server.app, { visibility: 'shared', members: { green: 'accepted' } });
  const isInPlace = () =>
    server.app.db.query(
      `select m.image_created_at = i.created_at as holds from image_members m join images i on i.id = m.image_id
       where i.id = $1::uuid order by m.project`,
      [id],
    );
  expect(await isInPlace()).toEqual([{ holds: true }]);
  await server.app.db.query(
    `update images set created_at = created_at - interval '1 day' where id = $1::uuid`,
    [id],
  );
  await server.app.db.query(
    `insert into image_members (image_id, project, image_created_at) values ($1::uuid, 'red', now())`,
    [id],
  );
  expect(await isInPlace()).toEqual([{ holds: true }, { holds: true }]);
  await server.app.db.query('delete from images where id = $1::uuid', [id]);
});
