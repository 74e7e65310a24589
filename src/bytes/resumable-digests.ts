/**
 * Digests that can be interrupted: what is computed so far is saved with the bytes that were stored, and loaded where
 * they are gone on with, so that nothing is read twice. They take two to three times as long as those of node:crypto,
 * which cannot be saved (docs/decisions/0012-digests-of-resumed-uploads.md).
 */
import { createMD5, createSHA256, createSHA512, type IHasher } from 'hash-wasm';
import type { Algorithm, Digests } from './digests.ts';

/** Base64 by algorithm. Only good for the version of hash-wasm that made it. */
export type DigestState = Partial<Record<Algorithm, string>>;

export interface ResumableDigests {
  update(chunk: Uint8Array): void;
  /** Of what came so far; more may follow. */
  save(): DigestState;
  /** Ends them: once. */
  finish(): Digests;
}

const makers: Record<Algorithm, () => Promise<IHasher>> = {
  md5: createMD5,
  sha256: createSHA256,
  sha512: createSHA512,
};

/** From the beginning. */
export async function beginDigests(algorithms: readonly Algorithm[]): Promise<ResumableDigests> {
  const hashes = await Promise.all(
    [...new Set(algorithms)].map(async (name) => [name, (await makers[name]()).init()] as const),
  );
  return digestsOf(hashes);
}

/** What was saved cannot be gone on with: another version saved it, or it is not what was saved. */
export class DigestStateError extends Error {
  override readonly name = 'DigestStateError';
}

/** From where they were saved. @throws DigestStateError; anything else is no fault of what was saved */
export async function resumeDigests(state: DigestState): Promise<ResumableDigests> {
  const hashes = await Promise.all(
    (Object.entries(state) as [Algorithm, string][]).map(async ([name, saved]) => {
      if (!Object.hasOwn(makers, name)) throw new DigestStateError(`There is no ${name}.`);
      return [name, load(await makers[name](), saved)] as const;
    }),
  );
  return digestsOf(hashes);
}

/** hash-wasm looks at the length and at a mark of its version, and then copies. */
function load(hash: IHasher, saved: string): IHasher {
  try {
    return hash.load(new Uint8Array(Buffer.from(saved, 'base64')));
  } catch (cause) {
    throw new DigestStateError('The saved state of a digest cannot be loaded.', { cause });
  }
}

function digestsOf(hashes: readonly (readonly [Algorithm, IHasher])[]): ResumableDigests {
  return {
    update(chunk) {
      for (const [, hash] of hashes) hash.update(chunk);
    },
    save: () =>
      Object.fromEntries(hashes.map(([name, hash]) => [name, Buffer.from(hash.save()).toString('base64')])),
    finish: () => Object.fromEntries(hashes.map(([name, hash]) => [name, hash.digest('hex')])),
  };
}
