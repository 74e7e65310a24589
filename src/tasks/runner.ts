/** Runs queued tasks on graphile-worker: for now the one that cleans up. Any number of servers may run it. */
import { Logger as QueueLogger, type Runner, run } from 'graphile-worker';
import type pg from 'pg';
import type { App } from '../actions/app.ts';
import { reap } from '../actions/reap.ts';
import type { DatabaseAddress } from '../db/client.ts';
import { openPool } from '../db/pool.ts';
import { mergeValueCounts } from '../db/value-counts.ts';

/** How often silent writers are looked for; their leases are twice as long. */
const reapEverySeconds = 15;

/**
 * reap comes back by itself every 15 s; cron, which knows only minutes, wakes it when a killed server took it
 * along. reap_stores also lists the stores.
 */
const crontab = [
  '* * * * * reap ?jobKey=reap&jobKeyMode=preserve_run_at',
  '*/10 * * * * reap_stores ?jobKey=reap_stores&jobKeyMode=preserve_run_at',
].join('\n');

export interface TaskRunner {
  /** Lets running tasks finish. */
  stop(): Promise<void>;
}

/** Survives restarts of the database: the queue connects again by itself. */
export async function startTasks(app: App, address: DatabaseAddress): Promise<TaskRunner> {
  const onError = (error: Error) => app.log.warn({ err: error }, 'a connection of the queue broke');
  const pool = openPool(address, { max: 3, applicationName: 'vitrine queue', onError });
  const runner = await run({
    pgPool: pool,
    concurrency: 2,
    pollInterval: 2000,
    noHandleSignals: true,
    crontab,
    logger: queueLogger(app),
    taskList: {
      async reap(_payload, { addJob }) {
        const runAt = new Date(app.now().getTime() + reapEverySeconds * 1000);
        try {
          await reap(app, { list: false });
          await mergeValueCounts(app.db);
        } finally {
          await addJob('reap', {}, { jobKey: 'reap', jobKeyMode: 'preserve_run_at', runAt });
        }
      },
      async reap_stores() {
        await reap(app, { list: true });
      },
    },
  });
  await runner.addJob('reap', {}, { jobKey: 'reap' });
  return { stop: () => stopRunner(runner, pool) };
}

async function stopRunner(runner: Runner, pool: pg.Pool): Promise<void> {
  await runner.stop().catch(() => {});
  await pool.end();
}

function queueLogger(app: App): QueueLogger {
  const log = app.log.child({ part: 'queue' });
  return new QueueLogger(() => (level, message) => {
    if (level === 'error') log.error(message);
    else if (level === 'warning') log.warn(message);
    else log.debug(message);
  });
}
