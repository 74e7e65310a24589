/**
 * Statements of searches sent by hand: what the server sent to answer requests, once more, over one connection of
 * the same driver, from a process that does nothing else.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type Database, type DatabaseAddress, openDatabase } from '../../src/db/client.ts';
import { type Measured, measuredOf } from './load.ts';

export interface Statement {
  text: string;
  params: unknown[];
  prepared: boolean;
}

/** The statements of one request, in their order. */
export type Recorded = readonly Statement[];

export interface Replay {
  readonly pid: number;
  /** One request after the other; the times are of all the statements of one. */
  run(requests: readonly Recorded[]): Promise<Measured>;
  stop(): void;
}

/** Starts one; its connection stays warm from one run to the next. */
export function startReplay(address: DatabaseAddress): Replay {
  const child = fork(import.meta.filename, [JSON.stringify(address)], { serialization: 'advanced' });
  return {
    pid: child.pid ?? 0,
    async run(requests) {
      child.send(requests);
      const [answer] = (await once(child, 'message')) as [Measured | { error: string }];
      if ('error' in answer) throw new Error(answer.error);
      return answer;
    },
    stop: () => child.disconnect(),
  };
}

async function send(db: Database, requests: readonly Recorded[]): Promise<Measured> {
  const taken: number[] = [];
  const start = performance.now();
  for (const statements of requests) {
    const sentAt = performance.now();
    for (const { text, params, prepared } of statements) await db.search(text, params, { prepared });
    taken.push(performance.now() - sentAt);
  }
  return measuredOf(taken, performance.now() - start);
}

if (process.send && import.meta.main) {
  const db = openDatabase(JSON.parse(process.argv[2] ?? ''), { poolSize: 1 });
  process.on('message', (requests: Recorded[]) => {
    send(db, requests).then(
      (measured) => process.send?.(measured),
      (error: Error) => process.send?.({ error: error.message }),
    );
  });
  process.on('disconnect', () => process.exit());
}
