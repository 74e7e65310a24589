/** Appends bytes to a resumable upload, and finishes it with the last one. */
import { createHash, type Hash } from 'node:crypto';
import { abortable } from '../bytes/abortable.ts';
import type { ResumableDigests } from '../bytes/resumable-digests.ts';
import { endHolds } from '../db/strays.ts';
import { findUpload, type HeldUpload, type Progress, saveUpload, type Upload } from '../db/uploads.ts';
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
 * When the client leaves in the middle, what came is kept; not with a checksum, which cannot be compared then. What was
 * noted before a failure is kept as well: every 256 MiB, without a checksum.
 *
 * @throws NotFoundError, ConflictError  as requireResumable; OFFSET_MISMATCH: other bytes are here; BUSY: another request appends
 * @throws ValidationError    SIZE_MISMATCH: length
 * @throws ChecksumMismatchError nothing was appended
 * @throws QuotaExceededError more than was said, than an image may have or than its project's quota has left
 * @throws as finishResumable, with the last byte
 */
export async function appendResumable(app: App, input: AppendResumable): Promise<Resumable> {
  const upload = await requireResumable(app, input.id);
  if (upload.received !== input.offset) {
    const message = `The upload has ${upload.received} bytes; go on from there, not from ${input.offset}.`;
    throw new ConflictError('OFFSET_MISMATCH', message);
  }
  checkFits(app, upload, input);
  if (upload.state === 'done') return upload;
  if (input.length !== null && upload.length === null) {
    await reserve(app, claimedBy(upload), { atLeast: input.length });
  }
  const hold = await holdUpload(app, input.id, { received: input.offset, length: input.length });
  const { held, turn } = hold;
  try {
    const limit = checkFits(app, held, input); // another request may have said the length meanwhile
    const progress = await append(app, held, { ...input, turn, limit });
    if (progress.paused.offset === held.length) await finishResumable(app, hold, progress);
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

/** Bytes that the upload may have. @throws ValidationError, QuotaExceededError as appendResumable */
function checkFits(app: App, { received, length: is }: Upload, { length, offset, size }: AppendResumable) {
  const max = app.limits.imageSizeMax;
  if (length !== null && length > max) throw tooMany(max, length, received);
  if (length !== null && (length < received || (is !== null && length !== is))) {
    const message = `The upload has ${received} of ${is ?? 'an unknown number of'} bytes; it cannot have ${length}.`;
    throw invalid(['length'], 'SIZE_MISMATCH', message);
  }
  const limit = is ?? length ?? max;
  if (size !== null && offset + size > limit) throw tooMany(limit, offset + size, received);
  return limit;
}

function tooMany(limit: number, requested: number, received: number): QuotaExceededError {
  const message = `The upload is for ${limit} bytes at most; this would make it ${requested}. It has ${received}.`;
  return new QuotaExceededError({ resource: 'image_size', limit, used: 0, requested }, message);
}

async function whyLost(app: App, id: string): Promise<Error> {
  return requireResumable(app, id).then(busy, (error: Error) => error);
}

/** Whose image it is, the row says. */
const claimedBy = (upload: Pick<Resumable, 'imageId' | 'key' | 'status'>) => writingOf(upload, null);

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

interface Step {
  writing: Writing;
  input: Appending;
}

/** Writes and notes what came. @throws what the source threw, after that was noted; anything else with no more noted */
async function append(app: App, held: HeldUpload, input: Appending): Promise<Progress> {
  const writing = await orGivenUp(app, held, async () => {
    const [store, digests] = [requireStore(app, held), await digestsOf(held)];
    return { store, digests, writer: await store.resume(held.key, held.paused, input.turn.signal) };
  });
  const stay = input.turn.leaveWhenLost(() => writing.writer);
  try {
    const broken = await orGivenUp(app, held, () => pour(app, held, { writing, input }));
    const progress = await orGivenUp(app, held, () => note(app, held, { writing, input }));
    if (broken !== undefined) throw broken;
    return progress;
  } catch (error) {
    await letGo(app, held, writing);
    throw error;
  } finally {
    stay();
  }
}

/** Of an upload that is over nothing stays: what was under way may have arrived after it was removed. */
async function letGo(app: App, { id, imageId }: HeldUpload, { writer }: Writing): Promise<void> {
  const isOver = await findUpload(app.db, id).then(
    (found) => found === null || found.state === 'ended',
    () => false,
  );
  await (isOver ? writer.cancel() : writer.leave()).catch((error) =>
    app.log.warn({ err: error, image: imageId }, 'a write could not be let go of'),
  );
}

/** The loop. Returns what the source broke off with; undefined when all is here. */
async function pour(app: App, held: HeldUpload, { writing, input }: Step): Promise<unknown> {
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
      if (at > input.limit) throw tooMany(input.limit, at, noted);
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
      const { paused } = await note(app, held, { writing, input });
      writing.writer = await writing.store.resume(held.key, paused, input.turn.signal);
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
async function note(app: App, held: HeldUpload, { writing, input }: Step): Promise<Progress> {
  const { writer, digests } = writing;
  input.turn.check();
  const paused = await writer.pause();
  const progress: Progress = { paused, digestState: digests.save() };
  if (!(await patiently(() => saveUpload(app.db, held, progress)))) throw new TurnLostError();
  return progress;
}
