/**
 * A free list of equal buffers. Transfers read and write through large buffers, and allocating (and clearing
 * away) a mebibyte for each chunk would cost more than moving it.
 */

export interface Buffers {
  readonly sizeBytes: number;
  take(): Buffer;
  /** Hands a buffer back. Only when nothing reads or writes it any more; at most once for each take. */
  give(buffer: Buffer): void;
  /** How many lie unused: for tests. */
  idle(): number;
}

/** Keeps at most `keep` unused buffers; the rest go to the garbage collector. `make` is called for each new one. */
export function buffers(sizeBytes: number, keep: number, make = pages): Buffers {
  const free: Buffer[] = [];
  return {
    sizeBytes,
    take: () => free.pop() ?? make(sizeBytes),
    give: (buffer) => {
      if (free.length < keep) free.push(buffer);
    },
    idle: () => free.length,
  };
}

/**
 * Memory that begins on a page, as O_DIRECT asks: only what could grow is mapped in pages of its own, while
 * Buffer.allocUnsafeSlow() begins 16 bytes after one. Not shared: copying out of shared memory takes three times as long.
 */
function pages(sizeBytes: number): Buffer {
  return Buffer.from(new ArrayBuffer(sizeBytes, { maxByteLength: sizeBytes }));
}
