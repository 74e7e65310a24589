/**
 * The .xz format (version 1.2.1 of its specification): streams one after the other, of blocks of LZMA2, each checked,
 * and an index that has to agree. Written here since what the registry has serialises all readers of a process, or
 * keeps whole files in memory, and knows no bound of its window.
 *
 *   stream header | block header, LZMA2 chunks, padding, check | ... | index | footer | zeros, or another stream
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { crc64 } from './checksums.ts';
import { damaged, truncated, unsupported } from './damage.ts';
import type { Input } from './input.ts';
import { type Lzma, openLzma } from './lzma.ts';

/** What `xz -9` asks for. */
const windowBytesMax = 64 * 2 ** 20;
/** Decoded without a pause: about a millisecond. */
const stepBytes = 64 * 1024;

interface Check {
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
}

/** By their number in the stream's flags. */
const checks: Record<number, () => Check> = {
  0: () => ({ update() {}, digest: () => new Uint8Array(0) }),
  1: crc32Check,
  4: crc64,
  10: () => {
    const hash = createHash('sha256');
    return { update: (bytes) => hash.update(bytes), digest: () => hash.digest() };
  },
};

function crc32Check(): Check {
  let crc = 0;
  return {
    update(bytes) {
      crc = crc32(bytes, crc);
    },
    digest() {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(crc);
      return bytes;
    },
  };
}

const magic = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0);
const isMagic = (head: Uint8Array) => magic.every((byte, n) => head[n] === byte);

export async function* unxz(input: Input): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield* stream(input);
    if (!(await passPadding(input))) return;
    if (!isMagic(await input.head(6)))
      throw damaged('xz', input.offset, 'something else follows the compressed data');
  }
}

/** Zeros between streams, by fours. False: that was the end. */
async function passPadding(input: Input): Promise<boolean> {
  const start = input.offset;
  for (;;) {
    const found = await input.peek();
    const next = found ? found.findIndex((byte) => byte !== 0) : 0;
    input.take(next < 0 ? (found?.length ?? 0) : next);
    if (next < 0) continue;
    if ((input.offset - start) % 4 !== 0) throw damaged('xz', input.offset, 'its padding is not');
    return found !== null;
  }
}

async function* stream(input: Input): AsyncGenerator<Uint8Array> {
  const header = await exactly(input, 12);
  const flags = header.subarray(6, 8);
  if (!isMagic(header) || header.readUInt32LE(8) !== crc32(flags)) throw bad(input, 'its header is not one');
  const kind = header[7] ?? 0;
  const check = checks[kind];
  if (header[6] !== 0 || !check) throw unsupported('xz', input.offset, `has a check of kind ${kind}`);

  const blocks = tally();
  let lzma: Lzma | null = null;
  for (;;) {
    const [size = 0] = await input.head(1);
    if ((await input.peek()) === null) throw truncated('xz', input.offset);
    if (size === 0) break;
    const start = input.offset;
    const { windowBytes, packed, unpacked } = await blockHeader(input);
    if (lzma?.window.length !== windowBytes) lzma = openLzma(windowBytes);
    const begin = input.offset;
    const checking = check();
    let length = 0;
    for await (const chunk of lzma2(input, lzma)) {
      checking.update(chunk);
      length += chunk.length;
      yield chunk;
    }
    const packedLength = input.offset - begin;
    const isExpected = (packed ?? packedLength) === packedLength && (unpacked ?? length) === length;
    if (!isExpected) throw bad(input, 'a block has another length than it says');
    await passZeros(input, -packedLength & 3);
    const expected = checking.digest();
    const found = await exactly(input, expected.length);
    if (!found.equals(expected)) throw bad(input, 'the checksum of a block is another');
    blocks.add(begin - start + packedLength + expected.length, length);
  }
  await index(input, blocks, flags);
}

/** How many blocks of which lengths, in a few bytes. */
interface Tally {
  add(packed: number, unpacked: number): void;
  readonly count: number;
  digest(): string;
}

function tally(): Tally {
  const hash = createHash('sha256');
  let count = 0;
  return {
    add(packed, unpacked) {
      hash.update(`${packed} ${unpacked}\n`);
      count++;
    },
    get count() {
      return count;
    },
    digest: () => hash.digest('hex'),
  };
}

interface BlockHeader {
  windowBytes: number;
  /** Null: it does not say. */
  packed: number | null;
  unpacked: number | null;
}

async function blockHeader(input: Input): Promise<BlockHeader> {
  const [size = 0] = await input.head(1);
  const header = await exactly(input, (size + 1) * 4);
  const body = header.subarray(0, -4);
  if (header.readUInt32LE(body.length) !== crc32(body)) throw bad(input, 'the header of a block is not one');
  let at = 2;
  const number = () => {
    const [value, next] = vli(body, at) ?? [];
    if (value === undefined || next === undefined) throw bad(input, 'the header of a block is not one');
    at = next;
    return value;
  };
  const flags = body[1] ?? 0;
  const packed = flags & 0x40 ? number() : null;
  const unpacked = flags & 0x80 ? number() : null;
  const [filter, length] = [number(), number()];
  if ((flags & 0x3f) !== 0 || filter !== 0x21 || length !== 1)
    throw unsupported('xz', input.offset, 'has filters beside LZMA2');
  const bits = body[at] ?? 0;
  if (bits > 40 || body.subarray(at + 1).some((byte) => byte !== 0))
    throw bad(input, 'the header of a block is not one');
  const windowBytes = bits === 40 ? 2 ** 32 - 1 : (2 | (bits & 1)) * 2 ** ((bits >> 1) + 11);
  if (windowBytes > windowBytesMax)
    throw unsupported('xz', input.offset, `needs a dictionary of more than ${windowBytesMax / 2 ** 20} MiB`);
  return { windowBytes, packed, unpacked };
}

