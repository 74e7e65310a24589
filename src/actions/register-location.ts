/** One attempt at registering bytes that stay where they are: they are looked at, and read where a digest was said. */
import type { Declared } from '../bytes/inspect/verdict.ts';
import type { Imported } from '../db/import-ends.ts';
import type { ImportRun } from '../db/imports.ts';
import type { Writing } from '../db/quotas.ts';
import { DomainError, NotFoundError, UnavailableError } from '../domain/errors.ts';
import type { KnownDigest, Registration } from '../domain/import.ts';
import type { Store } from '../stores/store.ts';
import type { SignatureCheck } from '../trust/signatures.ts';
import type { App } from './app.ts';
import { checkDigests, tooLarge } from './check-data.ts';
import { beginSignatureCheck, finishSignatureCheck, lookWith } from './check-signature.ts';
import type { Hold } from './hold-run.ts';
import { counting } from './import-source.ts';
import { ingest } from './ingest.ts';
import { declaredBy, judgeStored, judgeStream } from './judge-bytes.ts';
import { reserve } from './reserve.ts';
import { allDigests, nowhere } from './verify-copy.ts';

export interface Registering {
  method: Registration;
  writing: Writing;
  signal: AbortSignal;
  hold: Pick<Hold, 'moved' | 'expect'>;
}

/**
 * What no digest was said of has none when it is published: it is read in the background then.
 *
 * @throws ValidationError    DIGEST_MISMATCH, URL_REFUSED, format_mismatch, unsafe_image, signature_invalid
 * @throws QuotaExceededError larger than an image may be, or than what is left to its project
 * @throws UnavailableError   the server does not answer, or has nothing there
 */
export async function registerLocation(
  app: App,
  { targets, image, imageId }: ImportRun,
  { method, writing, signal, hold }: Registering,
): Promise<Imported> {
  const [target] = targets;
  const store = target && app.stores.get(target.store);
  if (!target || !store) throw new UnavailableError('This worker has no store for what other servers have.');
  const { size } = await store.stat(target.key, signal).catch(told);
  if (size > app.limits.imageSizeMax) throw tooLarge(app, size);
  hold.expect(size);
  await reserve(app, writing, { atLeast: size });
  const { digest } = method;
  const object = { store, key: target.key, size };
  const declared = declaredBy(image);
  const signed = await beginSignatureCheck(app, imageId);
  const found = digest
    ? await readWhole(app, object, { digest, declared, signed, signal, hold })
    : { digests: {}, ...(await judgeStored(app, object, { declared, signal }).catch(told)) };
  return { size, ...found, written: [target.id], failed: {}, change: {}, message: null };
}

interface Whole extends Pick<Registering, 'signal' | 'hold'> {
  digest: KnownDigest;
  declared: Declared;
  signed: SignatureCheck | null;
}

/** What is judged is what is hashed: another answer may have other bytes. */
async function readWhole(
  app: App,
  { store, key, size }: { store: Store; key: string; size: number },
  { digest, declared, signed, signal, hold }: Whole,
) {
  // Who does not know the digest learns nothing else.
  const judge = judgeStream(app, declared, { isPatient: true });
  try {
    const bytes = await store.read(key, undefined, signal).catch(told);
    const { digests, blocks } = await ingest(app.hashes, nowhere, counting(bytes, hold.moved), {
      algorithms: allDigests,
      blocks: 'sums',
      sizeLimit: app.limits.imageSizeMax,
      expectedSize: size,
      look: lookWith(judge, signed),
      signal,
    });
    checkDigests({ digests }, [digest]);
    return { digests, blocks, ...(await judge.finish(declared)), ...finishSignatureCheck(signed) };
  } finally {
    judge.close();
  }
}

/** In the same words, whatever is behind the URL: nobody learns by them what there is in a network. */
function told(error: unknown): never {
  if (!(error instanceof DomainError)) throw error;
  if (!(error instanceof UnavailableError || error instanceof NotFoundError)) throw error;
  const message =
    'The server of this URL cannot be reached, broke off, answered with an error, or does not say how many bytes it has; check the URL, or try again later';
  throw new UnavailableError(message, {}, { cause: error });
}
