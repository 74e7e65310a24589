/**
 * Compressed bytes in, what they stand for out, while they come: nothing is kept but a window, and nothing is read
 * before it is wanted. What one tiny file may become is bounded.
 */
import { setImmediate as breath } from 'node:timers/promises';
import { invalid, QuotaExceededError, type ValidationError } from '../../domain/errors.ts';
import { levelOf, unbzip2 } from './bzip2.ts';
import type { Compression } from './damage.ts';
import { gunzipped } from './gzip.ts';
import { type Input, openInput } from './input.ts';
import { unxz } from './xz.ts';
import { isZstdFrame, unzstd } from './zstd.ts';

export type { Compression } from './damage.ts';

export interface DecompressLimits {
  /** So many bytes may become of each one, once they are more than 64 MiB. */
  ratioMax: number;
  /** And so many of all. */
  sizeMax: number;
  /** Asked once the format is known, before anything is decoded; what it throws passes unchanged. */
  admit?: (format: Compression) => void;
}

const headBytes = 6;
const graceBytes = 64 * 2 ** 20;

const decoders: Record<Compression, (input: Input) => AsyncIterable<Uint8Array>> = {
  gzip: gunzipped,
  zstd: unzstd,
  xz: unxz,
  bzip2: unbzip2,
};
/** Those that decode on this thread, and let others on between. */
const busy: readonly Compression[] = ['xz', 'bzip2'];

/** By its first six bytes; null: it is none of these. */
export function recogniseCompression(head: Uint8Array): Compression | null {
  const [a, b, c] = head;
  if (a === 0x1f && b === 0x8b && c === 8) return 'gzip';
  if (isZstdFrame(head)) return 'zstd';
  if (a === 0xfd && Buffer.from(head.subarray(1, 6)).toString('latin1') === '7zXZ\0') return 'xz';
  return levelOf(head) === null ? null : 'bzip2';
}

/**
 * A chunk is only valid until the next one is asked for. The source is closed at the end, when it fails, and by
 * return(), also when nothing was asked for yet. What the source throws passes unchanged.
 *
 * @throws ValidationError     UNKNOWN_COMPRESSION: in none of the formats; BAD_COMPRESSION: damaged, cut off, or with
 *                             something behind it; RATIO_TOO_HIGH
 * @throws QuotaExceededError  image_size: more than limits.sizeMax
 */
export function decompress(
  source: AsyncIterable<Uint8Array>,
  limits: DecompressLimits,
): AsyncIterableIterator<Uint8Array> {
  const input = openInput(source);
  const chunks = decoded(input, limits);
  return {
    next: () => chunks.next(),
    async return() {
      // A generator is behind its own next(), which may wait for the source; that one is told.
      const ended = chunks.return(undefined).catch(() => {});
      void input.close().catch(() => {});
      await ended;
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function* decoded(input: Input, limits: DecompressLimits): AsyncGenerator<Uint8Array, undefined> {
  try {
    const format = recogniseCompression(await input.head(headBytes));
    if (!format) throw unknown();
    limits.admit?.(format);
    let size = 0;
    for await (const chunk of decoders[format](input)) {
      size += chunk.length;
      if (size > limits.sizeMax) throw tooLarge(limits.sizeMax, size);
      if (size > graceBytes && size > input.received * limits.ratioMax) throw tooDense(format, input, limits);
      if (chunk.length > 0) yield chunk;
      if (busy.includes(format)) await breath();
    }
  } finally {
    await input.close();
  }
}

function unknown(): ValidationError {
  const message =
    'The bytes are in no compressed format that is known here (gzip, zstd, xz, bzip2); compress them in one of these, ' +
    'or say that the container format is bare';
  return invalid(['bytes'], 'UNKNOWN_COMPRESSION', message);
}

function tooDense(format: Compression, { received }: Input, { ratioMax }: DecompressLimits): ValidationError {
  const message =
    `The ${format} data becomes more than ${ratioMax} times as large (at byte ${received}); send it with less in it, ` +
    'or ask the operator to allow more (imports.decompress.ratioMax)';
  return invalid(['bytes'], 'RATIO_TOO_HIGH', message);
}

function tooLarge(limit: number, requested: number): QuotaExceededError {
  const about = { resource: 'image_size', limit, used: 0, requested };
  return new QuotaExceededError(
    about,
    `An image may have ${limit} bytes once decompressed; send a smaller one`,
  );
}
