/**
 * The server, asked over HTTP, against a plain model in memory that was written from the contract alone: random
 * filters over random catalogs, as several callers. What is found, totals, facets, property names and walks
 * through all pages in both directions are the same. TEST_SEED=<seed> repeats the run that printed it.
 */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { transaction } from '../../src/db/client.ts';
import type { Sizes } from '../../src/db/image-scope.ts';
import { copies, images } from '../../src/db/tables.ts';
import type { MemberStatus } from '../../src/domain/image.ts';
import { storesOf } from '../../src/stores/all.ts';
import { memoryStore } from '../../src/stores/memory.ts';
import { type AnImage, anImage } from '../support/an-image.ts';
import { seed } from '../support/seed.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { sized } from '../support/size.ts';
import * as arbitrary from './model/arbitraries.ts';
import { type ModelCaller, type ModelImage, signatureProperty } from './model/catalog.ts';
import { type FacetAsked, facetOf, propertyNames } from './model/facets.ts';
import type { Filter } from './model/filter.ts';
import { compare, type Order } from './model/order.ts';
import { found, type Include } from './model/visible.ts';
import { stores } from './model/vocabulary.ts';

let server: TestServer;
beforeAll(async () => {
  // Copies without objects: nobody is to look for these.
  server = await aServer({
    env: { VITRINE_TASKS: 'off' },
    stores: storesOf(stores.map((id) => memoryStore({ id }))),
  });
});
afterAll(() => server.stop());

const timeout = sized({ quick: 60_000, ci: 300_000, full: 7_200_000 });

interface Who extends ModelCaller {
  project: string;
  role: 'admin' | 'member' | 'reader';
}
const member = (project: string): Who => ({ project, role: 'member', isAdmin: false, isAnonymous: false });
const callers: Who[] = [
  { ...member('admin'), role: 'admin', isAdmin: true },
  member('blue'),
  { ...member('blue'), role: 'reader' },
  member('red'),
  member('green'),
];

/** Two of three catalogs are searched in the ways of one that is large. */
function asIfLarge(n: number): void {
  const search: { sizes?: Partial<Sizes> } = server.app.search;
  search.sizes = [
    undefined,
    { fewRows: 0, fewExpected: 20 },
    { fewRows: 2, fewExpected: 0, imagesPerShare: 0, rowSteps: [3, 8], sharesAsked: 3 },
  ][n % 3];
}

/** One thing asked about a catalog, in all the ways that it can be asked. */
interface Question {
  where: Filter;
  include: readonly Include[];
  orderBy: Order[];
  /** Of a walk through all pages. */
  pageSize: number;
  backward: boolean;
  facets: FacetAsked[];
  names: { prefix: string; limit: number };
  facetLimit: number;
}

const questionsOn = (catalog: readonly ModelImage[]): fc.Arbitrary<Question> =>
  fc.record({
    where: arbitrary.filtersOn(catalog.map(({ id }) => id)),
    include: arbitrary.includes,
    orderBy: arbitrary.orders,
    pageSize: fc.integer({ min: 1, max: 20 }),
    backward: fc.boolean(),
    facets: fc.array(arbitrary.facets, { minLength: 1, maxLength: 3 }),
    names: fc.record({ prefix: arbitrary.namePrefixes, limit: fc.integer({ min: 1, max: 10 }) }),
    facetLimit: fc.integer({ min: 1, max: 8 }),
  });

test(
  'what the server finds, counts and pages through is what the contract says',
  async () => {
    const runs = sized({
      quick: { catalogs: 2, batches: 8 },
      ci: { catalogs: 8, batches: 50 },
      full: { catalogs: 60, batches: 100 },
    });
    for (let i = 0; i < runs.catalogs; i++) {
      const catalog = await aCatalog(seed + i);
      asIfLarge(seed + i);
      const batch = fc.array(questionsOn(catalog), { minLength: 1, maxLength: 5, size: 'max' });
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...callers), batch, async (caller, questions) => {
          await checkAnswers(catalog, caller, questions);
          await checkWalks(catalog, caller, questions);
        }),
        { seed: seed + i, numRuns: runs.batches },
      );
    }
  },
  timeout,
);

test(
  'not is the complement, and the intersection, or the union',
  async () => {
    const catalog = await aCatalog(seed);
    const filter = arbitrary.filtersOn(catalog.map(({ id }) => id));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...callers), filter, filter, async (caller, a, b) => {
        const wheres = [{}, a, b, { not: a }, { and: [a, b] }, { or: [a, b] }];
        const [all, ofA, ofB, notA, both, either] = await idsOf(caller, wheres);
        expect(sorted(notA)).toEqual(sorted(all?.filter((id) => !ofA?.includes(id))));
        expect(sorted(both)).toEqual(sorted(ofA?.filter((id) => ofB?.includes(id))));
        expect(sorted(either)).toEqual(sorted(all?.filter((id) => ofA?.includes(id) || ofB?.includes(id))));
      }),
      { seed, numRuns: sized({ quick: 10, ci: 300, full: 5_000 }) },
    );
  },
  timeout,
);

