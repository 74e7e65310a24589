/** Appends bytes to a resumable upload, and finishes it with the last one. */
import { createHash, type Hash } from 'node:crypto';
import { abortable } from '../bytes/abortable.ts';
import type { ResumableDigests } from '../bytes/resumable-digests.ts';
import { endHolds } from '../db/strays.ts';
import { type HeldUpload, type Progress, saveUpload } from '../db/uploads.ts';
import { ConflictError, invalid, QuotaExceededError } from '../domain/errors.ts';
import type { PausableWriter, WritableStore } from '../stores/store.ts';
import type { App } from './app.ts';
import { type Resumable, requireResumable } from './find-resumable.ts';
import { digestsOf, finishResumable, orGivenUp, requireStore } from './finish-resumable.ts';
import { patiently, writingOf } from './hold-claim.ts';
import { busy, holdUpload, type Turn, TurnLostError } from './hold-resumable.ts';
import { reserve, reserving } from './reserve.ts';

export interface Checksum {
  algorithm: 'sha1' | 'sha256' | 'sha512' | 'md5';
  /** Lower-case hex. */
  value: string;
}

export interface AppendResumable {
  id: string;
  /** Bytes that the client knows to be here. */
  offset: number;
  /** Bytes of the whole, where the client says so now. */
  length: number | null;
  /** Of these bytes, where it is known. */
  size: number | null;
  /** Read once, in order, never buffered whole. */
  bytes: AsyncIterable<Uint8Array>;
  /** Of these bytes: none of them count when it is wrong. */
  checksum: Checksum | null;
  /** Ends the request: the server shuts down. What came until then stays. */
  signal: AbortSignal;
}

/** What came is noted this often, for the case that this process is killed. */
const noteEveryBytes = 256 * 2 ** 20;

/**
 * When the client leaves in the middle, what came is kept; not with a checksum, which cannot be compared then.
 *
 * @throws NotFoundError, ConflictError  as requireResumable; OFFSET_MISMATCH: other bytes are here; BUSY: another request appends
 * @throws ValidationError    SIZE_MISMATCH: length; CHECKSUM_MISMATCH: nothing was appended
 * @throws QuotaExceededError more than was said, than an image may have or than its project's quota has left; nothing
 *                            was appended
 * @throws as finishResumable, with the last byte
 */
export async function appendResumable(app: App, input: AppendResumable): Promise<Resumable> {
  const upload = await requireResumable(app, input.id);
  checkLength(app, upload, input.length);
  if (upload.received !== input.offset) {
    const message = `The upload has ${upload.received} bytes; go on from there, not from ${input.offset}.`;
    throw new ConflictError('OFFSET_MISMATCH', message);
  }
  const limit = upload.length ?? input.length ?? app.limits.imageSizeMax;
  if (input.size !== null && input.offset + input.size > limit)
    throw tooMany(limit, input.offset + input.size);
  if (upload.state === 'done') return upload;
  if (input.length !== null && upload.length === null) {
    await reserve(app, claimedBy(upload), { atLeast: input.length });
  }
  const { held, turn } = await holdUpload(app, input.id, { received: input.offset, length: input.length });
  try {
    const progress = await append(app, held, { ...input, turn, limit });
    if (progress.paused.offset === held.length) await finishResumable(app, held, progress);
  } catch (error) {
    if (turn.signal.aborted || error instanceof TurnLostError) {
      await endHolds(app.db, [held.key]).catch(() => {}); // of a deleted image; the reaper waits for the end of the turn
      throw await whyLost(app, input.id);
    }
    throw error;
  } finally {
    await turn.end();
  }
  return requireResumable(app, input.id);
}

function checkLength(app: App, upload: Resumable, length: number | null): void {
  if (length === null) return;
  if (length > app.limits.imageSizeMax) throw tooMany(app.limits.imageSizeMax, length);
  const is = upload.length;
  if (length < upload.received || (is !== null && length !== is)) {
    const message = `The upload has ${upload.received} of ${is ?? 'an unknown number of'} bytes; it cannot have ${length}.`;
    throw invalid(['length'], 'SIZE_MISMATCH', message);
  }
}

