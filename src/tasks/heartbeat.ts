/**
 * Says that the workers of this process live, and gives what silent ones hold to others: the queue itself would wait
 * for hours. 25 s of silence and 10 s between two looks make 35 s at worst, and a poll.
 */
import { EventEmitter } from 'node:events';
import type { WorkerEvents } from 'graphile-worker';
import type { App } from '../actions/app.ts';
import { beat, forgetWorkers, takeFromSilentWorkers } from '../db/tasks.ts';

const beatEveryMs = 5_000;
const lookEveryMs = 10_000;
const silentSeconds = 25;

export interface Heartbeat {
  /** To be handed to a runner: its pool of workers is spoken for from then on. */
  watch(): WorkerEvents;
  beat(): Promise<void>;
  /** The workers of all runners have ended. */
  stop(): Promise<void>;
}

/** `machine`: the queue of this machine alone, under whose name the machine itself says that it lives; null: none. */
export function keepHeartbeat(app: App, machine: string | null): Heartbeat {
  const ids = new Set<string>();
  const alive = () => [...ids, ...(machine === null ? [] : [machine])];

  async function quietly(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      app.log.warn({ err: error }, 'the heartbeat of the workers could not be told');
    }
  }

  const sayBeat = () => quietly(() => beat(app.db, alive()));
  const look = () =>
    quietly(async () => {
      // Ours first: after a while without the database they would seem silent.
      await beat(app.db, alive());
      const taken = await takeFromSilentWorkers(app.db, silentSeconds);
      if (taken > 0) app.log.warn({ taken }, 'work of silent workers is given to others');
    });
  const timers = [setInterval(sayBeat, beatEveryMs), setInterval(look, lookEveryMs)];
  for (const timer of timers) timer.unref();

  return {
    watch() {
      const events = new EventEmitter() as WorkerEvents;
      events.on('pool:create', ({ workerPool }) => ids.add(workerPool.id));
      return events;
    },
    beat: sayBeat,
    async stop() {
      for (const timer of timers) clearInterval(timer);
      // Not the machine: how long it is away is what others want to know.
      await quietly(() => forgetWorkers(app.db, [...ids]));
    },
  };
}
