/**
 * Runs what is queued, on graphile-worker: short upkeep in one pool of workers, imports in another, what looks after
 * stored bytes in a third, so that hours of copying keep nothing from being cleaned up. Any number of servers and
 * `vitrine work` may run it.
 */
import { Logger as QueueLogger, type RunnerOptions, run } from 'graphile-worker';
import type { App } from '../actions/app.ts';
import type { DatabaseAddress } from '../db/client.ts';
import { openPool } from '../db/pool.ts';
import { copiesCrontab, copiesTasks, wakeCopiesTasks } from './copies.ts';
import { keepHeartbeat } from './heartbeat.ts';
import { importTasks } from './imports.ts';
import { machineTasks } from './machine.ts';
import { crontab, upkeepTasks } from './upkeep.ts';

export interface TaskRunner {
  /** Lets upkeep finish, and hands imports to whoever is next. May be called twice. */
  stop(): Promise<void>;
}

export interface TaskOptions {
  /** Imports at once. */
  imports: number;
  /** False: only what no other machine can do. */
  isAll?: boolean;
}

/** Survives restarts of the database: the queue connects again by itself. */
export async function startTasks(
  app: App,
  address: DatabaseAddress,
  { imports, isAll = true }: TaskOptions,
): Promise<TaskRunner> {
  const onError = (error: Error) => app.log.warn({ err: error }, 'a connection of the queue broke');
  // The queue does not catch what goes wrong while it reports the end of a job: it had better wait.
  const connectTimeoutMs = 120_000;
  const pool = openPool(address, { max: 8, applicationName: 'vitrine queue', connectTimeoutMs, onError });
  const stopping = new AbortController();
  const machine = machineTasks(app, stopping.signal);
  const heartbeat = keepHeartbeat(app, machine?.queue ?? null);
  const common = { pgPool: pool, pollInterval: 2000, noHandleSignals: true, logger: queueLogger(app) };
  const start = (options: RunnerOptions) => run({ ...common, ...options, events: heartbeat.watch() });
  // Before anybody cleans up: what waits for this machine need not wait any longer.
  await heartbeat.beat();
  const usual = isAll
    ? [
        start({ concurrency: 2, taskList: upkeepTasks(app), crontab }),
        start({ concurrency: imports, taskList: importTasks(app, stopping.signal) }),
        start({ concurrency: 2, taskList: copiesTasks(app, stopping.signal), crontab: copiesCrontab }),
      ]
    : [];
  const own = machine
    ? [start({ concurrency: imports, taskList: machine.taskList, crontab: machine.crontab })]
    : [];
  const started = await Promise.allSettled([...usual, ...own]);
  const runners = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));

  async function end(): Promise<void> {
    stopping.abort(new Error('The server stops.'));
    await Promise.all(runners.map((runner) => runner.stop().catch(() => {})));
    await heartbeat.stop();
    await pool.end();
  }
  try {
    for (const one of started) if (one.status === 'rejected') throw one.reason;
    await heartbeat.beat();
    const [first] = runners;
    if (isAll && first) {
      await first.addJob('reap', {}, { jobKey: 'reap' });
      await wakeCopiesTasks(first);
    }
  } catch (error) {
    await end();
    throw error;
  }
  let ending: Promise<void> | null = null;
  return {
    stop() {
      ending ??= end();
      return ending;
    },
  };
}

function queueLogger(app: App): QueueLogger {
  const log = app.log.child({ part: 'queue' });
  return new QueueLogger(() => (level, message) => {
    if (level === 'error') log.error(message);
    else if (level === 'warning') log.warn(message);
    else log.debug(message);
  });
}