test('without a token nothing is found', async () => {
  await anImage(server.app, { visibility: 'public' });
  const { data, errors } = await server.raw(null, '{ images { nodes { id } } }');
  expect(data?.images ?? null).toBeNull();
  expect(errors[0]?.extensions.code).toBe('UNAUTHENTICATED');
});

/** The catalog of a seed, and nothing else, in the database. */
async function aCatalog(of: number): Promise<ModelImage[]> {
  const [catalog = []] = fc.sample(arbitrary.catalog, { seed: of, numRuns: 1 });
  await transaction(server.app.db, async (tx) => {
    await tx.delete(images);
  });
  for (const image of catalog) await anImage(server.app, asRow(image));
  const rows = catalog.flatMap((image) =>
    image.copies.map(({ store, isActive }) => ({
      imageId: image.id,
      store,
      key: randomUUID(),
      state: isActive ? ('active' as const) : ('failed' as const),
    })),
  );
  await transaction(server.app.db, async (tx) => {
    if (rows.length > 0) await tx.insert(copies).values(rows);
  });
  // Ways are chosen by how large PostgreSQL says it is.
  await server.app.db.query('analyze images, image_terms', []);
  return catalog;
}

const inside = (name: string | null) => name?.toLowerCase() ?? null;

function asRow({ copies: _copies, failed, members, signature, ...image }: ModelImage): AnImage {
  const row = {
    ...image,
    failure: failed ? { code: 'FAILED', message: 'It failed.', at: image.updatedAt } : null,
    signature:
      signature === 'VALID'
        ? { properties: { [signatureProperty]: image.properties[signatureProperty] } }
        : null,
    kind: inside(image.kind),
    status: inside(image.status),
    visibility: inside(image.visibility),
    diskFormat: inside(image.diskFormat),
    containerFormat: inside(image.containerFormat),
    members: Object.fromEntries(
      Object.entries(members).map(([project, status]) => [project, inside(status) as MemberStatus]),
    ),
  };
  return row as AnImage;
}

/** The set, the totals, the facets and the names, in one request. */
async function checkAnswers(catalog: ModelImage[], caller: Who, questions: Question[]): Promise<void> {
  const answer = await ask(caller, questions.map(answersText), {
    ...numbered(
      'where',
      questions.map(({ where }) => where),
    ),
    ...numbered(
      'include',
      questions.map(({ include }) => include),
    ),
    ...numbered(
      'facets',
      questions.map(({ facets }) => facets),
    ),
    ...numbered(
      'facetLimit',
      questions.map(({ facetLimit }) => facetLimit),
    ),
    ...numbered(
      'prefix',
      questions.map(({ names }) => names.prefix),
    ),
    ...numbered(
      'limit',
      questions.map(({ names }) => names.limit),
    ),
  });
  for (const [i, question] of questions.entries()) {
    const asked = { ...question, caller };
    const expected = found(catalog, asked);
    const { nodes, ...totals } = answer[`images${i}`];
    sameImages(
      catalog,
      nodes.map(({ id }: { id: string }) => id),
      expected.map(({ id }) => id),
    );
    const totalSize = expected.reduce((sum, { size }) => sum + (size ?? 0), 0);
    expect(totals).toEqual({ totalCount: expected.length, totalSize });
    expect(answer[`facets${i}`].facets).toEqual(
      question.facets.map((of) => facetOf(catalog, asked, of, question.facetLimit)),
    );
    expect(answer[`names${i}`]).toEqual(propertyNames(catalog, asked, question.names));
  }
}

const answersText = (_question: Question, i: number) => ({
  variables: `$where${i}: ImageFilter, $include${i}: [ImageInclude!], $facets${i}: [FacetInput!]!,
    $facetLimit${i}: Int, $prefix${i}: String, $limit${i}: Int`,
  fields: `
    images${i}: images(where: $where${i}, include: $include${i}, first: 100) {
      nodes { id } totalCount totalSize
    }
    facets${i}: images(where: $where${i}, include: $include${i}, first: 0) {
      facets(of: $facets${i}, limit: $facetLimit${i}) {
        attribute property buckets { value count } otherCount missingCount
      }
    }
    names${i}: imagePropertyNames(where: $where${i}, include: $include${i}, prefix: $prefix${i}, limit: $limit${i}) {
      name count
    }`,
});

