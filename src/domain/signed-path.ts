/**
 * Signed paths: a link that needs no token, good for one method, one image and until a moment. The signature
 * covers method, path and every parameter, never the host, so that it holds behind any proxy.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export type SignedFor = 'file' | 'stage' | 'resumable';

export interface SignedPath {
  method: 'GET' | 'PUT' | 'POST';
  imageId: string;
  /** The staging area takes bytes for an import to follow; a resumable upload is begun by POST. */
  to?: SignedFor;
  expiresAt: Date;
  /** What else the link fixes: store, size, digest. */
  params: Record<string, string>;
}

export const uploadsPath = '/uploads';

function pathOf(imageId: string, to: SignedFor = 'file'): string {
  return to === 'resumable' ? uploadsPath : `/v2/images/${imageId}/${to}`;
}

/** Path and query that carry the permission. */
export function signPath(key: string, { method, imageId, to, expiresAt, params }: SignedPath): string {
  const query = new URLSearchParams({ ...params, expires: String(Math.floor(expiresAt.getTime() / 1000)) });
  if (to === 'resumable') query.set('image', imageId);
  query.sort();
  const path = pathOf(imageId, to);
  query.append('signature', signatureOf(key, method, path, query));
  return `${path}?${query}`;
}

/**
 * What a signed path allows, or null when its signature is wrong or its time is over. A GET link also serves
 * HEAD. `now` is the moment to compare with.
 */
export function readSignedPath(
  key: string,
  method: string,
  imageId: string,
  query: string,
  now: Date,
  to: SignedFor = 'file',
): SignedPath | null {
  const given = new URLSearchParams(query);
  const signature = given.get('signature') ?? '';
  given.delete('signature');
  given.sort();
  const signedFor = method === 'HEAD' ? 'GET' : method;
  if (signedFor !== 'GET' && signedFor !== 'PUT' && signedFor !== 'POST') return null;
  const expected = signatureOf(key, signedFor, pathOf(imageId, to), given);
  if (!sameText(signature, expected)) return null;
  const expiresAt = new Date(Number(given.get('expires')) * 1000);
  if (!(expiresAt.getTime() > now.getTime())) return null;
  if (to === 'resumable' && given.get('image') !== imageId) return null;
  given.delete('expires');
  given.delete('image');
  return { method: signedFor, imageId, to, expiresAt, params: Object.fromEntries(given) };
}

function signatureOf(key: string, method: string, path: string, query: URLSearchParams): string {
  return createHmac('sha256', key).update(`${method}\n${path}\n${query}`).digest('base64url');
}

function sameText(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}
