/** What answers and broken connections of a store that is a server mean to the registry. */
import { DomainError, UnavailableError } from '../domain/errors.ts';
import { errnoOf, HttpStatus } from './failure.ts';

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
  store: string,
  status: number,
  { retryAfter, cause }: { retryAfter?: string | undefined; cause?: unknown } = {},
): UnavailableError {
  const source = cause ?? new HttpStatus(status, retryAfter);
  if (full.has(status)) {
    const message = `Store ${store} is full; make room in it or choose another store`;
    return new UnavailableError(message, { store, reason: 'full' }, { cause: source });
  }
  const why = sentences[status] ?? 'it answered with an error';
  const message = `Store ${store} refused: ${why} (${status}); try again later or choose another store`;
  return new UnavailableError(message, { store, reason: 'refused' }, { cause: source });
}

/** An error of the connection, or of the protocol on it. Messages name the store, never its address. */
export function connectionFailure(store: string, error: unknown): unknown {
  if (error instanceof DomainError || !(error instanceof Error)) return error;
  const code = errnoOf(error) ?? (error as NodeJS.ErrnoException).code;
  if (code === undefined || error.name === 'AbortError') return error;
  const message = `Store ${store} cannot be reached, or broke off (${code}); try again later or choose another store`;
  return new UnavailableError(message, { store, reason: 'refused' }, { cause: error });
}

/** The store kept other bytes than were sent. */
export function wrongChecksum(store: string, key: string): UnavailableError {
  const message = `Store ${store} received ${key} damaged: its checksum is another; send it again`;
  return new UnavailableError(message, { store, reason: 'refused' });
}
