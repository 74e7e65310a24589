/** The type ImageMember and its connection. */
import type { ImageMember } from '../../domain/image.ts';
import { builder } from '../builder.ts';
import { connectionType } from '../connection.ts';
import { MemberStatus } from '../enums.ts';
import { Node } from '../node.ts';
import { ImageType } from './image-ref.ts';

export const ImageMemberType = builder.objectRef<ImageMember>('ImageMember').implement({
  description: 'A project that an image is shared with.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({
      description: '"ImageMember:<key>".',
      resolve: (member) => memberId(member),
    }),
    image: t.field({
      type: ImageType,
      description: 'What is shared.',
      resolve: async ({ imageId }, _args, { loaders }) => {
        const image = await loaders.image.load(imageId);
        if (!image) throw new Error(`A member of image ${imageId} is seen, but not the image.`);
        return image;
      },
    }),
    project: t.exposeString('project', { description: 'Id of the project.' }),
    status: t.field({
      type: MemberStatus,
      description: 'What the project answered.',
      resolve: (m) => m.status,
    }),
    createdAt: t.field({ type: 'DateTime', description: 'When it was shared.', resolve: (m) => m.createdAt }),
    updatedAt: t.field({
      type: 'DateTime',
      description: 'When the answer last changed.',
      resolve: (m) => m.updatedAt,
    }),
  }),
});

/** Node id of a membership. */
export const memberId = (member: Pick<ImageMember, 'imageId' | 'project'>) =>
  `ImageMember:${member.imageId}:${member.project}`;

export const ImageMemberConnection = connectionType(ImageMemberType, {
  name: 'ImageMember',
  description: 'Memberships of an image, oldest first.',
  node: 'A membership',
  totalCount: 'How many memberships of the image the caller may see.',
});
