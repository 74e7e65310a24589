/**
 * Digests that can be interrupted: what is computed so far is saved with the bytes that were stored, and loaded where
 * they are gone on with, so that nothing is read twice. They take two to three times as long as those of node:crypto,
 * which cannot be saved (docs/decisions/0012-digests-of-resumed-uploads.md).
 */
import { createMD5, createSHA256, createSHA512, type IHasher } from 'hash-wasm';
import type { DigestState } from '../domain/blocks.ts';
import type { DigestAlgorithm } from '../domain/image.ts';
import { type BlockSums, beginSums } from './block-sums.ts';
import type { Digests } from './digests.ts';

export interface ResumableDigests {
  update(chunk: Uint8Array): void;
  /** Of what came so far; more may follow. */
  save(): DigestState;
  /** Ends them: once. The sums of all blocks, where they were computed from the beginning. */
  finish(): { digests: Digests; sums: Buffer | null };
}

const makers: Record<DigestAlgorithm, () => Promise<IHasher>> = {
  md5: createMD5,
  sha256: createSHA256,
  sha512: createSHA512,
};

/** From the beginning. */
export async function beginDigests(algorithms: readonly DigestAlgorithm[]): Promise<ResumableDigests> {
  const hashes = await Promise.all(
    [...new Set(algorithms)].map(async (name) => [name, (await makers[name]()).init()] as const),
  );
  return digestsOf(hashes, await beginSums());
}

/** What was saved cannot be gone on with: another version saved it, or it is not what was saved. */
export class DigestStateError extends Error {
  override readonly name = 'DigestStateError';
}

/** From where they were saved. @throws DigestStateError; anything else is no fault of what was saved */
export async function resumeDigests({ blocks, ...state }: DigestState): Promise<ResumableDigests> {
  const hashes = await Promise.all(
    (Object.entries(state) as [DigestAlgorithm, string][]).map(async ([name, saved]) => {
      if (!Object.hasOwn(makers, name)) throw new DigestStateError(`There is no ${name}.`);
      const hash = await makers[name]();
      const load = () => hash.load(new Uint8Array(Buffer.from(saved, 'base64')));
      return [name, await loading(load)] as const;
    }),
  );
  return digestsOf(hashes, blocks ? await loading(() => beginSums(blocks)) : null);
}

/** hash-wasm looks at the length and at a mark of its version, and then copies. @throws DigestStateError */
async function loading<T>(load: () => T | Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new DigestStateError('The saved state of a digest cannot be loaded.', { cause });
  }
}

function digestsOf(
  hashes: readonly (readonly [DigestAlgorithm, IHasher])[],
  sums: BlockSums | null,
): ResumableDigests {
  return {
    update(chunk) {
      for (const [, hash] of hashes) hash.update(chunk);
      sums?.update(chunk);
    },
    save: () => ({
      ...Object.fromEntries(
        hashes.map(([name, hash]) => [name, Buffer.from(hash.save()).toString('base64')]),
      ),
      ...(sums ? { blocks: sums.save() } : {}),
    }),
    finish: () => ({
      digests: Object.fromEntries(hashes.map(([name, hash]) => [name, hash.digest('hex')])),
      sums: sums?.finish() ?? null,
    }),
  };
}
