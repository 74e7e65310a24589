/**
 * What work on a catalog in use needs: one process at it at a time, as long as it takes, until somebody breaks it
 * off; and the moment from which no writer of before is left.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { DatabaseAddress } from './client.ts';
import { openPool } from './pool.ts';

export interface Upkeep {
  /** Hears what is done, for an operator. */
  log(message: string): void;
  /** Breaks it off; what was half done is made whole by the next one. */
  signal?: AbortSignal;
}

/** Numbers of advisory locks that nobody else uses: "vith" and "vits" in ASCII. */
export const locks = { hotProperties: 0x76697468, searchText: 0x76697473 } as const;

const askAgainMs = 500;

/**
 * Runs `work` on a connection of its own, without a statement timeout, while this is the only process that holds
 * the lock; waits until it is.
 * @throws what `work` throws; the reason of the signal
 */
export async function alone<T>(
  address: DatabaseAddress,
  { lock, log, signal }: Upkeep & { lock: keyof typeof locks },
  work: (client: pg.ClientBase) => Promise<T>,
): Promise<T> {
  const pool = openPool(address, { max: 2, applicationName: 'vitrine upkeep' });
  try {
    const client = await pool.connect();
    const stopWatching = await cancelOnAbort(pool, client, signal);
    try {
      await client.query('set statement_timeout to 0; set lock_timeout to 0');
      await takeLock(client, locks[lock], { log, signal });
      return await work(client);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      stopWatching();
      client.release(true); // the lock goes with the connection
    }
  } finally {
    await pool.end();
  }
}

/** Asks again and again: one who waits in PostgreSQL is waited for by those who build indexes concurrently. */
async function takeLock(client: pg.ClientBase, key: number, { log, signal }: Upkeep): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    const { rows } = await client.query('select pg_try_advisory_lock($1) as is_ours', [key]);
    if (rows[0].is_ours) return;
    if (attempt === 1) log('another process is at it; waiting for its end');
    await sleep(askAgainMs, undefined, { signal });
  }
}

/** A statement does not end because nobody waits for it any more: it is told to. Gives what ends the watch. */
async function cancelOnAbort(
  pool: pg.Pool,
  client: pg.ClientBase,
  signal?: AbortSignal,
): Promise<() => void> {
  if (!signal) return () => {};
  const { rows } = await client.query('select pg_backend_pid() as pid');
  const cancel = () => pool.query('select pg_cancel_backend($1)', [rows[0].pid]).catch(() => {});
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    void cancel();
    // One that comes between two statements is lost.
    timer = setInterval(cancel, askAgainMs);
  };
  signal.addEventListener('abort', begin, { once: true });
  return () => {
    signal.removeEventListener('abort', begin);
    clearInterval(timer);
  };
}

const writersSql = `
select virtualtransaction as id from pg_locks
where locktype = 'relation' and relation = 'images'::regclass and mode = 'RowExclusiveLock' and granted
  and database = (select oid from pg_database where datname = current_database()) and pid <> pg_backend_pid()`;

/** Resolves when the transactions that write images now have ended; those that come meanwhile are not waited for. */
export async function writersGone(client: pg.ClientBase, signal?: AbortSignal): Promise<void> {
  const { rows } = await client.query<{ id: string }>(writersSql);
  const ids = rows.map((row) => row.id);
  while (ids.length > 0) {
    const { rowCount } = await client.query(`${writersSql} and virtualtransaction = any ($1)`, [ids]);
    if (!rowCount) return;
    await sleep(100, undefined, { signal });
  }
}
