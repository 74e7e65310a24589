/**
 * Loads images in batches by COPY, one transaction each, which also notes how far the input was read: whatever
 * kills an import, the next one goes on after the last batch that is there.
 *
 * Two loads wait for each other. A batch and a migration do too; while what is derived is away (db/load-derived)
 * the whole load holds the lock of migrations.
 */
import { drizzle } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import { type Actor, changesOf, type NewAuditEntry } from '../domain/audit.ts';
import { recordChange } from './audit.ts';
import type { DatabaseAddress } from './client.ts';
import { type Batch, type OnConflict, type Progress, type Refusal, RefusedError } from './load-batch.ts';
import { isDerivedAway, restoreDerived, takeDerivedAway } from './load-derived.ts';
import { insertAll, insertCarefully, insertTombstones, isAboutRows } from './load-insert.ts';
import { migrationLock } from './migrate.ts';
import { openPool } from './pool.ts';

export interface LoadOptions {
  onConflict: OnConflict;
  /** Rows that PostgreSQL does not take stop the load. */
  isFatal: boolean;
  /** Who loads. */
  by: Actor;
}

export interface FinishSeconds {
  /** For the side tables, which belong to what is loaded. */
  fillSeconds: number;
  indexSeconds: number;
  vacuumSeconds: number;
}

export interface BulkLoad {
  /** Whether indexes and side tables are away until `finish`. */
  readonly isFast: boolean;
  /** How far an earlier load of an input with this name came; null: there was none, or it was finished. */
  findProgress(input: string): Promise<Progress | null>;
  /**
   * `progress` is after this batch, as far as it is known before: `loaded`, `replaced`, `skipped` and what
   * PostgreSQL finds bad are added. Tells what was not taken. One at a time.
   * @throws RefusedError  by the options
   */
  add(input: string, batch: Batch, progress: Progress): Promise<Refusal[]>;
  /**
   * Makes what is away, and vacuums; with `input`, which was read to its end, nothing is left to go on with. `stopped`
   * is why it was not.
   */
  finish(input: string | null, end: { progress: Progress; stopped: string | null }): Promise<FinishSeconds>;
  close(): Promise<void>;
}

/** Any number that nobody else uses: "load" in ASCII. */
const loadLock = 0x6c6f6164;
/** Builds at a time: more find neither processors nor memory. */
const builders = 2;

/** `onWait` hears that another import runs, which is waited for. */
export async function openBulkLoad(
  address: DatabaseAddress,
  { onWait, ...options }: LoadOptions & { onWait: () => void },
): Promise<BulkLoad> {
  const pool = openPool(address, { max: builders, applicationName: 'vitrine import' });
  const client = await pool.connect();
  try {
    await lockLoads(client, onWait);
    // What a crash of PostgreSQL takes it takes with the progress that stands beside it.
    await client.query('set synchronous_commit = off');
    const isFast = await beginFast(client);
    return bulkLoad(pool, client, { ...options, isFast });
  } catch (error) {
    client.release(true);
    await pool.end();
    throw error;
  }
}

async function lockLoads(client: pg.ClientBase, onWait: () => void): Promise<void> {
  const { rows } = await client.query('select pg_try_advisory_lock($1) as got', [loadLock]);
  if (rows[0]?.got) return;
  onWait();
  await client.query('select pg_advisory_lock($1)', [loadLock]);
}

/** Takes away what is derived when the catalog is empty and no server uses it, or goes on without it. */
async function beginFast(client: pg.ClientBase): Promise<boolean> {
  await client.query('select pg_advisory_lock($1)', [migrationLock]);
  const isFast =
    (await isDerivedAway(client)) || (!(await isServed(client)) && (await takeDerivedAway(client)));
  if (!isFast) await client.query('select pg_advisory_unlock($1)', [migrationLock]);
  return isFast;
}

/** Every server listens to the queue, whatever else it does. */
async function isServed(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query(`
    select 1 from pg_stat_activity
    where datname = current_database() and application_name in ('vitrine', 'vitrine queue') limit 1`);
  return rows.length > 0;
}

