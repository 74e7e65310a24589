/** Reads all bytes of a copy and compares them with the digests of the image; adds those that are missing there. */
import { findFormats } from '../db/images.ts';
import { addDigests, addSha256, markVerified, type StoredCopy } from '../db/stored-copies.ts';
import { NotFoundError, UnavailableError, ValidationError } from '../domain/errors.ts';
import type { CopyDamage, DigestAlgorithm } from '../domain/image.ts';
import { instantOf } from '../domain/instant.ts';
import type { StoreWriter } from '../stores/store.ts';
import type { App } from './app.ts';
import { beginLateSignatureCheck, type Checked, finishSignatureCheck } from './check-signature.ts';
import { ingest } from './ingest.ts';
import { judgeStream } from './judge-bytes.ts';
import { lookAtCopy, noteDamage, noteWhole, requireStoreOf } from './look-at-copy.ts';
import { type ByteRate, slowly } from './slowly.ts';

export interface Reading {
  rate: ByteRate;
  signal: AbortSignal;
}

export const allDigests: readonly DigestAlgorithm[] = ['md5', 'sha256', 'sha512'];

/**
 * Null when the bytes are those that were published; otherwise the copy is marked, and not read from any more.
 *
 * @throws UnavailableError the store does not answer, gives less than it says it has, or other bytes each time: that is
 *                          no damage
 * @throws the signal's reason
 */
export async function verifyCopy(app: App, copy: StoredCopy, reading: Reading): Promise<CopyDamage | null> {
  const found = await lookAtCopy(app, copy, reading.signal);
  if (found) return found;
  // Bytes that another server has, and nobody has read yet: what they are is told by what is read now.
  const isUnread = copy.checksum === null && !copy.digests.sha512;
  const unread = isUnread ? await openUnread(app, copy) : null;
  const digests = await digestsTwice(app, copy, reading, unread?.update);
  // It went while it was read.
  if (digests === null) return lookAtCopy(app, copy, reading.signal);
  const outcome = await unread?.finish();
  const message = mismatch(copy, digests) ?? outcome?.refusal;
  if (message) {
    const damage: CopyDamage = { code: 'OTHER_BYTES', message, at: instantOf(app.now()) };
    await noteDamage(app, copy, damage);
    return damage;
  }
  if (isUnread) {
    await addDigests(app.db, copy.imageId, { ...digestsAsPublished(digests), ...outcome?.checked });
  } else if (!copy.digests.sha256 && digests.sha256) {
    await addSha256(app.db, copy.imageId, digests.sha256);
  }
  await markVerified(app.db, copy.id);
  if (copy.damage) await noteWhole(app, copy);
  return null;
}

interface Unread {
  update(chunk: Uint8Array): void;
  /** Why the bytes are none that may be published, or what was found. */
  finish(): Promise<{ refusal: string | null; checked?: Checked }>;
}

/** As they would have been looked at before they were published. */
async function openUnread(app: App, { imageId }: StoredCopy): Promise<Unread> {
  const judge = judgeStream(app);
  const signed = await beginLateSignatureCheck(app, imageId);
  return {
    update(chunk) {
      judge.update(chunk);
      signed?.update(chunk);
    },
    async finish() {
      const declared = await findFormats(app.db, imageId);
      try {
        judge.finish(declared);
        return { refusal: null, checked: finishSignatureCheck(signed) };
      } catch (error) {
        if (error instanceof ValidationError) return { refusal: error.message };
        throw error;
      }
    },
  };
}

/** For bytes that are only looked at. */
export const nowhere: StoreWriter = { write: async () => {}, commit: async () => {}, cancel: async () => {} };

/** Read once more before anything is said against it: the line or the memory may have been wrong. Null: it is gone. */
async function digestsTwice(
  app: App,
  copy: StoredCopy,
  reading: Reading,
  look?: (chunk: Uint8Array) => void,
) {
  try {
    const first = await digestsOf(app, copy, { ...reading, look });
    if (mismatch(copy, first) === null) return first;
    const second = await digestsOf(app, copy, reading);
    const { imageId: image, store, key } = copy;
    if (mismatch(copy, second) === null) {
      app.log.warn(
        { image, store, key },
        'a store gave wrong bytes once, and the right ones when it was asked again',
      );
    } else if (mismatch(digestsAsPublished(first), second) !== null) {
      throw new UnavailableError(`Store ${store} gives other bytes each time it is asked.`, { store });
    }
    return second;
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}

const digestsAsPublished = ({ md5, ...others }: Partial<Record<DigestAlgorithm, string>>) => ({
  checksum: md5 ?? null,
  digests: others,
});

async function digestsOf(
  app: App,
  copy: StoredCopy,
  { rate, signal, look }: Reading & { look?: ((chunk: Uint8Array) => void) | undefined },
) {
  const store = requireStoreOf(app, copy);
  try {
    const bytes = await store.read(copy.key, undefined, signal);
    const { digests } = await ingest(app.hashes, nowhere, slowly(bytes, rate, signal), {
      algorithms: allDigests,
      sizeLimit: Number.MAX_SAFE_INTEGER,
      expectedSize: copy.size,
      look,
      signal,
    });
    return digests;
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    const message = `Store ${store.id} does not give as many bytes as it says it has.`;
    throw new UnavailableError(message, { store: store.id }, { cause: error });
  }
}

/** What is wrong with digests of stored bytes; null when those that the image has agree. */
export function mismatch(
  { checksum, digests: others }: Pick<StoredCopy, 'checksum'> & { digests: Partial<Record<string, string>> },
  found: Partial<Record<DigestAlgorithm, string>>,
): string | null {
  const published: Record<string, string | null | undefined> = { ...others, md5: checksum };
  for (const algorithm of allDigests) {
    const [expected, actual] = [published[algorithm], found[algorithm]];
    if (expected && actual && expected !== actual)
      return `Its bytes have ${algorithm} ${actual}, not ${expected}.`;
  }
  return null;
}
