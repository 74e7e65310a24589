/**
 * Everybody at every door with everything, by every rule of the policy, against what was written down by hand; and what
 * is not to be seen differs in no byte from what is not there.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ruleNames, ruleOf } from '../../src/domain/policy-rules.ts';
import { changes, doors, type Question } from '../support/isolation/doors.ts';
import { byHand, lists, listsAtFirst, sees } from '../support/isolation/oracle.ts';
import {
  aNamespace,
  aThing,
  everybody,
  namespaceNames,
  sizeOf,
  type Thing,
  thingNames,
  type Who,
  wordOf,
} from '../support/isolation/world.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { sized } from '../support/size.ts';

/** One cell in so many. */
const sampled = sized({ quick: 37, ci: 1, full: 1 });
/** Of those at /v2, which are as many again. */
const sampledAtRest = sized({ quick: 67, ci: 7, full: 1 });
const atOnce = 8;

let server: TestServer;
const things = new Map<string, Thing>();
const namespaces = new Map<string, Thing>();
let missing: Thing;
let noNamespace: Thing;

beforeAll(async () => {
  server = await aServer();
  for (const name of thingNames) things.set(name, await aThing(server, name, true));
  for (const name of namespaceNames) namespaces.set(name, await aNamespace(server, name));
  missing = await aThing(server, 'missing');
  noNamespace = await aNamespace(server, 'missing');
});
afterAll(() => server.stop());

interface Cell {
  who: Who;
  question: Question;
  thing: Thing;
}

const isOnNamespace = ({ rule }: Question) => ['namespace', 'definitions'].includes(ruleOf(rule).on);

function cells(): Cell[] {
  const all = everybody.flatMap((who) =>
    doors.flatMap((question) =>
      [...(isOnNamespace(question) ? namespaces : things).values()].map((thing) => ({
        who,
        question,
        thing,
      })),
    ),
  );
  return all.filter(({ question }, n) => n % (question.door === 'v2' ? sampledAtRest : sampled) === 0);
}

/** What can be told apart is only what was asked for. */
function withoutIds(whole: string, { id, task, token, namespace }: Thing): string {
  const names = [id, id.toUpperCase(), task, token, namespace].filter((name) => name !== '');
  return names.reduce((text, name) => text.replaceAll(name, 'IT'), whole);
}

const asMissing = new Map<string, Promise<string>>();

/** What comes back about a thing that there never was. */
function wholeOfMissing(who: Who, question: Question): Promise<string> {
  const key = `${who.name} ${doors.indexOf(question)}`;
  const nothing = isOnNamespace(question) ? noNamespace : missing;
  const known =
    asMissing.get(key) ??
    question
      .ask(server, who.token(server), nothing, who.project)
      .then(({ whole }) => withoutIds(whole, nothing));
  asMissing.set(key, known);
  return known;
}

async function check({ who, question, thing }: Cell): Promise<string[]> {
  const expected = byHand(who, question.rule, thing);
  // What is changed is made for it.
  const isSpent = expected === 'through' && changes(question.rule) && thing.is !== 'missing';
  const make = isOnNamespace(question) ? aNamespace : aThing;
  const asked = isSpent ? await make(server, thing.name) : thing;
  const { verdict, whole } = await question.ask(server, who.token(server), asked, who.project);
  const cell = `${who.name}, ${question.door} ${question.rule} (${question.name}), ${thing.name}`;
  const wrong = verdict === expected ? [] : [`${cell}: ${verdict}, not ${expected}`];
  if (expected !== 'missing') return wrong;
  const nothing = await wholeOfMissing(who, question);
  const told = withoutIds(whole, asked);
  return told === nothing ? wrong : [...wrong, `${cell}: ${told} is not ${nothing}`];
}

test('every rule of the policy is asked at a door', () => {
  expect(ruleNames.filter((rule) => !doors.some((question) => question.rule === rule))).toEqual([]);
});

test('everybody may do what was written down by hand, and what they do not see is not there, to the last byte', {
  timeout: 900_000,
}, async () => {
  const before = await rows();
  const todo = cells().values();
  const wrong: string[] = [];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const cell of todo) wrong.push(...(await check(cell)));
    }),
  );
  expect(wrong).toEqual([]);
  expect(await rows()).toEqual(before);
});

