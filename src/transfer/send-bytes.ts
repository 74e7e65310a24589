/**
 * Sends stored bytes as the body of an answer. Status and headers, Content-Length among them, are set by the
 * caller; from the first byte to the end of the response everything is done here.
 */
import type { ServerResponse } from 'node:http';
import { DamagedError } from '../domain/errors.ts';

/** So much of the end is held back until the store has said that it was the end. */
const tailBytes = 16 * 1024;

/**
 * Writes `bytes` and ends the response. Resolves with the number of bytes handed to the network: `expected`, or
 * fewer when the client went away. One chunk is under way at a time and the next is asked for when it is
 * written, so `bytes` may reuse its buffers. It is always iterated or returned.
 *
 * When the bytes fail, are fewer or are more than `expected`, the connection is destroyed before the last of
 * them is sent: no client takes it for a whole transfer. Only when not even the headers were sent is the
 * response left as it is, and the caller may still answer otherwise.
 *
 * @throws DamagedError  not `expected` bytes
 * @throws what `bytes` throws, and the signal's reason
 */
export async function sendBytes(
  res: ServerResponse,
  bytes: AsyncIterable<Uint8Array>,
  expected: number,
  signal?: AbortSignal,
): Promise<number> {
  const chunks = bytes[Symbol.asyncIterator]();
  const client = watch(res, signal);
  try {
    const sent = await send(res, chunks, { client, expected });
    signal?.throwIfAborted();
    return sent;
  } catch (error) {
    if (res.headersSent) res.destroy();
    throw error;
  } finally {
    client.done();
    void Promise.resolve(chunks.return?.()).catch(() => {});
  }
}

interface Sending {
  client: Client;
  expected: number;
}

async function send(
  res: ServerResponse,
  chunks: AsyncIterator<Uint8Array>,
  { client, expected }: Sending,
): Promise<number> {
  let received = 0;
  let sent = 0;
  let tail: Uint8Array = new Uint8Array(0);
  for (;;) {
    const step = await client.or(chunks.next());
    if (step === gone) return sent;
    if (step.done) break;
    let chunk = step.value;
    received += chunk.length;
    if (received > expected) throw damaged(`more than ${expected} bytes`);
    if (received === expected && chunk.length > 0) {
      const cut = Math.max(0, chunk.length - tailBytes);
      tail = Buffer.from(chunk.subarray(cut));
      chunk = chunk.subarray(0, cut);
    }
    if (chunk.length === 0) continue;
    const written = new Promise<boolean>((resolve) => {
      res.write(chunk, (error) => resolve(!error));
    });
    if ((await client.or(written)) !== true) return sent;
    sent += chunk.length;
  }
  if (received < expected) throw damaged(`only ${received} of ${expected} bytes`);
  // The server tells of 'close' in the middle of 'finish': so it is the flag that counts.
  let finished = false;
  const ended = new Promise<void>((resolve) => {
    res.once('finish', () => {
      finished = true;
      resolve();
    });
  });
  res.end(tail);
  await client.or(ended);
  return finished ? expected : sent;
}

function damaged(what: string): DamagedError {
  return new DamagedError(`The store delivered ${what}; read another copy or ask an operator to look at it`);
}

const gone = Symbol('gone');

interface Client {
  /** As `promise`, or `gone` when the client leaves or the signal is given first. One at a time. */
  or<T>(promise: Promise<T>): Promise<T | typeof gone>;
  /** Takes the listeners off. */
  done(): void;
}

/** A response that waits behind another on its connection hears of nothing: so the socket is watched as well. */
function watch(res: ServerResponse, signal: AbortSignal | undefined): Client {
  const { socket } = res.req;
  let left = res.destroyed || socket.destroyed || signal?.aborted === true;
  let leave = () => {};
  const onLeave = () => {
    left = true;
    leave();
  };
  res.once('close', onLeave);
  socket.once('close', onLeave);
  signal?.addEventListener('abort', onLeave, { once: true });
  return {
    or: (promise) =>
      new Promise((resolve, reject) => {
        leave = () => resolve(gone);
        promise.then(resolve, reject);
        if (left) leave();
      }),
    done() {
      res.off('close', onLeave);
      socket.off('close', onLeave);
      signal?.removeEventListener('abort', onLeave);
    },
  };
}
