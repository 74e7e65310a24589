/** Pools of pg, which the queue and our own transactions work with. */
import pg from 'pg';
import type { DatabaseAddress } from './client.ts';

export interface PoolOptions {
  max: number;
  applicationName: string;
  /** How long to wait for a connection; 10 s when nothing is said. */
  connectTimeoutMs?: number;
  /** What a statement may take; 0 or nothing: as long as it likes. */
  statementTimeoutMs?: number;
  /** What each connection is told at first: parameters of PostgreSQL and their values. */
  parameters?: Readonly<Record<string, string>>;
  /** Hears of connections that broke; they are replaced either way. */
  onError?: (error: Error) => void;
}

/** Connects at the first use, and again by itself when PostgreSQL was away. */
export function openPool(address: DatabaseAddress, options: PoolOptions): pg.Pool {
  const { max, applicationName, statementTimeoutMs, onError = () => {} } = options;
  // Instants are read as text in UTC.
  const parameters = Object.entries({ timezone: 'utc', ...options.parameters });
  const told = parameters.map(([name, value]) => `set ${name} to '${value}'`).join('; ');
  const common: pg.PoolConfig = {
    max,
    application_name: applicationName,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: 60_000,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 10_000,
    keepAlive: true,
    onConnect: (client) => client.query(told) as unknown as undefined,
  };
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
  // Without somebody who listens, an idle connection that breaks ends the process.
  pool.on('error', onError);
  pool.on('connect', (client) => client.on('error', onError));
  return pool;
}
