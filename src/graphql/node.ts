/** Node: everything with an id of its own, found again by it. An image's id is its UUID, others are "Type:key". */
import { findSeenTask } from '../actions/find-tasks.ts';
import { findSeenToken } from '../actions/list-tokens.ts';
import { requireToken } from '../actions/require-image.ts';
import { findImageOfCopy } from '../db/copies.ts';
import { invalid } from '../domain/errors.ts';
import { parseImageId } from '../domain/image.ts';
import { builder } from './builder.ts';
import type { GraphContext } from './context.ts';
import { visibleMembers } from './image/visible-members.ts';

/** A value that `node` found, with the name of its type. */
interface Found {
  nodeType: string;
}

export const Node = builder.interfaceRef<object>('Node').implement({
  description: 'Something with an id that finds it again.',
  resolveType: (value) => (value as Found).nodeType,
  fields: (t) => ({
    id: t.id({
      description:
        'Survives renames. An image: its lower-case UUID; others "<Type>:<key>", not to be taken apart.',
      resolve: () => '',
    }),
  }),
});

const nodesMax = 1000;

builder.queryField('node', (t) =>
  t.field({
    type: Node,
    nullable: true,
    description: 'Whatever has this id; null when it is malformed, unknown or not to be seen.',
    args: { id: t.arg.id({ required: true, description: 'As `id` of any Node.' }) },
    resolve: (_root, { id }, context) => findNode(context, id),
  }),
);

builder.queryField('nodes', (t) =>
  t.field({
    type: [Node],
    nullable: { list: false, items: true },
    description: `In the order of ids, null for each that is not found; at most ${nodesMax}.`,
    args: { ids: t.arg.idList({ required: true, description: 'As `id` of any Node.' }) },
    resolve: (_root, { ids }, context) => {
      if (ids.length > nodesMax) throw invalid(['ids'], 'TOO_LONG', `nodes takes at most ${nodesMax} ids.`);
      return Promise.all(ids.map((id) => findNode(context, id)));
    },
  }),
);

/** One entry a type: how its key is looked up, seen by the caller or not at all. */
const finders: Record<string, (context: GraphContext, key: string) => Promise<object | null>> = {
  Image: async ({ loaders }, key) => {
    const id = parseImageId(key);
    return id === null ? null : loaders.image.load(id);
  },
  ImageMember: async (context, key) => {
    const [imageId = '', project = ''] = splitOnce(key, ':');
    const image = await finders.Image?.(context, imageId);
    if (!image) return null;
    const members = await visibleMembers(context, image as never);
    return members.find((member) => member.project === project) ?? null;
  },
  ImageCopy: async (context, key) => {
    const copyId = parseImageId(key);
    const imageId = copyId === null ? null : await findImageOfCopy(context.app.db, copyId);
    const image = imageId === null ? null : await context.loaders.image.load(imageId);
    return image?.copies.find((copy) => copy.id === copyId) ?? null;
  },
  MetadefNamespace: async ({ loaders }, key) => {
    const id = parseImageId(key);
    return id === null ? null : loaders.metadefs.namespace.load(id);
  },
  MetadefProperty: (context, key) => findPart(context, 'property', key),
  MetadefObject: (context, key) => findPart(context, 'object', key),
  MetadefResourceType: async ({ loaders }, name) => {
    if (name.includes('\0') || !name.isWellFormed()) return null;
    return loaders.metadefs.resourceType.load(name);
  },
  Task: ({ app, caller }, key) => findSeenTask(app, caller, key),
  Token: ({ app, caller }, key) => findSeenToken(app, caller, key),
  // Not the staging area of a machine.
  Store: async ({ app }, key) => app.stores.all.find(({ id }) => id === key) ?? null,
};

/** What is in a namespace is seen by who sees the namespace. */
async function findPart(
  { loaders }: GraphContext,
  kind: 'property' | 'object',
  key: string,
): Promise<object | null> {
  const id = parseImageId(key);
  const part = id === null ? null : await loaders.metadefs[kind].load(id);
  return part && (await loaders.metadefs.namespace.load(part.namespaceId)) ? part : null;
}

async function findNode(context: GraphContext, id: string): Promise<object | null> {
  requireToken(context.caller);
  const [type = '', key] = splitOnce(id, ':');
  const nodeType = key === undefined ? 'Image' : type;
  const find = Object.hasOwn(finders, nodeType) ? finders[nodeType] : undefined;
  const found = await find?.(context, key ?? id);
  return found ? withType(found, nodeType) : null;
}

/** The same value with its type's name beside it; stores stay what they are. */
const withType = (value: object, nodeType: string): object =>
  Object.assign(Object.create(value), { nodeType });

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
