/**
 * Reads one open file chunk by chunk, one chunk ahead of the consumer, through two reused buffers. Written out
 * as an iterator, because a generator that was never started skips its `finally` and would leave the file open.
 */
import type { Buffers } from './buffers.ts';
import type { OpenFile } from './file-gate.ts';
import type { ByteRange } from './store.ts';

export interface Reading {
  file: OpenFile;
  range: ByteRange;
  buffers: Buffers;
  signal?: AbortSignal | undefined;
  /** A system call's error in the words of the contract. */
  failure: (error: unknown) => unknown;
}

interface Filled {
  buffer: Buffer;
  length: number;
}

/**
 * The bytes of `range`, fewer when the file ends before. The file is closed and the buffers are free again when
 * the iteration has ended in whatever way, or the signal was given. Who does not iterate calls `return()`.
 *
 *   consumer   |   waits   | chunk 0 in A | chunk 1 in B | chunk 2 in A |
 *   disk       |  0 into A |   1 into B   |   2 into A   |   3 into B   |
 */
export function fileReader(reading: Reading): AsyncIterableIterator<Uint8Array> {
  const { file, range, buffers, signal, failure } = reading;
  const free: Buffer[] = [];
  let at = range.start;
  let ahead: Promise<Filled> | null = null;
  let lent: Buffer | null = null;
  let ending: Promise<void> | null = null;

  /** A short range gets a buffer of its size: a thousand readers of small objects must not take gigabytes. */
  function someBuffer(): Buffer {
    const whole = range.end + 1 - range.start;
    return free.pop() ?? (whole < buffers.sizeBytes ? Buffer.allocUnsafeSlow(whole) : buffers.take());
  }

  async function fill(): Promise<Filled> {
    const buffer = someBuffer();
    try {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, range.end + 1 - at), at);
      at = bytesRead === 0 ? range.end + 1 : at + bytesRead;
      return { buffer, length: bytesRead };
    } catch (error) {
      free.push(buffer);
      throw failure(error);
    }
  }

  function readAhead(): void {
    ahead = at > range.end ? null : fill();
    ahead?.catch(() => {}); // reported by the next() that waits for it, if there is one
  }

  /** Waits for the read under way and closes. `reuse` is false while the consumer may still hold a chunk. */
  function end(reuse: boolean): Promise<void> {
    ending ??= (async () => {
      signal?.removeEventListener('abort', onAbort);
      const last = await ahead?.catch(() => null);
      const mine = [...free, last?.buffer, lent].filter((buffer) => buffer?.length === buffers.sizeBytes);
      if (reuse) for (const buffer of mine) buffers.give(buffer as Buffer);
      await file.close().catch(() => {}); // only read: nothing is lost
    })();
    return ending;
  }

  const onAbort = () => void end(false);
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();

  async function afterEnd(): Promise<IteratorResult<Uint8Array, undefined>> {
    await ending;
    signal?.throwIfAborted();
    return { done: true, value: undefined };
  }

  async function next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (ending) return afterEnd();
    if (lent) free.push(lent);
    lent = null;
    try {
      if (!ahead) readAhead();
      const filled = await ahead;
      // Ended while we waited: the buffer is given back by end(), and to lend it too would let two readers share it.
      if (ending) return await afterEnd();
      ahead = null;
      if (filled && filled.length > 0) {
        lent = filled.buffer;
        readAhead();
        return { done: false, value: filled.buffer.subarray(0, filled.length) };
      }
      if (filled) free.push(filled.buffer);
    } catch (error) {
      await end(true);
      throw error;
    }
    await end(true);
    return { done: true, value: undefined };
  }

  return {
    next,
    async return() {
      await end(true);
      return { done: true, value: undefined };
    },
    async throw(error) {
      await end(true);
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
