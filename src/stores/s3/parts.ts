/**
 * Parts of a multipart upload while they are filled and sent: the usual ones in memory, larger ones in a file. Each
 * has its length and checksum before it goes, so that no server has to understand chunked signatures.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Buffers } from '../buffers.ts';

export const mebibyte = 2 ** 20;
export const firstPartBytes = 8 * mebibyte;
/** Less is only taken as the last part of an object. */
export const leastPartBytes = 5 * mebibyte;
export const partsMax = 10_000;
export const usualPartsBeforeGrowth = 1_000;

/** Bytes of part `n`, from 1: 8 MiB, twice as much every 1,000 parts. Together they hold 7.8 TiB. */
export function partBytes(n: number, partsBeforeGrowth = usualPartsBeforeGrowth): number {
  return firstPartBytes * 2 ** Math.floor((n - 1) / partsBeforeGrowth);
}

export interface Part {
  readonly sizeBytes: number;
  readonly length: number;
  /** Takes as much of the chunk as there is room for, and says how much. The chunk is free again afterwards. */
  fill(chunk: Uint8Array): Promise<number>;
  /** Once it is full, or nothing more comes. */
  md5(): string;
  /** As it is sent; anew for each attempt. */
  body(): Buffer | Readable;
  /** Nobody reads it any more. */
  free(): Promise<void>;
}

/** The next part in memory, in one of `pool`. */
export function memoryPart(pool: Buffers): Part {
  const buffer = pool.take();
  const hash = createHash('md5');
  let length = 0;
  let sum: string | null = null;
  return {
    sizeBytes: buffer.length,
    get length() {
      return length;
    },
    async fill(chunk) {
      const part = chunk.subarray(0, buffer.length - length);
      buffer.set(part, length);
      hash.update(part);
      length += part.length;
      return part.length;
    },
    md5() {
      sum ??= hash.digest('base64');
      return sum;
    },
    body: () => buffer.subarray(0, length),
    async free() {
      pool.give(buffer);
    },
  };
}

const readBytes = mebibyte;

/** In a file that has no name any more: it is gone with the process, whatever becomes of that. */
export async function spooledPart(path: string, sizeBytes: number): Promise<Part> {
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  const hash = createHash('md5');
  let length = 0;
  let sum: string | null = null;
  return {
    sizeBytes,
    get length() {
      return length;
    },
    async fill(chunk) {
      const part = chunk.subarray(0, sizeBytes - length);
      hash.update(part);
      for (let done = 0; done < part.length; ) {
        done += (await file.write(part, done, part.length - done, length + done)).bytesWritten;
      }
      length += part.length;
      return part.length;
    },
    md5() {
      sum ??= hash.digest('base64');
      return sum;
    },
    body: () => Readable.from(contentOf(file, length), { objectMode: false }),
    free: () => file.close(),
  };
}

/** What is in a part, copied. */
export async function bytesOf(part: Part): Promise<Buffer> {
  const body = part.body();
  return Buffer.isBuffer(body) ? Buffer.from(body) : Buffer.concat(await body.toArray());
}

async function* contentOf(file: FileHandle, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < length; ) {
    const buffer = Buffer.allocUnsafe(Math.min(readBytes, length - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) throw new Error('The spooled part is shorter than it was');
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

export interface Spool {
  /** Of buffers that hold the first part. */
  pool: Buffers;
  /** An existing directory for parts that are too large for memory. */
  staging: string;
  partsBeforeGrowth: number;
}

/** Part `n`, empty. `name` is one that nobody else uses in the staging directory. */
export function partOfUpload(n: number, name: string, spool: Spool): Promise<Part> {
  const size = partBytes(n, spool.partsBeforeGrowth);
  if (size === spool.pool.sizeBytes) return Promise.resolve(memoryPart(spool.pool));
  return spooledPart(join(spool.staging, `${name}.${n}`), size);
}
