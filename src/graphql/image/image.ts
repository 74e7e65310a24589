/** The type Image and the small values inside it. */
import { downloadTarget, type TransferTarget } from '../../actions/create-upload.ts';
import type { SeenImage } from '../../db/images.ts';
import { byCodePoint, type ImageCopy, type ImageMember } from '../../domain/image.ts';
import { capabilities, type ImageCapabilities } from '../../domain/policy.ts';
import { builder } from '../builder.ts';
import { type Page, PageInfoType, pageArgs, pageOf } from '../connection.ts';
import {
  ContainerFormat,
  DiskFormat,
  ImageCopyState,
  ImageKind,
  ImageStatus,
  ImageVisibility,
  MemberStatus,
} from '../enums.ts';
import { Node } from '../node.ts';
import { StoreType } from '../store.ts';
import { visibleMembers } from './visible-members.ts';

const Digest = builder.objectRef<{ algorithm: string; value: string }>('Digest').implement({
  description: 'A digest of the bytes: algorithm in lower case (sha512, sha256), value in lower-case hex.',
  fields: (t) => ({
    algorithm: t.exposeString('algorithm', { description: 'sha512 or sha256.' }),
    value: t.exposeString('value', { description: 'Lower-case hex.' }),
  }),
});

const ImageProperty = builder.objectRef<{ name: string; value: string }>('ImageProperty').implement({
  description: 'A custom property: a value inside its image, without an id.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Up to 255 characters.' }),
    value: t.exposeString('value', { description: 'Always text, up to 64 KiB.' }),
  }),
});

const Capabilities = builder.objectRef<ImageCapabilities>('ImageCapabilities').implement({
  description:
    'What the caller may do with an image now. Each is the mutation of that name; share is addImageMember, publish is visibility PUBLIC, respond is respondToImageShare.',
  fields: (t) => ({
    update: t.exposeBoolean('update', { description: 'updateImage.' }),
    delete: t.exposeBoolean('delete', { description: 'deleteImage; false while the image is protected.' }),
    upload: t.exposeBoolean('upload', {
      description: 'createUpload and uploadImage: only while it is queued.',
    }),
    download: t.exposeBoolean('download', { description: 'Reading its bytes.' }),
    share: t.exposeBoolean('share', { description: 'addImageMember and removeImageMember.' }),
    respond: t.exposeBoolean('respond', { description: 'respondToImageShare.' }),
    publish: t.exposeBoolean('publish', { description: 'Visibility PUBLIC.' }),
    deactivate: t.exposeBoolean('deactivate', { description: 'deactivateImage.' }),
    reactivate: t.exposeBoolean('reactivate', { description: 'reactivateImage.' }),
  }),
});

const HttpHeader = builder.objectRef<{ name: string; value: string }>('HttpHeader').implement({
  description: 'A header that must be sent as it stands.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Such as Content-Type.' }),
    value: t.exposeString('value', { description: 'Such as application/octet-stream.' }),
  }),
});

export const TransferTargetType = builder.objectRef<TransferTarget>('TransferTarget').implement({
  description: `An absolute URL of the streaming endpoint, usable as it stands, without a token, with exactly the given
method and headers until expiresAt (null: until the image is gone). Good for one image and method.
Browsers of the origins in the CORS setting can use it with fetch or XMLHttpRequest.`,
  fields: (t) => ({
    url: t.string({
      description: 'Absolute. Holds the permission: treat it as a secret.',
      resolve: (target, _args, { baseUrl }) => baseUrl + target.path,
    }),
    method: t.exposeString('method', { description: 'GET or PUT.' }),
    headers: t.field({
      type: [HttpHeader],
      description: 'To be sent along.',
      resolve: (target) => target.headers,
    }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When a transfer must have begun; it may last longer.',
      resolve: (target) => target.expiresAt,
    }),
  }),
});

const Copy = builder.objectRef<ImageCopy>('ImageCopy').implement({
  description: 'The bytes of an image in one store.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: '"ImageCopy:<key>".', resolve: (copy) => `ImageCopy:${copy.id}` }),
    store: t.field({
      type: StoreType,
      description: 'Where it is.',
      resolve: ({ store }, _args, { app }) =>
        app.stores.get(store) ?? { id: store, type: 'unknown' as const },
    }),
    state: t.field({
      type: ImageCopyState,
      description: 'Only ACTIVE copies are read from.',
      resolve: (copy) => copy.state,
    }),
    size: t.field({
      type: 'BigInt',
      nullable: true,
      description: 'Bytes; null until known.',
      resolve: (copy) => copy.size,
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was begun.',
      resolve: (copy) => copy.createdAt,
    }),
    verifiedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Null until the stored bytes were checked again.',
      resolve: (copy) => copy.verifiedAt,
    }),
  }),
});

export const ImageType = builder.objectRef<SeenImage>('Image');

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

