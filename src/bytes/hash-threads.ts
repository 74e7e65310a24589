/** A few warm threads that hash. They do not keep the process alive unless a job runs on them. */
import { Worker } from 'node:worker_threads';
import type { Algorithm, Digests } from './digests.ts';

/** `job` names one stream; `start` and `length` are bytes of its memory. */
export type ToWorker =
  | { kind: 'begin'; job: number; memory: SharedArrayBuffer; algorithms: Algorithm[]; blockBytes: number }
  | { kind: 'update'; job: number; start: number; length: number }
  | { kind: 'finish'; job: number }
  | { kind: 'drop'; job: number };

export type FromWorker =
  | { kind: 'updated'; job: number; start: number }
  | { kind: 'ended'; job: number; digests: Digests };

/** One stream on one thread. */
export interface Job {
  onMessage(message: FromWorker): void;
  /** The thread is gone; nothing follows. */
  onDeath(cause: unknown): void;
}

export interface HashThread {
  /** False when it could not be started. */
  readonly ready: Promise<boolean>;
  readonly alive: boolean;
  /** How many run on it. */
  readonly jobs: number;
  run(number: number, job: Job): void;
  /** After the last message of a job. */
  forget(number: number): void;
  post(message: ToWorker): void;
  close(): Promise<void>;
}

export function hashThread(): HashThread {
  const jobs = new Map<number, Job>();
  // Nothing of the environment is needed there, and the heap stays small: the bytes are not in it.
  const worker = new Worker(new URL('./hash-worker.mjs', import.meta.url), {
    env: {},
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  });
  worker.unref();
  let alive = true;

  function die(cause: unknown): void {
    alive = false;
    for (const job of [...jobs.values()]) job.onDeath(cause);
    jobs.clear();
  }
  const ready = new Promise<boolean>((resolve) => {
    worker.once('online', () => resolve(true));
    worker.once('error', () => resolve(false));
    worker.once('exit', () => resolve(false));
  });
  worker.on('error', die);
  worker.on('exit', (code) => die(new Error(`the hashing thread ended with code ${code}`)));
  worker.on('message', (message: FromWorker) => jobs.get(message.job)?.onMessage(message));

  return {
    ready,
    get alive() {
      return alive;
    },
    get jobs() {
      return jobs.size;
    },
    run(number, job) {
      jobs.set(number, job);
      worker.ref();
    },
    forget(number) {
      jobs.delete(number);
      if (jobs.size === 0) worker.unref();
    },
    post: (message) => worker.postMessage(message),
    async close() {
      await worker.terminate();
    },
  };
}
