/**
 * The body of an answer as bytes to iterate. The connection goes back to its pool at the end of the body, and is
 * closed when the iteration ends before, or the signal is given. A body that is cut off is an error.
 */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';

export interface Body {
  stream: Readable;
  signal: AbortSignal | undefined;
  /** An error of the connection in the words of the contract. */
  failure: (error: unknown) => unknown;
}

/** Written out as an iterator: a generator that was never started would skip its `finally`. */
export function bodyOf({ stream, signal, failure }: Body): AsyncIterableIterator<Uint8Array> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  const onAbort = () => stream.destroy(signal?.reason);
  stream.on('error', () => {}); // heard of by the next next(), if there is one
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();

  function end(): void {
    signal?.removeEventListener('abort', onAbort);
    stream.destroy(); // of no consequence when it was read to its end
  }

  return {
    async next() {
      try {
        signal?.throwIfAborted();
        const step = await chunks.next();
        if (step.done) end();
        return step;
      } catch (error) {
        end();
        signal?.throwIfAborted();
        throw failure(error);
      }
    },
    async return() {
      end();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** Bytes that will come, as Content-Length says; null: it does not. @throws Error it says what no body can have */
export function lengthOf({ headers }: Pick<IncomingMessage, 'headers'>): number | null {
  const said = headers['content-length'];
  if (said === undefined) return null;
  const length = /^\d+$/.test(said) ? Number(said) : Number.NaN;
  if (Number.isSafeInteger(length)) return length;
  throw new Error(`Content-Length is ${said.slice(0, 64)}`);
}
