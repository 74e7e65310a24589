/** importImage: bytes that the service fetches, finds in the staging area, or has already. */
import { importImage } from '../../actions/import-image.ts';
import type { SeenImage } from '../../db/images.ts';
import { requireDigest } from '../../domain/digest.ts';
import {
  ConflictError,
  ForbiddenError,
  invalid,
  NotFoundError,
  QuotaExceededError,
  UnavailableError,
  ValidationError,
} from '../../domain/errors.ts';
import { limits, textIssues } from '../../domain/fields.ts';
import { parseUrl } from '../../domain/host-rule.ts';
import { parseImageId } from '../../domain/image.ts';
import type { ImportMethod } from '../../domain/import.ts';
import type { Task } from '../../domain/task.ts';
import { builder } from '../builder.ts';
import { TaskType } from '../task.ts';
import { ImageType } from './image-ref.ts';
import { DigestInput } from './mutations.ts';

const WebDownloadInput = builder.inputType('WebDownloadInput', {
  description: 'Bytes that a web server has.',
  fields: (t) => ({
    url: t.string({
      required: true,
      description:
        'http or https, to a host that the service may connect to (service settings); up to 4096 characters.',
    }),
    digest: t.field({
      type: DigestInput,
      description: 'What the bytes must have, as their maker publishes it.',
    }),
  }),
});

const GlanceDownloadInput = builder.inputType('GlanceDownloadInput', {
  description: 'An image of another region of the same Keystone.',
  fields: (t) => ({
    region: t.string({
      required: true,
      description: `As the catalog of Keystone names it; up to ${limits.regionLength} characters.`,
    }),
    imageId: t.id({
      required: true,
      description: 'The image there; the caller’s project must be able to see it.',
    }),
    serviceInterface: t.string({ defaultValue: 'public', description: 'public, internal or admin.' }),
  }),
});

const ImportMethodInput = builder.inputType('ImportMethod', {
  isOneOf: true,
  description:
    'Exactly one method. staged: bytes put there before by a staging upload. copy: to more stores, of an active image. staged and copy are given as true.',
  fields: (t) => ({
    staged: t.boolean({ description: 'true: what was sent to the staging area.' }),
    webDownload: t.field({ type: WebDownloadInput, description: 'From a URL.' }),
    glanceDownload: t.field({ type: GlanceDownloadInput, description: 'From another image service.' }),
    copy: t.boolean({ description: 'true: from a store that has it; only an admin.' }),
  }),
});

const ImportImageInput = builder.inputType('ImportImageInput', {
  description:
    'stores or allStores, not both; neither is the default store. allMustSucceed: one failure takes all back.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The image; with both formats set.' }),
    method: t.field({ type: ImportMethodInput, required: true, description: 'Where the bytes come from.' }),
    stores: t.stringList({ description: 'Store.name of each that gets a copy.' }),
    allStores: t.boolean({ defaultValue: false, description: 'Every store that can be written to.' }),
    allMustSucceed: t.boolean({
      defaultValue: true,
      description: 'false: stores that fail are left out, as long as one does not; Task.result names them.',
    }),
  }),
});

const ImportImagePayload = builder
  .objectRef<{ image: SeenImage; task: Task }>('ImportImagePayload')
  .implement({
    description: 'It is under way.',
    fields: (t) => ({
      image: t.field({ type: ImageType, description: 'The image as it stands.', resolve: (p) => p.image }),
      task: t.field({ type: TaskType, description: 'What to watch.', resolve: (p) => p.task }),
    }),
  });

builder.mutationField('importImage', (t) =>
  t.field({
    type: ImportImagePayload,
    nullable: true,
    description:
      'Brings the bytes of an image, as a task. The image is IMPORTING meanwhile (a copy leaves it as it is), then ACTIVE; when it fails it is QUEUED again, with its failure.',
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
    args: { input: t.arg({ type: ImportImageInput, required: true, description: 'What to import.' }) },
    resolve: (_root, { input }, { app, caller }) =>
      importImage(app, caller, {
        id: input.id,
        method: methodOf(input.method),
        stores: input.stores ?? null,
        allStores: input.allStores ?? false,
        allMustSucceed: input.allMustSucceed ?? true,
      }),
  }),
);

const interfaces = ['public', 'internal', 'admin'] as const;
const isInterface = (name: string): name is (typeof interfaces)[number] =>
  interfaces.some((one) => one === name);

/** @throws ValidationError a method that is given as false, text that cannot be kept, a digest or id that is none */
function methodOf(input: typeof ImportMethodInput.$inferInput): ImportMethod {
  if (input.webDownload) {
    const { url, digest } = input.webDownload;
    requireText(['method', 'webDownload', 'url'], 'The URL', url, limits.urlLength);
    // One that cannot be read is refused where all are, in the same words.
    const href = parseUrl(url)?.href ?? url;
    return {
      name: 'web-download',
      url: href,
      digest: digest ? requireDigest(['method', 'webDownload', 'digest'], digest) : null,
    };
  }
  if (input.glanceDownload) {
    const { region, imageId } = input.glanceDownload;
    const serviceInterface = input.glanceDownload.serviceInterface ?? 'public';
    requireText(['method', 'glanceDownload', 'region'], 'The region', region, limits.regionLength);
    const id = parseImageId(imageId);
    if (id === null) {
      throw invalid(
        ['method', 'glanceDownload', 'imageId'],
        'NOT_A_UUID',
        'imageId is the UUID of an image there.',
      );
    }
    if (!isInterface(serviceInterface)) {
      throw invalid(
        ['method', 'glanceDownload', 'serviceInterface'],
        'UNKNOWN_INTERFACE',
        'serviceInterface is public, internal or admin.',
      );
    }
    return { name: 'glance-download', region, imageId: id, serviceInterface };
  }
  const [name, isWanted] = Object.entries(input)[0] ?? [];
  if (isWanted !== true) throw invalid(['method', name ?? ''], 'NOT_TRUE', `${name} is given as true.`);
  return name === 'copy' ? { name: 'copy-image' } : { name: 'glance-direct' };
}

function requireText(...about: Parameters<typeof textIssues>): void {
  const issues = textIssues(...about);
  if (issues.length > 0) throw new ValidationError(issues);
}