/** A chunk is valid until the next one is asked for: it lies in the window. */
async function* lzma2(input: Input, lzma: Lzma): AsyncGenerator<Uint8Array> {
  const packed = new Uint8Array(65_536);
  let needsWindow = true;
  let needsProperties = true;
  let needsState = true;
  for (;;) {
    const [control = 0] = await exactly(input, 1);
    if (control === 0) return;
    if (control === 1 || control >= 0xe0) {
      lzma.resetWindow();
      needsWindow = false;
      if (control === 1) needsProperties = true;
    }
    if (needsWindow || (control > 2 && control < 0x80)) throw bad(input, 'a chunk is of no known kind');
    if (control < 0x80) {
      yield* asItIs(input, lzma, (await exactly(input, 2)).readUInt16BE() + 1);
      continue;
    }
    const sizes = await exactly(input, 4);
    const unpackedLength = ((control & 0x1f) << 16) + sizes.readUInt16BE(0) + 1;
    const packedLength = sizes.readUInt16BE(2) + 1;
    if (control >= 0xc0) {
      if (!lzma.setProperties((await exactly(input, 1))[0] ?? 255))
        throw bad(input, 'its settings are not any');
      needsProperties = false;
    }
    if (control >= 0xa0) {
      lzma.resetState();
      needsState = false;
    }
    if (needsProperties || needsState) throw bad(input, 'a chunk lacks its settings');
    const target = packed.subarray(0, packedLength);
    if ((await input.fill(target)) < packedLength) throw truncated('xz', input.offset);
    if (packedLength < 5 || !lzma.begin(packed, 0, packedLength)) throw bad(input, 'a chunk is not one');
    for (let left = unpackedLength; left > 0; ) {
      const n = lzma.step(Math.min(left, stepBytes));
      if (n < 0) throw bad(input, 'it refers to bytes that are not there');
      left -= n;
      yield lzma.window.subarray(lzma.position - n, lzma.position);
    }
    if (!lzma.isUsedUp()) throw bad(input, 'a chunk has another length than it says');
  }
}

async function* asItIs(input: Input, lzma: Lzma, length: number): AsyncGenerator<Uint8Array> {
  for (let left = length; left > 0; ) {
    const found = await input.peek();
    if (!found) throw truncated('xz', input.offset);
    const n = lzma.copy(found.subarray(0, left));
    input.take(n);
    left -= n;
    yield lzma.window.subarray(lzma.position - n, lzma.position);
  }
}

async function index(input: Input, blocks: Tally, flags: Uint8Array): Promise<void> {
  const start = input.offset;
  let crc = 0;
  const taken = (bytes: Uint8Array) => {
    crc = crc32(bytes, crc);
  };
  const number = async () => {
    const head = Buffer.from(await input.head(9));
    const [value, length] = vli(head, 0) ?? [];
    if (value === undefined || length === undefined) throw await badOrShort(input, head.length < 9);
    taken(head.subarray(0, length));
    input.take(length);
    return value;
  };
  taken(await exactly(input, 1));
  const count = await number();
  const found = tally();
  if (count !== blocks.count) throw bad(input, 'its index has another number of blocks');
  for (let n = 0; n < count; n++) found.add(await number(), await number());
  if (found.digest() !== blocks.digest()) throw bad(input, 'its index has other blocks');
  taken(await passZeros(input, -(input.offset - start) & 3));
  if ((await exactly(input, 4)).readUInt32LE() !== crc)
    throw bad(input, 'the checksum of its index is another');
  await footer(input, input.offset - start, flags);
}

async function footer(input: Input, indexBytes: number, flags: Uint8Array): Promise<void> {
  const bytes = await exactly(input, 12);
  const isRight =
    bytes.readUInt32LE(0) === crc32(bytes.subarray(4, 10)) &&
    (bytes.readUInt32LE(4) + 1) * 4 === indexBytes &&
    bytes.subarray(8, 10).equals(flags) &&
    bytes.toString('latin1', 10) === 'YZ';
  if (!isRight) throw bad(input, 'its footer is not one');
}

/** A number of seven bits a byte, and where the next thing begins; null: it does not end. */
function vli(bytes: Uint8Array, from: number): [value: number, next: number] | null {
  let value = 0;
  for (let at = from; at < Math.min(bytes.length, from + 9); at++) {
    const byte = bytes[at] as number;
    value += (byte & 0x7f) * 2 ** (7 * (at - from));
    if (byte < 0x80) return [value, at + 1];
  }
  return null;
}

/** A copy. */
async function exactly(input: Input, n: number): Promise<Buffer> {
  const found = await input.head(n);
  if (found.length < n) throw truncated('xz', input.offset + found.length);
  input.take(n);
  return Buffer.from(found);
}

async function passZeros(input: Input, n: number): Promise<Uint8Array> {
  const bytes = await exactly(input, n);
  if (bytes.some((byte) => byte !== 0)) throw bad(input, 'its padding is not');
  return bytes;
}

const bad = (input: Input, what: string) => damaged('xz', input.offset, what);
const badOrShort = async (input: Input, isShort: boolean) =>
  isShort ? truncated('xz', input.offset) : bad(input, 'its index is not one');
