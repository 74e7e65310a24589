/** The bytes of a URL that a user named, from the first to the last. */

import type { IncomingMessage } from 'node:http';
import { HttpStatus } from '../cloud/outage.ts';
import { DomainError, UnavailableError } from '../domain/errors.ts';
import type { Egress } from './egress/egress.ts';
import { paced, usualPace } from './egress/paced.ts';
import { bodyOf, lengthOf } from './http-body.ts';

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
  try {
    const size = sizeOf(answer);
    const body = bodyOf({ stream: answer, signal, failure: failureOf });
    return { bytes: paced(body, { wholeMs: egress.timeoutMs, ...usualPace }), size };
  } catch (error) {
    answer.destroy();
    throw failureOf(error);
  }
}

/** @throws Error the answer has not the bytes as they are */
function sizeOf(answer: IncomingMessage): number | null {
  if (answer.statusCode !== 200) throw new HttpStatus(answer.statusCode ?? 0);
  const encoding = answer.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new Error('The body is encoded.');
  return lengthOf(answer);
}
