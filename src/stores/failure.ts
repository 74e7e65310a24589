/**
 * What a failed system call means to the registry. Every driver that ends in errno codes translates with this
 * table, so that the same fault reads the same whichever store it hits. Messages name the store, never a path
 * on the host; the original error stays in `cause` for the log.
 */
import { constants } from 'node:os';
import { ConflictError, DomainError, NotFoundError, UnavailableError } from '../domain/errors.ts';

/** Out of blocks, out of quota, past the largest file. */
const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The sentence for the codes an operator meets most; all others get the general one. */
const sentences: Record<string, string> = {
  EROFS: 'it is read-only',
  EACCES: 'its permissions do not allow it',
  EPERM: 'its permissions do not allow it',
  EIO: 'its disk reports an error',
  ESTALE: 'its network file system lost the file',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  ELOOP: 'the object is a symbolic link',
  ENOENT: 'its directory or the unfinished object is gone',
  ENOTDIR: 'its directory or the unfinished object is gone',
};

/** Names of the numbers: libuv knows fewer than the system, and calls EDQUOT and ESTALE "Unknown system error". */
const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number as number, name]));

/** The errno code of a failed system call; null for any other error. */
export function errnoOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const { code, errno } = error as NodeJS.ErrnoException;
  if (typeof code === 'string' && /^E[A-Z0-9]+$/.test(code)) return code;
  return typeof errno === 'number' ? (names.get(-errno) ?? null) : null;
}

/** What another attempt may mend: the line, the server, the mount; not permissions, room or a request that is wrong. */
const passing = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ESTALE',
]);
const passingStatuses = new Set([408, 429, 500, 502, 503, 504]);

/** What an HTTP server answered in place of what it was asked for. */
export class HttpStatus extends Error {
  readonly status: number;
  /** Null: it did not say. */
  readonly retryAfterMs: number | null;

  constructor(status: number, retryAfter?: string | undefined) {
    super(`The answer was ${status}`);
    this.status = status;
    this.retryAfterMs = retryAfter && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1000 : null;
  }
}

/** Whether the same call may work in a moment. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof UnavailableError)) return false;
  const { cause } = error;
  if (cause instanceof HttpStatus) return passingStatuses.has(cause.status);
  return passing.has(errnoOf(cause) ?? '');
}

/** Whether the store as a whole seems to be away: not when it only refuses this, or is full. */
export function isOutage(error: unknown): boolean {
  return isTransient(error) || (error instanceof UnavailableError && error.reason === 'timeout');
}

/** How long the store asks to be left alone; null when it does not say. */
export function retryAfterMsOf(error: unknown): number | null {
  const cause = error instanceof Error ? error.cause : null;
  return cause instanceof HttpStatus ? cause.retryAfterMs : null;
}

/** `error` in the words of the contract. Domain errors and what is no system call's failure pass unchanged. */
export function storeFailure(store: string, error: unknown): unknown {
  const code = errnoOf(error);
  if (code === null || error instanceof DomainError) return error;
  if (full.has(code)) {
    const message = `Store ${store} is full; make room in it or choose another store`;
    return new UnavailableError(message, { store, reason: 'full' }, { cause: error });
  }
  const why = sentences[code] ?? 'its file system failed';
  const message = `Store ${store} refused: ${why} (${code}); try again later or choose another store`;
  return new UnavailableError(message, { store, reason: 'refused' }, { cause: error });
}

export function nothingUnder(store: string, key: string, cause?: unknown): NotFoundError {
  return new NotFoundError(`Store ${store} has nothing under ${key}`, { cause });
}

/** Keys name one attempt each, so a key that is taken is a mistake of the caller, never to be overwritten. */
export function alreadyThere(store: string, key: string): ConflictError {
  return new ConflictError('ALREADY_EXISTS', `Store ${store} already holds ${key}; write under a new key`);
}
