/** Writing images. Each mutation is one action; its payload, input and errors stand beside it. */

import { deactivateImage, reactivateImage } from '../../actions/change-activation.ts';
import { createImage } from '../../actions/create-image.ts';
import { createUpload, type UploadTargets } from '../../actions/create-upload.ts';
import { deleteImage } from '../../actions/delete-image.ts';
import { deleteImageCopy } from '../../actions/delete-image-copy.ts';
import type { WrittenImage } from '../../actions/metadef/check-properties.ts';
import { updateImage } from '../../actions/update-image.ts';
import type { SeenImage } from '../../db/images.ts';
import {
  ConflictError,
  ForbiddenError,
  NotFoundError,
  QuotaExceededError,
  UnavailableError,
  ValidationError,
} from '../../domain/errors.ts';
import { builder } from '../builder.ts';
import { ContainerFormat, DiskFormat, ImageVisibility } from '../enums.ts';
import { ImageType } from './image-ref.ts';
import { PropertyIssueType } from './property.ts';
import { TransferTargetType } from './values.ts';

/** A payload that holds the image as it now stands. */
function imagePayload(name: string) {
  return builder.objectRef<SeenImage>(name).implement({
    description: 'What became of it.',
    fields: (t) => ({
      image: t.field({
        type: ImageType,
        description: 'The image as it now stands.',
        resolve: (image) => image,
      }),
    }),
  });
}

/** The same, with what the metadata definitions say. */
function writtenPayload(name: string) {
  return builder.objectRef<WrittenImage>(name).implement({
    description: 'What became of it.',
    fields: (t) => ({
      image: t.field({
        type: ImageType,
        description: 'The image as it now stands.',
        resolve: ({ image }) => image,
      }),
      issues: t.field({
        type: [PropertyIssueType],
        description:
          'What the metadata definitions say against its properties, those that were there before and those that are missing among them; sorted by property.',
        resolve: ({ issues }) => issues,
      }),
    }),
  });
}

const PropertyInput = builder.inputType('PropertyInput', {
  description: 'A custom property. A name given twice in one list is a ValidationError.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'Up to 255 characters; not one of the base fields, not os_glance*.',
    }),
    value: t.string({ required: true, description: 'Up to 64 KiB.' }),
  }),
});

const CreateImageInput = builder.inputType('CreateImageInput', {
  description: 'What is left out gets its default; formats may follow later.',
  fields: (t) => ({
    id: t.id({
      description:
        'Chosen by the client to make a retry safe (the second try gets ConflictError ALREADY_EXISTS); else the server makes one.',
    }),
    name: t.string({ description: 'Up to 255 characters; not unique.' }),
    visibility: t.field({ type: ImageVisibility, description: 'Default SHARED, as Glance.' }),
    owner: t.string({ description: "Default the caller's project; another one only for an admin." }),
    diskFormat: t.field({ type: DiskFormat, description: 'Needed before data.' }),
    containerFormat: t.field({ type: ContainerFormat, description: 'Needed before data.' }),
    minDisk: t.int({ description: 'GiB; default 0.' }),
    minRam: t.int({ description: 'MiB; default 0.' }),
    protected: t.boolean({ description: 'Default false.' }),
    hidden: t.boolean({ description: 'Default false.' }),
    tags: t.stringList({
      description: 'At most 128, each up to 255 characters; one given twice counts once.',
    }),
    properties: t.field({ type: [PropertyInput], description: 'At most 128.' }),
  }),
});

builder.mutationField('createImage', (t) =>
  t.field({
    type: writtenPayload('CreateImagePayload'),
    nullable: true,
    description:
      "Registers an image. With an id of the client's choice, createUpload can follow in the same request.",
    errors: { types: [ValidationError, ForbiddenError, ConflictError, QuotaExceededError] },
    args: { input: t.arg({ type: CreateImageInput, required: true, description: 'What to register.' }) },
    resolve: (_root, { input }, { app, caller }) => createImage(app, caller, input),
  }),
);

