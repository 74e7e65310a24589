/** A digest of a stream, used as those of node:crypto are. */
export function blockDigests(blockBytes: number): {
  update(chunk: Uint8Array): void;
  /** Ends it: 64 lower-case hex digits for each block, in order. */
  digest(encoding: 'hex'): string;
};
