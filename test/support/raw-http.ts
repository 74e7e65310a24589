/** A bare connection: writes any bytes, and reads the answers as HTTP/1.1 has them. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: string;
}

export interface RawConnection {
  readonly socket: Socket;
  write(data: string | Uint8Array): void;
  /** All that came so far, whole answers only. */
  readonly answers: readonly RawAnswer[];
  /** The first answer, or the next that was not asked for yet. @throws Error the connection ends before it */
  answer(): Promise<RawAnswer>;
  /** Resolves when both sides are closed, however that came. */
  readonly closed: Promise<void>;
}

export async function rawConnection(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  const answers: RawAnswer[] = [];
  let buffer: Buffer = Buffer.alloc(0);
  let given = 0;
  let isOver = false;
  let wake = Promise.withResolvers<void>();
  function stir(): void {
    wake.resolve();
    wake = Promise.withResolvers();
  }
  socket.on('data', (chunk: Buffer) => {
    buffer = Buffer.concat([buffer, chunk]);
    for (let next = firstAnswer(buffer); next; next = firstAnswer(buffer)) {
      answers.push(next.answer);
      buffer = buffer.subarray(next.length);
    }
    stir();
  });
  socket.on('error', () => {}); // a reset is an end like another
  socket.on('end', () => {
    isOver = true;
    socket.end();
    stir();
  });
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isOver = true;
      stir();
      resolve();
    });
  });
  await once(socket, 'connect');
  return {
    socket,
    answers,
    closed,
    write: (data) => void socket.write(data),
    async answer() {
      for (;;) {
        const found = answers[given];
        if (found) {
          given++;
          return found;
        }
        if (isOver) throw new Error(`The connection ended after ${answers.length} answers and: ${buffer}`);
        await wake.promise;
      }
    },
  };
}

/** The answer to one request on a connection of its own, which is then closed. */
export async function rawRequest(url: string, data: string | Uint8Array): Promise<RawAnswer> {
  const connection = await rawConnection(url);
  try {
    connection.write(data);
    return await connection.answer();
  } finally {
    connection.socket.destroy();
  }
}

/** The answer that `bytes` begin with; null until it is whole. */
function firstAnswer(bytes: Buffer): { answer: RawAnswer; length: number } | null {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return null;
  const [first = '', ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  );
  const start = headEnd + 4;
  // 100 Continue is an answer of its own here: a test wants to see it.
  if (status < 200) return { answer: { status, headers, body: '' }, length: start };
  const length = Number(headers['content-length'] ?? 0);
  if (bytes.length < start + length) return null;
  const body = bytes.subarray(start, start + length).toString();
  return { answer: { status, headers, body }, length: start + length };
}
