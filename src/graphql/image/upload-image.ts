/** uploadImage: the bytes of an image as part of a multipart request, for clients that have only GraphQL. */
import type { Readable } from 'node:stream';
import type { FileUpload } from 'graphql-upload-ts';
import type { App } from '../../actions/app.ts';
import { uploadImage } from '../../actions/upload-image.ts';
import type { SeenImage } from '../../db/images.ts';
import { requireDigest } from '../../domain/digest.ts';
import {
  ConflictError,
  ForbiddenError,
  NotFoundError,
  QuotaExceededError,
  UnavailableError,
  ValidationError,
} from '../../domain/errors.ts';
import { builder } from '../builder.ts';
import { requireSpooled, SpoolError } from '../spool.ts';
import { ImageType } from './image-ref.ts';
import { DigestInput } from './mutations.ts';

const UploadImagePayload = builder.objectRef<SeenImage>('UploadImagePayload').implement({
  description: 'The bytes are stored.',
  fields: (t) => ({
    image: t.field({ type: ImageType, description: 'The image, now active.', resolve: (image) => image }),
  }),
});

/** The parser's own errors are about what the client sent: too much, or not all of it. */
function partError({ limits }: App, cause: unknown): Error {
  if (cause instanceof SpoolError) {
    const message = 'There is no room to take the file in; try again later, or send it to createUpload.';
    return new UnavailableError(message, { reason: 'full' }, { cause });
  }
  if ((cause as { status?: number }).status === 413) {
    const limit = limits.imageSizeMax;
    const about = { resource: 'image_size', limit, used: 0, requested: limit + 1 };
    return new QuotaExceededError(about, `An image may have ${limit} bytes; send a smaller one.`);
  }
  const message = 'The part with the file is missing, or ended before its last byte; send it again.';
  return new ValidationError([{ path: ['file'], code: 'BROKEN', message, suggestion: null }], { cause });
}

async function openPart(app: App, upload: Promise<FileUpload>): Promise<Readable> {
  try {
    const file = await upload;
    requireSpooled(file);
    const bytes = file.createReadStream();
    // It may break before it is read, and an error that nobody hears ends the process; the reader is told again.
    bytes.on('error', () => {});
    return bytes;
  } catch (error) {
    throw partError(app, error);
  }
}

async function* readPart(app: App, bytes: Readable): AsyncIterable<Uint8Array> {
  try {
    yield* bytes;
  } catch (error) {
    throw partError(app, error);
  }
}

const UploadImageInput = builder.inputType('UploadImageInput', {
  description: 'The bytes of a queued image.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The image.' }),
    file: t.field({ type: 'Upload', required: true, description: 'The part of the multipart request.' }),
    store: t.string({ description: 'Store.name; default the default store.' }),
    digest: t.field({ type: DigestInput, description: 'What the bytes must have.' }),
  }),
});

builder.mutationField('uploadImage', (t) =>
  t.field({
    type: UploadImagePayload,
    nullable: true,
    description:
      'For clients that have only GraphQL: the same upload as a multipart request. Large files go faster through createUpload.',
    errors: {
      types: [
        ValidationError,
        NotFoundError,
        ForbiddenError,
        ConflictError,
        QuotaExceededError,
        UnavailableError,
      ],
    },
    args: { input: t.arg({ type: UploadImageInput, required: true, description: 'What to store.' }) },
    resolve: async (_root, { input }, { app, caller, signal }) => {
      const { id, store, digest } = input;
      const bytes = await openPart(app, input.file);
      try {
        const expected = digest ? [requireDigest(['digest'], digest)] : [];
        return await uploadImage(app, caller, {
          id,
          bytes: readPart(app, bytes),
          size: null,
          store: store ?? null,
          expected,
          signal: signal ?? undefined,
        });
      } finally {
        // A part that nobody reads would hold the answer back.
        bytes.destroy();
      }
    },
  }),
);
