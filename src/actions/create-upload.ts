/** Transfer targets: links that carry the permission to send or fetch the bytes of one image. */

import { recordChange } from '../db/audit.ts';
import { transaction } from '../db/client.ts';
import type { SeenImage } from '../db/images.ts';
import { actorOf, changesOf, imageObject } from '../domain/audit.ts';
import type { Caller } from '../domain/caller.ts';
import { requireDigest } from '../domain/digest.ts';
import { invalid } from '../domain/errors.ts';
import { hasData } from '../domain/lifecycle.ts';
import { mayDo } from '../domain/policy.ts';
import { type SignedFor, signPath } from '../domain/signed-path.ts';
import { checkRoom } from './allowance.ts';
import type { App } from './app.ts';
import { checkReady, requireStaging, requireWritableStore } from './check-data.ts';
import { requireImage } from './require-image.ts';

/** Usable as it stands, with exactly this method and these headers, until expiresAt. */
export interface TransferTarget {
  /** Path and query; the door puts the address of the service before it. */
  path: string;
  method: 'GET' | 'PUT' | 'POST';
  headers: { name: string; value: string }[];
  expiresAt: Date;
}

export interface CreateUpload {
  imageId: string;
  store?: string | null;
  /** Bytes that will come. */
  size?: number | null;
  digest?: { algorithm: string; value: string } | null;
  /** To the staging area, for an import to follow. */
  stage?: boolean | null;
}

export interface UploadTargets {
  image: SeenImage;
  /** Takes all bytes in one request. */
  upload: TransferTarget;
  /** Begins a resumable upload (tus 1.0); null: what is staged comes in one request. */
  resumable: TransferTarget | null;
}

/** An upload must begin within this time; it may last longer. */
const uploadLifetimeMs = 24 * 3600_000;
const downloadLifetimeMs = 3600_000;

/**
 * Returns where to PUT the bytes of a queued image, and where to begin a resumable upload of them.
 *
 * @throws as uploadImage, for all that can be known before the bytes come
 */
export async function createUpload(app: App, caller: Caller, input: CreateUpload): Promise<UploadTargets> {
  const image = await requireImage(app, caller, input.imageId, 'upload');
  if (input.stage) requireStaging(app);
  if (input.stage && input.store != null) {
    throw invalid(['store'], 'CONFLICT', 'What is staged goes to stores by importImage; leave store out.');
  }
  const params: Record<string, string> = {};
  if (input.digest) {
    const digest = requireDigest(['digest'], input.digest);
    params.digest = `${digest.algorithm}:${digest.value}`;
  }
  checkReady(app, image, input.size ?? null, input.stage ? 'stage' : 'beginUpload');
  const counted = input.stage ? 'stagingBytes' : 'bytes';
  await checkRoom(app, image.owner, { uploads: 1, [counted]: input.size ?? 1 });
  if (input.store != null) params.store = requireWritableStore(app, input.store).id;
  if (input.size != null) params.size = String(input.size);
  const expiresAt = new Date(app.now().getTime() + uploadLifetimeMs);
  const changes = changesOf(null, {
    ...params,
    stage: input.stage ?? false,
    expiresAt: expiresAt.toISOString(),
  });
  await transaction(app.db, (tx) =>
    recordChange(tx, { by: actorOf(caller), action: 'createUpload', object: imageObject(image), changes }),
  );
  const by = { user: caller.user, project: caller.project };
  const target = (method: 'PUT' | 'POST', to: SignedFor, headers: TransferTarget['headers']) => ({
    path: signPath(app.signingKey, { method, imageId: image.id, to, expiresAt, by, params }),
    method,
    headers,
    expiresAt,
  });
  const put = [{ name: 'Content-Type', value: 'application/octet-stream' }];
  return {
    image,
    upload: target('PUT', input.stage ? 'stage' : 'file', put),
    resumable: input.stage ? null : target('POST', 'resumable', [{ name: 'Tus-Resumable', value: '1.0.0' }]),
  };
}

/** Where the bytes can be read without a token; null when there are none, or the caller may not. */
export function downloadTarget(app: App, caller: Caller, image: SeenImage): TransferTarget | null {
  if (!hasData(image.status) || !mayDo(app.policy, caller, 'download', image)) return null;
  const expiresAt = new Date(app.now().getTime() + downloadLifetimeMs);
  // A link is a permission of nobody in particular: what only an admin may read has none.
  if (image.status === 'deactivated') return null;
  const path = signPath(app.signingKey, { method: 'GET', imageId: image.id, expiresAt, params: {} });
  return { path, method: 'GET', headers: [], expiresAt };
}
