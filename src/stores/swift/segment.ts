/**
 * One object of Swift while its bytes come, sent chunked and not kept: the server is asked first ("Expect:
 * 100-continue"), so that a token that ran out, a missing container or a full cluster costs no bytes, and can be
 * answered. Afterwards nothing can be sent again, and a failure is the end of the upload.
 */
import { createHash } from 'node:crypto';
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { drop } from '../../cloud/http-call.ts';
import { connectionFailure, statusFailure, wrongChecksum } from '../../cloud/http-failure.ts';
import { retried } from '../retries.ts';
import type { Container } from './account.ts';

export interface Segment {
  /** Resolves when the next chunk is welcome; the chunk is ours until then and one call longer. */
  write(chunk: Uint8Array): Promise<void>;
  /** The object is there, whole. */
  finish(): Promise<{ etag: string; size: number }>;
  /** Nothing is there, or will be. Harmless after finish(). */
  destroy(): void;
}

export interface SegmentOptions {
  container: Container;
  name: string;
  headers?: OutgoingHttpHeaders;
  signal: AbortSignal;
}

export async function beginSegment(options: SegmentOptions): Promise<Segment> {
  const { request, answer } = await retried(() => welcome(options), options.signal);
  const { store } = options.container;
  const hash = createHash('md5');
  let size = 0;
  let broken: unknown = null;
  let sent: Promise<void> = Promise.resolve();
  let isComplete = false;

  function fail(error: unknown): void {
    broken ??= connectionFailure(store, error);
  }

  // An answer before the end is a refusal: whoever writes must hear of it, and not wait for a socket that is full.
  const early = answer.then(
    (found) => isComplete || fail(refusal(store, found)),
    (error) => isComplete || fail(error),
  );

  function send(chunk: Uint8Array): Promise<void> {
    const gone = new Promise<void>((resolve, reject) => {
      request.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
    return Promise.race([gone, early]).then(() => {}, fail);
  }

  return {
    async write(chunk) {
      await sent;
      if (broken) throw broken;
      if (chunk.length === 0) return; // it would be the last one
      size += chunk.length;
      sent = send(chunk);
      hash.update(chunk);
    },
    async finish() {
      await sent;
      if (broken) throw broken;
      isComplete = true;
      request.end();
      const found = await answer.catch((error) => {
        throw connectionFailure(store, error);
      });
      if (found.statusCode !== 201) throw refusal(store, found);
      drop(found);
      const etag = hash.digest('hex');
      if (found.headers.etag?.replace(/"/g, '') !== etag) throw wrongChecksum(store, options.name);
      return { etag, size };
    },
    destroy: () => void request.destroy(),
  };
}

interface Welcomed {
  request: ClientRequest;
  /** Comes when all is sent, or something is wrong. */
  answer: Promise<IncomingMessage>;
}

/** Asks until the server wants the bytes. @throws UnavailableError it does not */
async function welcome(options: SegmentOptions): Promise<Welcomed> {
  const first = await ask(options);
  if (first.kind === 'welcome') return first;
  if (first.status === 401) first.forget();
  else if (first.status === 404)
    await options.container.status({ method: 'PUT', name: '', signal: options.signal });
  else throw first.failure;
  const second = await ask(options);
  if (second.kind === 'welcome') return second;
  throw second.failure;
}

/** Not everything between us and Swift knows how to say "go on": RFC 9110 10.1.1. */
const silenceMs = 5_000;

type Asked =
  | ({ kind: 'welcome' } & Welcomed)
  | { kind: 'refused'; status: number; failure: unknown; forget(): void };

async function ask({ container, name, headers, signal }: SegmentOptions): Promise<Asked> {
  const wish = { ...headers, expect: '100-continue', 'transfer-encoding': 'chunked' };
  const { request, forget } = await container.begin({ method: 'PUT', name, headers: wish, signal });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.on('error', reject);
    request.once('close', () => reject(Object.assign(new Error('Closed'), { code: 'ECONNRESET' })));
  });
  answer.catch(() => {}); // heard of by whoever waits for it
  const goOn = new Promise<void>((resolve) => request.once('continue', resolve));
  request.flushHeaders();
  const silence = new AbortController();
  const found = await Promise.race([goOn, answer, sleep(silenceMs, undefined, { signal: silence.signal })])
    .catch((error) => {
      signal.throwIfAborted();
      throw connectionFailure(container.store, error);
    })
    .finally(() => silence.abort());
  if (!found) return { kind: 'welcome', request, answer };
  const status = found.statusCode ?? 0;
  const failure = refusal(container.store, found);
  request.destroy(); // no body follows: the connection is of no more use
  return { kind: 'refused', status, failure, forget };
}

function refusal(store: string, answer: IncomingMessage): unknown {
  drop(answer);
  return statusFailure(store, answer.statusCode ?? 0, { retryAfter: answer.headers['retry-after'] });
}
