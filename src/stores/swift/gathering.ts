/** Bytes that are too few to send, copied together: one buffer, however small the chunks are that they come in. */

export interface Gathering {
  readonly length: number;
  /** The chunk is free again afterwards. */
  add(chunk: Uint8Array): void;
  /** All of them; from then on there are none. */
  take(): Buffer;
}

const firstBytes = 64 * 1024;

export function gathering(): Gathering {
  let buffer = Buffer.alloc(0);
  let length = 0;
  return {
    get length() {
      return length;
    },
    add(chunk) {
      const needed = length + chunk.length;
      if (needed > buffer.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * buffer.length, firstBytes));
        larger.set(buffer.subarray(0, length));
        buffer = larger;
      }
      buffer.set(chunk, length);
      length = needed;
    },
    take() {
      const all = buffer.subarray(0, length);
      buffer = Buffer.alloc(0);
      length = 0;
      return all;
    },
  };
}