const ImageMemberConnection = builder.objectRef<Page<ImageMember>>('ImageMemberConnection').implement({
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

ImageType.implement({
  description:
    'A virtual-machine or container image: metadata that changes, bytes that never do once it is active.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Lower-case UUID.' }),
    name: t.exposeString('name', { nullable: true, description: 'Not unique; null when never set.' }),
    kind: t.expose('kind', { type: ImageKind, description: 'What it is for; derived when it is written.' }),
    status: t.expose('status', { type: ImageStatus, description: 'Where it is in its life.' }),
    visibility: t.expose('visibility', { type: ImageVisibility, description: 'Who sees it.' }),
    owner: t.exposeString('owner', {
      nullable: true,
      description:
        'Project that owns the image; null on old images without an owner, which everybody can read.',
    }),
    diskFormat: t.expose('diskFormat', {
      type: DiskFormat,
      nullable: true,
      description: 'Null until set; needed before data.',
    }),
    containerFormat: t.expose('containerFormat', {
      type: ContainerFormat,
      nullable: true,
      description: 'Null until set; needed before data.',
    }),
    size: t.expose('size', {
      type: 'BigInt',
      nullable: true,
      description: 'Bytes stored; null until data is uploaded.',
    }),
    virtualSize: t.expose('virtualSize', {
      type: 'BigInt',
      nullable: true,
      description: 'Bytes of the disk inside, as its header says; null until known.',
    }),
    minDisk: t.exposeInt('minDisk', { description: 'GiB.' }),
    minRam: t.exposeInt('minRam', { description: 'MiB.' }),
    checksum: t.exposeString('checksum', {
      nullable: true,
      description: 'MD5, lower-case hex, for old clients; null until data is uploaded.',
    }),
    digests: t.field({
      type: [Digest],
      description:
        'Every digest computed while the bytes arrived: sha512 (the OpenStack os_hash), sha256. Empty until data is uploaded.',
      resolve: ({ digests }) => sortedEntries(digests).map(([algorithm, value]) => ({ algorithm, value })),
    }),
    protected: t.exposeBoolean('protected', { description: 'While true the image cannot be deleted.' }),
    hidden: t.exposeBoolean('hidden', { description: 'Left out of lists unless they ask for hidden ones.' }),
    tags: t.exposeStringList('tags', { description: 'Sorted by code point.' }),
    properties: t.field({
      type: [ImageProperty],
      description: 'Custom properties, sorted by name.',
      args: {
        names: t.arg.stringList({ description: 'Only these.' }),
        prefix: t.arg.string({ description: 'Only a family, such as hw_. With names, both must hold.' }),
      },
      resolve: ({ properties }, { names, prefix }) => {
        const entries = sortedEntries(properties);
        const wanted = names || prefix ? entries.filter(([name]) => isWanted(name, names, prefix)) : entries;
        return wanted.map(([name, value]) => ({ name, value }));
      },
    }),
    property: t.string({
      nullable: true,
      description: 'The value of one custom property; null when the image does not have it.',
      args: { name: t.arg.string({ required: true, description: 'Its name.' }) },
      resolve: ({ properties }, { name }) =>
        Object.hasOwn(properties, name) ? (properties[name] ?? null) : null,
    }),
    copies: t.field({
      type: [Copy],
      description: 'Copies of the bytes, one per store.',
      resolve: (image) => image.copies,
    }),
    members: t.field({
      type: ImageMemberConnection,
      description: "All for the owner and admins; others see only their own project's.",
      args: pageArgs(t as never),
      resolve: async (image, page, context) =>
        pageOf(await visibleMembers(context, image), page, {
          scope: 'members',
          types: ['instant', 'text'],
          keysOf: (member) => [member.createdAt, member.project],
        }),
    }),
    membership: t.field({
      type: ImageMemberType,
      nullable: true,
      description: "The membership of the caller's project; null when there is none.",
      resolve: async (image, _args, { caller, loaders }) => {
        const members = await loaders.members.load(image.id);
        return members.find((member) => member.project === caller.project) ?? null;
      },
    }),
    can: t.field({
      type: Capabilities,
      description: 'What the caller may do with this image now, by role, ownership and status.',
      resolve: (image, _args, { caller }) => capabilities(caller, image, image.membership),
    }),
    download: t.field({
      type: TransferTargetType,
      nullable: true,
      description: `Where the bytes can be read: null when there are none or the caller may not. Needs no headers, so
that a browser can follow it as a link. New at each request: ask when it is used, not in lists.`,
      resolve: (image, _args, { app, caller }) => downloadTarget(app, caller, image),
    }),
    revision: t.exposeInt('revision', {
      description:
        'Grows by one when a field of Image itself changes (not its copies or members); pass it back as ifRevision.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was registered.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When a field of it last changed.' }),
  }),
});

function sortedEntries(record: Record<string, string>): [string, string][] {
  return Object.entries(record).sort(([a], [b]) => byCodePoint(a, b));
}

function isWanted(
  name: string,
  names: readonly string[] | null | undefined,
  prefix: string | null | undefined,
): boolean {
  return (!names || names.includes(name)) && (!prefix || name.startsWith(prefix));
}
