/**
 * A load generator, in a process of its own: keeps some connections busy with one request each for a while, and
 * tells how that went. It speaks just enough HTTP/1.1 itself (answers with Content-Length) to cost far less than
 * any server that it measures.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';

export interface Load {
  url: string;
  /** Sent by POST; of several one after the other, over and over. Null: a GET. */
  body: string | readonly string[] | null;
  headers: Record<string, string>;
  connections: number;
  seconds: number;
  /** Ends after so many, if that is sooner. */
  requests?: number;
}

export interface Measured {
  requests: number;
  perSecond: number;
  /** Milliseconds from the first byte sent to the last byte received. */
  p50: number;
  p95: number;
}

export interface LoadGenerator {
  /** @throws Error anything but a 200 came back */
  run(load: Load): Promise<Measured>;
  stop(): void;
}

/** Starts one; it stays warm from one load to the next. */
export function startLoadGenerator(): LoadGenerator {
  const child = fork(import.meta.filename);
  return {
    async run(load) {
      child.send(load);
      const [answer] = (await once(child, 'message')) as [Measured | { error: string }];
      if ('error' in answer) throw new Error(answer.error);
      return answer;
    },
    stop: () => child.disconnect(),
  };
}

async function generate(load: Load): Promise<Measured> {
  const requests = [load.body].flat().map((body) => requestOf(load, body));
  const { hostname: host, port } = new URL(load.url);
  const taken: number[] = [];
  const start = performance.now();
  const end = start + load.seconds * 1000;
  const most = load.requests ?? Number.POSITIVE_INFINITY;
  let sent = 0;
  const isOver = () => sent >= most || performance.now() >= end;
  const next = () => (isOver() ? null : (requests[sent++ % requests.length] ?? null));
  const lines = Array.from({ length: load.connections }, () =>
    keepBusy({ host, port: Number(port), next, isOver, taken }),
  );
  await Promise.all(lines);
  return measuredOf(taken, performance.now() - start);
}

/** Of requests that took these milliseconds, and all together `ms`. */
export function measuredOf(taken: number[], ms: number): Measured {
  taken.sort((a, b) => a - b);
  const quantile = (q: number) => taken[Math.floor(taken.length * q)] ?? Number.NaN;
  return {
    requests: taken.length,
    perSecond: (taken.length / ms) * 1000,
    p50: quantile(0.5),
    p95: quantile(0.95),
  };
}

function requestOf({ url, headers }: Load, body: string | null): Buffer {
  const { host, pathname, search } = new URL(url);
  const about =
    body === null ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  const head = Object.entries({ Host: host, ...headers, ...about }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const method = body === null ? 'GET' : 'POST';
  return Buffer.from(`${method} ${pathname}${search} HTTP/1.1\r\n${head.join('')}\r\n${body ?? ''}`);
}

interface Line {
  host: string;
  port: number;
  /** The request to send now; null: no more. */
  next(): Buffer | null;
  isOver(): boolean;
  /** Gets the milliseconds of every request. */
  taken: number[];
}

/** One connection after the other, as long as there is time: servers close them after so many requests. */
async function keepBusy(line: Line): Promise<void> {
  while (!line.isOver()) await useConnection(line);
}

function useConnection({ host, port, next, taken }: Line): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    let sentAt = 0;
    /** Bytes of the answer still to come; 0 before its head is read. */
    let missing = 0;
    let isLast = false;
    const send = () => {
      const request = next();
      if (!request) return void socket.destroy();
      sentAt = performance.now();
      socket.write(request);
    };
    socket.on('connect', send);
    socket.on('error', reject);
    socket.on('close', () => resolve());
    socket.on('data', (chunk) => {
      if (missing === 0) {
        const head = chunk.toString('latin1', 0, Math.max(0, chunk.indexOf('\r\n\r\n')));
        const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
        if (!head.startsWith('HTTP/1.1 200 ') || length === undefined) {
          reject(new Error(`Not a good answer: ${chunk.toString().slice(0, 1000)}`));
          socket.destroy();
          return;
        }
        isLast = /\r\nconnection: close/i.test(head);
        missing = head.length + 4 + Number(length);
      }
      missing -= chunk.length;
      if (missing > 0) return;
      taken.push(performance.now() - sentAt);
      if (isLast) socket.destroy();
      else send();
    });
  });
}

if (process.send && import.meta.main) {
  process.on('message', (load: Load) => {
    generate(load).then(
      (measured) => process.send?.(measured),
      (error: Error) => process.send?.({ error: error.message }),
    );
  });
}
