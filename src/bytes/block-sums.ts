/**
 * What every block of an image has to be: an XXH64 for each, computed as the bytes go by and looked at before they
 * leave again. It finds decay at the speed of reading; it is no proof against somebody who chooses the bytes, which is
 * what the SHA-256 of the same blocks is for (block-digests.mjs, docs/decisions/0020-block-digests.md).
 */
import { createXXHash64, type IHasher } from 'hash-wasm';
import { blockBytes, type SavedSums, sumBytes } from '../domain/blocks.ts';
import { inBlocks } from './block-digests.mjs';

export interface BlockSums {
  update(chunk: Uint8Array): void;
  /** Of what came so far; more may follow. Only good for the version of hash-wasm that made it. */
  save(): SavedSums;
  /** Ends them: the sums of all blocks, one after the other. */
  finish(): Buffer;
}

/** From the beginning, or from where they were saved: then it throws when that cannot be loaded. */
export async function beginSums(saved?: SavedSums): Promise<BlockSums> {
  const hash = (await createXXHash64()).init();
  if (saved) hash.load(Buffer.from(saved.open, 'base64'));
  let sums = Buffer.from(saved?.sums ?? '', 'base64');
  let length = sums.length;
  let filled = saved?.filled ?? 0;

  function end(): void {
    if (length === sums.length) sums = Buffer.concat([sums, Buffer.alloc(Math.max(length, 64 * sumBytes))]);
    sums.set(hash.digest('binary'), length);
    length += sumBytes;
    hash.init();
  }

  return {
    update(chunk) {
      filled = inBlocks(chunk, filled, { blockBytes, part: (piece) => void hash.update(piece), end });
    },
    save: () => ({
      sums: sums.toString('base64', 0, length),
      open: Buffer.from(hash.save()).toString('base64'),
      filled,
    }),
    finish() {
      if (filled > 0) end();
      return Buffer.from(sums.subarray(0, length));
    },
  };
}

let hasher: Promise<IHasher> | undefined;

/** For whole blocks: one at a time, of any stream. */
export async function blockSum(): Promise<(block: Uint8Array) => Uint8Array> {
  hasher ??= createXXHash64();
  const hash = await hasher;
  return (block) => hash.init().update(block).digest('binary');
}

/** Which blocks have other sums, by their number; those that only one side has as well. */
export function differingBlocks(some: Uint8Array, others: Uint8Array): number[] {
  const [a, b] = [Buffer.from(some), Buffer.from(others)];
  const count = Math.max(a.length, b.length) / sumBytes;
  const sumOf = (sums: Buffer, block: number) => sums.subarray(block * sumBytes, (block + 1) * sumBytes);
  return Array.from({ length: count }, (_, block) => block).filter(
    (block) => !sumOf(a, block).equals(sumOf(b, block)),
  );
}
