/** Reading images: one by id, and lists with filter, order and pages. */

import { type ImageList, listImages } from '../../actions/list-images.ts';
import { findImage } from '../../actions/require-image.ts';
import type { SeenImage } from '../../db/images.ts';
import { checkedFilter, type ImageInclude } from '../../search/image-filter.ts';
import type { ImageOrder, OrderField } from '../../search/image-order.ts';
import { builder } from '../builder.ts';
import { edgeCursors, PageInfoType, pageArgs } from '../connection.ts';
import { ImageFilter } from './filter.ts';
import { ImageType } from './image-ref.ts';
import { selectedImageFields, selectsAny } from './selection.ts';

const ImageIncludeEnum = builder.enumType('ImageInclude', {
  description: `What to see besides the images a list normally shows. A condition at the top of where, or in its and, does the
same for what it names: visibility eq or in COMMUNITY, hidden: true; under or and not it does not.`,
  values: {
    COMMUNITY: { description: 'Community images of other projects.' },
    PENDING_SHARES: { description: "Images shared with the caller's project and not yet answered." },
    REJECTED_SHARES: { description: "Images shared with the caller's project that it turned down." },
    HIDDEN: { description: 'Images with hidden: true.' },
  } satisfies Record<ImageInclude, object>,
});

const orderValue = (value: OrderField, description: string) => ({ value, description });

const ImageOrderFieldEnum = builder.enumType('ImageOrderField', {
  description: 'What a list is ordered by. Enums sort by name.',
  values: {
    CREATED_AT: orderValue('createdAt', 'When it was registered.'),
    UPDATED_AT: orderValue('updatedAt', 'When a field of it last changed.'),
    NAME: orderValue('name', 'Name, by code point.'),
    SIZE: orderValue('size', 'Bytes stored.'),
    VIRTUAL_SIZE: orderValue('virtualSize', 'Bytes of the disk inside.'),
    STATUS: orderValue('status', 'Where it is in its life.'),
    VISIBILITY: orderValue('visibility', 'Who sees it.'),
    OWNER: orderValue('owner', 'Project that owns it.'),
    DISK_FORMAT: orderValue('diskFormat', 'What the bytes are as a disk.'),
    CONTAINER_FORMAT: orderValue('containerFormat', 'What is around the disk.'),
    ID: orderValue('id', 'Id.'),
  },
});

const OrderDirectionEnum = builder.enumType('OrderDirection', {
  description: 'Which way a list is ordered.',
  values: {
    ASC: { value: 'asc', description: 'Smallest, oldest, A first.' },
    DESC: { value: 'desc', description: 'Largest, newest, Z first.' },
  } as const,
});

const ImageOrderInput = builder.inputRef<ImageOrder>('ImageOrder').implement({
  description: 'A key to order by. Nulls come last in both directions. id is the last tie-breaker.',
  fields: (t) => ({
    field: t.field({ type: ImageOrderFieldEnum, required: true, description: 'By what.' }),
    direction: t.field({
      type: OrderDirectionEnum,
      required: true,
      defaultValue: 'desc',
      description: 'Which way.',
    }),
  }),
});

interface ImageEdge {
  cursor: string;
  node: SeenImage;
}

const ImageEdgeType = builder.objectRef<ImageEdge>('ImageEdge').implement({
  description: 'An image at its place in a list.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      description: 'The place of this image: opaque, never expires, bound to the field and its orderBy.',
    }),
    node: t.field({ type: ImageType, description: 'The image.', resolve: (edge) => edge.node }),
  }),
});

const ImageConnection = builder.objectRef<ImageList>('ImageConnection').implement({
  description: `A page of images. Totals are of all matches, whatever the page. Each is computed only when asked for; null, with
an error, when it would cost too much: the page stands.`,
  fields: (t) => ({
    edges: t.field({
      type: [ImageEdgeType],
      description: 'The page, each with its cursor.',
      resolve: ({ images, cursorOf }) => images.map((node) => ({ cursor: cursorOf(node), node })),
    }),
    nodes: t.field({ type: [ImageType], description: 'The page.', resolve: (list) => list.images }),
    pageInfo: t.field({
      type: PageInfoType,
      description: 'Where the page stands.',
      resolve: ({ images, cursorOf, hasNextPage, hasPreviousPage }) => ({
        hasNextPage,
        hasPreviousPage,
        ...edgeCursors(images, cursorOf),
      }),
    }),
    totalCount: t.int({
      nullable: true,
      description: 'Exact number of matches the caller may see.',
      resolve: (list) => list.totalCount(),
    }),
    totalSize: t.field({
      type: 'BigInt',
      nullable: true,
      description: 'Sum of size over all matches, bytes.',
      resolve: (list) => list.totalSize(),
    }),
  }),
});

builder.queryFields((t) => ({
  image: t.field({
    type: ImageType,
    nullable: true,
    description: 'One image; null when the id is malformed, unknown or not to be seen.',
    args: { id: t.arg.id({ required: true, description: 'UUID, in any case.' }) },
    resolve: (_root, { id }, { app, caller }, info) =>
      findImage(app, caller, id, selectedImageFields(info, [[]])),
  }),
  images: t.field({
    type: ImageConnection,
    nullable: true,
    description: `Filters only narrow; what is seen at all: an admin everything; others their project's images, public ones, and
those shared with their project and accepted; hidden ones left out for all; and what include adds. Any
community image, and any shared with the project, is found by image(id) regardless.
Null only with an error: BAD_CURSOR, BAD_USER_INPUT, TOO_COSTLY, TIMEOUT.`,
    args: {
      where: t.arg({ type: ImageFilter, description: 'Which images.' }),
      include: t.arg({ type: [ImageIncludeEnum], description: 'What to see besides.' }),
      orderBy: t.arg({
        type: [ImageOrderInput],
        description: 'Keys by weight; newest first when nothing is said.',
      }),
      ...pageArgs,
    },
    resolve: (_root, { where, include, orderBy, ...page }, { app, caller }, info) =>
      listImages(app, caller, {
        where: where ? checkedFilter(where) : {},
        include: include ?? [],
        orderBy: orderBy ?? [],
        page,
        fields: selectedImageFields(info, [['nodes'], ['edges', 'node']]),
        pageOnly: !selectsAny(info, ['edges', 'pageInfo']),
      }),
  }),
}));
