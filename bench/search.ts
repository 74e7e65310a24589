/**
 * How fast images are found: every question at one connection, as an admin and as a project of middling size,
 * against the statements that the server sends for it, sent by hand; and at one size of the catalog against
 * another. `run.ts` makes the catalogs.
 */
import type { DatabaseAddress } from '../src/db/client.ts';
import { middlingProject } from './support/images.ts';
import { type LoadGenerator, type Measured, startLoadGenerator } from './support/load.ts';
import { findSequentialScan } from './support/plans.ts';
import { exactCpuMs } from './support/process.ts';
import {
  type Question,
  type QuestionKind,
  questions,
  type Sample,
  type Variables,
} from './support/questions.ts';
import { randomOf } from './support/random.ts';
import { openRecorder, type Recorder } from './support/recording.ts';
import { type Recorded, type Replay, startReplay } from './support/replay.ts';
import { middle, type Result, ratio } from './support/rounds.ts';
import type { Vitrine } from './support/vitrine.ts';

export interface Searched {
  vitrine: Vitrine;
  /** The database that it runs on. */
  address: DatabaseAddress;
  rounds: number;
  /** Only questions with this in their names. */
  only?: string;
}

/** What was measured of a question and an asker: p50 in ms. */
export type Times = Map<string, { kind: QuestionKind; p50: number }>;

const args = '$where: ImageFilter, $search: String, $orderBy: [ImageOrder!], $after: String';
const images = 'images(where: $where, search: $search, orderBy: $orderBy, after: $after, first: 25)';
const pageQuery = `query Page(${args}) { ${images} {
  nodes { id name status size tags properties { name value } }
  pageInfo { hasNextPage endCursor }
} }`;
const totalQuery = 'query Total($where: ImageFilter) { images(where: $where) { totalCount } }';
const facetsQuery = `query Facets($where: ImageFilter) { images(where: $where) {
  facets(of: [{ property: "os_distro" }, { property: "hw_architecture" }, { attribute: STATUS }, { attribute: TAG }]) {
    buckets { value count } otherCount missingCount
  }
} }`;

interface Rules {
  query: string;
  /** Requests of a round, each with other values. */
  requests: number;
  /** Milliseconds. */
  limits: { p50: number; p95: number };
}

const rules: Record<QuestionKind, Rules> = {
  rows: { query: pageQuery, requests: 100, limits: { p50: 4, p95: 10 } },
  count: { query: totalQuery, requests: 20, limits: { p50: 50, p95: 50 } },
  facets: { query: facetsQuery, requests: 20, limits: { p50: 50, p95: 50 } },
  total: { query: totalQuery, requests: 10, limits: { p50: 100, p95: 100 } },
};
const cpuLimit = 1;
const growthLimit = 2;
/** A round of a question that takes longer is cut off. */
const roundSeconds = 10;
const warmUpSeconds = 20;
const warmUpReplays = 5_000;
/** Of each question, so that what it alone runs is compiled: four at a time, on all connections of the server. */
const warmUpRounds: Record<QuestionKind, number> = { rows: 10, count: 2, facets: 1, total: 5 };
/** Before each round: what was measured before it has had the processor's caches meanwhile. */
const warmUpRequests = 50;

interface Bench extends Searched {
  images: number;
  generator: LoadGenerator;
  recorder: Recorder;
  replay: Replay;
}

/** A question of one asker, in words ready to be sent. */
interface Task {
  name: string;
  kind: QuestionKind;
  headers: Record<string, string>;
  /** Of the warm-up, and what was sent for these. */
  warmUp: { bodies: string[]; requests: Recorded[] };
  /** Of each round. */
  rounds: string[][];
}

/** Everything, printed as it is measured. */
export async function measureSearch(searched: Searched): Promise<Times> {
  const { address, vitrine } = searched;
  const generator = startLoadGenerator();
  const replay = startReplay(address);
  const recorder = await openRecorder(address, vitrine.tokensFile);
  try {
    const [found] = await recorder.db.query<{ n: number }>('select count(*)::float8 as n from images', []);
    const bench = { ...searched, generator, replay, recorder, images: found?.n ?? 0 };
    const tasks = await tasksOf(bench);
    await warmUp(bench, tasks);
    console.log(`${bench.images} images, one connection; times and processor time of a request in ms`);
    const times: Times = new Map();
    for (const task of tasks) {
      const results = await measure(bench, task);
      times.set(task.name, { kind: task.kind, p50: middle(results.vitrine, (r) => r.p50) });
    }
    return times;
  } finally {
    generator.stop();
    replay.stop();
    await recorder.close();
  }
}

