/**
 * bzip2, as version 1.0 of the program writes it: streams one after the other, of blocks that are each decoded whole,
 * after everything they may consist of was read. Written here since what the registry has knows no back-pressure,
 * holds up the process for a block, or does not read streams.
 *
 *   bits -> Huffman codes -> moves to the front, runs of zeros -> Burrows and Wheeler -> runs of bytes
 */
import { bzip2Crc } from './checksums.ts';
import { damaged, truncated, unsupported } from './damage.ts';
import type { Input } from './input.ts';

/** Symbols between two pauses: about a millisecond. */
const stepSymbols = 50_000;
const outputBytes = 64 * 1024;
/** Of the first table that a code is looked up in; longer codes take more steps. */
const quickBits = 10;
const blockMark = [0x314159, 0x265359] as const;
const endMark = [0x177245, 0x385090] as const;

/** Pauses are empty chunks. */
export async function* unbzip2(input: Input): AsyncGenerator<Uint8Array> {
  for (let isFirst = true; ; isFirst = false) {
    const head = await input.head(4);
    if (head.length === 0 && !isFirst) return;
    const level = levelOf(head);
    if (level === null) {
      if (!isFirst) throw damaged('bzip2', input.offset, 'something else follows the compressed data');
      throw head.length < 4 ? truncated('bzip2', head.length) : damaged('bzip2', 0, 'its header is not one');
    }
    input.take(4);
    yield* stream(input, level);
  }
}

/** 1 to 9; null: this is no header. */
export function levelOf([b, z, h, level = 0]: Uint8Array): number | null {
  const isHeader = b === 0x42 && z === 0x5a && h === 0x68 && level >= 0x31 && level <= 0x39;
  return isHeader ? level - 0x30 : null;
}

async function* stream(input: Input, level: number): AsyncGenerator<Uint8Array> {
  const bits = openBits(input, level);
  const block = new Uint32Array(level * 100_000);
  const output = new Uint8Array(outputBytes);
  let crc = 0;
  for (;;) {
    await bits.fill();
    const mark = [bits.take(24), bits.take(24)] as const;
    const expected = (bits.take(16) << 16) | bits.take(16);
    if (mark[0] === endMark[0] && mark[1] === endMark[1]) {
      bits.check();
      if (expected !== crc) throw bits.damaged('its checksum is another');
      return bits.giveBack();
    }
    if (mark[0] !== blockMark[0] || mark[1] !== blockMark[1]) {
      bits.check();
      throw bits.damaged('no block begins where one should');
    }
    const { length, first } = yield* symbols(bits, block);
    bits.check();
    yield* transform(block, length);
    let blockCrc = -1;
    for (const chunk of bytes(block, { length, first, output })) {
      blockCrc = bzip2Crc(chunk, blockCrc);
      yield chunk;
    }
    if (~blockCrc !== expected) throw bits.damaged('the checksum of a block is another');
    crc = ((crc << 1) | (crc >>> 31)) ^ expected;
  }
}

interface Bits {
  /** Reads ahead as much as a block can have. */
  fill(): Promise<void>;
  /** The next `n` bits, 25 at most, not taken; zeros after the end. */
  peek(n: number): number;
  skip(n: number): void;
  take(n: number): number;
  /** @throws ValidationError more was taken than there is */
  check(): void;
  /** Gives whole bytes that were not taken back to the input. */
  giveBack(): void;
  damaged(what: string): Error;
}

/** As much as a block of this level can take: twenty bits for each of its symbols, and its tables. */
const blockBytesMax = (level: number) => level * 250_000 + 64 * 1024;

