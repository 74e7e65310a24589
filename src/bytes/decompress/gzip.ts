/**
 * gzip (RFC 1952): members one after the other, each checked by itself. Node inflates; the frame is read here, since
 * Node's own reader passes over what follows a member.
 */
import { constants, crc32, createInflateRaw } from 'node:zlib';
import { damaged, truncated } from './damage.ts';
import { engineOptions, pumped } from './engine.ts';
import type { Input } from './input.ts';

const flag = { headerCrc: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 };

export async function* gunzipped(input: Input): AsyncGenerator<Uint8Array> {
  do {
    await passHeader(input);
    let crc = 0;
    let size = 0;
    for await (const chunk of pumped(input, createInflateRaw(engineOptions), failureAt(input))) {
      crc = crc32(chunk, crc);
      size = (size + chunk.length) >>> 0;
      yield chunk;
    }
    const trailer = Buffer.from(await exactly(input, 8));
    if (trailer.readUInt32LE(0) !== crc) throw damaged('gzip', input.offset, 'its checksum is another');
    if (trailer.readUInt32LE(4) !== size) throw damaged('gzip', input.offset, 'its length is another');
  } while ((await input.peek()) !== null);
}

async function passHeader(input: Input): Promise<void> {
  const start = input.offset;
  const head = await input.head(10);
  const isMember = head[0] === 0x1f && head[1] === 0x8b && head[2] === 8;
  if (!isMember && start > 0) throw damaged('gzip', start, 'something else follows the compressed data');
  if (head.length < 10) throw truncated('gzip', start + head.length);
  const flags = head[3] ?? 0;
  if (!isMember || (flags & flag.reserved) !== 0) throw damaged('gzip', start, 'its header is not one');
  input.take(10);
  if (flags & flag.extra) {
    const length = await exactly(input, 2);
    await pass(input, (length[0] ?? 0) + (length[1] ?? 0) * 256);
  }
  if (flags & flag.name) await passText(input);
  if (flags & flag.comment) await passText(input);
  if (flags & flag.headerCrc) await exactly(input, 2);
}

async function exactly(input: Input, n: number): Promise<Uint8Array> {
  const found = await input.head(n);
  if (found.length < n) throw truncated('gzip', input.offset + found.length);
  input.take(n);
  return found;
}

async function pass(input: Input, n: number): Promise<void> {
  for (let left = n; left > 0; ) {
    const found = await input.peek();
    if (!found) throw truncated('gzip', input.offset);
    const step = Math.min(left, found.length);
    input.take(step);
    left -= step;
  }
}

/** Up to and with its zero. Nobody needs a long one. */
async function passText(input: Input, max = 65_536): Promise<void> {
  for (let length = 0; length < max; ) {
    const found = await input.peek();
    if (!found) throw truncated('gzip', input.offset);
    const end = found.indexOf(0);
    input.take(end < 0 ? found.length : end + 1);
    if (end >= 0) return;
    length += found.length;
  }
  throw damaged('gzip', input.offset, 'a text of its header does not end');
}

function failureAt(input: Input) {
  return (error: NodeJS.ErrnoException & { errno?: number }) => {
    if (error.errno === constants.Z_BUF_ERROR) return truncated('gzip', input.offset);
    return error.code?.startsWith('Z_') ? damaged('gzip', input.offset, error.message) : error;
  };
}
