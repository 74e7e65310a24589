/** How many images have some values of a property: as many as a list of them has, and read from the counts that are kept. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findImagePage } from '../../src/db/image-pages.ts';
import type { Catalog } from '../../src/db/image-scope.ts';
import { countImages } from '../../src/db/image-totals.ts';
import { mergeValueCounts } from '../../src/db/value-counts.ts';
import { anonymous, type Caller, callerWith } from '../../src/domain/caller.ts';
import { builtInPolicy, membersKnownTo, sightOf } from '../../src/domain/policy.ts';
import type { ImageFilter, ImageInclude, PropertyFilter } from '../../src/search/image-filter.ts';
import { totalOrder } from '../../src/search/image-order.ts';
import { anImage } from '../support/an-image.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { sized } from '../support/size.ts';
import { project, whoseImage } from '../support/whose-images.ts';

let server: TestServer;
beforeAll(async () => {
  server = await aServer({ env: { VITRINE_TASKS: 'off' } });
});
afterAll(() => server.stop());

interface Asked {
  caller: Caller;
  filters: ImageFilter[];
  includes: ImageInclude[];
  costMax?: number;
}

/** The count, the length of the list, and what was sent for the count. */
async function count({ caller, filters, includes, costMax = 1e6 }: Asked) {
  const statements: string[] = [];
  const { db, search: options } = server.app;
  const search = { ...options, sizes: { fewRows: 0 } };
  const listening: Catalog = {
    db: {
      ...db,
      search(text, params, how) {
        statements.push(text);
        return db.search(text, params, how);
      },
    },
    search: { ...search, costMax },
  };
  const seen = { sight: sightOf(builtInPolicy, caller), membersKnown: membersKnownTo(builtInPolicy, caller) };
  const scope = { caller, ...seen, filters, includes: new Set(includes), hidden: null };
  const page = { fields: ['id' as const], order: totalOrder([], { hasWords: false }), limit: 1000 };
  const { images } = await findImagePage({ db, search }, scope, { ...page, from: null, backward: false });
  return { counted: await countImages(listening, scope), listed: images.length, statements };
}

const isOfKept = (text: string) => text.includes('from image_value_counts');
const looksAtImages = (text: string) => /\bimages i\b/.test(text);

const long = 'x'.repeat(600);
const value = fc.constantFrom('1', '1.0', '2', '10', 'true', '', long, '😀'.repeat(128), '😀'.repeat(129));
const name = fc.constantFrom('os_version', 'os_distro', 'a');
const image = fc.record({
  ...whoseImage,
  // A range is a list of values only where all of these are known whole.
  properties: fc
    .dictionary(name, value, { noNullPrototype: true })
    .map((all) => (all.os_version === long ? { ...all, os_version: '2' } : all)),
});
const ofText = (text: PropertyFilter['text']) => ({ text });
const condition: fc.Arbitrary<ImageFilter> = fc
  .record({
    name: fc.oneof({ weight: 9, arbitrary: name }, { weight: 1, arbitrary: fc.constant('') }),
    asked: fc.oneof(
      { weight: 4, arbitrary: value.map((eq) => ofText({ eq })) },
      { weight: 4, arbitrary: fc.array(value).map((list) => ofText({ in: list, ignoreCase: false })) },
      { weight: 1, arbitrary: value.map((eq) => ofText({ eq, ignoreCase: true })) },
      { weight: 1, arbitrary: fc.tuple(value, value).map(([eq, ne]) => ofText({ eq, ne })) },
      {
        weight: 3,
        arbitrary: fc.constantFrom<Partial<PropertyFilter>>(
          {},
          { exists: true },
          { number: { gte: 1, lt: 5 } },
          { version: { gt: '1' } },
          { boolean: true },
          { boolean: true, text: { eq: 'true' } },
          { number: { lt: 0 } },
        ),
      },
    ),
  })
  .map(({ name, asked }) => ({ properties: [{ name, ...asked }] }));
const filters: fc.Arbitrary<ImageFilter[]> = fc.oneof(
  { weight: 6, arbitrary: condition.map((one) => [one]) },
  { weight: 2, arbitrary: condition.map((one) => [{ and: [one] }, {}]) },
  { weight: 1, arbitrary: fc.tuple(condition, condition).map(([one, other]) => [one, other]) },
  {
    weight: 1,
    arbitrary: fc.tuple(condition, condition).map(([one, other]) => [{ ...one, and: [{ and: [other] }] }]),
  },
  { weight: 1, arbitrary: condition.map((one) => [{ not: one }]) },
  { weight: 1, arbitrary: condition.map((one) => [{ or: [one] }]) },
);
const caller = fc.oneof(
  fc
    .record({ user: fc.constant('u'), project: fc.option(project), roles: fc.subarray(['admin', 'member']) })
    .map(callerWith),
  fc.constant(anonymous),
);
const includes = fc.subarray<ImageInclude>(['COMMUNITY', 'PENDING_SHARES', 'REJECTED_SHARES', 'HIDDEN']);
const question = fc.record({ caller, filters, includes });

