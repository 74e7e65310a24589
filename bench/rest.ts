/**
 * How fast /v2 is: its lists and an image, each against one statement written by hand behind node:http that answers the
 * same; a schema against a constant answer; and what memory large pages take. `run.ts` makes the machine that this measures.
 */
import { deepStrictEqual } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Measuring } from './graphql.ts';
import { middlingProject } from './support/images.ts';
import { type LoadGenerator, startLoadGenerator } from './support/load.ts';
import { freePort } from './support/nginx.ts';
import { type Program, startProgram } from './support/process.ts';
import { compare, ratio, report, summary } from './support/rounds.ts';

interface Question {
  name: string;
  path: string;
  /** Of what the bare handler does. */
  limit: number;
}

/** Everything, printed. */
export async function measureRest(measuring: Measuring): Promise<void> {
  const generator = startLoadGenerator();
  try {
    for (const project of [middlingProject, 'admin']) await measureAs(measuring, generator, project);
    await measureSchema(measuring, generator);
    await measureMemory(measuring, generator);
  } finally {
    generator.stop();
  }
}

async function measureAs(measuring: Measuring, generator: LoadGenerator, project: string): Promise<void> {
  const { vitrine } = measuring;
  const port = await freePort();
  const program = new URL('./support/bare-rest.ts', import.meta.url).pathname;
  const args = [program, String(port), JSON.stringify(measuring.address), project];
  const bare = await startProgram(args, { url: `http://127.0.0.1:${port}`, path: '/v2/images?limit=1' });
  try {
    const newest = await ask(`${vitrine.url}/v2/images?limit=1`, vitrine.headersOf(project));
    const [image] = (newest as { images: { id: string }[] }).images;
    const who = project === 'admin' ? 'an admin' : 'a member';
    const questions: Question[] = [
      { name: 'GET /v2/images?limit=25', path: '/v2/images?limit=25', limit: 0.7 },
      {
        name: 'with two properties',
        path: '/v2/images?limit=25&os_distro=debian&hypervisor_type=kvm',
        limit: 0.7,
      },
      { name: 'GET /v2/images?limit=1000', path: '/v2/images?limit=1000', limit: 0.5 },
      { name: 'GET /v2/images/{id}', path: `/v2/images/${image?.id}`, limit: 0.7 },
    ];
    for (const question of questions) {
      await measureOne(measuring, {
        generator,
        bare,
        project,
        ...question,
        name: `${question.name}, ${who}`,
      });
    }
  } finally {
    await bare.stop();
  }
}

const ask = async (url: string, headers: Record<string, string>): Promise<unknown> =>
  (await fetch(url, { headers })).json();

interface Race extends Question {
  generator: LoadGenerator;
  bare: Program;
  project: string;
}

async function measureOne({ vitrine, rounds, seconds }: Measuring, race: Race): Promise<void> {
  const { generator, bare, project, name, path, limit } = race;
  const headers = vitrine.headersOf(project);
  // What is not the same need not be compared.
  deepStrictEqual(await ask(`${vitrine.url}${path}`, headers), await ask(`${bare.url}${path}`, {}));
  const load = { body: null, headers, connections: 16, seconds };
  const results = await compare(
    generator,
    {
      vitrine: { load: { ...load, url: `${vitrine.url}${path}` }, pid: vitrine.pid },
      bare: { load: { ...load, url: `${bare.url}${path}` }, pid: bare.pid },
    },
    rounds,
  );
  const speed = ratio(results.vitrine, results.bare, (r) => r.perSecond);
  report(`${name}, requests a second / bare handler`, speed, { limit, kind: 'least' });
  console.log(`        vitrine ${summary(results.vitrine)}\n        bare    ${summary(results.bare)}`);
}

/** A schema is made once: against a constant answer of the same listener, which only asks for no token. */
async function measureSchema(
  { vitrine, rounds, seconds }: Measuring,
  generator: LoadGenerator,
): Promise<void> {
  const load = { body: null, headers: vitrine.headersOf(middlingProject), connections: 16, seconds };
  const contender = (path: string) => ({ load: { ...load, url: `${vitrine.url}${path}` }, pid: vitrine.pid });
  const results = await compare(
    generator,
    { schema: contender('/v2/schemas/image'), constant: contender('/healthz') },
    rounds,
  );
  const speed = ratio(results.schema, results.constant, (r) => r.perSecond);
  report('GET /v2/schemas/image, requests a second / GET /healthz', speed, { limit: 0.8, kind: 'least' });
  console.log(`        schema   ${summary(results.schema)}\n        constant ${summary(results.constant)}`);
}

/** MiB that 16 clients with large pages may make the process grow by. */
const growthMib = 50;

/** What it grows by while all read, above what the same clients with small pages made of it. */
async function measureMemory({ vitrine, seconds }: Measuring, generator: LoadGenerator): Promise<void> {
  const load = {
    body: null,
    headers: vitrine.headersOf('admin'),
    connections: 16,
    seconds: Math.max(3, seconds),
  };
  const peakOf = async (limit: number) => {
    let peak = 0;
    let isOver = false;
    const running = generator.run({ ...load, url: `${vitrine.url}/v2/images?limit=${limit}` });
    const watching = (async () => {
      for (; !isOver; await sleep(20)) peak = Math.max(peak, residentMib(vitrine.pid));
    })();
    await running;
    isOver = true;
    await watching;
    return peak;
  };
  const small = await peakOf(25);
  const growth = (await peakOf(1000)) - small;
  report('memory of 16 clients with limit=1000, MiB more than with limit=25', growth, {
    limit: growthMib,
    kind: 'most',
  });
}

function residentMib(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return Number(kib) / 1024;
}
