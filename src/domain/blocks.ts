/** The blocks of an image: what its bytes are checked, told of and compared by. The same for all its copies. */
import type { DigestAlgorithm } from './image.ts';

/** 1 MiB. The last block of an image is what is left. */
export const blockBytes = 2 ** 20;

/** Bytes of what is kept of a block: its XXH64, and its SHA-256. */
export const sumBytes = 8;
export const digestBytes = 32;

/** How many blocks so many bytes are. */
export const blocksIn = (sizeBytes: number) => Math.ceil(sizeBytes / blockBytes);

/** What each block has to be, one after the other. */
export interface Blocks {
  /** XXH64. */
  sums: Uint8Array;
  /** SHA-256; null as long as nobody computed them. */
  digests: Uint8Array | null;
}

/** First block, and the one after the last. */
export interface BlockRange {
  start: number;
  end: number;
}

/** Those that bytes `start` to `end`, both included, are in. */
export const blocksOf = ({ start, end }: { start: number; end: number }): BlockRange => ({
  start: Math.floor(start / blockBytes),
  end: Math.floor(end / blockBytes) + 1,
});

/** All that is needed to go on with the sums of blocks elsewhere, as JSON. */
export interface SavedSums {
  /** Base64: of the blocks that are whole. */
  sums: string;
  /** Base64: the state of the block that is not, which has `filled` bytes so far. */
  open: string;
  filled: number;
}

/** Digests as far as they are computed. Base64 by algorithm; only good for the version of hash-wasm that made it. */
export type DigestState = Partial<Record<DigestAlgorithm, string>> & {
  /** None in what a version saved that did not compute them. */
  blocks?: SavedSums;
};