/** At the second size against the first: pages only. */
export function reportGrowth(small: Times, large: Times): void {
  for (const [name, { kind, p50 }] of large) {
    const before = small.get(name);
    if (kind !== 'rows' || !before) continue;
    const growth = p50 / before.p50;
    console.log(
      `${verdict(growth <= growthLimit)}  ${name}: grows ${growth.toFixed(2)} times (at most ${growthLimit})`,
    );
  }
}

async function tasksOf(bench: Bench): Promise<Task[]> {
  const askers = [
    { asker: 'admin', who: 'an admin', samples: await samplesOf(bench, null) },
    { asker: middlingProject, who: 'a member', samples: await samplesOf(bench, middlingProject) },
  ];
  const tasks: Task[] = [];
  for (const { asker, who, samples } of askers) {
    // A member does not see 10,000 images of these catalogs.
    const asked = questions.filter(({ kind }) => asker === 'admin' || kind === 'rows' || kind === 'total');
    for (const question of asked) {
      const name = `${question.name}, ${who}`;
      if (!name.includes(bench.only ?? '')) continue;
      const headers = bench.vitrine.headersOf(asker);
      const [bodies = [], ...rounds] = await bodiesOf(bench, question, { asker, samples });
      tasks.push({ name, kind: question.kind, headers, warmUp: { bodies, requests: [] }, rounds });
    }
  }
  return tasks;
}

/** Any images, or those of a project. */
function samplesOf({ recorder }: Bench, owner: string | null): Promise<Sample[]> {
  const columns = 'i.id, i.name, i.properties';
  const text =
    owner === null
      ? `select found.* from generate_series(1, 500) as n, lateral (
          select ${columns} from images i where i.id >= md5(n::text)::uuid order by i.id limit 1) as found`
      : `select ${columns} from images i where i.owner = $1 order by md5(i.id::text) limit 500`;
  return recorder.db.query<Sample>(text, owner === null ? [] : [owner]);
}

async function bodiesOf(
  bench: Bench,
  { kind, ask }: Question,
  { asker, samples }: { asker: string; samples: readonly Sample[] },
): Promise<string[][]> {
  const { query, requests } = rules[kind];
  const random = randomOf(42);
  const draw = () => ask({ images: bench.images, random, sample: random.pick(samples) });
  const variables = different(draw, requests * (bench.rounds + 1));
  const bodies: string[] = [];
  for (const asked of variables) {
    const { behind, ...rest } = asked;
    const after = behind === undefined ? undefined : await cursorAt(bench, asker, asked);
    bodies.push(JSON.stringify({ query, variables: { ...rest, after } }));
  }
  return Array.from({ length: bench.rounds + 1 }, (_, n) => bodies.slice(n * requests, (n + 1) * requests));
}

/** As many as asked, and as far as it goes no two alike. */
function different(draw: () => Variables, count: number): Variables[] {
  const found = new Map<string, Variables>();
  for (let tries = 0; found.size < count && tries < count * 10; tries++) {
    const drawn = draw();
    found.set(JSON.stringify(drawn), drawn);
  }
  const list = [...found.values()];
  return Array.from({ length: count }, (_, n) => list[n % list.length] as Variables);
}

async function cursorAt({ vitrine }: Bench, asker: string, { behind, orderBy }: Variables): Promise<string> {
  const found = await vitrine.query<{ images: { pageInfo: { endCursor: string } } }>(
    asker,
    'query At($id: ID!, $orderBy: [ImageOrder!]) { images(where: { id: { eq: $id } }, orderBy: $orderBy) { pageInfo { endCursor } } }',
    { id: behind, orderBy },
  );
  return found.images.pageInfo.endCursor;
}

/** Node compiles what it runs only after thousands of times, and PostgreSQL reads from the disk only once. */
async function warmUp(bench: Bench, tasks: readonly Task[]): Promise<void> {
  const { vitrine, generator, recorder, replay } = bench;
  const page = JSON.stringify({ query: pageQuery });
  const pages = tasks.flatMap(({ kind, warmUp }) => (kind === 'rows' ? warmUp.bodies : []));
  const headers = vitrine.headersOf('admin');
  for (const body of [page, [page, ...pages]]) {
    const many = { connections: 16, seconds: warmUpSeconds };
    await generator.run({ url: `${vitrine.url}/graphql`, headers, body, ...many });
  }
  const { statements } = await recorder.record(page, headers);
  await replay.run(Array.from({ length: warmUpReplays }, () => statements));
  for (const task of tasks) {
    const { bodies } = task.warmUp;
    for (let n = 0; n < warmUpRounds[task.kind]; n++) await load(bench, task, bodies, { connections: 4 });
    const { requests } = await recordAll(bench, task, bodies);
    task.warmUp.requests = requests;
    await replay.run(requests);
  }
}

