/** What was seen in the bytes of an image. */
import type { ImageInspection } from '../../domain/inspection.ts';
import { builder } from '../builder.ts';
import { FoundFormat } from '../enums.ts';

export const Inspection = builder.objectRef<ImageInspection>('ImageInspection').implement({
  description: 'What was seen in the bytes of an image as they came in.',
  fields: (t) => ({
    formats: t.expose('formats', {
      type: [FoundFormat],
      description: 'All that match, sorted: none of a raw disk without a partition table.',
    }),
    variant: t.exposeString('variant', {
      nullable: true,
      description: 'Of formats that have several: streamOptimized, fixed, dynamic, udf, ova ...',
    }),
    clusterSize: t.exposeInt('clusterSize', {
      nullable: true,
      description:
        'Bytes that are allocated at once: clusters, grains or blocks; null when the format has none.',
    }),
    encryption: t.exposeString('encryption', {
      nullable: true,
      description: 'none, aes or luks, as the header says; null when the format knows no encryption.',
    }),
    compat: t.exposeString('compat', {
      nullable: true,
      description: 'Compatibility level of qcow2: 0.10 or 1.1.',
    }),
    creator: t.exposeString('creator', {
      nullable: true,
      description: 'What says that it made the image.',
    }),
  }),
});
