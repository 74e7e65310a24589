/** Sharing images with projects, and their answers. */
import { addImageMember, removeImageMember, respondToImageShare } from '../../actions/share-image.ts';
import type { SeenImage } from '../../db/images.ts';
import {
  ConflictError,
  ForbiddenError,
  NotFoundError,
  QuotaExceededError,
  ValidationError,
} from '../../domain/errors.ts';
import type { ImageMember } from '../../domain/image.ts';
import { builder } from '../builder.ts';
import { MemberStatus } from '../enums.ts';
import { ImageType } from './image-ref.ts';
import { ImageMemberType, memberId } from './member.ts';

function memberPayload(name: string) {
  return builder.objectRef<ImageMember>(name).implement({
    description: 'What became of it.',
    fields: (t) => ({
      member: t.field({
        type: ImageMemberType,
        description: 'The membership as it now stands.',
        resolve: (m) => m,
      }),
    }),
  });
}

const AddImageMemberInput = builder.inputType('AddImageMemberInput', {
  description: 'With whom to share what.',
  fields: (t) => ({
    imageId: t.id({ required: true, description: 'The image; its visibility is SHARED.' }),
    project: t.string({
      required: true,
      description: 'Id of the project; it is not asked whether there is one.',
    }),
  }),
});

builder.mutationField('addImageMember', (t) =>
  t.field({
    type: memberPayload('AddImageMemberPayload'),
    nullable: true,
    description: 'Shares an image with a project. The image must be SHARED.',
    errors: { types: [ValidationError, NotFoundError, ForbiddenError, ConflictError, QuotaExceededError] },
    args: {
      input: t.arg({ type: AddImageMemberInput, required: true, description: 'With whom to share what.' }),
    },
    resolve: (_root, { input }, { app, caller }) => addImageMember(app, caller, input),
  }),
);

const RemoveImageMemberPayload = builder
  .objectRef<{ project: string; image: SeenImage }>('RemoveImageMemberPayload')
  .implement({
    description: 'The membership is gone.',
    fields: (t) => ({
      id: t.id({
        description: 'Id of the membership that is gone.',
        resolve: ({ project, image }) => memberId({ imageId: image.id, project }),
      }),
      image: t.field({
        type: ImageType,
        description: 'The image as it now stands.',
        resolve: (p) => p.image,
      }),
    }),
  });

const RemoveImageMemberInput = builder.inputType('RemoveImageMemberInput', {
  description: 'Whose share of what to take back.',
  fields: (t) => ({
    imageId: t.id({ required: true, description: 'The image.' }),
    project: t.string({ required: true, description: 'Id of the project.' }),
  }),
});

builder.mutationField('removeImageMember', (t) =>
  t.field({
    type: RemoveImageMemberPayload,
    nullable: true,
    description: 'Takes the share of a project back.',
    errors: { types: [NotFoundError, ForbiddenError, ConflictError] },
    args: {
      input: t.arg({ type: RemoveImageMemberInput, required: true, description: 'Whose share of what.' }),
    },
    resolve: async (_root, { input }, { app, caller }) => ({
      project: input.project,
      image: await removeImageMember(app, caller, input),
    }),
  }),
);

const RespondToImageShareInput = builder.inputType('RespondToImageShareInput', {
  description: 'The answer to a share.',
  fields: (t) => ({
    imageId: t.id({ required: true, description: 'The image that is shared.' }),
    project: t.string({ description: "Left out, the caller's; another one only for an admin." }),
    status: t.field({ type: MemberStatus, required: true, description: 'PENDING takes an answer back.' }),
  }),
});

builder.mutationField('respondToImageShare', (t) =>
  t.field({
    type: memberPayload('RespondToImageSharePayload'),
    nullable: true,
    description: 'Answers a share. Done by the project it was shared with.',
    errors: { types: [NotFoundError, ForbiddenError, ConflictError] },
    args: { input: t.arg({ type: RespondToImageShareInput, required: true, description: 'The answer.' }) },
    resolve: (_root, { input }, { app, caller }) => respondToImageShare(app, caller, input),
  }),
);
