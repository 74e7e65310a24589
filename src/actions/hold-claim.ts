/** Holding the right to write an image's bytes: had, renewed, published or given up. */
import { randomBytes } from 'node:crypto';
import {
  type Claim,
  claimForUpload,
  countedAs,
  findStatus,
  isPublished,
  publishClaim,
  renewClaim,
  type StoredBytes,
  stageClaim,
} from '../db/claims.ts';
import { type ClaimEnd, giveUpClaim } from '../db/given-up.ts';
import type { SeenImage } from '../db/images.ts';
import type { Writing } from '../db/quotas.ts';
import type { Actor } from '../domain/audit.ts';
import type { Caller } from '../domain/caller.ts';
import { ConflictError, NotFoundError, UnavailableError } from '../domain/errors.ts';
import { failureOf } from '../domain/failure.ts';
import { instantOf } from '../domain/instant.ts';
import { wrongStatus } from '../domain/lifecycle.ts';
import { objectKey } from '../domain/object-key.ts';
import type { WritableStore } from '../stores/store.ts';
import { withRoom } from './allowance.ts';
import type { App } from './app.ts';
import { noImage, requireImage } from './require-image.ts';

/** The writer says that it lives this often; its lease is three times as long. */
const renewEveryMs = 10_000;

/** A key that no attempt had before. */
export const newKey = (imageId: string) => objectKey(imageId, randomBytes(6).toString('hex'));

export interface WantedClaim {
  store: WritableStore;
  event: 'beginUpload' | 'stage';
  /** Bytes that will come: reserved from now on; null when nobody knows. */
  size: number | null;
  by: Actor;
}

/**
 * @throws ConflictError      the image is not queued (any more); NotFoundError it is gone
 * @throws QuotaExceededError its project has no room for so much
 */
export async function requireClaim(
  app: App,
  { id, owner }: Pick<SeenImage, 'id' | 'owner'>,
  { store, event, size, by }: WantedClaim,
): Promise<Claim> {
  const status = event === 'stage' ? 'uploading' : 'saving';
  const wanted = { imageId: id, store: store.id, key: newKey(id), status, by } as const;
  const claim = await withRoom(app, owner, (allowance) =>
    claimForUpload(app.db, wanted, { allowance, size }),
  );
  if (claim) return claim;
  const found = await findStatus(app.db, id);
  if (found === 'queued') {
    throw new ConflictError('BUSY', `Image ${id} was given to another project just now; try again.`);
  }
  throw found === null ? noImage(id) : wrongStatus({ id, status: found }, event);
}

/** What the bytes of a claim are reserved by, where nobody knows how many come. */
export const writingOf = (
  claim: Pick<Claim, 'imageId' | 'key' | 'status'>,
  project: string | null,
): Writing => ({
  imageId: claim.imageId,
  keys: [claim.key],
  counts: countedAs[claim.status],
  project,
});

/** Renews the claim until stopped; aborts when it is lost. A database that is away for a while is no loss. */
export function keepClaim(app: App, claim: Claim): { signal: AbortSignal; stop(): void } {
  const lost = new AbortController();
  const timer = setInterval(() => {
    renewClaim(app.db, claim).then(
      (holds) => !holds && lost.abort(new Error('The claim is lost.')),
      (error) =>
        app.log.warn({ err: error, image: claim.imageId }, 'the claim of an upload could not be renewed'),
    );
  }, renewEveryMs);
  timer.unref();
  return { signal: lost.signal, stop: () => clearInterval(timer) };
}

/**
 * Publishes, or for a claim on the staging area leaves it to an import, over a restart of the database too: when the answer to a commit is lost, what stands in the row
 * tells whether it took effect.
 */
export async function publishClaimed(app: App, claim: Claim, stored: StoredBytes): Promise<void> {
  await patiently(async () => {
    const finish = claim.status === 'uploading' ? stageClaim : publishClaim;
    if ((await finish(app.db, claim, stored)) || (await isPublished(app.db, claim))) return;
    throw await lostClaim(app, claim);
  });
}

/** The image as it stands now. The bytes are safe: a database that is away for a moment must not deny it. */
export async function requirePublished(app: App, caller: Caller, claim: Claim): Promise<SeenImage> {
  try {
    return await patiently(() => requireImage(app, caller, claim.imageId, 'upload'));
  } catch (error) {
    throw error instanceof NotFoundError ? gone(claim) : error;
  }
}

/** Tries again while the database is away, for about ten seconds. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof UnavailableError) || attempt >= 30) throw error;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
}

const gone = (claim: Claim) =>
  new ConflictError('GONE', `Image ${claim.imageId} was deleted while its data came.`);

/** Why a claim is no longer held. */
export async function lostClaim(app: App, claim: Claim) {
  const status = await findStatus(app.db, claim.imageId);
  if (status === null) return gone(claim);
  return wrongStatus({ id: claim.imageId, status }, 'publish');
}

/**
 * Leaves the image queued and says how the claim stood. Where the database is away (null), the reaper does the
 * same once the lease is over.
 */
export async function giveUp(app: App, claim: Claim, cause: unknown): Promise<ClaimEnd | null> {
  try {
    return await giveUpClaim(app.db, claim, failureOf(cause, instantOf(app.now())));
  } catch (error) {
    app.log.warn({ err: error, image: claim.imageId }, 'an upload could not be given up; its lease will end');
    return null;
  }
}
