/** Digests as clients write them. */
import { invalid } from './errors.ts';
import type { DigestAlgorithm } from './image.ts';

const hexLength: Record<DigestAlgorithm, number> = { md5: 32, sha256: 64, sha512: 128 };

const isAlgorithm = (name: string): name is DigestAlgorithm => Object.hasOwn(hexLength, name);

/** The digest in lower case (`SHA-256` is `sha256`), or null when it is none of those we compute. */
export function parseDigest(
  algorithm: string,
  hex: string,
): { algorithm: DigestAlgorithm; value: string } | null {
  const name = algorithm.toLowerCase().replace(/^sha-/, 'sha');
  const value = hex.toLowerCase();
  if (!isAlgorithm(name) || value.length !== hexLength[name] || !/^[0-9a-f]+$/.test(value)) return null;
  return { algorithm: name, value };
}

/**
 * The same, where one has to be given. `path` goes from the argument down.
 * @throws ValidationError BAD_DIGEST
 */
export function requireDigest(path: string[], { algorithm, value }: { algorithm: string; value: string }) {
  const digest = parseDigest(algorithm, value);
  if (digest) return digest;
  throw invalid(
    path,
    'BAD_DIGEST',
    'A digest is sha512, sha256 or md5 with its value in hex, of full length.',
  );
}
