/** Reads all bytes of a copy and compares them with the digests of the image; adds those that are missing there. */
import { findBlocksOf } from '../db/blocks.ts';
import { findFormats } from '../db/images.ts';
import { addDigests, addSha256, markVerified, type StoredCopy } from '../db/stored-copies.ts';
import { NotFoundError, UnavailableError, ValidationError } from '../domain/errors.ts';
import type { CopyDamage, DigestAlgorithm } from '../domain/image.ts';
import { instantOf } from '../domain/instant.ts';
import type { StoreWriter } from '../stores/store.ts';
import type { SignatureCheck } from '../trust/signatures.ts';
import type { App } from './app.ts';
import { beginLateSignatureCheck, type Checked, finishSignatureCheck, lookWith } from './check-signature.ts';
import { type Ingested, ingest } from './ingest.ts';
import { type Judge, judgeStream } from './judge-bytes.ts';
import { learnBlocks, whereOthers } from './known-blocks.ts';
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
  const otherSize = await lookAtCopy(app, copy, reading.signal);
  if (otherSize) return otherSize;
  // Bytes that another server has, and nobody has read yet: what they are is told by what is read now.
  const isUnread = copy.checksum === null && !copy.digests.sha512;
  const signed = isUnread ? await beginLateSignatureCheck(app, copy.imageId) : null;
  const judge = isUnread
    ? judgeStream(app, await findFormats(app.db, copy.imageId), { isPatient: true })
    : null;
  try {
    return await verifyRead(app, copy, { reading, judge, signed });
  } finally {
    judge?.close();
  }
}

interface Verifying {
  reading: Reading;
  /** These two: of what nobody has read yet. */
  judge: Judge | null;
  signed: SignatureCheck | null;
}

async function verifyRead(
  app: App,
  copy: StoredCopy,
  { reading, judge, signed }: Verifying,
): Promise<CopyDamage | null> {
  const known = await findBlocksOf(app.db, copy.imageId, copy.size);
  const found = await readTwice(app, copy, {
    ...reading,
    look: judge ? lookWith(judge, signed) : undefined,
    blockDigests: !known?.digests,
  });
  // It went while it was read.
  if (found === null) return lookAtCopy(app, copy, reading.signal);
  const { digests, blocks } = found;
  const others = mismatch(copy, digests);
  const outcome = judge && !others ? await outcomeOf(app, copy, { judge, signed }) : null;
  const message = others ?? outcome?.refusal;
  if (message) {
    const where = others ? whereOthers(known, blocks, copy.size) : '';
    const damage: CopyDamage = { code: 'OTHER_BYTES', message: message + where, at: instantOf(app.now()) };
    await noteDamage(app, copy, damage);
    return damage;
  }
  if (judge) {
    await addDigests(app.db, copy.imageId, { ...digestsAsPublished(digests), ...outcome?.checked });
  } else if (!copy.digests.sha256 && digests.sha256) {
    await addSha256(app.db, copy.imageId, digests.sha256);
  }
  if (blocks) await learnBlocks(app, copy.imageId, { known, found: blocks });
  await markVerified(app.db, copy.id);
  if (copy.damage) await noteWhole(app, copy);
  return null;
}

/** Why the bytes are none that may be published, or what was found in them. */
async function outcomeOf(
  app: App,
  { imageId }: StoredCopy,
  { judge, signed }: { judge: Judge; signed: SignatureCheck | null },
): Promise<{ refusal: string | null; checked: Checked }> {
  const declared = await findFormats(app.db, imageId);
  try {
    await judge.finish(declared);
    return { refusal: null, checked: finishSignatureCheck(signed) };
  } catch (error) {
    if (error instanceof ValidationError) return { refusal: error.message, checked: {} };
    throw error;
  }
}

/** For bytes that are only looked at. */
export const nowhere: StoreWriter = { write: async () => {}, commit: async () => {}, cancel: async () => {} };

interface WholeReading extends Reading {
  look?: Judge['update'] | undefined;
  blockDigests: boolean;
}

/** Read once more before anything is said against it: the line or the memory may have been wrong. Null: it is gone. */
async function readTwice(app: App, copy: StoredCopy, reading: WholeReading): Promise<Ingested | null> {
  try {
    const first = await readWhole(app, copy, reading);
    if (mismatch(copy, first.digests) === null) return first;
    const second = await readWhole(app, copy, { ...reading, look: undefined });
    const { imageId: image, store, key } = copy;
    if (mismatch(copy, second.digests) === null) {
      app.log.warn(
        { image, store, key },
        'a store gave wrong bytes once, and the right ones when it was asked again',
      );
    } else if (mismatch(digestsAsPublished(first.digests), second.digests) !== null) {
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

async function readWhole(
  app: App,
  copy: StoredCopy,
  { rate, signal, look, blockDigests }: WholeReading,
): Promise<Ingested> {
  const store = requireStoreOf(app, copy);
  try {
    const bytes = await store.read(copy.key, undefined, signal);
    return await ingest(app.hashes, nowhere, slowly(bytes, rate, signal), {
      algorithms: allDigests,
      blocks: blockDigests ? 'digests' : 'sums',
      sizeLimit: Number.MAX_SAFE_INTEGER,
      expectedSize: copy.size,
      look,
      signal,
    });
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
