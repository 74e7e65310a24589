/** Text written piece by piece into one buffer outside the heap, of which pieces can be taken again. */

/** From and to, in bytes. */
export type Piece = readonly [start: number, end: number];

export interface TextBuffer {
  size(): number;
  add(text: string): Piece;
  /** These pieces in their order; all of them cost no copy. */
  only(pieces: readonly Piece[]): Buffer;
}

const firstBytes = 1 << 16;

export function textBuffer(): TextBuffer {
  let bytes = Buffer.allocUnsafe(firstBytes);
  let size = 0;
  let count = 0;
  return {
    size: () => size,
    add(text) {
      // UTF-8 has at most three bytes for a unit of UTF-16.
      const needed = size + text.length * 3;
      if (needed > bytes.length) {
        const wider = Buffer.allocUnsafe(Math.max(needed, bytes.length * 2));
        bytes.copy(wider, 0, 0, size);
        bytes = wider;
      }
      const start = size;
      size += bytes.write(text, start);
      count++;
      return [start, size];
    },
    only(pieces) {
      if (pieces.length === count) return bytes.subarray(0, size);
      return Buffer.concat(pieces.map(([start, end]) => bytes.subarray(start, end)));
    },
  };
}