function openBits(input: Input, level: number): Bits {
  const buffer = new Uint8Array(blockBytesMax(level) * 2);
  let start = input.offset;
  let end = 0;
  let at = 0;

  function peek(n: number): number {
    const byte = at >>> 3;
    const word =
      ((buffer[byte] as number) << 24) |
      ((buffer[byte + 1] as number) << 16) |
      ((buffer[byte + 2] as number) << 8) |
      (buffer[byte + 3] as number);
    return (word << (at & 7)) >>> (32 - n);
  }

  function damagedHere(what: string): Error {
    if (at > end * 8) return truncated('bzip2', start + end);
    return damaged('bzip2', start + (at >>> 3), what);
  }

  return {
    peek,
    damaged: damagedHere,
    async fill() {
      const wanted = blockBytesMax(level);
      const used = at >>> 3;
      if (end - used >= wanted) return;
      buffer.copyWithin(0, used, end);
      start += used;
      end -= used;
      at &= 7;
      end += await input.fill(buffer.subarray(end, end + wanted));
      buffer.fill(0, end, end + 64);
    },
    skip(n) {
      at += n;
    },
    take(n) {
      const value = n === 0 ? 0 : peek(n);
      at += n;
      return value;
    },
    check() {
      if (at > end * 8) throw damagedHere('');
    },
    giveBack() {
      const used = (at + 7) >>> 3;
      input.giveBack(buffer.slice(used, end));
    },
  };
}

interface Code {
  /** By the next bits: symbol * 32 + length of its code; 0: it is longer. */
  quick: Uint16Array;
  /** By length: the last code, with what makes a symbol's place of a code, and the symbols in order of their codes. */
  limits: Int32Array;
  offsets: Int32Array;
  inOrder: Uint16Array;
}

function codeOf(lengths: Uint8Array): Code {
  const [limits, offsets] = [new Int32Array(22).fill(-1), new Int32Array(22)];
  const inOrder = new Uint16Array(lengths.length);
  const quick = new Uint16Array(1 << quickBits);
  let code = 0;
  let place = 0;
  for (let length = 1; length <= 20; length++) {
    offsets[length] = place - code;
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== length) continue;
      inOrder[place++] = symbol;
      if (length <= quickBits) {
        const from = code << (quickBits - length);
        quick.fill(symbol * 32 + length, from, from + (1 << (quickBits - length)));
      }
      code++;
    }
    limits[length] = code - 1;
    code <<= 1;
  }
  return { quick, limits, offsets, inOrder };
}

interface Tables {
  codes: Code[];
  /** Which code each fifty symbols have. */
  selectors: Uint8Array;
  /** The bytes that occur. */
  alphabet: Uint8Array;
}

function tables(bits: Bits): Tables {
  const used = bits.take(16);
  const alphabet: number[] = [];
  for (let high = 0; high < 16; high++) {
    const low = used & (0x8000 >> high) ? bits.take(16) : 0;
    for (let n = 0; n < 16; n++) if (low & (0x8000 >> n)) alphabet.push(high * 16 + n);
  }
  const [codesCount, selectorsCount] = [bits.take(3), bits.take(15)];
  if (alphabet.length === 0 || codesCount < 2 || codesCount > 6 || selectorsCount === 0)
    throw bits.damaged('its tables are not any');
  const order = Uint8Array.from({ length: codesCount }, (_, n) => n);
  const selectors = new Uint8Array(selectorsCount);
  for (let n = 0; n < selectorsCount; n++) {
    let index = 0;
    while (bits.take(1) === 1) if (++index >= codesCount) throw bits.damaged('its tables are not any');
    selectors[n] = toFront(order, index);
  }
  const codes = Array.from({ length: codesCount }, () => codeOf(lengthsOf(bits, alphabet.length + 2)));
  bits.check();
  return { codes, selectors, alphabet: Uint8Array.from(alphabet) };
}

function lengthsOf(bits: Bits, count: number): Uint8Array {
  const lengths = new Uint8Array(count);
  let length = bits.take(5);
  for (let n = 0; n < count; n++) {
    while (bits.take(1) === 1) {
      length += bits.take(1) === 0 ? 1 : -1;
      if (length < 1 || length > 20) break;
    }
    if (length < 1 || length > 20) throw bits.damaged('its tables are not any');
    lengths[n] = length;
  }
  return lengths;
}

