/**
 * The failures that callers can expect, one class each, with a stable code and a sentence that names the
 * thing and the way out. Doors turn them into GraphQL unions and HTTP statuses; nothing here knows of either.
 */

/** One thing wrong with an input: where (argument down to the leaf, list positions as digits) and why. */
export interface ValidationIssue {
  path: string[];
  code: string;
  message: string;
  suggestion: string | null;
}

/** Base of all expected failures. `message` is for people, `code` for programs and never changes. */
export abstract class DomainError extends Error {
  abstract readonly code: string;
}

/** The input breaks a rule; nothing was changed. */
export class ValidationError extends DomainError {
  override readonly name = 'ValidationError';
  readonly code = 'INVALID_INPUT';
  readonly issues: ValidationIssue[];

  constructor(issues: ValidationIssue[], options?: ErrorOptions) {
    super(issues.map((i) => i.message).join('; '), options);
    this.issues = issues;
  }
}

/** A ValidationError about one value. `path` goes from the argument down. */
export function invalid(path: string[], code: string, message: string, suggestion: string | null = null) {
  return new ValidationError([{ path, code, message, suggestion }]);
}

/** Missing, or not to be seen by the caller: the two are the same to the last letter. */
export class NotFoundError extends DomainError {
  override readonly name = 'NotFoundError';
  readonly code = 'NOT_FOUND';
}

/** Seen, but the caller's role or the policy does not allow it. */
export class ForbiddenError extends DomainError {
  override readonly name = 'ForbiddenError';
  readonly code = 'FORBIDDEN';
}

/** Nobody in particular asked: there is no valid token. */
export class UnauthenticatedError extends DomainError {
  override readonly name = 'UnauthenticatedError';
  readonly code = 'UNAUTHENTICATED';
}

export type ConflictCode =
  | 'REVISION_MISMATCH'
  | 'ALREADY_EXISTS'
  | 'WRONG_STATUS'
  | 'PROTECTED'
  | 'IN_USE'
  | 'LAST_COPY'
  | 'NOT_SHARED'
  | 'BUSY'
  | 'OFFSET_MISMATCH'
  | 'GONE';

/** The state of the thing, or its revision, does not allow this now. */
export class ConflictError extends DomainError {
  override readonly name = 'ConflictError';
  readonly code: ConflictCode;
  /** Only with REVISION_MISMATCH. */
  readonly currentRevision: number | null;

  constructor(code: ConflictCode, message: string, currentRevision: number | null = null) {
    super(message);
    this.code = code;
    this.currentRevision = currentRevision;
  }
}

/** A limit on an amount would be passed. Bytes for sizes, otherwise a count. */
export class QuotaExceededError extends DomainError {
  override readonly name = 'QuotaExceededError';
  readonly code = 'QUOTA_EXCEEDED';
  readonly resource: string;
  readonly limit: number;
  readonly used: number;
  readonly requested: number;

  constructor(about: { resource: string; limit: number; used: number; requested: number }, message: string) {
    super(message);
    this.resource = about.resource;
    this.limit = about.limit;
    this.used = about.used;
    this.requested = about.requested;
  }
}

/** Something we depend on refuses or is away; the same request may work later. */
export class UnavailableError extends DomainError {
  override readonly name = 'UnavailableError';
  readonly code = 'UNAVAILABLE';
  /** The store it is about; null when it is not about one. */
  readonly store: string | null;
  /** 'full' when the store has no room left. */
  readonly reason: 'full' | 'refused' | 'timeout';

  constructor(
    message: string,
    about: { store?: string | null; reason?: 'full' | 'refused' | 'timeout' } = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.store = about.store ?? null;
    this.reason = about.reason ?? 'refused';
  }
}

/** More is asked for than one may have in that time, or at once. */
export class RateLimitedError extends DomainError {
  override readonly name = 'RateLimitedError';
  readonly code = 'RATE_LIMITED';
  /** A whole number from 1. */
  readonly retryAfterSeconds: number;

  constructor(message: string, retryAfterSeconds: number) {
    super(message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** A question to the catalog took longer than it may. */
export class TimeoutError extends DomainError {
  override readonly name = 'TimeoutError';
  readonly code = 'TIMEOUT';
}

/** A question that would read more of the catalog than one may: refused before it runs. */
export class TooCostlyError extends DomainError {
  override readonly name = 'TooCostlyError';
  readonly code = 'TOO_COSTLY';
  /** What it would cost, and what one may: in units of the database's planner, about a row read each. */
  readonly cost: number;
  readonly limit: number;

  constructor(message: string, about: { cost: number; limit: number }) {
    super(message);
    this.cost = about.cost;
    this.limit = about.limit;
  }
}

/** The stored bytes are not what was published: shorter, longer or gone. */
export class DamagedError extends DomainError {
  override readonly name = 'DamagedError';
  readonly code = 'DAMAGED';
}
