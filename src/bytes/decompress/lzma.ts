/**
 * The LZMA decoder below xz, after the specification in the LZMA SDK: a range coder with adaptive bits, over a window
 * of the bytes before. It decodes a chunk of known size in steps, and what it wrote lies in the window itself.
 */

/** Where the adaptive bits of each kind begin. */
const states = 12;
const isMatch = 0;
const isRep = isMatch + states * 16;
const isRepG0 = isRep + states;
const isRepG1 = isRepG0 + states;
const isRepG2 = isRepG1 + states;
const isRep0Long = isRepG2 + states;
const posSlot = isRep0Long + states * 16;
const posSpecial = posSlot + 4 * 64;
const posAlign = posSpecial + 115;
const matchLength = posAlign + 16;
const lengthSize = 2 + 16 * 8 * 2 + 256;
const repLength = matchLength + lengthSize;
const literals = repLength + lengthSize;

/** lc + lp are 4 at most in LZMA2. */
const bitsCount = literals + 0x300 * 16;

export interface Lzma {
  /** Room for the next bytes, contiguous, ends at the window's end. */
  readonly window: Uint8Array;
  /** Where the next byte goes; after step() the bytes up to here are new. */
  readonly position: number;
  /** Forgets the bytes before. */
  resetWindow(): void;
  /** Forgets what it learned. */
  resetState(): void;
  /** lc, lp and pb in one byte. False: there is no such. */
  setProperties(byte: number): boolean;
  /** Whether the bytes before are known: nothing refers to them otherwise. */
  begin(packed: Uint8Array, from: number, to: number): boolean;
  /** Decodes up to `max` bytes and gives their number; -1: damaged. */
  step(max: number): number;
  /** Whether the chunk was used up to its last byte. */
  isUsedUp(): boolean;
  /** Puts bytes as they are, as many as fit before the window's end, and gives their number. */
  copy(bytes: Uint8Array): number;
}

