/** The type Image: every field in one place. */
import { downloadTarget } from '../../actions/create-upload.ts';
import { invalid } from '../../domain/errors.ts';
import { sortByCodePoint } from '../../domain/image.ts';
import { capabilities } from '../../domain/policy.ts';
import { listMax } from '../../search/filter-check.ts';
import { pageArgs, pageOf } from '../connection.ts';
import { ContainerFormat, DiskFormat, ImageKind, ImageStatus, ImageVisibility } from '../enums.ts';
import { Node } from '../node.ts';
import { TaskConnection } from '../task.ts';
import { ImageBlockConnection, pageOfBlocks } from './blocks.ts';
import { ImageType } from './image-ref.ts';
import { Inspection } from './inspection.ts';
import { ImageMemberConnection, ImageMemberType } from './member.ts';
import { ImageProperty } from './property.ts';
import { Signature } from './signature.ts';
import { pageOfTasks } from './tasks-page.ts';
import { Capabilities, Copy, Digest, Failure, TransferTargetType } from './values.ts';
import { visibleMembers } from './visible-members.ts';

ImageType.implement({
  description:
    'A virtual-machine or container image: metadata that changes, bytes that never do once it is active.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Lower-case UUID.' }),
    name: t.exposeString('name', { nullable: true, description: 'Not unique; null when never set.' }),
    kind: t.expose('kind', { type: ImageKind, description: 'What it is for; derived when it is written.' }),
    status: t.expose('status', { type: ImageStatus, description: 'Where it is in its life.' }),
    failure: t.expose('failure', {
      type: Failure,
      nullable: true,
      description:
        'Why the last upload or import failed; null when it did not. Cleared by the next one that works.',
    }),
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
    inspection: t.expose('inspection', {
      type: Inspection,
      nullable: true,
      description:
        'What was seen in the bytes before they were published; null until there are any, and of images that came before bytes were looked at.',
    }),
    signature: t.expose('signature', {
      type: Signature,
      nullable: true,
      description:
        'What is known of its signature; null when none of its properties speaks of one, or the caller may not read them.',
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
      resolve: ({ digests }) =>
        sortByCodePoint(Object.keys(digests)).map((algorithm) => ({
          algorithm,
          value: digests[algorithm] ?? '',
        })),
    }),
    protected: t.exposeBoolean('protected', { description: 'While true the image cannot be deleted.' }),
    hidden: t.exposeBoolean('hidden', { description: 'Left out of lists unless they ask for hidden ones.' }),
    tags: t.exposeStringList('tags', { description: 'Sorted by code point.' }),
    properties: t.field({
      type: [ImageProperty],
      description: 'Custom properties that the caller may read, sorted by name.',
      args: {
        names: t.arg.stringList({ description: 'Only these: at most 1000.' }),
        prefix: t.arg.string({ description: 'Only a family, such as hw_. With names, both must hold.' }),
      },
      resolve: ({ properties }, { names, prefix }) => {
        const known = sortByCodePoint(names ? picked(properties, names) : Object.keys(properties));
        const wanted = prefix ? known.filter((name) => name.startsWith(prefix)) : known;
        return wanted.map((name) => ({ name, value: properties[name] ?? '' }));
      },
    }),
    property: t.string({
      nullable: true,
      description:
        'The value of one custom property; null when the image does not have it, or the caller may not read it.',
      args: { name: t.arg.string({ required: true, description: 'Its name.' }) },
      resolve: ({ properties }, { name }) =>
        Object.hasOwn(properties, name) ? (properties[name] ?? null) : null,
    }),
    copies: t.field({
      type: [Copy],
      description: 'Copies of the bytes, one per store.',
      resolve: (image) => image.copies,
    }),
    blocks: t.field({
      type: ImageBlockConnection,
      nullable: true,
      description: `Its bytes in pieces of 1 MiB, each with its digests: for a client that checks a range, or fetches only
what changed. Null without bytes, and of an image whose bytes were never read as a whole. Ask for it of one image, not in lists.`,
      args: pageArgs,
      resolve: (image, page, context) => pageOfBlocks(context, image, page),
    }),
    members: t.field({
      type: ImageMemberConnection,
      description: "All for the owner and admins; others see only their own project's.",
      args: pageArgs,
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
    tasks: t.field({
      type: TaskConnection,
      description: 'Newest first. For the project of the image and admins; others see none.',
      args: pageArgs,
      resolve: (image, page, context) => pageOfTasks(context, image.id, page),
    }),
    can: t.field({
      type: Capabilities,
      description: 'What the caller may do with this image now, by role, ownership and status.',
      resolve: (image, _args, { app, caller }) => capabilities(app.policy, caller, image),
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
        'Grows by one when a field of Image itself changes (not its copies, members or tasks, nor a digest that is computed later); pass it back as ifRevision.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was registered.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When a field of it last changed.' }),
  }),
});

/**
 * Those of `names` that the record has, each once.
 * @throws ValidationError more names than a page of images could bear
 */
function picked(record: Record<string, string>, names: readonly string[]): string[] {
  if (names.length > listMax) throw invalid(['names'], 'TOO_LONG', `names has at most ${listMax} names.`);
  return [...new Set(names)].filter((name) => Object.hasOwn(record, name));
}
