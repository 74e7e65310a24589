/** Checks the signature of an image against its bytes, whichever way they come, before they are published. */
import { findProperties } from '../db/images.ts';
import { DamagedError, UnavailableError, ValidationError } from '../domain/errors.ts';
import { propertiesBeside } from '../domain/fields.ts';
import type { Image } from '../domain/image.ts';
import type { SignatureRecord } from '../domain/signature.ts';
import type { Store } from '../stores/store.ts';
import type { SignatureCheck } from '../trust/signatures.ts';
import type { App } from './app.ts';
import type { Judge } from './judge-bytes.ts';

/** What was found, for the row: nothing where there was nothing to check. */
export interface Checked {
  signature?: SignatureRecord;
}

/**
 * Begins before the bytes come, so that what no bytes can mend is refused without them. `found` are properties that
 * come with them. Null: nobody checks signatures, or the image has none.
 *
 * @throws ValidationError  signature_invalid
 * @throws UnavailableError the certificate cannot be had now
 */
export async function beginSignatureCheck(
  app: App,
  imageId: string,
  found: Image['properties'] = {},
): Promise<SignatureCheck | null> {
  if (app.signatures === null) return null;
  // All there are: what the caller may not read counts as well.
  const own = await findProperties(app.db, imageId);
  try {
    return await app.signatures.checkOf({ ...propertiesBeside(own, found), ...own });
  } catch (error) {
    if (error instanceof UnavailableError) {
      app.log.warn({ err: error, image: imageId }, 'the certificate of a signature could not be had');
    }
    throw error;
  }
}

/**
 * Of bytes that are published already. Properties that are no signature, or whose certificate is none, say nothing of
 * the bytes: somebody may be about to set them, and the state of the image says that nothing was checked.
 *
 * @throws UnavailableError the certificate cannot be had now
 */
export async function beginLateSignatureCheck(app: App, imageId: string): Promise<SignatureCheck | null> {
  try {
    return await beginSignatureCheck(app, imageId);
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    app.log.warn({ err: error, image: imageId }, 'the signature of a registered location is not checked');
    return null;
  }
}

/** Shows the bytes to both; as Judge.update. */
export const lookWith =
  (judge: Judge | null, signed: SignatureCheck | null): Judge['update'] =>
  (chunk) => {
    signed?.update(chunk);
    return judge?.update(chunk) ?? null;
  };

/** @throws ValidationError signature_invalid: the bytes that went by are not what was signed */
export function finishSignatureCheck(check: SignatureCheck | null): Checked {
  return check ? { signature: check.finish() } : {};
}

/** Of an object that is whole already. @throws as the two before; DamagedError: there is less of it */
export async function checkStoredSignature(
  app: App,
  imageId: string,
  { store, key, size, signal }: { store: Store; key: string; size: number; signal?: AbortSignal },
): Promise<Checked> {
  const check = await beginSignatureCheck(app, imageId);
  if (!check) return {};
  let read = 0;
  for await (const chunk of await store.read(key, undefined, signal)) {
    signal?.throwIfAborted();
    check.update(chunk);
    read += chunk.length;
  }
  if (read !== size) throw new DamagedError('What had come is not whole in its store; send it again.');
  return finishSignatureCheck(check);
}
