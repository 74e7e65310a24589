/** The headers of tus 1.0 (https://tus.io/protocols/resumable-upload), read strictly. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Checksum } from '../actions/append-resumable.ts';
import { HttpError } from '../http/problem.ts';

export const tusVersion = '1.0.0';

/** What OPTIONS tells. */
export const tusExtensions =
  'creation,creation-with-upload,creation-defer-length,expiration,checksum,termination';

const checksumBytes: Record<Checksum['algorithm'], number> = { sha1: 20, sha256: 32, sha512: 64, md5: 16 };
export const checksumAlgorithms = Object.keys(checksumBytes).join(',');

/** @throws HttpError 412 another version, or none */
export function requireTus(headers: IncomingHttpHeaders): void {
  if (headers['tus-resumable'] === tusVersion) return;
  const about = { 'tus-version': tusVersion };
  throw new HttpError(412, 'TUS_VERSION', `Send Tus-Resumable: ${tusVersion}.`, about);
}

/** A whole number of bytes; null when the header is missing. @throws HttpError 400 it is something else */
export function byteCount(
  headers: IncomingHttpHeaders,
  name: 'upload-length' | 'upload-offset',
): number | null {
  const value = headers[name];
  if (value === undefined) return null;
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value);
  throw new HttpError(400, 'BAD_HEADER', `${name} is a whole number of bytes.`);
}

/** Upload-Length of a creation; null: it is deferred. @throws HttpError 400 neither, or both */
export function lengthToCome(headers: IncomingHttpHeaders): number | null {
  const length = byteCount(headers, 'upload-length');
  const deferred = headers['upload-defer-length'];
  if ((length === null) === (deferred === '1') && (deferred === undefined || deferred === '1')) return length;
  throw new HttpError(400, 'BAD_HEADER', 'Send either Upload-Length or Upload-Defer-Length: 1.');
}

/**
 * The values of Upload-Metadata by their keys, as text. Only what is asked for is understood, but all of it has to be
 * well-formed, since it is given back.
 * @throws HttpError 400 it is not
 */
export function metadataOf(header: string | undefined): Map<string, string> {
  const found = new Map<string, string>();
  if (header === undefined || header.trim() === '') return found;
  for (const pair of header.split(',')) {
    const m = /^ *([!-+\--~]+)(?: ([A-Za-z0-9+/]*={0,2}))? *$/.exec(pair);
    const [, key = '', value = ''] = m ?? [];
    if (!m || value.length % 4 === 1 || found.has(key)) {
      throw new HttpError(400, 'BAD_METADATA', 'Upload-Metadata is pairs of a key and a value in base64.');
    }
    found.set(key, Buffer.from(value, 'base64').toString('utf8'));
  }
  return found;
}

/** `sha1 <base64>`. @throws HttpError 400 another algorithm, or not a checksum of it */
export function checksumOf(header: string | string[] | undefined): Checksum | null {
  if (header === undefined) return null;
  const [, name = '', value = ''] = /^([a-z0-9]+) ([A-Za-z0-9+/]+={0,2})$/.exec(String(header)) ?? [];
  const bytes = Buffer.from(value, 'base64');
  if (Object.hasOwn(checksumBytes, name)) {
    const algorithm = name as Checksum['algorithm'];
    if (bytes.length === checksumBytes[algorithm]) return { algorithm, value: bytes.toString('hex') };
  }
  throw new HttpError(
    400,
    'BAD_CHECKSUM',
    `Upload-Checksum is one of ${checksumAlgorithms} and its value in base64.`,
  );
}
