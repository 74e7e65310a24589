/**
 * The connections to PostgreSQL: a pool for single statements written by hand, two for those of searches, and one
 * for transactions of typed ones (drizzle), so that writers who wait for each other's locks keep no reader waiting,
 * nor a search who only looks up an image.
 *
 * All are of pg. postgres.js is as quick and not to be trusted when a connection breaks: it answers a statement
 * that it never sent with no rows, as if nothing were there, and sends the rest of a broken transaction over
 * another connection, or into nothing, which ends the process (porsager/postgres #1155, #1208).
 */
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import postgres from 'postgres';
import type { Instant } from '../domain/image.ts';
import { databaseFailure, sqlState } from './failure.ts';
import { fairTurns } from './fair-turns.ts';
import { openPool } from './pool.ts';

/** Where PostgreSQL is: a URL, or the socket of the embedded one. */
export type DatabaseAddress =
  | { url: string }
  | { socketDir: string; port: number; user: string; database: string };

export interface Database {
  /** For `transaction`. */
  readonly writers: pg.Pool;
  /**
   * A hand-written statement; prepared when its text is one of the few that come again and again. Integers of
   * eight bytes come as numbers, instants as text in UTC.
   * @throws UnavailableError the database is away; TimeoutError the statement took too long
   */
  query<Row>(text: string, params: readonly unknown[]): Promise<Row[]>;
  /**
   * A statement of a search: it may take `searchTimeoutMs` and no longer. With `prepared` it is planned once, whatever
   * its values, and kept on the connections; others are many, or are planned better with their values, each time.
   * @throws as query
   */
  search<Row>(text: string, params: readonly unknown[], how?: SearchStatement): Promise<Row[]>;
  close(): Promise<void>;
}

/** A transaction: what a function needs that only runs statements. */
export type Statements = Pick<NodePgDatabase, 'select' | 'insert' | 'update' | 'delete' | 'execute'>;

export interface SearchStatement {
  prepared?: boolean;
  /** It reads much: it waits until those of other projects have had their turn. */
  costlyFor?: string;
}

export interface DatabaseOptions {
  /** Connections of each pool; 4 is best on two cores. */
  poolSize?: number;
  /** What a statement may take before it is ended with 57014. */
  statementTimeoutMs?: number;
  /** What a statement of a search may take. */
  searchTimeoutMs?: number;
  applicationName?: string;
}

/** Distinct texts kept prepared on each connection: shapes of queries come from users, memory is ours. */
const preparedMax = 200;
const defaultStatementTimeoutMs = 30_000;
const defaultSearchTimeoutMs = 2_000;
/** Costly statements at once: others find a connection and a core. */
const costlyAtOnce = 2;
/** Searches at once that are planned anew, costly ones among them. */
const plannedAtOnce = 3;
/** What runs longer when the database is closed is left to its fate. */
const closePatienceMs = 5_000;

/**
 * To start parallel workers, or to compile, takes longer than a page; and one search is not to have all processors.
 * The images that an index has found are kept in mind one by one, not page by page.
 */
const searchParameters = { max_parallel_workers_per_gather: '0', jit: 'off', work_mem: '32MB' };
/** To plan such a statement takes as long as to run it, and its plan is always the same: it is written so. */
const preparedParameters = { ...searchParameters, plan_cache_mode: 'force_generic_plan' };

/** Opens the pools. Connects at the first statement, and again by itself when PostgreSQL was away. */
export function openDatabase(address: DatabaseAddress, options: DatabaseOptions = {}): Database {
  const poolOptions = {
    max: options.poolSize ?? 4,
    applicationName: options.applicationName ?? 'vitrine',
    statementTimeoutMs: options.statementTimeoutMs ?? defaultStatementTimeoutMs,
  };
  const readers = openPool(address, poolOptions);
  const writers = openPool(address, poolOptions);
  const searchTimeoutMs = options.searchTimeoutMs ?? defaultSearchTimeoutMs;
  const searching = { ...poolOptions, statementTimeoutMs: searchTimeoutMs };
  const searchers = openPool(address, { ...searching, parameters: preparedParameters });
  const planners = openPool(address, { ...searching, max: plannedAtOnce, parameters: searchParameters });
  const turns = fairTurns(costlyAtOnce);
  const nameOfQuery = statementNames();
  const nameOfSearch = statementNames();

  async function run<Row>(pool: pg.Pool, text: string, params: readonly unknown[], name?: string) {
    const statement = { text, values: params as unknown[], types };
    try {
      const { rows } = await pool.query({ ...statement, name }).catch((error) => {
        // A migration changed what a prepared statement gives: this connection cannot run it by that name.
        if (sqlState(error) === '0A000') return pool.query(statement);
        throw error;
      });
      return rows as Row[];
    } catch (error) {
      throw databaseFailure(error) ?? error;
    }
  }

  return {
    writers,
    query: (text, params) => run(readers, text, params, nameOfQuery(text)),
    search(text, params, { prepared = false, costlyFor } = {}) {
      const name = prepared ? nameOfSearch(text) : undefined;
      const work = () => run<never>(name === undefined ? planners : searchers, text, params, name);
      return costlyFor === undefined ? work() : turns.take(costlyFor, work);
    },
    async close() {
      await Promise.all([readers, searchers, planners, writers].map(endPool));
    },
  };
}

/** A name for each text, as long as there are few. */
function statementNames(): (text: string) => string | undefined {
  const names = new Map<string, string>();
  return (text) => {
    if (!names.has(text) && names.size < preparedMax) names.set(text, `q${names.size}`);
    return names.get(text);
  };
}

/** PostgreSQL's numbers of types. */
const [int8, textArray, timestamptz] = [20, 1009, 1184];

const types: pg.CustomTypesConfig = {
  getTypeParser(type, format) {
    if (type === int8) return Number;
    if (type === timestamptz) return instantFromText;
    if (type === textArray && format === 'text') return textsFromText;
    return pg.types.getTypeParser(type, format);
  },
};

async function endPool(pool: pg.Pool): Promise<void> {
  const patience = Promise.withResolvers<void>();
  const timer = setTimeout(patience.resolve, closePatienceMs);
  await Promise.race([pool.end(), patience.promise]);
  clearTimeout(timer);
}

/** A bare client for a few statements, where nothing hangs on a connection that breaks. */
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

/** PostgreSQL's text of a list of texts. Where it quotes some the general parser is asked, which takes its time. */
function textsFromText(text: string): (string | null)[] {
  if (text.includes('"') || text.includes('NULL')) return pg.types.getTypeParser(textArray)(text);
  return text === '{}' ? [] : text.slice(1, -1).split(',');
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
