/** Failures as HTTP answers: one table by class, with the few codes that need a finer status. */
import {
  ConflictError,
  DamagedError,
  DomainError,
  ForbiddenError,
  NotFoundError,
  QuotaExceededError,
  RateLimitedError,
  TimeoutError,
  TooCostlyError,
  UnauthenticatedError,
  UnavailableError,
  ValidationError,
} from '../domain/errors.ts';
import { isFormatRefusal } from '../domain/inspection.ts';

/** A refusal that is about HTTP itself: a wrong media type, a range that cannot be had. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Record<string, string>;

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** What a quota was exceeded by: as the fields of QuotaExceededError in GraphQL. */
type Exceeded = Pick<QuotaExceededError, 'resource' | 'limit' | 'used' | 'requested'>;

export interface Problem {
  status: number;
  headers: Record<string, string>;
  /** As it is sent: the nested form that OpenStack clients and people read alike. */
  body: {
    error: { code: number; title: string; message: string; type: string } & Partial<Exceeded>;
  };
}

const titles: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  412: 'Precondition Failed',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  423: 'Locked',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  460: 'Checksum Mismatch',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

const statuses: [new (...args: never[]) => Error, (error: never) => number][] = [
  [
    ValidationError,
    ({ issues }: ValidationError) => (issues.some((one) => isFormatRefusal(one.code)) ? 415 : 400),
  ],
  [UnauthenticatedError, () => 401],
  [ForbiddenError, () => 403],
  [NotFoundError, () => 404],
  [ConflictError, (error: ConflictError) => (error.code === 'GONE' ? 410 : 409)],
  [DamagedError, () => 410],
  [QuotaExceededError, () => 413],
  [RateLimitedError, () => 429],
  [UnavailableError, (error: UnavailableError) => (error.reason === 'full' ? 413 : 503)],
  [TimeoutError, () => 503],
  [TooCostlyError, () => 400],
];

/** The answer to an expected failure, or null when the error is a bug. */
export function problemOf(error: unknown): Problem | null {
  if (error instanceof HttpError) return problem(error.status, error.code, error.message, error.headers);
  if (!(error instanceof DomainError)) return null;
  const status = statuses.find(([type]) => error instanceof type)?.[1](error as never) ?? 500;
  const headers: Record<string, string> = {};
  if (status === 503) headers['retry-after'] = '2';
  if (error instanceof RateLimitedError) headers['retry-after'] = String(error.retryAfterSeconds);
  const found = problem(status, error.code, error.message, headers);
  if (error instanceof QuotaExceededError) {
    const { resource, limit, used, requested } = error;
    Object.assign(found.body.error, { resource, limit, used, requested });
  }
  return found;
}

/** The answer to a bug: says nothing but where to look. */
export function internalProblem(requestId: string): Problem {
  return problem(
    500,
    'INTERNAL_SERVER_ERROR',
    `Something went wrong here; the log has it under ${requestId}.`,
  );
}

/** The same failure where a door wants another status for it. */
export function withStatus({ headers, body: { error } }: Problem, status: number): Problem {
  return problem(status, error.type, error.message, headers);
}

function problem(
  status: number,
  type: string,
  message: string,
  headers: Record<string, string> = {},
): Problem {
  return {
    status,
    headers,
    body: { error: { code: status, title: titles[status] ?? 'Error', message, type } },
  };
}
