/** What failed calls have in common, whoever was called: their code or status, and whether they may work in a moment. */
import { constants } from 'node:os';
import { UnavailableError } from '../domain/errors.ts';

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