function bulkLoad(
  pool: pg.Pool,
  client: pg.PoolClient,
  { onConflict, isFatal, by, isFast }: LoadOptions & { isFast: boolean },
): BulkLoad {
  // Into an empty catalog no id is looked up until one is found to be taken.
  let looksUp: boolean | null = null;
  let changed = false;

  async function inTransaction<T>(work: () => Promise<T>): Promise<T> {
    await client.query(`begin; select pg_advisory_xact_lock(${migrationLock})`);
    try {
      const result = await work();
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch(() => {});
      throw error;
    }
  }

  function record(action: string, entry: Partial<NewAuditEntry> = {}): Promise<void> {
    const object = { type: 'catalog', id: null, owner: null } as const;
    return recordChange(drizzle({ client }), { by, action, object, ...entry });
  }

  async function attempt(input: string, batch: Batch, progress: Progress): Promise<Refusal[]> {
    const before = { ...progress };
    looksUp ??= !isFast || (await hasRows(client));
    try {
      return await inTransaction(async () => {
        const refusals = looksUp
          ? await insertCarefully(client, batch, { progress, onConflict })
          : await insertAll(client, batch, progress);
        const stop = refusals.find(({ kind }) => (kind === 'bad' ? isFatal : onConflict === 'fail'));
        if (stop) throw new RefusedError(stop);
        await insertTombstones(client, batch.tombstones);
        const isFirst = await noteProgress(client, input, progress);
        if (isFirst) await record('beginCatalogImport');
        return refusals;
      });
    } catch (error) {
      Object.assign(progress, before);
      if (looksUp || !isAboutRows(error)) throw error;
      looksUp = true;
      return attempt(input, batch, progress);
    }
  }

  return {
    isFast,
    async findProgress(input) {
      const { rows } = await client.query<{ value: string }>(
        'select value from installation where name = $1',
        [recordOf(input)],
      );
      return rows[0] ? (JSON.parse(rows[0].value) as Progress) : null;
    },
    async add(input, batch, progress) {
      const refusals = await attempt(input, batch, progress);
      changed = true;
      if (batch.tombstones.length > 0) looksUp = true;
      return refusals;
    },
    async finish(input, { progress, stopped }) {
      const seconds = isFast ? await restore(pool, client) : { fillSeconds: 0, indexSeconds: 0 };
      const start = performance.now();
      if (changed || isFast) await client.query(`vacuum (analyze) ${vacuumed}`);
      // The first commit that waits for the disk: everything before it is there then.
      await client.query('set synchronous_commit = on');
      await inTransaction(async () => {
        const name = input === null ? '' : recordOf(input);
        const { rowCount } = await client.query('delete from installation where name = $1', [name]);
        if (!changed && !rowCount) return;
        const { bytes, crc, ...counts } = progress;
        const changes = changesOf(null, counts);
        const result = stopped === null ? 'done' : 'failed';
        await record('finishCatalogImport', { result, changes, message: stopped });
      });
      return { ...seconds, vacuumSeconds: (performance.now() - start) / 1000 };
    },
    async close() {
      client.release(true); // the locks go with the connection
      await pool.end();
    },
  };
}

const recordOf = (input: string) => `import ${input}`;

const vacuumed = 'images, image_members, image_terms, image_vocabulary, image_value_counts';

async function restore(pool: pg.Pool, client: pg.PoolClient) {
  const others: pg.PoolClient[] = [];
  try {
    for (let i = 1; i < builders; i++) others.push(await pool.connect());
    return await restoreDerived([client, ...others]);
  } finally {
    for (const other of others) other.release(true);
  }
}

async function hasRows(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query(`
    select exists (select from images) or exists (select from image_tombstones) as yes`);
  return rows[0]?.yes === true;
}

/** True: there was none before. */
async function noteProgress(client: pg.ClientBase, input: string, progress: Progress): Promise<boolean> {
  const { rows } = await client.query<{ is_new: boolean }>(
    `insert into installation (name, value) values ($1, $2)
     on conflict (name) do update set value = excluded.value returning xmax = 0 as is_new`,
    [recordOf(input), JSON.stringify(progress)],
  );
  return rows[0]?.is_new === true;
}
