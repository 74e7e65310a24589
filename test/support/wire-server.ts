/**
 * An HTTP server on loopback that fails as told: before a request, in the middle of its body or of the answer. What it
 * answers otherwise is given by a test's own handler, which sees each request with its whole body.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface WireFault {
  /** Which requests, by `PUT /path?query`. */
  on: RegExp;
  /** So many of them are let through before. */
  skip?: number;
  /** And so many fail; all when left out. */
  times?: number;
  how: /** Answered so, before the body is read. */
    | { status: number; headers?: Record<string, string> }
    | 'hang'
    | 'reset'
    /** After so many bytes of the request. */
    | { resetAfter: number }
    | { statusAfter: number; status: number }
    /** After so many bytes of the answer's body. */
    | { cutAfter: number }
    /** Everything is done, and nobody hears of it. */
    | 'lose answer'
    /** The bytes arrive as others. */
    | 'spoil';
}

export interface WireRequest {
  method: string;
  url: URL;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

export interface WireAnswer {
  status: number;
  headers?: Record<string, string | number>;
  body?: string | Buffer;
}

export interface WireServer {
  url: string;
  /** From now on; replaces what was told before. */
  fail(...faults: WireFault[]): void;
  /** `PUT /path` of every request that came, with those that failed. */
  seen: string[];
  close(): Promise<void>;
}

export interface WireHandler {
  /** Before the body is read: an answer in its place, or null. */
  refuse?(request: Omit<WireRequest, 'body'>): WireAnswer | null;
  answer(request: WireRequest): WireAnswer;
}

export async function wireServer(handler: WireHandler): Promise<WireServer> {
  let faults: (WireFault & { met: number })[] = [];
  const seen: string[] = [];

  function faultFor(what: string): WireFault | null {
    for (const fault of faults) {
      if (!fault.on.test(what)) continue;
      fault.met++;
      const nth = fault.met - (fault.skip ?? 0);
      if (nth > 0 && nth <= (fault.times ?? Number.POSITIVE_INFINITY)) return fault;
    }
    return null;
  }

  async function serve(request: IncomingMessage, response: ServerResponse, asks: boolean): Promise<void> {
    request.on('error', () => {});
    response.on('error', () => {});
    const what = `${request.method} ${request.url}`;
    seen.push(what);
    const how = faultFor(what)?.how ?? null;
    const url = new URL(request.url ?? '/', 'http://wire');
    const head = { method: request.method ?? '', url, headers: request.headers };
    if (how === 'hang') return;
    if (how === 'reset') return void request.destroy();
    const early = how && typeof how === 'object' && 'status' in how && !('statusAfter' in how) ? how : null;
    const refusal = early ?? handler.refuse?.(head) ?? null;
    if (refusal) return send(response, { ...refusal, headers: { connection: 'close', ...refusal.headers } });
    if (asks) response.writeContinue();
    const body = await received(request, response, how);
    if (!body) return;
    if (how === 'spoil') body[0] = (body[0] ?? 0) ^ 1;
    const answer = handler.answer({ ...head, body });
    if (how === 'lose answer') return void request.socket.destroy();
    if (how && typeof how === 'object' && 'cutAfter' in how) return cut(response, answer, how.cutAfter);
    send(response, answer, head.method === 'HEAD');
  }

  const server = createServer((request, response) => void serve(request, response, false));
  server.on('checkContinue', (request, response) => void serve(request, response, true));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    fail(...next) {
      faults = next.map((fault) => ({ ...fault, met: 0 }));
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The body; null when it did not come to its end, or was not waited for. */
async function received(
  request: IncomingMessage,
  response: ServerResponse,
  how: WireFault['how'] | null,
): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request) {
      chunks.push(chunk);
      length += chunk.length;
      if (!how || typeof how !== 'object') continue;
      if ('resetAfter' in how && length > how.resetAfter) request.destroy();
      if ('statusAfter' in how && length > how.statusAfter) {
        send(response, { status: how.status, headers: { connection: 'close' } });
        return null;
      }
    }
  } catch {
    return null;
  }
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, { status, headers, body = '' }: WireAnswer, isHead = false): void {
  response.writeHead(status, {
    ...(isHead ? {} : { 'content-length': Buffer.byteLength(body) }),
    ...headers,
  });
  response.end(isHead ? undefined : body);
}

function cut(response: ServerResponse, { status, headers, body = '' }: WireAnswer, length: number): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { 'content-length': bytes.length, ...headers });
  response.write(bytes.subarray(0, length), () => setTimeout(() => response.destroy(), 20));
}
