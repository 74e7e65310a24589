/** What becomes of the pieces that a stream is cut into where its blocks end. */
export interface Cutting {
  blockBytes: number;
  /** The next bytes of the block at hand. */
  part(piece: Uint8Array): void;
  /** The block is whole. */
  end(): void;
}

/** Cuts the next chunk. `filled`, and what is returned: how many bytes of a block that is not whole there are. */
export function inBlocks(chunk: Uint8Array, filled: number, cutting: Cutting): number;

/** A digest of a stream, used as those of node:crypto are. */
export function blockDigests(blockBytes: number): {
  update(chunk: Uint8Array): void;
  /** Ends it: 64 lower-case hex digits for each block, in order. */
  digest(encoding: 'hex'): string;
};