function load(
  { vitrine, generator }: Bench,
  { headers }: Task,
  body: string[],
  { connections = 1 } = {},
): Promise<Measured> {
  const limits = { connections, requests: body.length, seconds: roundSeconds };
  return generator.run({ url: `${vitrine.url}/graphql`, headers, body, ...limits });
}

/** What the server sent for requests, and what came of them. */
interface Recording {
  requests: Recorded[];
  /** Of the pages. */
  rows: number;
  /** Requests that were answered with errors. */
  failures: string[];
}

async function recordAll(
  { recorder }: Bench,
  { headers }: Task,
  bodies: readonly string[],
): Promise<Recording> {
  const recording: Recording = { requests: [], rows: 0, failures: [] };
  for (const body of bodies) {
    try {
      const { statements, data } = await recorder.record(body, headers);
      recording.requests.push(statements);
      recording.rows += (data as { images: { nodes?: unknown[] } }).images.nodes?.length ?? 0;
    } catch (error) {
      recording.failures.push((error as Error).message);
    }
  }
  return recording;
}

async function measure(bench: Bench, task: Task): Promise<{ vitrine: Result[]; byHand: Result[] }> {
  const { rounds, warmUp } = task;
  const results = { vitrine: [] as Result[], byHand: [] as Result[] };
  const all: Recording = { requests: [], rows: 0, failures: [] };
  for (const bodies of rounds) {
    await load(bench, task, warmUp.bodies.slice(0, warmUpRequests));
    results.vitrine.push(await withCpu(bench.vitrine.pid, () => load(bench, task, bodies)));
    const { requests, rows, failures } = await recordAll(bench, task, bodies);
    await bench.replay.run(warmUp.requests.slice(0, warmUpRequests));
    results.byHand.push(await withCpu(bench.replay.pid, () => bench.replay.run(requests)));
    all.requests.push(...requests);
    all.rows += rows;
    all.failures.push(...failures);
  }
  report(task, results, all);
  const scan = await findSequentialScan(bench.recorder.db, all.requests);
  if (scan) {
    const [text, params] = [scan.text.replace(/\s+/g, ' '), JSON.stringify(scan.params)];
    console.log(`MISSED  ${task.name}: reads all images\n        ${text}\n        ${params}`);
  }
  return results;
}

async function withCpu(pid: number, run: () => Promise<Measured>): Promise<Result> {
  const before = exactCpuMs(pid);
  const measured = await run();
  return { ...measured, cpu: (exactCpuMs(pid) - before) / measured.requests };
}

function report(
  { name, kind }: Task,
  { vitrine, byHand }: { vitrine: Result[]; byHand: Result[] },
  { requests, rows, failures }: Recording,
): void {
  const { limits } = rules[kind];
  const [p50, p95] = [middle(vitrine, (r) => r.p50), middle(vitrine, (r) => r.p95)];
  const cpu = middle(vitrine, (r) => r.cpu);
  const added = cpu - middle(byHand, (r) => r.cpu);
  const marked = (value: number, limit: number) =>
    `${value.toFixed(2)}${value <= limit ? '' : ` > ${limit}`}`;
  const isKept = p50 <= limits.p50 && p95 <= limits.p95 && added <= cpuLimit;
  const each = (count: number) => (count / requests.length).toFixed(1);
  const parts = [
    `${verdict(isKept)}  ${name.padEnd(38)} p50 ${marked(p50, limits.p50)}, p95 ${marked(p95, limits.p95)}`,
    `by hand p50 ${middle(byHand, (r) => r.p50).toFixed(2)}, p95 ${middle(byHand, (r) => r.p95).toFixed(2)}`,
    `ratio ${ratio(vitrine, byHand, (r) => r.p50).toFixed(2)}`,
    `CPU ${cpu.toFixed(2)}, adds ${marked(added, cpuLimit)}`,
    `${each(requests.flat().length)} statements${kind === 'rows' ? `, ${each(rows)} rows` : ''}`,
  ];
  console.log(parts.join('; '));
  if (failures.length > 0) {
    console.log(`MISSED  ${name}: ${failures.length} refused\n        ${failures[0]}`);
  }
}

const verdict = (isKept: boolean) => (isKept ? 'ok    ' : 'MISSED');
