/**
 * How fast lists of images are over GraphQL: against one statement written by hand behind node:http, and deep in
 * a list against its start. `run.ts` makes the machine that this measures.
 */
import { deepStrictEqual } from 'node:assert/strict';
import type { DatabaseAddress } from '../src/db/client.ts';
import { middlingProject } from './support/images.ts';
import { type Load, type LoadGenerator, startLoadGenerator } from './support/load.ts';
import { freePort } from './support/nginx.ts';
import { type Program, startProgram } from './support/process.ts';
import { compare, middle, ratio, report, summary } from './support/rounds.ts';
import type { Vitrine } from './support/vitrine.ts';

const page = '{ images(first: 25) { nodes { name status size tags properties { name value } } } }';

const nextPage = `query NextPage($after: String) {
  images(first: 25, after: $after) {
    nodes { name status size tags properties { name value } }
    pageInfo { hasNextPage endCursor }
  }
}`;

export interface Measuring {
  vitrine: Vitrine;
  /** The database that it runs on. */
  address: DatabaseAddress;
  rounds: number;
  /** Of each round. */
  seconds: number;
}

/** Everything, printed. */
export async function measureGraphql(measuring: Measuring): Promise<void> {
  const generator = startLoadGenerator();
  const bare = await startBareList(measuring.address);
  try {
    await sameAnswer(measuring.vitrine, bare);
    for (const connections of [1, 16]) await measureFirstPage(measuring, { generator, bare, connections });
    for (const project of ['admin', middlingProject]) await measureDepth(measuring, generator, project);
  } finally {
    await bare.stop();
    generator.stop();
  }
}

async function startBareList(address: DatabaseAddress): Promise<Program> {
  const program = new URL('./support/bare-list.ts', import.meta.url).pathname;
  const port = await freePort();
  const args = [program, String(port), JSON.stringify(address)];
  return startProgram(args, { url: `http://127.0.0.1:${port}`, path: '/' });
}

/** What is not the same need not be compared. */
async function sameAnswer(vitrine: Vitrine, bare: Program): Promise<void> {
  const theirs = (await (await fetch(bare.url)).json()) as object;
  deepStrictEqual({ data: await vitrine.query<object>('admin', page) }, theirs);
}

interface Race {
  generator: LoadGenerator;
  bare: Program;
  connections: number;
}

async function measureFirstPage({ vitrine, rounds, seconds }: Measuring, race: Race): Promise<void> {
  const { generator, bare, connections } = race;
  const ours = listLoad(vitrine, 'admin', { query: page });
  const results = await compare(
    generator,
    {
      vitrine: { load: { ...ours, connections, seconds }, pid: vitrine.pid },
      bare: { load: { ...ours, url: bare.url, connections, seconds }, pid: bare.pid },
    },
    rounds,
  );
  const title = `images(first: 25), ${connections} ${connections === 1 ? 'connection' : 'connections'}`;
  const speed = ratio(results.vitrine, results.bare, (r) => r.perSecond);
  report(`${title}, requests a second / bare handler`, speed, { limit: 0.7, kind: 'least' });
  if (connections === 1) {
    report(
      `${title}, p95 in ms`,
      middle(results.vitrine, (r) => r.p95),
      { limit: 10, kind: 'most' },
    );
  }
  console.log(`        vitrine ${summary(results.vitrine)}\n        bare    ${summary(results.bare)}`);
}

async function measureDepth(
  { vitrine, rounds, seconds }: Measuring,
  generator: LoadGenerator,
  project: string,
) {
  const after = await cursorAt(vitrine, project, 0.8);
  const contender = (variables: object) => ({
    load: { ...listLoad(vitrine, project, { query: nextPage, variables }), connections: 1, seconds },
    pid: vitrine.pid,
  });
  const results = await compare(
    generator,
    { first: contender({ after: null }), deep: contender({ after }) },
    rounds,
  );
  const who = project === 'admin' ? 'an admin' : 'a member';
  const cost = ratio(results.deep, results.first, (r) => 1 / r.perSecond);
  report(`next page at 80 % as ${who}, time / first page`, cost, { limit: 1.2, kind: 'most' });
  console.log(`        first   ${summary(results.first)}\n        deep    ${summary(results.deep)}`);
}

function listLoad(vitrine: Vitrine, project: string, body: object): Omit<Load, 'connections' | 'seconds'> {
  return { url: `${vitrine.url}/graphql`, body: JSON.stringify(body), headers: vitrine.headersOf(project) };
}

interface Step {
  images: { pageInfo: { endCursor: string } };
}

/** The place in a project's list that has this share of it before itself. */
async function cursorAt(vitrine: Vitrine, project: string, share: number): Promise<string | null> {
  const count = 'query Count { images { totalCount } }';
  const { images } = await vitrine.query<{ images: { totalCount: number } }>(project, count);
  const walk =
    'query Walk($first: Int, $after: String) { images(first: $first, after: $after) { pageInfo { endCursor } } }';
  let after: string | null = null;
  for (let left = Math.floor(images.totalCount * share); left > 0; left -= 1000) {
    const variables = { first: Math.min(left, 1000), after };
    const step: Step = await vitrine.query(project, walk, variables);
    after = step.images.pageInfo.endCursor;
  }
  return after;
}