const UpdateImageInput = builder.inputType('UpdateImageInput', {
  description: `A field left out stays as it is; null clears name, diskFormat and containerFormat, and is a ValidationError
elsewhere. All or nothing.`,
  fields: (t) => ({
    id: t.id({ required: true, description: 'The image.' }),
    ifRevision: t.int({
      description:
        'Refused with REVISION_MISMATCH unless the image is at this revision; left out, the last writer wins.',
    }),
    name: t.string({ description: 'Up to 255 characters.' }),
    visibility: t.field({ type: ImageVisibility, description: 'PUBLIC only by an admin.' }),
    owner: t.string({ description: 'Only an admin.' }),
    diskFormat: t.field({ type: DiskFormat, description: 'Only before there is data.' }),
    containerFormat: t.field({ type: ContainerFormat, description: 'Only before there is data.' }),
    minDisk: t.int({ description: 'GiB.' }),
    minRam: t.int({ description: 'MiB.' }),
    protected: t.boolean({ description: 'Whether it can be deleted.' }),
    hidden: t.boolean({ description: 'Whether lists leave it out.' }),
    tags: t.stringList({ description: 'All tags anew; not together with addTags or removeTags.' }),
    addTags: t.stringList({ description: 'Those that are there already are no error.' }),
    removeTags: t.stringList({ description: 'Those that are not there are no error.' }),
    properties: t.field({
      type: [PropertyInput],
      description: 'All custom properties anew; not together with setProperties or removeProperties.',
    }),
    setProperties: t.field({ type: [PropertyInput], description: 'Adds or changes these; the others stay.' }),
    removeProperties: t.stringList({
      description: 'Those that are not there are no error; a name also in setProperties is.',
    }),
  }),
});

builder.mutationField('updateImage', (t) =>
  t.field({
    type: writtenPayload('UpdateImagePayload'),
    nullable: true,
    description: 'Changes what stands about an image.',
    errors: { types: [ValidationError, NotFoundError, ForbiddenError, ConflictError, QuotaExceededError] },
    args: { input: t.arg({ type: UpdateImageInput, required: true, description: 'What to change.' }) },
    resolve: (_root, { input }, { app, caller }) => updateImage(app, caller, input),
  }),
);

const DeleteImagePayload = builder.objectRef<{ id: string }>('DeleteImagePayload').implement({
  description: 'The image is gone.',
  fields: (t) => ({ id: t.exposeID('id', { description: 'Id of the image that is gone.' }) }),
});

const DeleteImageInput = builder.inputType('DeleteImageInput', {
  description: 'Which image to delete.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The image.' }),
    ifRevision: t.int({
      description: 'Refused with REVISION_MISMATCH unless the image is at this revision.',
    }),
  }),
});

builder.mutationField('deleteImage', (t) =>
  t.field({
    type: DeleteImagePayload,
    nullable: true,
    description: 'Removes an image for ever; its bytes follow in the background. Its id never comes again.',
    errors: { types: [NotFoundError, ForbiddenError, ConflictError, UnavailableError] },
    args: { input: t.arg({ type: DeleteImageInput, required: true, description: 'What to delete.' }) },
    resolve: (_root, { input }, { app, caller }) => deleteImage(app, caller, input),
  }),
);

const DeactivateImageInput = builder.inputType('DeactivateImageInput', {
  description: 'Which image to deactivate.',
  fields: (t) => ({ id: t.id({ required: true, description: 'The image.' }) }),
});

builder.mutationField('deactivateImage', (t) =>
  t.field({
    type: imagePayload('DeactivateImagePayload'),
    nullable: true,
    description:
      'Stops downloads of an active image, but for admins. Does nothing to an image that is deactivated already.',
    errors: { types: [NotFoundError, ForbiddenError, ConflictError] },
    args: {
      input: t.arg({ type: DeactivateImageInput, required: true, description: 'What to deactivate.' }),
    },
    resolve: (_root, { input }, { app, caller }) => deactivateImage(app, caller, input),
  }),
);

