/**
 * Signed paths: a link that needs no token, good for one method, one image and until a moment. The signature
 * covers method, path and every parameter, never the host, so that it holds behind any proxy.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Maker } from './caller.ts';

export type SignedFor = 'file' | 'stage' | 'resumable';

export interface SignedPath {
  method: 'GET' | 'PUT' | 'POST';
  imageId: string;
  /** The staging area takes bytes for an import to follow; a resumable upload is begun by POST. */
  to?: SignedFor;
  expiresAt: Date;
  /** Who made it: what comes by it is said to be theirs. Not said by links of before. */
  by?: Maker;
  /** What else the link fixes: store, size, digest. */
  params: Record<string, string>;
}

export const uploadsPath = '/uploads';

function pathOf(imageId: string, to: SignedFor = 'file'): string {
  return to === 'resumable' ? uploadsPath : `/v2/images/${imageId}/${to}`;
}

/** Path and query that carry the permission. */
export function signPath(key: string, { method, imageId, to, expiresAt, by, params }: SignedPath): string {
  const query = new URLSearchParams({ ...params, expires: String(Math.floor(expiresAt.getTime() / 1000)) });
  if (to === 'resumable') query.set('image', imageId);
  if (by?.user != null) query.set('user', by.user);
  if (by?.project != null) query.set('project', by.project);
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
  const [user, project] = [given.get('user'), given.get('project')];
  const by = user === null && project === null ? undefined : { user, project };
  for (const name of ['expires', 'image', 'user', 'project']) given.delete(name);
  return { method: signedFor, imageId, to, expiresAt, by, params: Object.fromEntries(given) };
}

function signatureOf(key: string, method: string, path: string, query: URLSearchParams): string {
  return createHmac('sha256', key).update(`${method}\n${path}\n${query}`).digest('base64url');
}

function sameText(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}
