/** Stores the bytes of a queued image and makes it active. */
import { randomBytes } from 'node:crypto';
import {
  type Claim,
  type ClaimEnd,
  claimForUpload,
  findStatus,
  giveUpClaim,
  isPublished,
  publishClaim,
  renewClaim,
  type StoredBytes,
} from '../db/copies.ts';
import type { SeenImage } from '../db/images.ts';
import type { Caller } from '../domain/caller.ts';
import {
  ConflictError,
  invalid,
  NotFoundError,
  QuotaExceededError,
  UnavailableError,
  ValidationError,
} from '../domain/errors.ts';
import { failureOf } from '../domain/failure.ts';
import type { DigestAlgorithm } from '../domain/image.ts';
import { instantOf } from '../domain/instant.ts';
import { after, wrongStatus } from '../domain/lifecycle.ts';
import { isWritable, type WritableStore } from '../stores/store.ts';
import type { App } from './app.ts';
import { ingest } from './ingest.ts';
import { noImage, requireImage } from './require-image.ts';

/** A digest that the bytes must have, lower-case hex. */
export interface ExpectedDigest {
  algorithm: DigestAlgorithm;
  value: string;
}

export interface UploadImage {
  id: string;
  /** Read once, in order, never buffered whole. */
  bytes: AsyncIterable<Uint8Array>;
  /** Bytes that will come, where the client said so: checked. */
  size: number | null;
  /** Store.id; null is the default store. */
  store: string | null;
  expected: readonly ExpectedDigest[];
  /** Ends the upload: the client is gone, or the server shuts down. */
  signal?: AbortSignal;
}

/** The writer says that it lives this often; its lease is three times as long. */
const renewEveryMs = 10_000;

/**
 * Returns the active image: size in bytes, digests in lower-case hex.
 *
 * @throws NotFoundError      the caller may not see the image
 * @throws ForbiddenError     not the owner's
 * @throws ConflictError      not queued, or another upload was first; GONE: deleted meanwhile
 * @throws ValidationError    no formats yet; an unknown store; size or digest are not what was said
 * @throws QuotaExceededError larger than an image may be
 * @throws UnavailableError   the store refused or is full; the image is queued again
 */
export async function uploadImage(app: App, caller: Caller, input: UploadImage): Promise<SeenImage> {
  const image = await requireImage(app, caller, input.id, 'upload');
  checkReady(app, image, input.size);
  const store = requireWritableStore(app, input.store);
  const claim = await requireClaim(app, image.id, store);
  const lost = keepClaim(app, claim);
  try {
    const signal = input.signal ? AbortSignal.any([input.signal, lost.signal]) : lost.signal;
    const stored = await storeBytes(app, store, claim, { ...input, signal });
    await publish(app, claim, stored);
  } catch (error) {
    // Whose claim was lost, its part file went with it: what the store then says is not the reason.
    const outcome = await giveUp(app, claim, error);
    if (outcome === 'lost') throw await lostClaim(app, claim);
    if (outcome !== 'published') throw error;
  } finally {
    lost.stop();
  }
  return requirePublished(app, caller, claim);
}

/**
 * Says no before any byte is read, where that can be known.
 * @throws ValidationError, ConflictError, QuotaExceededError as uploadImage
 */
export function checkReady(app: App, image: SeenImage, size: number | null): void {
  if (after(image.status, 'beginUpload') === null) throw wrongStatus(image, 'beginUpload');
  const missing = (['diskFormat', 'containerFormat'] as const).filter((field) => image[field] === null);
  if (missing.length > 0) {
    throw new ValidationError(
      missing.map((field) => ({
        path: [field],
        code: 'REQUIRED',
        message: `Image ${image.id} needs ${field} before data; set it with updateImage.`,
        suggestion: null,
      })),
    );
  }
  if (size !== null && size > app.limits.imageSizeMax) throw tooLarge(app, size);
}

const tooLarge = (app: App, size: number) =>
  new QuotaExceededError(
    { resource: 'image_size', limit: app.limits.imageSizeMax, used: 0, requested: size },
    `An image can have ${app.limits.imageSizeMax} bytes; this one has ${size}.`,
  );

