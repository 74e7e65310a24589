/** Bytes out of a store, of which none goes on before the block that it is in was looked at. */
import { blockBytes, blocksOf, sumBytes } from '../domain/blocks.ts';
import { DamagedError } from '../domain/errors.ts';
import { blockSum } from './block-sums.ts';

/** What is asked for, and what its blocks have to be. */
export interface CheckedRange {
  /** First and last byte that are wanted. */
  start: number;
  end: number;
  /** Bytes of the whole object. */
  size: number;
  /** Of the blocks that the range touches, the first of them first. */
  sums: Uint8Array;
}

/** The bytes of whole blocks that have to be read for a range. */
export function wholeBlocks({ start, end, size }: Omit<CheckedRange, 'sums'>) {
  const blocks = blocksOf({ start, end });
  return { start: blocks.start * blockBytes, end: Math.min(size, blocks.end * blockBytes) - 1 };
}

/** The stored bytes of a block are others than those that were published. */
export class BadBlockError extends DamagedError {
  readonly block: number;
  constructor(block: number) {
    super(`The stored bytes from ${block * blockBytes} on, a block of 1 MiB, are others.`);
    this.block = block;
  }
}

/**
 * `source` has the bytes of wholeBlocks(range). A block that comes in one chunk is passed on as it is; otherwise it is put
 * together in one buffer, so that a chunk is only valid until the next is asked for. Ends early as the source does.
 * @throws BadBlockError, and what the source throws
 */
export async function checkedBlocks(
  source: AsyncIterable<Uint8Array>,
  range: CheckedRange,
): Promise<AsyncIterator<Uint8Array>> {
  const { size, sums } = range;
  const chunks = source[Symbol.asyncIterator]();
  const sumOf = await blockSum();
  const { start: first, end } = blocksOf(range);
  let block = first;
  let rest: Uint8Array = new Uint8Array(0);
  let buffer: Buffer | null = null;

  /** Null: the source ended before. */
  async function wholeBlock(): Promise<Uint8Array | null> {
    const length = Math.min(blockBytes, size - block * blockBytes);
    for (let filled = 0; ; ) {
      if (filled === 0 && rest.length >= length) {
        const whole = rest.subarray(0, length);
        rest = rest.subarray(length);
        return whole;
      }
      if (rest.length > 0) {
        buffer ??= Buffer.allocUnsafeSlow(Math.min(blockBytes, size - first * blockBytes));
        const part = rest.subarray(0, length - filled);
        buffer.set(part, filled);
        filled += part.length;
        rest = rest.subarray(part.length);
        if (filled === length) return buffer.subarray(0, length);
      }
      const step = await chunks.next();
      if (step.done) return null;
      rest = step.value;
    }
  }

  return {
    async next() {
      // More than was asked for is for the reader to say no to.
      if (block === end) return rest.length > 0 ? { done: false, value: rest } : chunks.next();
      const whole = await wholeBlock();
      if (whole === null) return { done: true, value: undefined };
      const at = (block - first) * sumBytes;
      if (Buffer.compare(sumOf(whole), sums.subarray(at, at + sumBytes)) !== 0)
        throw new BadBlockError(block);
      const from = Math.max(0, range.start - block * blockBytes);
      const to = Math.min(whole.length, range.end + 1 - block * blockBytes);
      block++;
      return { done: false, value: whole.subarray(from, to) };
    },
    async return() {
      await chunks.return?.();
      return { done: true, value: undefined };
    },
  };
}