/** Changes to the images of a list, one after the other. */
const change = fc.constantFrom(
  `update images set properties = properties || '{"os_version": "2"}'`,
  'update images set hidden = not hidden',
  `update images set visibility = 'shared', owner = 'blue'`,
  `update image_members set status = 'accepted'`,
  'delete from image_members',
  'delete from images',
);
const placeOf = (text: string) => (text.includes('image_members') ? 'image_id' : 'id');

test('as many images have some values as are listed, whoever asks, whatever was written, shared or hidden', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(image, { maxLength: 12 }),
      fc.array(fc.tuple(change, fc.nat(3)), { maxLength: 4 }),
      fc.array(question, { minLength: 8, maxLength: 8 }),
      async (made, changes, questions) => {
        await server.app.db.query('delete from images', []);
        const ids: string[] = [];
        for (const one of made) ids.push(await anImage(server.app, one));
        for (const [n, asked] of questions.entries()) {
          const { counted, listed } = await count(asked);
          expect(counted, JSON.stringify(asked)).toBe(listed);
          const [text, which] = changes[n] ?? ['', 0];
          const some = ids.filter((_, i) => i % 4 === which);
          if (text !== '')
            await server.app.db.query(`${text} where ${placeOf(text)} = any($1::uuid[])`, [some]);
          else await mergeValueCounts(server.app.db);
        }
      },
    ),
    { numRuns: sized({ quick: 10, ci: 60, full: 2_000 }) },
  );
});

const member = callerWith({ user: 'u', project: 'red', roles: ['member'] });
const admin = callerWith({ user: 'u', project: 'p', roles: ['admin'] });
const stranger = callerWith({ user: 'u', project: null, roles: ['member'] });

test.each<[string, ImageFilter, boolean]>([
  ['a value', { properties: [{ name: 'a', text: { eq: '1' } }] }, false],
  ['a list of values', { and: [{ properties: [{ name: 'a', text: { in: ['1', '2'] } }] }] }, false],
  ['a range of a hot property', { properties: [{ name: 'os_version', number: { gte: 1 } }] }, false],
  ['no value', { properties: [{ name: 'a', text: { in: [] } }] }, false],
  ['two properties', { properties: [{ name: 'a' }, { name: 'b', text: { eq: '1' } }] }, true],
  ['a value, whatever its case', { properties: [{ name: 'a', text: { eq: '1', ignoreCase: true } }] }, true],
  ['a value and a name', { name: { eq: 'x' }, properties: [{ name: 'a', text: { eq: '1' } }] }, true],
  ['a value too long to be kept', { properties: [{ name: 'a', text: { eq: long } }] }, true],
])('of %s images are looked at only where the kept counts do not say it', async (_what, filter, looks) => {
  for (const caller of [admin, stranger]) {
    const { statements } = await count({ caller, filters: [filter], includes: [] });
    expect(statements.some(looksAtImages)).toBe(looks);
  }
});

test('of what is shared with a project the images are counted, of the rest none', async () => {
  await server.app.db.query('delete from images', []);
  const properties = { a: '1' };
  for (const visibility of ['public', 'private'] as const)
    await anImage(server.app, { owner: 'red', visibility, properties });
  await anImage(server.app, { owner: 'blue', visibility: 'private', properties });
  const shared = await anImage(server.app, {
    owner: 'blue',
    visibility: 'shared',
    members: { red: 'accepted' },
    properties,
  });
  const filters = [{ properties: [{ name: 'a', text: { eq: '1' } }] }];
  const ask = () => count({ caller: member, filters, includes: [] });
  const { counted, statements } = await ask();
  expect(counted).toBe(3);
  expect(statements.at(-1)).toSatisfy(isOfKept);
  await server.app.db.query(`update image_members set status = 'rejected' where image_id = $1::uuid`, [
    shared,
  ]);
  expect((await ask()).counted).toBe(2);
});

test('where that would read too much of what is shared the images are found by their index', async () => {
  await anImage(server.app, { owner: 'red', properties: { a: 'rare' } });
  const filters = [{ properties: [{ name: 'a', text: { eq: 'rare' } }] }];
  const { counted, statements } = await count({ caller: member, filters, includes: [], costMax: 3 });
  expect(counted).toBe(1);
  expect(statements.at(-1)).toContain('vitrine_marks(');
});
