/**
 * Moves the bytes of one object from any source into a store, hashing and counting them on the way. Whether
 * they are welcome, what they should be and what the row says of them is left to the callers.
 */
import { abortable } from '../bytes/abortable.ts';
import { type BlockSums, beginSums } from '../bytes/block-sums.ts';
import type { HashPool } from '../bytes/hash-pool.ts';
import type { Hasher } from '../bytes/hasher.ts';
import type { Blocks } from '../domain/blocks.ts';
import { invalid, QuotaExceededError } from '../domain/errors.ts';
import type { DigestAlgorithm } from '../domain/image.ts';
import type { StoreWriter } from '../stores/store.ts';

export interface Ingested {
  /** Bytes. */
  size: number;
  /** Lower-case hex. */
  digests: Partial<Record<DigestAlgorithm, string>>;
  /** Null when none are wanted. */
  blocks: Blocks | null;
}

export interface IngestOptions {
  algorithms: readonly DigestAlgorithm[];
  /** What is wanted of every block: its sum, or its SHA-256 as well, which takes as long as that of the whole. */
  blocks: 'none' | 'sums' | 'digests';
  /** Bytes; the first one over it ends the transfer. */
  sizeLimit: number;
  /** Bytes that have to come, neither fewer nor more; null when nobody knows. */
  expectedSize: number | null;
  /** Asked before bytes are kept: null, or a promise of room for so many. */
  reserve?: (bytes: number) => Promise<void> | null;
  /** Is shown every byte, in order; a promise: the chunk is needed until then. */
  look?: (chunk: Uint8Array) => void | Promise<void> | null;
  signal?: AbortSignal;
}

/**
 * Writes all of `source` and does not commit: the caller compares size and digests and then does. When it
 * fails, the writer is being cancelled already and only `cancel()` makes sense; the source was asked to return.
 *
 * @throws QuotaExceededError  image_size: more than sizeLimit
 * @throws QuotaExceededError  and what else `reserve` throws
 * @throws ValidationError     SIZE_MISMATCH: not expectedSize bytes
 * @throws UnavailableError    the store refused, or a hashing thread died
 */
export async function ingest(
  hashes: HashPool,
  writer: StoreWriter,
  source: AsyncIterable<Uint8Array>,
  options: IngestOptions,
): Promise<Ingested> {
  const chunks = source[Symbol.asyncIterator]();
  const algorithms = [
    ...options.algorithms,
    ...(options.blocks === 'digests' ? (['sha256-blocks'] as const) : []),
  ];
  const begun = Promise.all([
    hashes.begin(algorithms, options.expectedSize),
    options.blocks === 'none' ? null : beginSums(),
  ]);
  const [hasher, sums] = await begun.catch((error) => {
    void Promise.resolve(chunks.return?.()).catch(() => {});
    throw error;
  });
  const patience = abortable(options.signal);
  try {
    const size = await pour(chunks, { hasher, sums, writer, options, wait: patience.wait });
    const { 'sha256-blocks': ofBlocks, ...digests } = await patience.wait(hasher.finish());
    hasher.release();
    const blocks = sums && { sums: sums.finish(), digests: ofBlocks ? Buffer.from(ofBlocks, 'hex') : null };
    return { size, digests, blocks };
  } catch (error) {
    // The store may still be reading the buffers; they are free when it has let go. Neither it nor the source
    // may keep the caller waiting: one of them may be what hangs.
    void writer
      .cancel()
      .catch(() => {})
      .finally(hasher.release);
    void Promise.resolve(chunks.return?.()).catch(() => {});
    throw error;
  } finally {
    patience.done();
  }
}

interface Pouring {
  hasher: Hasher;
  sums: BlockSums | null;
  writer: StoreWriter;
  options: IngestOptions;
  wait: <T>(promise: Promise<T>) => Promise<T>;
}

/** The loop. Returns the number of bytes, all of them taken by the writer. */
async function pour(chunks: AsyncIterator<Uint8Array>, pouring: Pouring): Promise<number> {
  const { hasher, sums, writer, options, wait } = pouring;
  let size = 0;
  let buffer: Uint8Array | null = null;
  let filled = 0;

  async function pass(full: Uint8Array): Promise<void> {
    // Begin to write, hash meanwhile, and only then ask whether the next is welcome.
    const welcome = writer.write(full.subarray(0, filled));
    hasher.push(filled);
    buffer = null;
    filled = 0;
    await wait(welcome);
  }

  for (;;) {
    const { done, value: chunk } = await wait(chunks.next());
    if (done) break;
    size += chunk.length;
    checkTooMany(size, options);
    const room = options.reserve?.(size);
    if (room) await wait(room);
    const looked = options.look?.(chunk);
    if (looked) await wait(looked);
    sums?.update(chunk);
    for (let taken = 0; taken < chunk.length; ) {
      buffer ??= await wait(hasher.take());
      const n = Math.min(chunk.length - taken, buffer.length - filled);
      buffer.set(n === chunk.length ? chunk : chunk.subarray(taken, taken + n), filled);
      filled += n;
      taken += n;
      if (filled === buffer.length) await pass(buffer);
    }
  }
  if (buffer) await pass(buffer);
  checkTooFew(size, options);
  await wait(writer.write(nothing)); // the last buffer is ours again when this resolves
  return size;
}

const nothing = new Uint8Array(0);

function checkTooMany(size: number, { sizeLimit, expectedSize }: IngestOptions): void {
  if (size > sizeLimit) {
    const about = { resource: 'image_size', limit: sizeLimit, used: 0, requested: size };
    throw new QuotaExceededError(about, `An image may have ${sizeLimit} bytes; send a smaller one`);
  }
  if (expectedSize !== null && size > expectedSize) throw mismatch(expectedSize, 'more came');
}

function checkTooFew(size: number, { expectedSize }: IngestOptions): void {
  if (expectedSize !== null && size < expectedSize) throw mismatch(expectedSize, `only ${size} came`);
}

function mismatch(expected: number, what: string) {
  return invalid(['size'], 'SIZE_MISMATCH', `${expected} bytes were announced, ${what}; send them all again`);
}
