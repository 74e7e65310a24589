/** The connection to PostgreSQL: one pool for typed statements (drizzle) and for hand-written ones (postgres.js). */
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import type { Instant } from '../domain/image.ts';
import { databaseFailure, sqlState } from './failure.ts';

/** Where PostgreSQL is: a URL, or the socket of the embedded one. */
export type DatabaseAddress =
  | { url: string }
  | { socketDir: string; port: number; user: string; database: string };

export interface Database {
  /** For statements written by hand. */
  readonly sql: postgres.Sql;
  /** For typed statements, within `transaction`. */
  readonly orm: PostgresJsDatabase;
  /**
   * A hand-written statement; prepared when its text is one of the few that come again and again.
   * @throws UnavailableError the database is away; TimeoutError the statement took too long
   */
  query<Row>(text: string, params: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

/** A typed connection, or a transaction on one: what a function needs that only runs statements. */
export type Statements = Pick<PostgresJsDatabase, 'select' | 'insert' | 'update' | 'delete' | 'execute'>;

export interface DatabaseOptions {
  /** Connections; 4 is best on two cores. */
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
  const orm = drizzle({ client: sql });
  // drizzle takes the parsers away from the client it is given; instants are ours on both paths.
  sql.options.parsers[1184] = instantFromText;
  const prepared = new Set<string>();
  return {
    sql,
    orm,
    query: async <Row>(text: string, params: readonly unknown[]) => {
      if (prepared.size < preparedMax) prepared.add(text);
      try {
        const rows = await sql.unsafe(text, params as never[], { prepare: prepared.has(text) });
        return rows as unknown as Row[];
      } catch (error) {
        throw databaseFailure(error) ?? error;
      }
    },
    close: () => sql.end({ timeout: 5 }),
  };
}

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
      statement_timeout: options.statementTimeoutMs ?? 30_000,
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
function instantFromText(text: string): Instant {
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
      return await db.orm.transaction(work);
    } catch (error) {
      const code = sqlState(error);
      const mayRetry = code === '40001' || code === '40P01';
      if (attempt >= 3 || !mayRetry) throw databaseFailure(error) ?? error;
    }
  }
}
