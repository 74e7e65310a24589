import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anImage } from '../support/an-image.ts';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
const total = 23;

beforeAll(async () => {
  server = await aServer();
  for (let i = 0; i < total; i++) {
    await anImage(server.app, {
      // Equal keys, missing ones and every combination of both.
      name: i % 4 === 0 ? null : `name ${i % 3}`,
      size: i % 5 === 0 ? null : i % 2,
      diskFormat: i % 7 === 0 ? null : 'raw',
      createdAt: `2026-01-01T00:00:00.00000${i % 6}Z`,
    });
  }
});
afterAll(() => server.stop());

interface Page {
  nodes: { id: string }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

async function page(args: Record<string, unknown>): Promise<Page> {
  const query = `query P($orderBy: [ImageOrder!], $first: Int, $after: String, $last: Int, $before: String) {
    images(orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
      nodes { id } edges { cursor }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }`;
  const { data, errors } = await server.raw(server.tokenOf('blue'), query, args);
  expect(errors, server.logged.filter((l) => l.includes('err')).at(-1)).toEqual([]);
  expect(data.images.edges.at(0)?.cursor ?? null).toBe(data.images.pageInfo.startCursor);
  return data.images;
}

const order = fc.uniqueArray(
  fc.record({
    field: fc.constantFrom(
      'CREATED_AT',
      'UPDATED_AT',
      'NAME',
      'SIZE',
      'STATUS',
      'OWNER',
      'DISK_FORMAT',
      'ID',
    ),
    direction: fc.constantFrom('ASC', 'DESC'),
  }),
  { maxLength: 3, selector: (key) => key.field },
);

test('walks in both directions see every image once, in the same order, with exact flags', async () => {
  await fc.assert(
    fc.asyncProperty(order, fc.integer({ min: 1, max: 9 }), async (orderBy, size) => {
      const all = (await page({ orderBy, first: 1000 })).nodes.map((n) => n.id);
      expect(all).toHaveLength(total);

      const forward: string[] = [];
      for (let after: string | null = null; ; ) {
        const { nodes, pageInfo } = await page({ orderBy, first: size, after });
        forward.push(...nodes.map((n) => n.id));
        expect(pageInfo.hasPreviousPage).toBe(after !== null);
        expect(pageInfo.hasNextPage).toBe(forward.length < total);
        if (!pageInfo.hasNextPage) break;
        after = pageInfo.endCursor;
      }
      expect(forward).toEqual(all);

      const backward: string[] = [];
      for (let before: string | null = null; ; ) {
        const { nodes, pageInfo } = await page({ orderBy, last: size, before });
        backward.unshift(...nodes.map((n) => n.id));
        expect(pageInfo.hasNextPage).toBe(before !== null);
        expect(pageInfo.hasPreviousPage).toBe(backward.length < total);
        if (!pageInfo.hasPreviousPage) break;
        before = pageInfo.startCursor;
      }
      expect(backward).toEqual(all);
    }),
    { numRuns: 12 },
  );
});

test('first: 0 gives no nodes and still says whether there are any', async () => {
  const { nodes, pageInfo } = await page({ first: 0 });
  expect(nodes).toEqual([]);
  expect(pageInfo).toEqual({ hasNextPage: true, hasPreviousPage: false, startCursor: null, endCursor: null });
  const { endCursor } = (await page({ first: total })).pageInfo;
  expect((await page({ first: 0, after: endCursor })).pageInfo).toMatchObject({
    hasNextPage: false,
    hasPreviousPage: true,
  });
});

test('a cursor stays good when its image is gone, and nothing is skipped or repeated', async () => {
  const first = await page({ first: 5 });
  const cursor = first.pageInfo.endCursor;
  const rest = (await page({ first: 1000, after: cursor })).nodes;
  const last = first.nodes.at(-1)?.id;
  const removed = await server.raw(
    server.tokenOf('blue'),
    `mutation { deleteImage(input: {id: "${last}"}) { __typename } }`,
  );
  expect(removed.data.deleteImage.__typename).toBe('DeleteImagePayload');
  expect((await page({ first: 1000, after: cursor })).nodes).toEqual(rest);
  await anImage(server.app, { createdAt: '2026-01-01T00:00:00.000001Z' }); // as many as the other tests count on
});

test.each([
  ['first and last at once', '(first: 1, last: 1)', 'BAD_USER_INPUT'],
  ['first with before', '(first: 1, before: "x")', 'BAD_USER_INPUT'],
  ['more than 1000', '(first: 1001)', 'BAD_USER_INPUT'],
  ['less than none', '(last: -1)', 'BAD_USER_INPUT'],
  ['a cursor that is none', '(after: "x")', 'BAD_CURSOR'],
])('%s is refused', async (_what, args, code) => {
  const { data, errors } = await server.raw(
    server.tokenOf('blue'),
    `{ images${args} { nodes { id } } service { version } }`,
  );
  expect(errors.map((e) => e.extensions.code)).toEqual([code]);
  expect(data.images).toBeNull();
  expect(data.service.version).toBeTypeOf('string');
});

test('a cursor of another order is refused', async () => {
  const { pageInfo } = await page({ first: 3, orderBy: [{ field: 'NAME', direction: 'ASC' }] });
  const query = `{ images(after: "${pageInfo.endCursor}") { nodes { id } } }`;
  const { errors } = await server.raw(server.tokenOf('blue'), query);
  expect(errors[0]?.extensions.code).toBe('BAD_CURSOR');
});