/** @throws ValidationError no such store, or one that is only read */
export function requireWritableStore(app: App, id: string | null): WritableStore {
  if (id === null) return app.stores.default;
  const store = app.stores.get(id);
  if (!store) {
    const known = app.stores.all.map((s) => s.id).join(', ');
    throw invalid(
      ['store'],
      'UNKNOWN_STORE',
      `There is no store ${JSON.stringify(id.slice(0, 64))}; there is: ${known}.`,
    );
  }
  if (!isWritable(store)) throw invalid(['store'], 'READ_ONLY_STORE', `Store ${id} cannot be written to.`);
  return store;
}

async function requireClaim(app: App, imageId: string, store: WritableStore): Promise<Claim> {
  const key = `${imageId}.${randomBytes(6).toString('hex')}`;
  const claim = await claimForUpload(app.db, imageId, store.id, key);
  if (claim) return claim;
  const status = await findStatus(app.db, imageId);
  throw status === null ? noImage(imageId) : wrongStatus({ id: imageId, status }, 'beginUpload');
}

/** Renews the claim until stopped; aborts when it is lost. A database that is away for a while is no loss. */
function keepClaim(app: App, claim: Claim): { signal: AbortSignal; stop(): void } {
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

/** The bytes into the store, checked, durable. Nothing is left there when it throws. */
async function storeBytes(
  app: App,
  store: WritableStore,
  claim: Claim,
  input: UploadImage,
): Promise<StoredBytes> {
  const writer = await store.create(claim.key, { size: input.size }, input.signal);
  try {
    const wanted = new Set<DigestAlgorithm>(['md5', 'sha512', ...input.expected.map((e) => e.algorithm)]);
    const stored = await ingest(app.hashes, writer, input.bytes, {
      algorithms: [...wanted],
      sizeLimit: app.limits.imageSizeMax,
      expectedSize: input.size,
      signal: input.signal,
    });
    checkDigests(stored, input.expected);
    await writer.commit();
    return stored;
  } catch (error) {
    await writer
      .cancel()
      .catch((cause) => app.log.warn({ err: cause, key: claim.key }, 'a part could not be removed'));
    throw error;
  }
}

function checkDigests(stored: StoredBytes, expected: readonly ExpectedDigest[]): void {
  const wrong = expected.filter((e) => stored.digests[e.algorithm] !== e.value);
  if (wrong.length === 0) return;
  throw new ValidationError(
    wrong.map(({ algorithm, value }) => ({
      path: ['digest'],
      code: 'DIGEST_MISMATCH',
      message: `The bytes that came have ${algorithm} ${stored.digests[algorithm]}, not ${value}; send them again.`,
      suggestion: null,
    })),
  );
}

/**
 * Publishes, over a restart of the database too: when the answer to a commit is lost, what stands in the row
 * tells whether it took effect.
 */
async function publish(app: App, claim: Claim, stored: StoredBytes): Promise<void> {
  await patiently(async () => {
    if ((await publishClaim(app.db, claim, stored)) || (await isPublished(app.db, claim))) return;
    throw await lostClaim(app, claim);
  });
}

/** The image as it stands now. The bytes are safe: a database that is away for a moment must not deny it. */
async function requirePublished(app: App, caller: Caller, claim: Claim): Promise<SeenImage> {
  try {
    return await patiently(() => requireImage(app, caller, claim.imageId, 'upload'));
  } catch (error) {
    throw error instanceof NotFoundError ? gone(claim) : error;
  }
}

/** Tries again while the database is away, for about ten seconds. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
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

async function lostClaim(app: App, claim: Claim) {
  const status = await findStatus(app.db, claim.imageId);
  if (status === null) return gone(claim);
  return wrongStatus({ id: claim.imageId, status }, 'publish');
}

/**
 * Leaves the image queued and says how the claim stood. Where the database is away (null), the reaper does the
 * same once the lease is over.
 */
async function giveUp(app: App, claim: Claim, cause: unknown): Promise<ClaimEnd | null> {
  try {
    return await giveUpClaim(app.db, claim, failureOf(cause, instantOf(app.now())));
  } catch (error) {
    app.log.warn({ err: error, image: claim.imageId }, 'an upload could not be given up; its lease will end');
    return null;
  }
}
