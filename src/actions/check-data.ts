/** What is asked of data before and after it came: is the image ready, where does it go, are these the bytes? */
import type { StoredBytes } from '../db/claims.ts';
import type { SeenImage } from '../db/images.ts';
import { invalid, QuotaExceededError, ValidationError } from '../domain/errors.ts';
import type { Image } from '../domain/image.ts';
import type { KnownDigest } from '../domain/import.ts';
import { after, type ImageEvent, wrongStatus } from '../domain/lifecycle.ts';
import { isWritable, type WritableStore } from '../stores/store.ts';
import type { App } from './app.ts';

/** A digest that the bytes must have. */
export type ExpectedDigest = KnownDigest;

/**
 * Says no before any byte is read, where that can be known. `event` is what the data begins with.
 * @throws ValidationError, ConflictError, QuotaExceededError as uploadImage
 */
export function checkReady(
  app: App,
  image: SeenImage,
  size: number | null,
  event: ImageEvent = 'beginUpload',
): void {
  if (after(image.status, event) === null) throw wrongStatus(image, event);
  checkFormats(image);
  if (size !== null && size > app.limits.imageSizeMax) throw tooLarge(app, size);
}

/** @throws ValidationError REQUIRED: no data before the formats are known */
export function checkFormats(image: Pick<Image, 'id' | 'diskFormat' | 'containerFormat'>): void {
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
}

export const tooLarge = (app: App, size: number) =>
  new QuotaExceededError(
    { resource: 'image_size', limit: app.limits.imageSizeMax, used: 0, requested: size },
    `An image can have ${app.limits.imageSizeMax} bytes; this one has ${size}.`,
  );

/** @throws ValidationError METHOD_OFF: nothing would import what is staged */
export function requireStaging(app: App): void {
  if (app.imports.methods.includes('glance-direct')) return;
  throw invalid(['stage'], 'METHOD_OFF', 'Staging is switched off here (imports.methods); upload directly.');
}

/**
 * Of those that users know: never the staging area of a machine.
 * @throws ValidationError at `path`: no such store, or one that is only read
 */
export function requireWritableStore(app: App, id: string | null, path = ['store']): WritableStore {
  if (id === null) return app.stores.default;
  const store = app.stores.all.find((one) => one.id === id);
  if (!store) {
    const known = app.stores.all.map((s) => s.id).join(', ');
    const message = `There is no store ${JSON.stringify(id.slice(0, 64))}; there is: ${known}.`;
    throw invalid(path, 'UNKNOWN_STORE', message);
  }
  if (!isWritable(store)) throw invalid(path, 'READ_ONLY_STORE', `Store ${id} cannot be written to.`);
  return store;
}

/** @throws ValidationError DIGEST_MISMATCH: not all are what was said */
export function checkDigests(
  stored: Pick<StoredBytes, 'digests'>,
  expected: readonly ExpectedDigest[],
): void {
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
