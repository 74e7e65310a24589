/** What errors of the SDK's client mean to the registry. */
import type { S3ServiceException } from '@aws-sdk/client-s3';
import { connectionFailure, statusFailure } from '../../cloud/http-failure.ts';
import { HttpStatus } from '../../cloud/outage.ts';
import { DomainError, NotFoundError, UnavailableError } from '../../domain/errors.ts';
import { alreadyThere, nothingUnder } from '../failure.ts';

/** `error` in the words of the contract; 404 and 412 are about `key`. */
export function s3Failure(store: string, key: string, error: unknown): unknown {
  if (error instanceof DomainError || !(error instanceof Error)) return error;
  const { $metadata, $response, name } = error as S3ServiceException;
  const status = $metadata?.httpStatusCode;
  if (status === undefined) return connectionFailure(store, error);
  if (status === 404) return nothingUnder(store, key, error);
  if (status === 412) return alreadyThere(store, key);
  // The answer may hold more than a log should: only its name goes along.
  const cause = Object.assign(new HttpStatus(status, $response?.headers['retry-after']), { name });
  return statusFailure(store, status, { cause });
}

/** Null when there is no such thing. */
export async function orNothing<T>(work: Promise<T>): Promise<T | null> {
  return work.catch((error) => {
    if (error instanceof NotFoundError) return null;
    throw error;
  });
}

/** As the server called its error; null: it is not one of the server. */
export function nameOf(error: unknown): string | null {
  return error instanceof UnavailableError && error.cause instanceof HttpStatus ? error.cause.name : null;
}

/** The server does not know what a header asks for (501). */
export const isUnknownHere = (error: unknown): boolean => statusOf(error) === 501;

/** The credentials, or the server, are not for this call: it would be refused each time. */
export const isNotForUs = (error: unknown): boolean => [403, 405, 501].includes(statusOf(error) ?? 0);

function statusOf(error: unknown): number | null {
  return error instanceof UnavailableError && error.cause instanceof HttpStatus ? error.cause.status : null;
}
