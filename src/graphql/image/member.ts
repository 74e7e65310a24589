/** The type ImageMember and its connection. */
import type { ImageMember } from '../../domain/image.ts';
import { builder } from '../builder.ts';
import { type Page, PageInfoType } from '../connection.ts';
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

interface MemberEdge {
  cursor: string;
  node: ImageMember;
}

const ImageMemberEdge = builder.objectRef<MemberEdge>('ImageMemberEdge').implement({
  description: 'A membership at its place in the list.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: 'The place of this membership.' }),
    node: t.field({ type: ImageMemberType, description: 'The membership.', resolve: (edge) => edge.node }),
  }),
});

export const ImageMemberConnection = builder.objectRef<Page<ImageMember>>('ImageMemberConnection').implement({
  description: 'Memberships of an image, oldest first.',
  fields: (t) => ({
    edges: t.field({
      type: [ImageMemberEdge],
      description: 'The page, each with its cursor.',
      resolve: (page) => page.nodes.map((node) => ({ cursor: page.cursorOf(node), node })),
    }),
    nodes: t.field({ type: [ImageMemberType], description: 'The page.', resolve: (page) => page.nodes }),
    pageInfo: t.field({
      type: PageInfoType,
      description: 'Where the page stands.',
      resolve: (page) => page.pageInfo,
    }),
    totalCount: t.int({
      description: 'How many memberships of the image the caller may see.',
      resolve: (page) => page.totalCount(),
    }),
  }),
});