/** Every page from one end to the other, the pages of all questions side by side. */
async function checkWalks(catalog: ModelImage[], caller: Who, questions: Question[]): Promise<void> {
  let walks = questions.map((question) => ({
    question,
    left: found(catalog, { ...question, caller })
      .sort((a, b) => compare(a, b, question.orderBy))
      .map(({ id }) => id),
    seen: 0,
    cursor: null as string | null,
  }));
  while (walks.length > 0) {
    const pages = await ask(
      caller,
      walks.map(({ question }, i) => pageText(question, i)),
      {
        ...numbered(
          'where',
          walks.map(({ question }) => question.where),
        ),
        ...numbered(
          'include',
          walks.map(({ question }) => question.include),
        ),
        ...numbered(
          'orderBy',
          walks.map(({ question }) => question.orderBy),
        ),
        ...numbered(
          'size',
          walks.map(({ question }) => question.pageSize),
        ),
        ...numbered(
          'from',
          walks.map(({ cursor }) => cursor),
        ),
      },
    );
    for (const [i, walk] of walks.entries()) {
      const { backward, pageSize } = walk.question;
      const { edges, pageInfo } = pages[`page${i}`];
      const at = backward ? Math.max(0, walk.left.length - pageSize) : 0;
      const expected = walk.left.splice(at, pageSize);
      sameImages(
        catalog,
        edges.map(({ node }: { node: { id: string } }) => node.id),
        expected,
        'in order',
      );
      const [isMoreLeft, isMoreSeen] = [walk.left.length > 0, walk.seen > 0];
      expect(pageInfo).toEqual({
        hasNextPage: backward ? isMoreSeen : isMoreLeft,
        hasPreviousPage: backward ? isMoreLeft : isMoreSeen,
        startCursor: edges.at(0)?.cursor ?? null,
        endCursor: edges.at(-1)?.cursor ?? null,
      });
      walk.seen += expected.length;
      walk.cursor = backward ? pageInfo.startCursor : pageInfo.endCursor;
    }
    walks = walks.filter(({ left }) => left.length > 0);
  }
}

function pageText({ backward }: Question, i: number) {
  const page = backward ? `last: $size${i}, before: $from${i}` : `first: $size${i}, after: $from${i}`;
  return {
    variables: `$where${i}: ImageFilter, $include${i}: [ImageInclude!], $orderBy${i}: [ImageOrder!],
      $size${i}: Int, $from${i}: String`,
    fields: `page${i}: images(where: $where${i}, include: $include${i}, orderBy: $orderBy${i}, ${page}) {
      edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }`,
  };
}

/** What each filter finds of all that can be included. */
async function idsOf(caller: Who, wheres: Filter[]): Promise<string[][]> {
  const include = '[COMMUNITY, PENDING_SHARES, REJECTED_SHARES, HIDDEN]';
  const texts = wheres.map((_where, i) => ({
    variables: `$where${i}: ImageFilter`,
    fields: `images${i}: images(where: $where${i}, include: ${include}, first: 100) { nodes { id } }`,
  }));
  const answer = await ask(caller, texts, numbered('where', wheres));
  return wheres.map((_where, i) => answer[`images${i}`].nodes.map(({ id }: { id: string }) => id));
}

async function ask(
  caller: Who,
  parts: { variables: string; fields: string }[],
  variables: Record<string, unknown>,
) {
  const query = `query (${parts.map((part) => part.variables).join(', ')}) {
    ${parts.map((part) => part.fields).join('\n')}
  }`;
  const { data, errors } = await server.raw(server.tokenOf(caller.project, caller.role), query, variables);
  // What went wrong inside stands in the log only.
  const log = errors.length > 0 ? server.logged.filter((line) => line.includes('"err"')).slice(-2) : [];
  expect({ errors, log }).toEqual({ errors: [], log: [] });
  return data;
}

const numbered = (name: string, values: unknown[]) =>
  Object.fromEntries(values.map((value, i) => [`${name}${i}`, value]));

const sorted = (ids: string[] = []) => [...ids].sort();

/** Says which images differ, whole: an id alone tells nothing. */
function sameImages(catalog: ModelImage[], given: string[], expected: string[], how?: 'in order'): void {
  const [got, wanted] = how ? [given, expected] : [sorted(given), sorted(expected)];
  if (got.join() === wanted.join()) return;
  const whole = (ids: string[]) => ids.map((id) => JSON.stringify(catalog.find((image) => image.id === id)));
  const tooMany = got.filter((id) => !wanted.includes(id));
  const tooFew = wanted.filter((id) => !got.includes(id));
  if (tooMany.length + tooFew.length === 0) expect(whole(got)).toEqual(whole(wanted));
  expect({ tooMany: whole(tooMany), tooFew: whole(tooFew) }).toEqual({ tooMany: [], tooFew: [] });
  throw new Error(`The same images more than once: ${got.join()}`);
}