function tooMany(limit: number, requested: number): QuotaExceededError {
  const message = `The upload is for ${limit} bytes at most; this would make it ${requested}. Nothing was added.`;
  return new QuotaExceededError({ resource: 'image_size', limit, used: 0, requested }, message);
}

async function whyLost(app: App, id: string): Promise<Error> {
  return requireResumable(app, id).then(busy, (error: Error) => error);
}

/** Whose image it is, the row says. */
const claimedBy = (upload: Pick<Resumable, 'imageId' | 'attempt' | 'store' | 'key' | 'status'>) =>
  writingOf(upload, null);

interface Appending extends AppendResumable {
  turn: Turn;
  limit: number;
}

/** One write to the store, from where the upload stands. */
interface Writing {
  store: WritableStore;
  writer: PausableWriter;
  digests: ResumableDigests;
}

/** Writes and notes what came. @throws what the source threw, after that was noted; anything else with nothing noted */
async function append(app: App, held: HeldUpload, input: Appending): Promise<Progress> {
  const writing = await orGivenUp(app, held, async () => {
    const [store, digests] = [requireStore(app, held), await digestsOf(held)];
    return { store, digests, writer: await store.resume(held.key, held.paused) };
  });
  let broken: unknown;
  try {
    broken = await orGivenUp(app, held, () => pour(app, held, { writing, input }));
  } catch (error) {
    await writing.writer.pause().catch(() => {}); // lets go; what it says no longer matters
    throw error;
  }
  const progress = await orGivenUp(app, held, () => note(app, held, writing));
  if (broken !== undefined) throw broken;
  return progress;
}

/** The loop. Returns what the source broke off with; undefined when all is here. */
async function pour(
  app: App,
  held: HeldUpload,
  { writing, input }: { writing: Writing; input: Appending },
): Promise<unknown> {
  const patience = abortable(AbortSignal.any([input.signal, input.turn.signal]));
  const chunks = input.bytes[Symbol.asyncIterator]();
  const checksum = input.checksum && createHash(input.checksum.algorithm);
  const room = reserving(app, claimedBy(held), held.length ?? 0);
  let at = input.offset;
  let noted = at;
  try {
    for (;;) {
      const next = await patience.wait(chunks.next()).catch((error: unknown) => ({ broken: error }));
      input.turn.check();
      if ('broken' in next) {
        if (checksum) throw next.broken;
        return next.broken;
      }
      if (next.done) break;
      at += next.value.length;
      if (at > input.limit) throw tooMany(input.limit, at);
      const more = room(at);
      if (more) {
        await more;
        input.turn.check();
      }
      const welcome = writing.writer.write(next.value);
      writing.digests.update(next.value);
      checksum?.update(next.value);
      await welcome;
      if (checksum || at - noted < noteEveryBytes) continue;
      const { paused } = await note(app, held, writing);
      writing.writer = await writing.store.resume(held.key, paused);
      noted = at;
    }
    if (checksum && input.checksum) checkChecksum(checksum, input.checksum);
    return undefined;
  } finally {
    patience.done();
    void Promise.resolve(chunks.return?.()).catch(() => {});
  }
}

function checkChecksum(hash: Hash, { algorithm, value }: Checksum): void {
  if (hash.digest('hex') === value) return;
  const message = `These bytes do not have the ${algorithm} that Upload-Checksum says; send them again.`;
  throw new ChecksumMismatchError(message);
}

/** The bytes of one request are not what was sent; none of them count, and the upload goes on. */
export class ChecksumMismatchError extends Error {
  override readonly name = 'ChecksumMismatchError';
}

/** Makes what came durable, and says so in the row. @throws TurnLostError nothing was noted */
async function note(app: App, held: HeldUpload, { writer, digests }: Writing): Promise<Progress> {
  const paused = await writer.pause();
  const progress: Progress = { paused, digestState: digests.save() };
  if (!(await patiently(() => saveUpload(app.db, held, progress)))) throw new TurnLostError();
  return progress;
}
