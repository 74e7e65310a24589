/** Failures as /v2 tells them: the statuses that it wants finer than the other doors, and its own names of fields. */
import { ConflictError, DomainError, ValidationError } from '../domain/errors.ts';
import { HttpError, type Problem, withStatus } from '../http/problem.ts';

/** A body, a query or a header that cannot be what it should be. */
export const badRequest = (message: string) => new HttpError(400, 'BAD_REQUEST', message);

/** What cannot be written, whoever asks: read-only and reserved names. */
export const notWritable = (message: string) => new HttpError(403, 'NOT_WRITABLE', message);

/** In all of /v2; an operation may say more. */
const everywhere: Readonly<Record<string, number>> = { PROTECTED: 403, NOT_SHARED: 403 };

/** Names of the inside that its messages speak of. */
const names: Record<string, string> = {
  minDisk: 'min_disk',
  minRam: 'min_ram',
  diskFormat: 'disk_format',
  containerFormat: 'container_format',
  SHARED: 'shared',
  COMMUNITY: 'community',
  allStores: 'all_stores',
  updateImage: 'PATCH',
};
const inside = new RegExp(`\\b(?:${Object.keys(names).join('|')})\\b`, 'g');

/** The answer to `error` where an operation has `statuses` of its own. */
export function inRest(
  problem: Problem,
  error: unknown,
  statuses: Readonly<Record<string, number>>,
): Problem {
  if (!(error instanceof DomainError)) return problem;
  const told = withMessage(problem);
  for (const code of codesOf(error)) {
    const status = statuses[code] ?? everywhere[code];
    if (status !== undefined) return withStatus(told, status);
  }
  return told;
}

function codesOf(error: DomainError): string[] {
  if (error instanceof ValidationError) return error.issues.map(({ code }) => code);
  return error instanceof ConflictError ? [error.code] : [];
}

function withMessage(problem: Problem): Problem {
  const { error } = problem.body;
  const message = error.message.replace(inside, (name) => names[name] ?? name);
  return { ...problem, body: { error: { ...error, message } } };
}