const ReactivateImageInput = builder.inputType('ReactivateImageInput', {
  description: 'Which image to reactivate.',
  fields: (t) => ({ id: t.id({ required: true, description: 'The image.' }) }),
});

builder.mutationField('reactivateImage', (t) =>
  t.field({
    type: imagePayload('ReactivateImagePayload'),
    nullable: true,
    description: 'Allows downloads again. Does nothing to an image that is active already.',
    errors: { types: [NotFoundError, ForbiddenError, ConflictError] },
    args: {
      input: t.arg({ type: ReactivateImageInput, required: true, description: 'What to reactivate.' }),
    },
    resolve: (_root, { input }, { app, caller }) => reactivateImage(app, caller, input),
  }),
);

export const DigestInput = builder.inputType('DigestInput', {
  description: 'Checked against the bytes before they are published.',
  fields: (t) => ({
    algorithm: t.string({ required: true, description: 'sha512, sha256 or md5.' }),
    value: t.string({ required: true, description: 'Hex, of full length.' }),
  }),
});

const CreateUploadPayload = builder.objectRef<UploadTargets>('CreateUploadPayload').implement({
  description: 'Where to send the bytes.',
  fields: (t) => ({
    image: t.field({ type: ImageType, description: 'The image as it stands.', resolve: (p) => p.image }),
    upload: t.field({
      type: TransferTargetType,
      description: 'PUT the bytes here, in one request.',
      resolve: (payload) => payload.upload,
    }),
    resumable: t.field({
      type: TransferTargetType,
      nullable: true,
      description: `Begins a resumable upload here (tus 1.0, https://tus.io), which survives broken connections and
restarts: the endpoint for any tus client. From then on the image is SAVING, until all bytes are here, the upload is
deleted or it expires. Null with stage.`,
      resolve: (payload) => payload.resumable,
    }),
  }),
});

const CreateUploadInput = builder.inputType('CreateUploadInput', {
  description: 'What will be uploaded.',
  fields: (t) => ({
    imageId: t.id({ required: true, description: 'A queued image with both formats set.' }),
    store: t.string({ description: 'Store.name; default the default store.' }),
    size: t.field({
      type: 'BigInt',
      description: 'Bytes that will come, so that too many are refused before they are sent.',
    }),
    digest: t.field({ type: DigestInput, description: 'What the bytes must have.' }),
    stage: t.boolean({
      defaultValue: false,
      description:
        'To the staging area, for importImage with staged to follow, in place of publishing at once; without store.',
    }),
  }),
});

builder.mutationField('createUpload', (t) =>
  t.field({
    type: CreateUploadPayload,
    nullable: true,
    description: 'A place to send the bytes of a queued image: a plain PUT, streamed.',
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
    args: {
      input: t.arg({ type: CreateUploadInput, required: true, description: 'What will be uploaded.' }),
    },
    resolve: (_root, { input }, { app, caller }) =>
      createUpload(app, caller, { ...input, size: input.size == null ? null : Number(input.size) }),
  }),
);

const DeleteImageCopyInput = builder.inputType('DeleteImageCopyInput', {
  description: 'Which copy to delete.',
  fields: (t) => ({
    imageId: t.id({ required: true, description: 'The image.' }),
    store: t.string({ required: true, description: 'Store.name of where the copy is.' }),
  }),
});

builder.mutationField('deleteImageCopy', (t) =>
  t.field({
    type: imagePayload('DeleteImageCopyPayload'),
    nullable: true,
    description:
      'Takes one of several copies away, for admins; its bytes follow in the background. ConflictError LAST_COPY when it is the last one that can be read; one that is damaged may always go.',
    errors: {
      types: [ValidationError, NotFoundError, ForbiddenError, ConflictError, UnavailableError],
    },
    args: { input: t.arg({ type: DeleteImageCopyInput, required: true, description: 'What to delete.' }) },
    resolve: (_root, { input }, { app, caller }) => deleteImageCopy(app, caller, input),
  }),
);
