/** Several measurements side by side: in short rounds, one after the other, so that all of them meet the same machine. */
import type { Load, LoadGenerator, Measured } from './load.ts';
import { cpuMs } from './process.ts';

export interface Contender {
  load: Load;
  /** The process that answers. */
  pid: number;
}

/** What was measured in each round. */
export interface Result extends Measured {
  /** Processor time of the answering process, milliseconds a request. */
  cpu: number;
}

/** Node compiles what it runs only after thousands of times: a server that has just started is another one. */
const warmUp = { connections: 16, seconds: 4 } as const;

/** Every contender once a round, after each has warmed up. */
export async function compare<Name extends string>(
  generator: LoadGenerator,
  contenders: Record<Name, Contender>,
  rounds: number,
): Promise<Record<Name, Result[]>> {
  const named = Object.entries(contenders) as [Name, Contender][];
  const results = Object.fromEntries(named.map(([name]) => [name, []])) as unknown as Record<Name, Result[]>;
  for (const [, { load }] of named) await generator.run({ ...load, ...warmUp });
  for (let round = 0; round < rounds; round++) {
    for (const [name, { load, pid }] of named) {
      const before = cpuMs(pid);
      const measured = await generator.run(load);
      const cpu = (cpuMs(pid) - before) / measured.requests;
      results[name].push({ ...measured, cpu });
    }
  }
  return results;
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** The middle of what `value` was in the rounds. */
export const middle = (results: readonly Result[], value: (result: Result) => number) =>
  median(results.map(value));

/** The middle of the rounds' own ratios: what shook a whole round shook both. */
export function ratio(a: readonly Result[], b: readonly Result[], value: (result: Result) => number): number {
  return median(a.map((result, i) => value(result) / value(b[i] as Result)));
}

/** One line for people. */
export function summary(results: readonly Result[]): string {
  const of = (value: (result: Result) => number, digits: number) => middle(results, value).toFixed(digits);
  const times = `p50 ${of((r) => r.p50, 2)} ms, p95 ${of((r) => r.p95, 2)} ms`;
  return `${of((r) => r.perSecond, 0)}/s, ${times}, ${of((r) => r.cpu, 3)} ms CPU`;
}

export function report(
  what: string,
  value: number,
  { limit, kind }: { limit: number; kind: 'least' | 'most' },
): void {
  const isKept = kind === 'least' ? value >= limit : value <= limit;
  console.log(`${isKept ? 'ok    ' : 'MISSED'}  ${what}: ${value.toFixed(2)} (at ${kind} ${limit})`);
}
