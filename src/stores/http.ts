/**
 * Reads objects of other servers: a key is a URL that somebody named, so every request goes through the guarded way
 * out. Nothing is written, and nothing of the settings goes along.
 */
import type { IncomingMessage } from 'node:http';
import { connectionFailure, statusFailure } from '../cloud/http-failure.ts';
import { UnavailableError } from '../domain/errors.ts';
import type { Egress, EgressAnswer } from './egress/egress.ts';
import { paced, usualPace } from './egress/paced.ts';
import { excerpt } from './excerpt.ts';
import { nothingUnder } from './failure.ts';
import { bodyOf, lengthOf } from './http-body.ts';
import type { ByteRange, Store } from './store.ts';

export interface HttpStoreOptions {
  id: string;
  egress: Egress;
}

export function httpStore({ id, egress }: HttpStoreOptions): Store {
  async function ask(
    url: string,
    {
      method,
      range,
      signal,
    }: { method: 'GET' | 'HEAD'; range?: ByteRange | undefined; signal: AbortSignal | undefined },
  ): Promise<IncomingMessage> {
    signal?.throwIfAborted();
    const headers: Record<string, string> = range ? { range: `bytes=${range.start}-${range.end}` } : {};
    try {
      return (await egress.request({ url, method, headers, signal })).answer;
    } catch (error) {
      signal?.throwIfAborted();
      throw connectionFailure(id, error);
    }
  }

  function refusal(url: string, answer: IncomingMessage): unknown {
    answer.destroy();
    const status = answer.statusCode ?? 0;
    if (status === 404 || status === 410) return nothingUnder(id, url);
    return statusFailure(id, status, { retryAfter: answer.headers['retry-after'] });
  }

  return {
    id,
    type: 'http',

    async stat(url, signal) {
      let answer = await ask(url, { method: 'HEAD', signal });
      if (answer.statusCode === 405 || answer.statusCode === 501) {
        answer.destroy();
        answer = await ask(url, { method: 'GET', signal });
      }
      if (answer.statusCode !== 200) throw refusal(url, answer);
      answer.destroy();
      return { size: saidLength(id, answer) };
    },

    async read(url, range, signal) {
      const answer = await ask(url, { method: 'GET', range, signal });
      const isPart = answer.statusCode === 206 && startOf(answer) === range?.start;
      if (answer.statusCode !== 200 && !isPart) throw refusal(url, answer);
      if ((answer.headers['content-encoding'] ?? 'identity') !== 'identity') {
        answer.destroy();
        throw encoded(id);
      }
      const body = bodyOf({ stream: answer, signal, failure: (error) => connectionFailure(id, error) });
      const chunks = paced(body, { wholeMs: egress.timeoutMs, ...usualPace });
      return range && !isPart ? excerpt(chunks, range) : chunks;
    },

    /** There is no server that all URLs are at. */
    async probe(signal) {
      signal?.throwIfAborted();
    },
  };
}

/** Of the first byte, as Content-Range says; null when it does not. */
function startOf(answer: EgressAnswer['answer']): number | null {
  const [, start] = /^bytes (\d{1,15})-/.exec(answer.headers['content-range'] ?? '') ?? [];
  return start === undefined ? null : Number(start);
}

function saidLength(store: string, answer: IncomingMessage): number {
  try {
    const length = lengthOf(answer);
    if (length !== null) return length;
    throw new Error('There is no Content-Length.');
  } catch (cause) {
    const message = `Store ${store} refused: the server does not say how many bytes it has; use another one`;
    throw new UnavailableError(message, { store }, { cause });
  }
}

function encoded(store: string): UnavailableError {
  const message = `Store ${store} refused: the server sends the bytes encoded, though asked not to; use another one`;
  return new UnavailableError(message, { store });
}
