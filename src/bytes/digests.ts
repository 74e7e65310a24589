/** Fingerprints of a stream, computed as its bytes go by. */
import { createHash } from 'node:crypto';
import { blockBytes } from '../domain/blocks.ts';
import type { DigestAlgorithm } from '../domain/image.ts';
import { blockDigests } from './block-digests.mjs';

/** Of the whole; or the SHA-256 of every block of it, one after the other. */
export type Algorithm = DigestAlgorithm | 'sha256-blocks';

/** Lower-case hex, for the algorithms that were asked for. */
export type Digests = Partial<Record<Algorithm, string>>;

export interface DigestSet {
  update(chunk: Uint8Array): void;
  /** Ends the set: once. */
  finish(): Digests;
}

export function digestSet(algorithms: readonly Algorithm[]): DigestSet {
  const hashes = [...new Set(algorithms)].map((name) => [name, hashOf(name)] as const);
  return {
    update(chunk) {
      for (const [, hash] of hashes) hash.update(chunk);
    },
    finish: () => Object.fromEntries(hashes.map(([name, hash]) => [name, hash.digest('hex')])),
  };
}

const hashOf = (name: Algorithm) => (name === 'sha256-blocks' ? blockDigests(blockBytes) : createHash(name));
