/** Brings the schema up to date: numbered SQL of `drizzle/`, in one transaction, under an advisory lock. */
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate as applyMigrations } from 'drizzle-orm/postgres-js/migrator';
import { Logger, runMigrations as migrateWorker } from 'graphile-worker';
import pg from 'pg';
import { connect, type DatabaseAddress } from './client.ts';

const folder = fileURLToPath(new URL('../../drizzle', import.meta.url));
/** Any number that nobody else uses: "vitr" in ASCII. */
const lockKey = 0x76697472;

/** A server we cannot work with, in one sentence. */
export class DatabaseVersionError extends Error {}

/**
 * Applies what is missing. Two at once wait for each other; a kill leaves the old or the new schema, never
 * between, since all of it is one transaction.
 * Returns how many migrations were applied.
 * @throws DatabaseVersionError PostgreSQL older than 15, or not in UTF-8
 */
export async function migrate(address: DatabaseAddress): Promise<number> {
  const sql = connect(address, { poolSize: 1, statementTimeoutMs: 0, applicationName: 'vitrine migrate' });
  try {
    await checkServer(sql);
    await sql`select pg_advisory_lock(${lockKey})`;
    const before = await countApplied(sql);
    await applyMigrations(drizzle({ client: sql }), { migrationsFolder: folder });
    await migrateQueue(address);
    return (await countApplied(sql)) - before;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function migrateQueue(address: DatabaseAddress): Promise<void> {
  const pool = openQueuePool(address, { max: 1, onError: () => {} });
  try {
    await migrateWorker({ pgPool: pool, logger: new Logger(() => () => {}) });
  } finally {
    await pool.end();
  }
}

async function checkServer(sql: ReturnType<typeof connect>): Promise<void> {
  const [row] = await sql`
    select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding`;
  if (row?.version < 150000) {
    throw new DatabaseVersionError(
      `DATABASE_URL: PostgreSQL 15 or later is needed; this is ${row?.version}.`,
    );
  }
  if (row?.encoding !== 'UTF8') {
    throw new DatabaseVersionError(`DATABASE_URL: the database must be in UTF8; this is ${row?.encoding}.`);
  }
}

async function countApplied(sql: ReturnType<typeof connect>): Promise<number> {
  const [found] = await sql`select to_regclass('drizzle.__drizzle_migrations') as name`;
  if (!found?.name) return 0;
  const [row] = await sql`select count(*)::int as n from drizzle.__drizzle_migrations`;
  return row?.n ?? 0;
}

/** A pool of `pg`, which the queue works with. Broken connections are reported, and replaced. */
export function openQueuePool(
  address: DatabaseAddress,
  { max, onError }: { max: number; onError(error: Error): void },
): pg.Pool {
  const common = { max, application_name: 'vitrine queue', connectionTimeoutMillis: 10_000 };
  const pool = new pg.Pool(
    'url' in address
      ? { ...common, connectionString: address.url }
      : {
          ...common,
          host: address.socketDir,
          port: address.port,
          user: address.user,
          database: address.database,
        },
  );
  pool.on('error', onError);
  pool.on('connect', (client) => client.on('error', onError));
  return pool;
}
