/** The checksums that Node does not have: of bzip2, and CRC-64 of xz. */

/** CRC-32 as bzip2 has it: the highest bit first. */
const bzip2Table = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});

/** Begins with -1; complemented at the end. */
export function bzip2Crc(bytes: Uint8Array, before: number): number {
  let crc = before;
  for (let i = 0; i < bytes.length; i++)
    crc = (crc << 8) ^ (bzip2Table[((crc >>> 24) ^ (bytes[i] as number)) & 0xff] as number);
  return crc;
}

/** CRC-64 of ECMA-182, reflected, as xz has it; the lower halves first, then the upper ones. */
const [lows, highs] = crc64Tables();

function crc64Tables(): [Int32Array, Int32Array] {
  const [low, high] = [new Int32Array(256), new Int32Array(256)];
  for (let byte = 0; byte < 256; byte++) {
    let crc = BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0xc96c5795d7870f42n : crc >> 1n;
    low[byte] = Number(BigInt.asIntN(32, crc));
    high[byte] = Number(BigInt.asIntN(32, crc >> 32n));
  }
  return [low, high];
}

export interface Crc64 {
  update(bytes: Uint8Array): void;
  /** Eight bytes, the lowest first. */
  digest(): Uint8Array;
}

export function crc64(): Crc64 {
  let low = -1;
  let high = -1;
  return {
    update(bytes) {
      let [l, h] = [low, high];
      for (let i = 0; i < bytes.length; i++) {
        const index = (l ^ (bytes[i] as number)) & 0xff;
        l = ((l >>> 8) | (h << 24)) ^ (lows[index] as number);
        h = (h >>> 8) ^ (highs[index] as number);
      }
      [low, high] = [l, h];
    },
    digest() {
      const bytes = Buffer.alloc(8);
      bytes.writeInt32LE(~low, 0);
      bytes.writeInt32LE(~high, 4);
      return bytes;
    },
  };
}
