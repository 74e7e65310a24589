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
import { limits } from '../../domain/fields.ts';
import { glanceDownload, type ImportMethod, webDownload } from '../../domain/import.ts';
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

/** @throws ValidationError a method that is given as false, text that cannot be kept, a digest or id that is none */
function methodOf(input: typeof ImportMethodInput.$inferInput): ImportMethod {
  if (input.webDownload) {
    const { url, digest } = input.webDownload;
    const known = digest ? requireDigest(['method', 'webDownload', 'digest'], digest) : null;
    return webDownload(['method', 'webDownload', 'url'], url, known);
  }
  if (input.glanceDownload) {
    const { region, imageId, serviceInterface } = input.glanceDownload;
    const at = (field: string, value: string) => ({ path: ['method', 'glanceDownload', field], value });
    return glanceDownload({
      region: at('region', region),
      imageId: at('imageId', imageId),
      serviceInterface: at('serviceInterface', serviceInterface ?? 'public'),
    });
  }
  const [name, isWanted] = Object.entries(input)[0] ?? [];
  if (isWanted !== true) throw invalid(['method', name ?? ''], 'NOT_TRUE', `${name} is given as true.`);
  return name === 'copy' ? { name: 'copy-image' } : { name: 'glance-direct' };
}
