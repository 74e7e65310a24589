/** An image as /v2 shows it. The one place that knows the names and forms of its fields in an answer. */

import type { SeenField, SeenImage } from '../../db/images.ts';
import type { Instant } from '../../domain/image.ts';
import type { Stores } from '../../stores/all.ts';

/** What is read for it. */
export const shownFields = [
  'id',
  'name',
  'status',
  'visibility',
  'protected',
  'hidden',
  'checksum',
  'digests',
  'owner',
  'size',
  'virtualSize',
  'containerFormat',
  'diskFormat',
  'createdAt',
  'updatedAt',
  'tags',
  'minRam',
  'minDisk',
  'properties',
  'stores',
] as const satisfies readonly SeenField[];

export type ShownImage = Pick<SeenImage, (typeof shownFields)[number]>;

/** The digests that `os_hash_*` has room for, the first that is there. */
const hashAlgorithms = ['sha512', 'sha256'] as const;

/**
 * Custom properties stand flat beside the fields of every image. Nothing else may: to Nova and Terraform each name
 * that they do not know is a property.
 */
export function imageJson(image: ShownImage, stores: Stores): object {
  const { id, digests } = image;
  const algorithm = hashAlgorithms.find((name) => digests[name] !== undefined) ?? null;
  return {
    ...image.properties,
    name: image.name,
    disk_format: image.diskFormat,
    container_format: image.containerFormat,
    visibility: image.visibility,
    size: image.size,
    virtual_size: image.virtualSize,
    status: image.status,
    checksum: image.checksum,
    protected: image.protected,
    min_ram: image.minRam,
    min_disk: image.minDisk,
    owner: image.owner,
    os_hidden: image.hidden,
    os_hash_algo: algorithm,
    os_hash_value: algorithm && digests[algorithm],
    id,
    created_at: seconds(image.createdAt),
    updated_at: seconds(image.updatedAt),
    ...(image.stores.length > 0 && { stores: storesText(image.stores, stores) }),
    tags: image.tags,
    self: `/v2/images/${id}`,
    file: `/v2/images/${id}/file`,
    schema: '/v2/schemas/image',
  };
}

/** Those that are read from first come first. */
function storesText(names: readonly string[], stores: Stores): string {
  if (names.length === 1) return names[0] as string;
  return names.toSorted((a, b) => stores.weightOf(b) - stores.weightOf(a)).join(',');
}

/** Times have seconds in /v2, cut off and not rounded. */
export const seconds = (instant: Instant) => `${instant.slice(0, 19)}Z`;
