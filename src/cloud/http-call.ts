/**
 * One request to a server that the operator named, over node:http: it streams bodies both ways, waits for
 * "100 Continue" when asked to, and knows no proxy. What an answer means is left to the caller.
 */
import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';

/** Connections to one service, kept for the next call. */
export interface Line {
  readonly agents: { 'http:': http.Agent; 'https:': https.Agent };
  /** How long a connection may take to be made. */
  readonly connectMs: number;
}

export interface HttpCall {
  line: Line;
  method: string;
  url: string;
  headers?: http.OutgoingHttpHeaders;
  /** Sent whole. */
  body?: string | Buffer;
  signal?: AbortSignal | undefined;
}

export function openLine({ connectMs }: { connectMs: number }): Line {
  // No proxy, whatever the environment says: the settings name the server itself.
  const options = { keepAlive: true, scheduling: 'lifo' as const, proxyEnv: undefined };
  return { agents: { 'http:': new http.Agent(options), 'https:': new https.Agent(options) }, connectMs };
}

/** A request whose body the caller writes. Its errors come with 'error', as node:http has them. */
export function beginCall({
  line,
  method,
  url,
  headers,
  signal,
}: Omit<HttpCall, 'body'>): http.ClientRequest {
  const target = new URL(url);
  const isSecure = target.protocol === 'https:';
  const options = { method, headers, signal, agent: line.agents[isSecure ? 'https:' : 'http:'] };
  const request = isSecure ? https.request(target, options) : http.request(target, options);
  request.once('socket', (socket) => {
    if (!socket.connecting) return;
    const timer = setTimeout(() => request.destroy(timedOut()), line.connectMs);
    socket.once(isSecure ? 'secureConnect' : 'connect', () => clearTimeout(timer));
    socket.once('close', () => clearTimeout(timer));
  });
  return request;
}

/**
 * The answer, when its headers are here; the caller reads its body or destroys it. A connection that was kept and
 * turns out to be closed is tried once more: the server cannot have read the request.
 */
export async function call(options: HttpCall): Promise<http.IncomingMessage> {
  for (let isFirst = true; ; isFirst = false) {
    const request = beginCall(options);
    try {
      return await answerOf(request, options.body);
    } catch (error) {
      options.signal?.throwIfAborted();
      const isStale = request.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET';
      if (!isFirst || !isStale) throw error;
    }
  }
}

function answerOf(
  request: http.ClientRequest,
  body: string | Buffer | undefined,
): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('error', reject); // stays: what comes after the answer has its own listener, this one hears the rest
    request.once('response', resolve);
    request.end(body);
  });
}

/** There is more of an answer than was to be read of it. */
export class AnswerTooLong extends Error {}

/** The whole body, so many bytes at most: for small answers. @throws AnswerTooLong */
export async function bytesOf(answer: Readable, max: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer) {
    length += chunk.length;
    if (length > max) throw new AnswerTooLong(`The answer is longer than ${max} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The same as text. */
export async function textOf(answer: Readable, max = 16 * 2 ** 20): Promise<string> {
  return (await bytesOf(answer, max)).toString('utf8');
}

/** Reads what little there is, so that the connection can be used again. */
export function drop(answer: Readable): void {
  answer.on('error', () => {});
  answer.resume();
}

function timedOut(): Error {
  return Object.assign(new Error('The connection could not be made in time'), { code: 'ETIMEDOUT' });
}