/** The shared things as they stand: nobody who was refused has changed any. */
async function rows(): Promise<unknown[]> {
  const ids = [...things.values()].map(({ id }) => id);
  return server.app.db.query('select * from images where id = any($1::uuid[]) order by id', [ids]);
}

describe('in lists', () => {
  const known = () => [...things.values()].filter(({ is }) => is === 'image');
  const all = 'include: [COMMUNITY, PENDING_SHARES, REJECTED_SHARES, HIDDEN]';
  const readers = everybody.filter(({ role }) => role !== null);
  const sorted = (texts: Iterable<string>) => [...texts].sort();

  test.each(readers)('$name finds, counts and sums up what was written down, and no more', async (who) => {
    const token = who.token(server);
    const ids = JSON.stringify(known().map(({ id }) => id));
    for (const [include, isListed] of [
      [all, lists],
      ['include: []', listsAtFirst],
    ] as const) {
      const expected = known().filter((thing) => isListed(who, thing));
      const { data } = await server.raw(
        token,
        `{ images(where: {id: {in: ${ids}}}, ${include}, first: 1000) {
            totalCount totalSize nodes { id }
            facets(of: [{attribute: OWNER}, {attribute: TAG}, {attribute: PROPERTY_NAME}, {property: "secret_mark"}]) {
              buckets { value count } otherCount missingCount
            }
          }
          imagePropertyNames(prefix: "secret_w", where: {id: {in: ${ids}}}, ${include}) { name count } }`,
      );
      const words = expected.map(({ name }) => wordOf(name));
      const { nodes, totalCount, totalSize, facets } = data.images;
      expect(sorted(nodes.map((node: { id: string }) => node.id))).toEqual(
        sorted(expected.map(({ id }) => id)),
      );
      expect(totalCount).toBe(expected.length);
      expect(totalSize).toBe(expected.reduce((sum, { name }) => sum + sizeOf(name), 0));
      expect(sorted(data.imagePropertyNames.map(({ name }: { name: string }) => name))).toEqual(
        sorted(words.map((word) => `secret_${word}`)),
      );
      const valuesOf = (n: number) => sorted(facets[n].buckets.map(({ value }: { value: string }) => value));
      const owned = expected.filter(({ owner }) => owner !== null).length;
      expect(facets[0]).toEqual({
        buckets: owned > 0 ? [{ value: 'blue', count: owned }] : [],
        otherCount: 0,
        missingCount: expected.length - owned,
      });
      expect(valuesOf(1)).toEqual(sorted(words.map((word) => `tag_${word}`)));
      expect(valuesOf(2)).toEqual(
        sorted([...words.map((word) => `secret_${word}`), ...(owned ? ['secret_mark'] : [])]),
      );
      expect(valuesOf(3)).toEqual(sorted(words));
    }
  });

  /** By what only the image has. */
  const filters: ((thing: Thing) => string)[] = [
    ({ id }) => `{id: {eq: "${id}"}}`,
    ({ id }) => `{not: {id: {ne: "${id}"}}}`,
    ({ name }) => `{name: {startsWith: "${wordOf(name)} "}}`,
    ({ name }) => `{name: {matches: "^${wordOf(name)} "}}`,
    ({ name }) => `{freeText: "${wordOf(name)}"}`,
    ({ name }) => `{tags: {has: "tag_${wordOf(name)}"}}`,
    ({ name }) => `{properties: [{name: "secret_${wordOf(name)}"}]}`,
    ({ name }) => `{properties: [{name: "secret_mark", text: {eq: "${wordOf(name)}"}}]}`,
    ({ name }) => `{owner: {eq: "blue"}, size: {eq: ${sizeOf(name)}}}`,
    ({ id }) => `{sharedWith: {project: "green"}, id: {in: ["${id}"]}}`,
    ({ id }) => `{or: [{owner: {eq: "blue"}}, {visibility: {eq: PRIVATE}}], id: {in: ["${id}"]}}`,
  ];

  test.each(readers)('$name finds the same at /v2, and of its members whom they may know', async (who) => {
    const ask = async (path: string) => {
      const response = await server.http(path, { token: who.token(server) ?? '' });
      return { status: response.status, body: JSON.parse(await response.text()) };
    };
    const listed = async (query: string) => {
      const { body } = await ask(`/v2/images?limit=1000&name=in:${names}&${query}`);
      return sorted(body.images.map(({ id }: { id: string }) => id));
    };
    const names = known()
      .map(({ name }) => `"${wordOf(name)} secret"`)
      .join(',');
    const idsOf = (isListed: typeof lists) =>
      sorted(
        known()
          .filter((thing) => isListed(who, thing))
          .map(({ id }) => id),
      );
    const everything = 'visibility=all&member_status=all';
    expect(await listed(everything)).toEqual(idsOf((one, thing) => lists(one, thing) && !thing.hidden));
    expect(await listed(`${everything}&os_hidden=true`)).toEqual(
      idsOf((one, thing) => lists(one, thing) && thing.hidden),
    );
    expect(await listed('')).toEqual(
      idsOf(
        (one, thing) =>
          listsAtFirst(one, thing) && (thing.visibility !== 'community' || one.project === thing.owner),
      ),
    );
    for (const thing of known().filter(({ visibility }) => visibility === 'shared')) {
      const { status, body } = await ask(`/v2/images/${thing.id}/members`);
      const knowsAll = who.role === 'admin' || who.project === thing.owner;
      const members = Object.keys(thing.members).filter((project) => knowsAll || project === who.project);
      expect(status).toBe(sees(who, thing) ? 200 : 404);
      if (status === 200) {
        expect(sorted(body.members.map((one: { member_id: string }) => one.member_id))).toEqual(
          sorted(members),
        );
      }
    }
  });

  test.each(readers)('$name finds by no filter what they do not see', async (who) => {
    const wrong: string[] = [];
    let n = 0;
    for (const thing of known()) {
      for (const [f, filter] of filters.entries()) {
        if (n++ % sized({ quick: 31, ci: 3, full: 1 }) !== 0) continue;
        const { data } = await server.raw(
          who.token(server),
          `{ images(where: ${filter(thing)}, ${all}) { totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage } } }`,
        );
        const isShared = f !== 9 || ('green' in thing.members && thing.visibility === 'shared');
        const knows = f !== 9 || who.role === 'admin' || who.project === 'blue' || who.project === 'green';
        const isOwned = f !== 8 || thing.owner !== null;
        const isFound = lists(who, thing) && isShared && knows && isOwned;
        const found = JSON.stringify(data.images);
        const nodes = isFound ? [{ id: thing.id }] : [];
        const pageInfo = { hasNextPage: false, hasPreviousPage: false };
        const expected = JSON.stringify({ totalCount: nodes.length, nodes, pageInfo });
        if (found !== expected) wrong.push(`${filter(thing)}: ${found}, not ${expected}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('a cursor with the place of an image that is not seen is one between two that are', async () => {
    const red = everybody.find(({ name }) => name === 'member of red') as Who;
    const which = `where: {id: {in: ${JSON.stringify(known().map(({ id }) => id))}}}`;
    const pageOf = async (who: Who, args: string) => {
      const query = `{ images(${which}, ${args}, ${all}) {
        nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage } } }`;
      return (await server.raw(who.token(server), query)).data.images;
    };
    const admin = everybody.find(({ role }) => role === 'admin') as Who;
    let cursors = 0;
    for (const key of ['field: NAME, direction: ASC', 'field: PROPERTY, property: "secret_mark"']) {
      const orderBy = `orderBy: [{${key}}]`;
      const { nodes, edges } = await pageOf(admin, `${orderBy}, first: 1000`);
      for (const [n, { id }] of nodes.entries()) {
        const thing = known().find((one) => one.id === id) as Thing;
        if (lists(red, thing) || n % sized({ quick: 5, ci: 2, full: 1 }) !== 0) continue;
        const { cursor } = edges[n];
        const [scope, ...values] = JSON.parse(Buffer.from(cursor, 'base64url').toString());
        // The same place, with the id of nothing.
        const forged = [scope, ...values.slice(0, -1), randomUUID()];
        const other = Buffer.from(JSON.stringify(forged)).toString('base64url');
        for (const way of ['first: 5, after', 'last: 5, before']) {
          const answer = await pageOf(red, `${orderBy}, ${way}: "${cursor}"`);
          expect(answer).toEqual(await pageOf(red, `${orderBy}, ${way}: "${other}"`));
          cursors++;
        }
      }
    }
    expect(cursors).toBeGreaterThan(4);
  });
});
