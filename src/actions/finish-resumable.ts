/** Publishes a resumable upload whose bytes are all here, or gives it up where they are not what was said. */
import { DigestStateError, resumeDigests } from '../bytes/resumable-digests.ts';
import { findFormats } from '../db/images.ts';
import { closeUpload, deleteUpload, type HeldUpload, keepUpload, type Progress } from '../db/uploads.ts';
import { ConflictError, DamagedError, NotFoundError, ValidationError } from '../domain/errors.ts';
import { isWritable, type WritableStore } from '../stores/store.ts';
import type { App } from './app.ts';
import { checkDigests } from './check-data.ts';
import { checkStoredSignature } from './check-signature.ts';
import { giveUp, publishClaimed } from './hold-claim.ts';
import { busy, type Hold, holdUpload } from './hold-resumable.ts';
import { judgeStored } from './judge-bytes.ts';

/** Takes the upload, all of whose `received` bytes are here, and finishes it. @throws as holdUpload, finishResumable */
export async function finishNow(app: App, id: string, received: number): Promise<void> {
  const hold = await holdUpload(app, id, { received, length: null });
  try {
    await finishResumable(app, hold, hold.held);
  } catch (error) {
    throw hold.turn.signal.aborted ? busy() : error;
  } finally {
    await hold.turn.end();
  }
}

/**
 * The same path as an upload at once: digests, a durable object, one statement. What fails for now can be tried again.
 *
 * @throws ValidationError  DIGEST_MISMATCH, format_mismatch, unsafe_image, signature_invalid; the image is queued again
 * @throws DamagedError     what had come cannot be gone on with; the image is queued again
 * @throws ConflictError    the claim was lost
 * @throws UnavailableError the store or the database does not answer; the upload stays
 */
export async function finishResumable(app: App, hold: Hold, progress: Progress): Promise<void> {
  const { held } = hold;
  await orGivenUp(app, held, async () => {
    const { digests, sums } = (await digestsOf(progress)).finish();
    const blocks = sums && { sums, digests: null };
    const stored = { size: progress.paused.offset, digests, blocks };
    checkDigests(stored, held.expected);
    const store = requireStore(app, held);
    await commit(store, hold, progress);
    const { key, imageId } = held;
    // Its requests may have come to several servers: it is looked at in one piece, before anybody else can.
    const declared = await findFormats(app.db, imageId);
    const object = { store, key, size: stored.size };
    const judged = await judgeStored(app, object, { declared });
    const signed = await checkStoredSignature(app, imageId, { ...object, signal: hold.turn.signal });
    await publishClaimed(app, held, { ...stored, ...judged, ...signed });
  });
  await closeUpload(app.db, held).catch((error) =>
    app.log.warn({ err: error, image: held.imageId }, 'a finished upload could not be closed'),
  );
}

/** Who finished before may have come as far as this, and not been heard of. */
async function commit(store: WritableStore, { held, turn }: Hold, { paused }: Progress): Promise<void> {
  const { key } = held;
  try {
    const writer = await store.resume(key, paused, turn.signal);
    const stay = turn.leaveWhenLost(() => writer);
    try {
      turn.check();
      await writer.commit();
    } catch (error) {
      await writer.leave().catch(() => {}); // what it says no longer matters
      throw error;
    } finally {
      stay();
    }
  } catch (error) {
    if (!(error instanceof NotFoundError || error instanceof ConflictError)) throw error;
    if ((await store.stat(key)).size !== paused.offset) throw error;
  }
}

/** The digests of what is here. @throws DamagedError another version computed them */
export async function digestsOf({ digestState }: Progress) {
  try {
    return await resumeDigests(digestState);
  } catch (cause) {
    if (!(cause instanceof DigestStateError)) throw cause;
    const message = 'The server was renewed meanwhile and cannot go on with this upload; begin a new one.';
    throw new DamagedError(message, { cause });
  }
}

/** @throws DamagedError the settings no longer have it */
export function requireStore(app: App, { store: id }: HeldUpload): WritableStore {
  const store = app.stores.get(id);
  if (store && isWritable(store)) return store;
  throw new DamagedError(
    `Store ${id}, where this upload began, cannot be written to any more; begin a new one.`,
  );
}

/**
 * Does a step, and gives the upload up where no other attempt could do better.
 * @throws what the step throws, in the words of an upload
 */
export async function orGivenUp<T>(app: App, held: HeldUpload, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    const reason = error instanceof NotFoundError ? lostInStore(error) : error;
    const isFinal = [ValidationError, DamagedError, ConflictError].some((type) => reason instanceof type);
    // Who no longer holds it may be the slower of two, and must not undo what the other does.
    if (isFinal && (await keepUpload(app.db, held))) {
      await giveUp(app, held, reason);
      await deleteUpload(app.db, held.id);
    }
    throw reason;
  }
}

const lostInStore = (cause: unknown) =>
  new DamagedError('What had come of this upload is no longer in its store; begin a new one.', { cause });
