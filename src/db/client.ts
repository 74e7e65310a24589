/**
 * The connections to PostgreSQL: a pool for single statements written by hand (postgres.js, which is quicker), and
 * one for transactions of typed ones (drizzle on pg). postgres.js has no safe transactions: when the connection
 * breaks in one, it writes into nothing, which ends the process, or sends the rest of the transaction over
 * another connection, outside of any (porsager/postgres #1155, #1208).
 */
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import postgres from 'postgres';
import type { Instant } from '../domain/image.ts';
import { databaseFailure, sqlState } from './failure.ts';
import { openPool } from './pool.ts';

/** Where PostgreSQL is: a URL, or the socket of the embedded one. */
export type DatabaseAddress =
  | { url: string }
  | { socketDir: string; port: number; user: string; database: string };

export interface Database {
  /** For statements written by hand. */
  readonly sql: postgres.Sql;
  /** For `transaction`. */
  readonly writers: pg.Pool;
  /**
   * A hand-written statement; prepared when its text is one of the few that come again and again.
   * @throws UnavailableError the database is away; TimeoutError the statement took too long
   */
  query<Row>(text: string, params: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

/** A transaction: what a function needs that only runs statements. */
export type Statements = Pick<NodePgDatabase, 'select' | 'insert' | 'update' | 'delete' | 'execute'>;

export interface DatabaseOptions {
  /** Connections of each pool; 4 is best on two cores. */
  poolSize?: number;
  /** What a statement may take before it is ended with 57014. */
  statementTimeoutMs?: number;
  applicationName?: string;
}

/** Distinct texts kept prepared on each connection: shapes of queries come from users, memory is ours. */
const preparedMax = 200;

/** Opens a pool. Connects at the first statement, and again by itself when PostgreSQL was away. */
export function openDatabase(address: DatabaseAddress, options: DatabaseOptions = {}): Database {
  const sql = connect(address, options);
  sql.options.parsers[timestamptz] = instantFromText;
  // Instants keep their microseconds, and JSON comes as text: neither goes through a Date or JSON.stringify.
  for (const type of [timestamptz, json, jsonb]) sql.options.serializers[type] = (text: string) => text;
  const writers = openWriters(address, options);
  const prepared = new Set<string>();
  return {
    sql,
    writers,
    query: async <Row>(text: string, params: readonly unknown[]) => {
      if (prepared.size < preparedMax) prepared.add(text);
      try {
        const rows = await sql.unsafe(text, params as never[], { prepare: prepared.has(text) });
        return rows as unknown as Row[];
      } catch (error) {
        throw databaseFailure(error) ?? error;
      }
    },
    async close() {
      await Promise.all([sql.end({ timeout: closePatienceMs / 1000 }), endPool(writers)]);
    },
  };
}

/** PostgreSQL's numbers of types. */
const [timestamptz, json, jsonb] = [1184, 114, 3802];
/** What runs longer when the database is closed is cut off. */
const closePatienceMs = 5_000;

function openWriters(
  address: DatabaseAddress,
  { poolSize = 4, statementTimeoutMs, applicationName }: DatabaseOptions,
) {
  return openPool(address, {
    max: poolSize,
    applicationName: applicationName ?? 'vitrine',
    statementTimeoutMs: statementTimeoutMs ?? defaultStatementTimeoutMs,
  });
}

async function endPool(pool: pg.Pool): Promise<void> {
  const patience = Promise.withResolvers<void>();
  const timer = setTimeout(patience.resolve, closePatienceMs);
  await Promise.race([pool.end(), patience.promise]);
  clearTimeout(timer);
}

const defaultStatementTimeoutMs = 30_000;

/** A bare client, without the types of ours: for the schema's own work. */
export function connect(address: DatabaseAddress, options: DatabaseOptions = {}): postgres.Sql {
  const settings = {
    max: options.poolSize ?? 4,
    onnotice: () => {},
    connect_timeout: 10,
    // A database that comes back is noticed at once; the default waits up to 20 s.
    backoff: () => 0.2,
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
    connection: {
      application_name: options.applicationName ?? 'vitrine',
      TimeZone: 'UTC',
      statement_timeout: options.statementTimeoutMs ?? defaultStatementTimeoutMs,
      idle_in_transaction_session_timeout: 60_000,
      jit: 'off',
    },
  } as unknown as postgres.Options<Record<string, never>>;
  return 'url' in address
    ? (postgres(address.url, settings) as postgres.Sql)
    : (postgres({
        ...settings,
        path: `${address.socketDir}/.s.PGSQL.${address.port}`,
        user: address.user,
        database: address.database,
      }) as postgres.Sql);
}

/** PostgreSQL's text of a timestamptz in UTC, as an instant. */
export function instantFromText(text: string): Instant {
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, -3).padEnd(6, '0')}Z`;
}

/**
 * Runs `work` in a transaction; again, up to three times, when PostgreSQL ended it to resolve a deadlock or a
 * conflict of serialisation. `work` must have no effect outside the transaction.
 * @throws UnavailableError the database is away: it is then not known whether a commit took effect
 */
export async function transaction<T>(db: Database, work: (tx: Statements) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runTransaction(db.writers, work);
    } catch (error) {
      const code = sqlState(error);
      const mayRetry = code === '40001' || code === '40P01';
      if (attempt >= 3 || !mayRetry) throw databaseFailure(error) ?? error;
    }
  }
}

async function runTransaction<T>(pool: pg.Pool, work: (tx: Statements) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let isSound = false;
  try {
    await client.query('begin');
    const result = await work(drizzle({ client }));
    const { command } = await client.query('commit');
    // PostgreSQL answers so when a statement had failed and `work` went on all the same.
    if (command !== 'COMMIT') throw new Error(`A transaction was to commit and ended with ${command}.`);
    isSound = true;
    return result;
  } catch (error) {
    // When this fails too the connection is gone, and the transaction with it.
    isSound = await client.query('rollback').then(
      () => true,
      () => false,
    );
    throw error;
  } finally {
    client.release(!isSound);
  }
}
