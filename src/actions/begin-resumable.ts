/** Begins a resumable upload: from then on the image is being saved, by whoever knows the upload's id. */
import { randomBytes } from 'node:crypto';
import { beginDigests } from '../bytes/resumable-digests.ts';
import type { Claim } from '../db/claims.ts';
import { deleteUpload, findUpload, insertUpload } from '../db/uploads.ts';
import { actorOf } from '../domain/audit.ts';
import type { Caller } from '../domain/caller.ts';
import type { DigestAlgorithm } from '../domain/image.ts';
import type { App } from './app.ts';
import { checkReady, type ExpectedDigest, requireWritableStore } from './check-data.ts';
import { beginSignatureCheck } from './check-signature.ts';
import type { Resumable } from './find-resumable.ts';
import { finishNow } from './finish-resumable.ts';
import { giveUp, keepClaim, lostClaim, requireClaim } from './hold-claim.ts';
import { noImage, requireImage } from './require-image.ts';

export interface BeginResumable {
  imageId: string;
  /** Bytes that will come; null: said later. */
  length: number | null;
  /** Store.id; null is the default store. */
  store: string | null;
  expected: readonly ExpectedDigest[];
  /** Upload-Metadata, given back as it came. */
  metadata: string | null;
}

/** Nobody finds it by trying. */
const idBytes = 24;

/**
 * The store is asked before anything is promised. An upload of no bytes is done at once.
 *
 * @throws as uploadImage, for all that can be known before the bytes come
 */
export async function beginResumable(app: App, caller: Caller, input: BeginResumable): Promise<Resumable> {
  const image = await requireImage(app, caller, input.imageId, 'upload');
  checkReady(app, image, input.length);
  const store = requireWritableStore(app, input.store);
  const wanted = { store, event: 'beginUpload', size: input.length, by: actorOf(caller) } as const;
  const claim = await requireClaim(app, image, wanted);
  const lost = keepClaim(app, claim);
  const id = randomBytes(idBytes).toString('base64url');
  try {
    // Checked in the end; what no bytes can mend is said now.
    await beginSignatureCheck(app, image.id);
    const writer = await store.create(claim.key, { size: input.length, pausable: true }, lost.signal);
    const paused = await writer.pause();
    const algorithms = new Set<DigestAlgorithm>(['md5', 'sha512', ...input.expected.map((e) => e.algorithm)]);
    const digestState = (await beginDigests([...algorithms])).save();
    const upload = { id, length: input.length, expected: [...input.expected], metadata: input.metadata };
    if (!(await insertUpload(app.db, claim, { ...upload, paused, digestState }))) {
      throw await lostClaim(app, claim);
    }
    lost.stop(); // from here on the claim lives as long as the upload
    if (input.length === 0) await finishNow(app, id, 0);
    const made = await findUpload(app.db, id);
    if (!made) throw noImage(image.id);
    return made;
  } catch (error) {
    await undo(app, claim, { id, error });
    throw lost.signal.aborted ? await lostClaim(app, claim) : error;
  } finally {
    lost.stop();
  }
}

/** Nobody learns the id of an upload that fails here: it leaves nothing. Where the database is away, it expires. */
async function undo(app: App, claim: Claim, { id, error }: { id: string; error: unknown }): Promise<void> {
  await giveUp(app, claim, error);
  await deleteUpload(app.db, id).catch((reason) =>
    app.log.warn({ err: reason, image: claim.imageId }, 'an upload that failed to begin waits for its end'),
  );
}
