/** Stores the bytes of a queued image and makes it active, or leaves them in the staging area. */
import type { Claim, StoredBytes } from '../db/claims.ts';
import type { SeenImage } from '../db/images.ts';
import { actorOf } from '../domain/audit.ts';
import type { Caller } from '../domain/caller.ts';
import type { DigestAlgorithm } from '../domain/image.ts';
import type { WritableStore } from '../stores/store.ts';
import type { App } from './app.ts';
import {
  checkDigests,
  checkReady,
  type ExpectedDigest,
  requireStaging,
  requireWritableStore,
} from './check-data.ts';
import { beginSignatureCheck, finishSignatureCheck, lookWith } from './check-signature.ts';
import {
  giveUp,
  keepClaim,
  lostClaim,
  publishClaimed,
  requireClaim,
  requirePublished,
  writingOf,
} from './hold-claim.ts';
import { ingest } from './ingest.ts';
import { type Judge, judgeStream } from './judge-bytes.ts';
import { requireImage } from './require-image.ts';
import { type Reserve, reserving } from './reserve.ts';

export interface UploadImage {
  id: string;
  /** Read once, in order, never buffered whole. */
  bytes: AsyncIterable<Uint8Array>;
  /** Bytes that will come, where the client said so: checked. */
  size: number | null;
  /** Store.id; null is the default store. */
  store: string | null;
  expected: readonly ExpectedDigest[];
  /** To the staging area, for an import to follow, in place of publishing; `store` counts for nothing then. */
  stage?: boolean;
  /** Ends the upload: the client is gone, or the server shuts down. */
  signal?: AbortSignal;
}

/**
 * Returns the image, active (or staged): size in bytes, digests in lower-case hex.
 *
 * @throws NotFoundError      the caller may not see the image
 * @throws ForbiddenError     not the owner's
 * @throws ConflictError      not queued, or another upload was first; GONE: deleted meanwhile
 * @throws ValidationError    no formats yet; an unknown store; size or digest are not what was said; format_mismatch,
 *                            unsafe_image or signature_invalid: the bytes are not what may be published, and nothing
 *                            of them is kept
 * @throws QuotaExceededError larger than an image may be, or than what is left of a quota of its project
 * @throws UnavailableError   the store refused or is full; the image is queued again
 */
export async function uploadImage(app: App, caller: Caller, input: UploadImage): Promise<SeenImage> {
  const image = await requireImage(app, caller, input.id, 'upload');
  const event = input.stage ? 'stage' : 'beginUpload';
  if (input.stage) requireStaging(app);
  checkReady(app, image, input.size, event);
  const store = input.stage ? app.stores.staging : requireWritableStore(app, input.store);
  const wanted = { store, event, size: input.size, by: actorOf(caller) } as const;
  const claim = await requireClaim(app, image, wanted);
  const lost = keepClaim(app, claim);
  try {
    const signal = input.signal ? AbortSignal.any([input.signal, lost.signal]) : lost.signal;
    const reserve = reserving(app, writingOf(claim, image.owner), input.size ?? 0);
    const stored = await storeBytes(app, store, claim, { ...input, image, signal, reserve });
    await publishClaimed(app, claim, stored);
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

/** The bytes into the store, checked, durable. Nothing is left there when it throws. */
async function storeBytes(
  app: App,
  store: WritableStore,
  claim: Claim,
  input: UploadImage & { image: SeenImage; reserve: Reserve },
): Promise<StoredBytes> {
  // What is staged is checked when it is imported.
  const signed = input.stage ? null : await beginSignatureCheck(app, claim.imageId);
  const writer = await store.create(claim.key, { size: input.size }, input.signal);
  let judge: Judge | null = null;
  try {
    // What is staged is hashed and judged when it is imported.
    const usual: DigestAlgorithm[] = input.stage ? [] : ['md5', 'sha512'];
    judge = input.stage ? null : judgeStream(app, input.image);
    const wanted = new Set<DigestAlgorithm>([...usual, ...input.expected.map((e) => e.algorithm)]);
    const stored = await ingest(app.hashes, writer, input.bytes, {
      algorithms: [...wanted],
      blocks: input.stage ? 'none' : 'sums',
      sizeLimit: app.limits.imageSizeMax,
      expectedSize: input.size,
      reserve: input.reserve,
      look: lookWith(judge, signed),
      signal: input.signal,
    });
    checkDigests(stored, input.expected);
    const judged = { ...(await judge?.finish(input.image)), ...finishSignatureCheck(signed) };
    await writer.commit();
    return { ...stored, ...judged };
  } catch (error) {
    await writer
      .cancel()
      .catch((cause) => app.log.warn({ err: cause, key: claim.key }, 'a part could not be removed'));
    throw error;
  } finally {
    judge?.close();
  }
}
