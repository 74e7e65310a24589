/** Digests in headers: Repr-Digest (RFC 9530), and Content-MD5 in hex as Glance has it or base64 (RFC 1864). */
import type { ExpectedDigest } from '../actions/check-data.ts';
import { parseDigest } from '../domain/digest.ts';
import { HttpError } from '../http/problem.ts';

/** `sha-512=:<base64>:` for each digest that RFC 9530 names; null when there is none. */
export function reprDigest(digests: Record<string, string>): string | null {
  const parts = Object.entries(digests)
    .filter(([name]) => name === 'sha512' || name === 'sha256')
    .map(([name, hex]) => `${name.replace('sha', 'sha-')}=:${Buffer.from(hex, 'hex').toString('base64')}:`);
  return parts.length > 0 ? parts.join(', ') : null;
}

/**
 * The digests that a client says its bytes have. Algorithms that we do not compute are passed over.
 * @throws HttpError 400 a header that cannot be read: better refused than not checked
 */
export function expectedDigests(headers: Record<string, string | string[] | undefined>): ExpectedDigest[] {
  const found: ExpectedDigest[] = [];
  const repr = headers['repr-digest'] ?? headers['content-digest'];
  if (typeof repr === 'string') found.push(...readReprDigest(repr));
  const md5 = headers['content-md5'];
  if (typeof md5 === 'string') found.push(readContentMd5(md5.trim()));
  return found;
}

function readReprDigest(header: string): ExpectedDigest[] {
  return header.split(',').flatMap((item) => {
    const m = /^\s*([a-z0-9-]+)=:([A-Za-z0-9+/]*={0,2}):\s*(;.*)?$/.exec(item);
    if (!m) throw new HttpError(400, 'BAD_DIGEST', 'Repr-Digest is like sha-512=:<base64>: (RFC 9530).');
    const [, name = '', value = ''] = m;
    if (!/^(sha-512|sha-256|md5)$/.test(name)) return [];
    const digest = parseDigest(name, Buffer.from(value, 'base64').toString('hex'));
    if (!digest)
      throw new HttpError(
        400,
        'BAD_DIGEST',
        `Repr-Digest has a value that is too short or long for ${name}.`,
      );
    return [digest];
  });
}

function readContentMd5(value: string): ExpectedDigest {
  const hex = /^[0-9a-f]{32}$/i.test(value) ? value : Buffer.from(value, 'base64').toString('hex');
  const digest = parseDigest('md5', hex);
  if (!digest) throw new HttpError(400, 'BAD_DIGEST', 'Content-MD5 is an MD5 in hex, or in base64.');
  return digest;
}

/** The digest that a signed target fixes. */
export function signedDigest(text: string | undefined): ExpectedDigest[] {
  const [algorithm = '', value = ''] = text?.split(':') ?? [];
  const digest = parseDigest(algorithm, value);
  return digest ? [digest] : [];
}
