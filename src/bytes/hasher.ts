/**
 * The memory an upload passes through on its way to a store, and the digests of what was in it. Two kinds: on
 * the caller's thread (here) and in other threads (hash-ring.ts); who moves the bytes cannot tell them apart.
 */
import { type Algorithm, type Digests, digestSet } from './digests.ts';

/** For one stream: take, fill, push; again and again; finish; release. */
export interface Hasher {
  /** The buffer to fill next, when what it held before was hashed. Until the next take it may be read by others. */
  take(): Promise<Uint8Array>;
  /** The first `length` bytes of the buffer taken last come next in the stream. */
  push(length: number): void;
  /** Digests of all that was pushed. @throws UnavailableError a hashing thread died */
  finish(): Promise<Digests>;
  /** Gives the buffers back, when nobody reads them any more. Harmless twice. */
  release(): void;
}

/** Where an inline hasher gets its two buffers. */
export interface BufferSource {
  take(): Uint8Array;
  give(buffer: Uint8Array): void;
}

/**
 * Shared memory that begins on a page, so that a store can write from it past the page cache (O_DIRECT): only
 * what could grow is mapped in pages of its own.
 */
export function pages(sizeBytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(sizeBytes, { maxByteLength: sizeBytes });
}

/**
 * Hashes in push(), on this thread: while the store writes one buffer the next is filled and hashed. The second
 * buffer is only taken when the first did not hold everything.
 */
export function inlineHasher(algorithms: readonly Algorithm[], source: BufferSource): Hasher {
  const digests = digestSet(algorithms);
  const pair: Uint8Array[] = [];
  let turn = 1;
  return {
    async take() {
      turn = 1 - turn;
      const buffer = pair[turn] ?? source.take();
      pair[turn] = buffer;
      return buffer;
    },
    push(length) {
      const buffer = pair[turn];
      if (buffer) digests.update(buffer.subarray(0, length));
    },
    async finish() {
      return digests.finish();
    },
    release() {
      for (const buffer of pair.splice(0)) source.give(buffer);
    },
  };
}
