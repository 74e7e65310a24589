/** The bytes of a URL that a user named, from the first to the last. */

import { DomainError, UnavailableError } from '../domain/errors.ts';
import type { Egress } from './egress/egress.ts';
import { paced, usualPace } from './egress/paced.ts';
import { HttpStatus } from './failure.ts';
import { bodyOf } from './http-body.ts';

export interface FetchedBytes {
  /** To be iterated, once. A body that is cut off is an UnavailableError. */
  bytes: AsyncIterable<Uint8Array>;
  /** As Content-Length says; null when it does not. */
  size: number | null;
}

/**
 * Whatever it is that failed, the words are the same: where the operator lets private networks through, they tell
 * nobody what is in them. The cause is for the log.
 */
function failureOf(error: unknown): unknown {
  if (error instanceof DomainError) return error;
  const message =
    'The server of this URL cannot be reached, broke off, or answered with an error; check the URL, or try again later';
  return new UnavailableError(message, {}, { cause: error });
}

/**
 * @throws ValidationError  URL_REFUSED: this service may not fetch it
 * @throws UnavailableError the server does not answer, or with something else than the bytes
 */
export async function fetchUrl(egress: Egress, url: string, signal: AbortSignal): Promise<FetchedBytes> {
  const { answer } = await egress.request({ url, method: 'GET', signal }).catch((error) => {
    signal.throwIfAborted();
    throw failureOf(error);
  });
  const status = answer.statusCode ?? 0;
  const isEncoded = (answer.headers['content-encoding'] ?? 'identity') !== 'identity';
  if (status !== 200 || isEncoded) {
    answer.destroy();
    throw failureOf(isEncoded ? new Error('The body is encoded.') : new HttpStatus(status));
  }
  const length = answer.headers['content-length'];
  const body = bodyOf({ stream: answer, signal, failure: failureOf });
  const bytes = paced(body, { wholeMs: egress.timeoutMs, ...usualPace });
  return { bytes, size: length === undefined ? null : Number(length) };
}
