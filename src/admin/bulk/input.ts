/** The input of an import: a file, gzipped or not, or standard input, as blocks of whole lines. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { crc32, createGunzip } from 'node:zlib';

export interface Input {
  /** Bytes to read; null: nobody knows. */
  readonly size: number | null;
  /** Bytes read so far, of `size`. */
  bytesRead(): number;
  /** From the start; null: it cannot be read again. */
  open(): AsyncIterator<Buffer> | null;
}

/** Little enough that PostgreSQL does not wait for us while we read one. */
const chunkBytes = 1 << 17;

/** `-`: standard input. @throws Error there is no such file */
export async function openInput(file: string): Promise<Input> {
  if (file === '-') return standardInput();
  const { size } = await stat(file);
  let bytesRead = () => 0;
  return {
    size,
    bytesRead: () => bytesRead(),
    open() {
      const stream = createReadStream(file, { highWaterMark: chunkBytes });
      bytesRead = () => stream.bytesRead;
      if (!file.endsWith('.gz')) return lineBlocks(stream);
      const unzipped = createGunzip({ chunkSize: chunkBytes });
      stream.on('error', (error) => unzipped.destroy(error)).pipe(unzipped);
      return lineBlocks(unzipped);
    },
  };
}

function standardInput(): Input {
  let isOpen = false;
  return {
    size: null,
    bytesRead: () => 0,
    open() {
      if (isOpen) return null;
      isOpen = true;
      return lineBlocks(process.stdin);
    },
  };
}

const lineEnd = 0x0a;

/** Joins and cuts chunks so that each ends where a line does; only the last line of all may have no end. */
export async function* lineBlocks(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, undefined> {
  let begun: Buffer[] = [];
  let held = 0;
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(lineEnd) + 1;
    // Small chunks of a pipe are gathered, since each block has its price.
    if (end === 0 || held + end < chunkBytes / 2) {
      begun.push(chunk);
      held += chunk.length;
      continue;
    }
    yield Buffer.concat([...begun, chunk.subarray(0, end)]);
    begun = end < chunk.length ? [chunk.subarray(end)] : [];
    held = chunk.length - end;
  }
  if (held > 0) yield Buffer.concat(begun);
}

/** Where each line of a block begins and ends, without its line end. */
export function* linesOf(block: Buffer): Generator<{ start: number; end: number }> {
  for (let start = 0; start < block.length; ) {
    const found = block.indexOf(lineEnd, start);
    const next = found < 0 ? block.length : found + 1;
    yield { start, end: found < 0 ? next : found };
    start = next;
  }
}

/**
 * Reads over the first `bytes`, which are to have this CRC-32. Gives the rest of the block that they end in; null
 * when it is another input.
 */
export async function skipKnown(
  blocks: { first: Buffer; rest: AsyncIterator<Buffer> },
  { bytes, crc }: { bytes: number; crc: number },
): Promise<Buffer | null> {
  let block = blocks.first;
  let left = bytes;
  let found = 0;
  for (;;) {
    if (left <= block.length) {
      found = crc32(block.subarray(0, left), found);
      return found === crc ? block.subarray(left) : null;
    }
    found = crc32(block, found);
    left -= block.length;
    const next = await blocks.rest.next();
    if (next.done) return null;
    block = next.value;
  }
}