function toFront(order: Uint8Array, index: number): number {
  const found = order[index] as number;
  if (index > 16) order.copyWithin(1, 0, index);
  else for (let i = index; i > 0; i--) order[i] = order[i - 1] as number;
  order[0] = found;
  return found;
}

/** Fills the block with bytes, before the transformation. `first` is where its last step begins. */
function* symbols(bits: Bits, block: Uint32Array): Generator<Uint8Array, { length: number; first: number }> {
  if (bits.take(1) === 1) throw unsupported('bzip2', 0, 'is of a version before 1.0');
  const first = bits.take(24);
  const { codes, selectors, alphabet } = tables(bits);
  const last = alphabet.length + 1;
  let length = 0;
  let run = 0;
  let weight = 1;
  let code: Code | undefined;
  for (let n = 0; ; n++) {
    if (n % 50 === 0) code = codes[selectors[n / 50] ?? -1];
    if (!code) throw bits.damaged('a block has no end');
    const symbol = symbolOf(bits, code);
    if (symbol < 0) throw bits.damaged('a code is not any');
    if (symbol <= 1) {
      run += weight << symbol;
      weight <<= 1;
      if (run > block.length) throw bits.damaged('a block is too long');
      continue;
    }
    if (run > 0) {
      if (length + run > block.length) throw bits.damaged('a block is too long');
      block.fill(alphabet[0] as number, length, length + run);
      length += run;
      run = 0;
      weight = 1;
    }
    if (symbol === last) break;
    if (length === block.length) throw bits.damaged('a block is too long');
    block[length++] = toFront(alphabet, symbol - 1);
    if (n % stepSymbols === 0) yield pause;
  }
  if (first >= length) throw bits.damaged('a block begins outside of itself');
  return { length, first };
}

const pause = new Uint8Array(0);

/** -1: there is no such code. */
function symbolOf(bits: Bits, { quick, limits, offsets, inOrder }: Code): number {
  const next = bits.peek(20);
  const found = quick[next >>> (20 - quickBits)] as number;
  if (found !== 0) {
    bits.skip(found & 31);
    return found >> 5;
  }
  for (let length = quickBits + 1; length <= 20; length++) {
    const code = next >>> (20 - length);
    if (code > (limits[length] as number)) continue;
    bits.skip(length);
    return inOrder[code + (offsets[length] as number)] ?? -1;
  }
  return -1;
}

/** Puts into the upper bits of each place where the byte after it is. */
function* transform(block: Uint32Array, length: number): Generator<Uint8Array> {
  const begins = new Uint32Array(257);
  for (let i = 0; i < length; i++) {
    const byte = ((block[i] as number) & 0xff) + 1;
    begins[byte] = (begins[byte] as number) + 1;
  }
  for (let byte = 1; byte < 256; byte++)
    begins[byte] = (begins[byte] as number) + (begins[byte - 1] as number);
  yield pause;
  for (let i = 0; i < length; i++) {
    const byte = (block[i] as number) & 0xff;
    const place = begins[byte] as number;
    begins[byte] = place + 1;
    block[place] = (block[place] as number) | (i << 8);
    if (i % (4 * stepSymbols) === 0) yield pause;
  }
}

interface Transformed {
  length: number;
  first: number;
  /** Where the bytes go: valid until the next are asked for. */
  output: Uint8Array;
}

/** After four equal bytes comes how many more of them there are. */
function* bytes(block: Uint32Array, { length, first, output }: Transformed): Generator<Uint8Array> {
  let at = (block[first] as number) >>> 8;
  let filled = 0;
  let equal = 0;
  let before = -1;
  for (let i = 0; i < length; i++) {
    const entry = block[at] as number;
    const byte = entry & 0xff;
    at = entry >>> 8;
    if (filled + 256 > output.length) {
      yield output.subarray(0, filled);
      filled = 0;
    }
    if (equal === 4) {
      output.fill(before, filled, filled + byte);
      filled += byte;
      equal = 0;
      continue;
    }
    equal = byte === before ? equal + 1 : 1;
    before = byte;
    output[filled++] = byte;
  }
  if (filled > 0) yield output.subarray(0, filled);
}