export function openLzma(windowBytes: number): Lzma {
  const window = new Uint8Array(windowBytes);
  const probs = new Uint16Array(bitsCount);
  let position = 0;
  /** Whether the window has been filled once. */
  let isFull = false;
  let [lc, lpMask, pbMask] = [3, 0, 3];

  let packed: Uint8Array = window;
  let at = 0;
  let end = 0;
  /** Range and code. Numbers of 32 bits are only quick in an array of them. */
  const coder = new Int32Array(2);

  let state = 0;
  let [rep0, rep1, rep2, rep3] = [0, 0, 0, 0];
  /** Of a match that did not fit into the step before. */
  let pending = 0;

  function bit(index: number): number {
    let range = coder[0] as number;
    let code = coder[1] as number;
    if (range >>> 24 === 0) {
      range <<= 8;
      code = (code << 8) | (packed[at++] as number);
    }
    const p = probs[index] as number;
    const bound = Math.imul(range >>> 11, p);
    if (code >>> 0 < bound >>> 0) {
      coder[0] = bound;
      coder[1] = code;
      probs[index] = p + ((2048 - p) >>> 5);
      return 0;
    }
    coder[0] = range - bound;
    coder[1] = code - bound;
    probs[index] = p - (p >>> 5);
    return 1;
  }

  /** Brings a byte in when the range has become small. */
  function normalise(): void {
    if ((coder[0] as number) >>> 24 !== 0) return;
    coder[0] = (coder[0] as number) << 8;
    coder[1] = ((coder[1] as number) << 8) | (packed[at++] as number);
  }

  function direct(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      normalise();
      const range = (coder[0] as number) >>> 1;
      const code = coder[1] as number;
      const isOne = code >>> 0 >= range;
      coder[0] = range;
      if (isOne) coder[1] = code - range;
      value = (value << 1) | (isOne ? 1 : 0);
    }
    return value;
  }

  function tree(base: number, bits: number): number {
    let symbol = 1;
    for (let i = 0; i < bits; i++) symbol = (symbol << 1) | bit(base + symbol);
    return symbol - (1 << bits);
  }

  function reverseTree(base: number, bits: number): number {
    let node = 1;
    let symbol = 0;
    for (let i = 0; i < bits; i++) {
      const one = bit(base + node);
      node = (node << 1) | one;
      symbol |= one << i;
    }
    return symbol;
  }

  function length(base: number, posState: number): number {
    if (bit(base) === 0) return tree(base + 2 + (posState << 3), 3);
    if (bit(base + 1) === 0) return 8 + tree(base + 2 + 128 + (posState << 3), 3);
    return 16 + tree(base + 2 + 256, 8);
  }

  function distance(ofLength: number): number {
    const slot = tree(posSlot + (Math.min(ofLength, 3) << 6), 6);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    const begin = (2 | (slot & 1)) << bits;
    if (slot < 14) return begin + reverseTree(posSpecial + begin - slot, bits);
    return (begin + (direct(bits - 4) << 4) + reverseTree(posAlign, 4)) >>> 0;
  }

  /** So far back in the window; 0 for what was never written, as at its very beginning. */
  const back = (by: number) => window[position - by - 1 + (by >= position ? windowBytes : 0)] as number;

  function literal(): void {
    const before = back(0);
    const base = literals + 0x300 * (((position & lpMask) << lc) + (before >> (8 - lc)));
    let symbol = 1;
    if (state >= 7) {
      let match = back(rep0);
      do {
        const expected = (match >> 7) & 1;
        match <<= 1;
        const one = bit(base + ((1 + expected) << 8) + symbol);
        symbol = (symbol << 1) | one;
        if (one !== expected) break;
      } while (symbol < 0x100);
    }
    while (symbol < 0x100) symbol = (symbol << 1) | bit(base + symbol);
    window[position++] = symbol;
    state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
  }

  /** Length of a match that was used before, after its distance was put first. */
  function repeated(posState: number): number {
    if (bit(isRepG0 + state) === 0) {
      if (bit(isRep0Long + (state << 4) + posState) === 0) {
        state = state < 7 ? 9 : 11;
        return 1;
      }
    } else {
      let chosen = rep1;
      if (bit(isRepG1 + state) === 1) {
        chosen = rep2;
        if (bit(isRepG2 + state) === 1) {
          chosen = rep3;
          rep3 = rep2;
        }
        rep2 = rep1;
      }
      rep1 = rep0;
      rep0 = chosen;
    }
    const found = length(repLength, posState) + 2;
    state = state < 7 ? 8 : 11;
    return found;
  }

  function matched(posState: number): number {
    rep3 = rep2;
    rep2 = rep1;
    rep1 = rep0;
    const found = length(matchLength, posState);
    state = state < 7 ? 7 : 10;
    rep0 = distance(found);
    return found + 2;
  }

  /** As much of the pending match as fits. */
  function repeat(limit: number): void {
    const n = Math.min(pending, limit - position);
    let from = position - rep0 - 1;
    if (from < 0) from += windowBytes;
    if (from + n <= windowBytes && rep0 + 1 >= n) window.copyWithin(position, from, from + n);
    else {
      for (let i = 0; i < n; i++) {
        window[position + i] = window[from++] as number;
        if (from === windowBytes) from = 0;
      }
    }
    position += n;
    pending -= n;
  }

  return {
    window,
    get position() {
      return position;
    },
    resetWindow() {
      position = 0;
      isFull = false;
      window[windowBytes - 1] = 0;
    },
    resetState() {
      state = 0;
      rep0 = rep1 = rep2 = rep3 = 0;
      probs.fill(1024);
    },
    setProperties(byte) {
      const [low, rest] = [byte % 9, Math.floor(byte / 9)];
      const [lp, pb] = [rest % 5, Math.floor(rest / 5)];
      if (pb > 4 || low + lp > 4) return false;
      [lc, lpMask, pbMask] = [low, (1 << lp) - 1, (1 << pb) - 1];
      return true;
    },
    begin(bytes, from, to) {
      [packed, at, end, pending] = [bytes, from + 5, to, 0];
      coder[0] = -1;
      coder[1] = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readInt32BE(from + 1);
      return bytes[from] === 0;
    },
    step(max) {
      if (position === windowBytes) {
        position = 0;
        isFull = true;
      }
      const start = position;
      const limit = Math.min(windowBytes, start + max);
      if (pending > 0) repeat(limit);
      while (position < limit) {
        const posState = position & pbMask;
        if (bit(isMatch + (state << 4) + posState) === 0) {
          literal();
          continue;
        }
        pending = bit(isRep + state) === 0 ? matched(posState) : repeated(posState);
        if (rep0 >= (isFull ? windowBytes : position)) return -1;
        repeat(limit);
      }
      return position - start;
    },
    isUsedUp() {
      normalise();
      return at === end && coder[1] === 0 && pending === 0;
    },
    copy(bytes) {
      if (position === windowBytes) {
        position = 0;
        isFull = true;
      }
      const n = Math.min(bytes.length, windowBytes - position);
      window.set(bytes.subarray(0, n), position);
      position += n;
      return n;
    },
  };
}
