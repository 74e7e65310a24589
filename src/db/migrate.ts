/** Brings the schema up to date: numbered SQL of `drizzle/`, in one transaction, under an advisory lock. */
import { fileURLToPath } from 'node:url';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate as applyMigrations } from 'drizzle-orm/node-postgres/migrator';
import { Logger, runMigrations as migrateWorker } from 'graphile-worker';
import type pg from 'pg';
import type { DatabaseAddress } from './client.ts';
import { restoreDerived } from './load-derived.ts';
import { openPool } from './pool.ts';

const folder = fileURLToPath(new URL('../../drizzle', import.meta.url));
/** Any number that nobody else uses: "vitr" in ASCII. */
export const migrationLock = 0x76697472;

/** A server we cannot work with, in one sentence. */
export class DatabaseVersionError extends Error {}

/**
 * Applies what is missing. Two at once wait for each other; a kill leaves the old or the new schema, never
 * between, since all of it is one transaction. (The queue's own schema has one for each of its steps.)
 *
 * What a killed import left away (db/load-derived) is made first; with `isLoading`, for an import that goes on without
 * them, only if there is anything to apply.
 *
 * Returns how many migrations were applied.
 * @throws DatabaseVersionError PostgreSQL older than 15, or not in UTF-8
 */
export async function migrate(address: DatabaseAddress, { isLoading = false } = {}): Promise<number> {
  const pool = openPool(address, { max: 1, applicationName: 'vitrine migrate' });
  try {
    const client = await pool.connect();
    try {
      await checkServer(client);
      await client.query('select pg_advisory_lock($1)', [migrationLock]);
      const before = await countApplied(client);
      const isUpToDate = before === readMigrationFiles({ migrationsFolder: folder }).length;
      if (!isLoading || !isUpToDate) await restoreDerived([client]);
      await applyMigrations(drizzle({ client }), { migrationsFolder: folder });
      await migrateQueue(address);
      return (await countApplied(client)) - before;
    } finally {
      client.release(true); // the lock goes with the connection
    }
  } finally {
    await pool.end();
  }
}

async function migrateQueue(address: DatabaseAddress): Promise<void> {
  const pool = openPool(address, { max: 1, applicationName: 'vitrine migrate' });
  try {
    await migrateWorker({ pgPool: pool, logger: new Logger(() => () => {}) });
  } finally {
    await pool.end();
  }
}

async function checkServer(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ version: number; encoding: string }>(`
    select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding`);
  const [row] = rows;
  if (!row || row.version < 150000) {
    throw new DatabaseVersionError(
      `DATABASE_URL: PostgreSQL 15 or later is needed; this is ${row?.version}.`,
    );
  }
  if (row.encoding !== 'UTF8') {
    throw new DatabaseVersionError(`DATABASE_URL: the database must be in UTF8; this is ${row.encoding}.`);
  }
}

async function countApplied(client: pg.ClientBase): Promise<number> {
  const { rows: found } = await client.query(`select to_regclass('drizzle.__drizzle_migrations') as name`);
  if (!found[0]?.name) return 0;
  const { rows } = await client.query<{ n: number }>(
    'select count(*)::int as n from drizzle.__drizzle_migrations',
  );
  return rows[0]?.n ?? 0;
}
