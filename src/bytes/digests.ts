/** Fingerprints of a stream, computed as its bytes go by. */
import { createHash } from 'node:crypto';

export type Algorithm = 'md5' | 'sha256' | 'sha512';

/** Lower-case hex, for the algorithms that were asked for. */
export type Digests = Partial<Record<Algorithm, string>>;

export interface DigestSet {
  update(chunk: Uint8Array): void;
  /** Ends the set: once. */
  finish(): Digests;
}

export function digestSet(algorithms: readonly Algorithm[]): DigestSet {
  const hashes = [...new Set(algorithms)].map((name) => [name, createHash(name)] as const);
  return {
    update(chunk) {
      for (const [, hash] of hashes) hash.update(chunk);
    },
    finish: () => Object.fromEntries(hashes.map(([name, hash]) => [name, hash.digest('hex')])),
  };
}
