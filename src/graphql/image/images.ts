/** Reading images: one by id, and lists with filter, order and pages. */

import type { GraphQLResolveInfo } from 'graphql';
import { type ImageList, listImages } from '../../actions/list-images.ts';
import { listPropertyNames } from '../../actions/list-property-names.ts';
import { findImage } from '../../actions/require-image.ts';
import type { PlacedImage, Reads } from '../../db/image-pages.ts';
import { checkedFilter } from '../../search/filter-check.ts';
import { builder } from '../builder.ts';
import { edgeCursors, PageInfoType, pageArgs } from '../connection.ts';
import { MetadefProperty } from '../metadef/property.ts';
import { FacetInput, FacetType, facetsOf } from './facet.ts';
import { ImageFilter } from './filter.ts';
import { ImageType } from './image-ref.ts';
import { ImageIncludeEnum, ImageOrderInput, orderOf } from './order.ts';
import { definitionOf } from './property.ts';
import { selectedImageFields, selectsAny, selectsDefinitions } from './selection.ts';

interface ImageEdge {
  cursor: string;
  node: PlacedImage;
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
    facets: t.field({
      type: [FacetType],
      nullable: true,
      description: `Values and how many matches have each: what a filter sidebar shows. In the order of \`of\`. A facet counts as if the
condition on its own attribute or property at the top of where, in its and, or at the top of search were not set,
so that the other values stay on offer.`,
      args: {
        of: t.arg({ type: [FacetInput], required: true, description: 'What to count, at most 20.' }),
        limit: t.arg.int({ defaultValue: 20, description: 'Buckets of each facet, at most 1000.' }),
      },
      resolve: (list, { of, limit }) => facetsOf(list, of, limit ?? 20),
    }),
  }),
});

interface PropertyName {
  name: string;
  count: number;
}

const ImagePropertyName = builder.objectRef<PropertyName>('ImagePropertyName').implement({
  description: 'A name of custom properties that is in use.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The name.' }),
    count: t.exposeInt('count', { description: 'Images that have it.' }),
    definition: t.field({
      type: MetadefProperty,
      nullable: true,
      description: 'As in ImageProperty: enough for a form and a filter bar.',
      resolve: ({ name }, _args, context) => definitionOf(context, name),
    }),
  }),
});

/** What every question about lists of images takes. */
const askedArgs = (t: Parameters<Parameters<typeof builder.queryFields>[0]>[0]) => ({
  where: t.arg({ type: ImageFilter, description: 'Which images.' }),
  search: t.arg.string({
    description:
      'Which images, in the one-line language of a search box (docs/search.md); where must hold too.',
  }),
  include: t.arg({ type: [ImageIncludeEnum], description: 'What to see besides.' }),
});

function readsOf(info: GraphQLResolveInfo): Reads {
  if (selectsAny(info, ['edges', 'pageInfo'])) return 'place';
  return selectsAny(info, ['nodes']) ? 'page' : 'totals';
}

/** From the list to its images. */
const imagePaths = [['nodes'], ['edges', 'node']];

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
    description: `where is the structured filter, search the one-line language of a search box; both must hold.
Filters only narrow; what is seen at all: an admin everything; others their project's images, public ones, and
those shared with their project and accepted; hidden ones left out for all; and what include adds. Any
community image, and any shared with the project, is found by image(id) regardless.
Null only with an error: BAD_SEARCH, BAD_CURSOR, BAD_USER_INPUT, TOO_COSTLY, TIMEOUT.`,
    args: {
      ...askedArgs(t),
      orderBy: t.arg({
        type: [ImageOrderInput],
        description: 'Keys by weight, at most 8; default, after a sort: in search, newest first.',
      }),
      ...pageArgs,
    },
    resolve: async (_root, { where, search, include, orderBy, ...page }, { app, caller, loaders }, info) => {
      const listing = listImages(app, caller, {
        where: where ? checkedFilter(where) : {},
        search,
        include: include ?? [],
        orderBy: orderOf(orderBy),
        page,
        fields: selectedImageFields(info, imagePaths),
        reads: readsOf(info),
      });
      if (selectsDefinitions(info, imagePaths)) {
        await Promise.all([listing, loaders.metadefs.readVocabulary()]);
      }
      return listing;
    },
  }),
  imagePropertyNames: t.field({
    type: [ImagePropertyName],
    nullable: true,
    description: `Custom property names in use on images that images() would find, of those that the caller may read, most frequent
first, for autocompletion.
Null only with an error: BAD_SEARCH, BAD_USER_INPUT, TOO_COSTLY, TIMEOUT.`,
    args: {
      prefix: t.arg.string({ description: 'The names begin with this.' }),
      ...askedArgs(t),
      limit: t.arg.int({ defaultValue: 50, description: 'At most 1000.' }),
    },
    resolve: (_root, { prefix, where, search, include, limit }, { app, caller }) =>
      listPropertyNames(app, caller, {
        prefix: prefix ?? '',
        where: where ? checkedFilter(where) : {},
        search,
        include: include ?? [],
        limit: limit ?? 50,
      }),
  }),
}));
