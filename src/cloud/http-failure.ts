/** What answers and broken connections of a server mean to the registry. */
import { DomainError, UnavailableError } from '../domain/errors.ts';
import { errnoOf, HttpStatus } from './outage.ts';

/** Whom a failure is of: the id of a store, or another server of the cloud by its name, as a sentence begins. */
export type Server = string | { readonly name: string };

const nameOf = (server: Server) => (typeof server === 'string' ? `Store ${server}` : server.name);
const aboutOf = (server: Server) => (typeof server === 'string' ? { store: server } : {});
const wayOut = (server: Server) =>
  typeof server === 'string' ? 'try again later or choose another store' : 'try again later';

/** What goes on after the server's name. */
export function serverFailure(
  server: Server,
  what: string,
  { reason = 'refused', cause }: { reason?: 'full' | 'refused' | 'timeout'; cause?: unknown } = {},
): UnavailableError {
  const options = cause === undefined ? {} : { cause };
  const message = `${nameOf(server)} ${what}; ${wayOut(server)}`;
  return new UnavailableError(message, { ...aboutOf(server), reason }, options);
}

/** The sentence for the statuses an operator meets most; all others get the general one. */
const sentences: Record<number, string> = {
  401: 'it does not accept the credentials of the settings',
  403: 'the credentials of the settings are not allowed this',
  429: 'it is asked too often',
  503: 'it is overloaded or being repaired',
};

/** Over a quota of Swift, and out of disks. */
const full = new Set([413, 507]);

/** An answer that is not the one that was wanted. */
export function statusFailure(
  server: Server,
  status: number,
  { retryAfter, cause }: { retryAfter?: string | undefined; cause?: unknown } = {},
): UnavailableError {
  const source = cause ?? new HttpStatus(status, retryAfter);
  if (full.has(status)) {
    const message = `${nameOf(server)} is full; make room in it or choose another store`;
    return new UnavailableError(message, { ...aboutOf(server), reason: 'full' }, { cause: source });
  }
  const why = sentences[status] ?? 'it answered with an error';
  return serverFailure(server, `refused: ${why} (${status})`, { cause: source });
}

/** An error of the connection, or of the protocol on it. Messages name the server, never its address. */
export function connectionFailure(server: Server, error: unknown): unknown {
  if (error instanceof DomainError || !(error instanceof Error)) return error;
  if (error.name === 'TimeoutError')
    return serverFailure(server, 'did not answer in time', { reason: 'timeout', cause: error });
  const code = errnoOf(error) ?? (error as NodeJS.ErrnoException).code;
  if (code === undefined || error.name === 'AbortError') return error;
  return serverFailure(server, `cannot be reached, or broke off (${code})`, { cause: error });
}

/** The store kept other bytes than were sent. */
export function wrongChecksum(store: string, key: string): UnavailableError {
  const message = `Store ${store} received ${key} damaged: its checksum is another; send it again`;
  return new UnavailableError(message, { store, reason: 'refused' });
}
