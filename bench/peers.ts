/**
 * The closest thing on npm on the same database: PostGraphile with its filter plugin, at the same page and the
 * same filter, at 16 connections. What it needs is in bench/peers, with its own packages.
 */
import { existsSync } from 'node:fs';
import type { DatabaseAddress } from '../src/db/client.ts';
import { type Load, startLoadGenerator } from './support/load.ts';
import { freePort } from './support/nginx.ts';
import { type Program, startProgram } from './support/process.ts';
import { randomOf } from './support/random.ts';
import { compare, ratio, report, summary } from './support/rounds.ts';
import type { Vitrine } from './support/vitrine.ts';

const directory = new URL('./peers/', import.meta.url).pathname;

export interface Peering {
  vitrine: Vitrine;
  /** The database that both run on. */
  address: DatabaseAddress;
  rounds: number;
  /** Of each round. */
  seconds: number;
}

interface Page {
  name: string | null;
  status: string;
  size: number | string | null;
  tags: string[];
  properties: Record<string, string> | { name: string; value: string }[];
}

/** @throws Error PostGraphile is not installed */
export function requirePeers(): void {
  if (existsSync(`${directory}node_modules/postgraphile`)) return;
  throw new Error('PostGraphile is not installed. To install it: npm ci --prefix bench/peers');
}

/** Everything, printed. */
export async function measurePeers(peering: Peering): Promise<void> {
  const generator = startLoadGenerator();
  const peer = await startPeer(peering.address);
  try {
    for (const question of questions) {
      await sameAnswers(peering.vitrine, peer, question);
      const results = await compare(generator, contenders(peering, peer, question), peering.rounds);
      const speed = ratio(results.vitrine, results.postgraphile, (r) => r.perSecond);
      report(`${question.name}, 16 connections, requests a second / PostGraphile`, speed, {
        limit: 1.5,
        kind: 'least',
      });
      console.log(`        vitrine      ${summary(results.vitrine)}`);
      console.log(`        postgraphile ${summary(results.postgraphile)}`);
    }
  } finally {
    await peer.stop();
    generator.stop();
  }
}

async function startPeer(address: DatabaseAddress): Promise<Program> {
  const port = await freePort();
  const args = [`${directory}postgraphile.mjs`, String(port), JSON.stringify(address)];
  const env = { NODE_ENV: 'production', GRAPHILE_ENV: 'production' };
  return startProgram(args, { url: `http://127.0.0.1:${port}`, path: '/readyz', env });
}

/** The same in both languages, with ever other values where it has some. */
interface Question {
  name: string;
  ours: string[];
  theirs: string[];
}

const ourPage = 'nodes { name status size tags properties { name value } }';
const theirPage = 'nodes { name status size tags properties }';

const pairs = (() => {
  const random = randomOf(7);
  return Array.from({ length: 500 }, () => ({
    os_version: `${random.integer(8, 28)}.${random.integer(0, 10)}`,
    os_distro: random.pick(['debian', 'ubuntu', 'fedora', 'rocky', 'alpine', 'arch']),
  }));
})();

const questions: Question[] = [
  {
    name: 'the page of 25',
    ours: [JSON.stringify({ query: `{ images(first: 25) { ${ourPage} } }` })],
    theirs: [
      JSON.stringify({
        query: `{ allImages(first: 25, orderBy: [CREATED_AT_DESC, ROW_ID_DESC]) { ${theirPage} } }`,
      }),
    ],
  },
  {
    name: 'two properties',
    ours: pairs.map((pair) =>
      JSON.stringify({
        query: `query Two($where: ImageFilter) { images(first: 25, where: $where) { ${ourPage} } }`,
        variables: {
          where: { properties: Object.entries(pair).map(([name, value]) => ({ name, text: { eq: value } })) },
        },
      }),
    ),
    theirs: pairs.map((pair) =>
      JSON.stringify({
        query: `query Two($properties: JSON) {
          allImages(first: 25, filter: { properties: { contains: $properties } }, orderBy: [CREATED_AT_DESC, ROW_ID_DESC]) { ${theirPage} }
        }`,
        variables: { properties: pair },
      }),
    ),
  },
];

function contenders({ vitrine, seconds }: Peering, peer: Program, { ours, theirs }: Question) {
  const common = { connections: 16, seconds };
  const own: Load = {
    url: `${vitrine.url}/graphql`,
    body: ours,
    headers: vitrine.headersOf('admin'),
    ...common,
  };
  const other: Load = { url: `${peer.url}/graphql`, body: theirs, headers: {}, ...common };
  return { vitrine: { load: own, pid: vitrine.pid }, postgraphile: { load: other, pid: peer.pid } };
}

/** What is not the same need not be compared. */
async function sameAnswers(vitrine: Vitrine, peer: Program, { ours, theirs }: Question): Promise<void> {
  for (const [n, body] of ours.slice(0, 20).entries()) {
    const own = await pageOf(`${vitrine.url}/graphql`, body, vitrine.headersOf('admin'));
    const other = await pageOf(`${peer.url}/graphql`, theirs[n] ?? '', {});
    if (JSON.stringify(own) !== JSON.stringify(other)) {
      throw new Error(`Not the same answers:\n${body}\n${JSON.stringify(own)}\n${JSON.stringify(other)}`);
    }
  }
}

async function pageOf(url: string, body: string, headers: Record<string, string>): Promise<object[]> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  const { data, errors } = (await response.json()) as {
    data: Record<string, { nodes: Page[] }>;
    errors?: object[];
  };
  const [list] = Object.values(data ?? {});
  if (errors || !list) throw new Error(`${body}: ${JSON.stringify(errors)}`);
  return list.nodes.map(plain);
}

/** Of either of them in one form. */
function plain({ name, status, size, tags, properties }: Page): object {
  const named = Array.isArray(properties)
    ? properties.map(({ name, value }) => [name, value])
    : Object.entries(properties);
  return {
    name,
    status: status.toLowerCase(),
    size: size === null ? null : Number(size),
    tags,
    properties: named.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)),
  };
}
