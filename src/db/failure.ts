/** What a failure of the database means for the caller. */
import { TimeoutError, UnavailableError } from '../domain/errors.ts';

/** Codes of postgres.js and Node for a connection that broke or could not be made. */
const connectionCodes = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** pg gives no code to what it says about a connection of its own. */
const connectionMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|Client (was closed|has encountered a connection error))/;

/**
 * The expected failure behind a database error (away, restarting, read-only, too slow), or null when it is
 * none of these and therefore a bug.
 */
export function databaseFailure(error: unknown): UnavailableError | TimeoutError | null {
  const code = sqlState(error);
  if (code === null) return connectionBroke(error) ? away(error) : null;
  if (code === '57014') {
    return new TimeoutError('This takes longer than a query may; narrow it down with another condition.', {
      cause: error,
    });
  }
  // 08 connection (but P01, a statement of ours that is wrong), 53 resources, 57P0x shutdown and start, 25006 read-only primary, 40 after all retries.
  if (connectionCodes.has(code) || /^(08(?!P01)...|53...|57P0[1-5]|25006|40001|40P01)$/.test(code)) {
    return away(error);
  }
  return null;
}

const away = (cause: unknown) =>
  new UnavailableError('The catalog does not answer right now; try again in a few seconds.', {}, { cause });

function connectionBroke(error: unknown): boolean {
  for (let e = error; e instanceof Error; e = e.cause) if (connectionMessages.test(e.message)) return true;
  return false;
}

/** The SQLSTATE, or the connection's own code, of an error or of what caused it; null when it has none. */
export function sqlState(error: unknown): string | null {
  for (let e = error; e instanceof Error; e = e.cause) {
    if ('code' in e && typeof e.code === 'string') return e.code;
    if (e instanceof AggregateError && e.errors.length > 0) return sqlState(e.errors[0]);
  }
  return null;
}
