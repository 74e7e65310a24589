/** An image in the shape that GET /v2/images/{id} answers, without links, with its members: a line of an export. */
import type { LoadedImage } from '../../db/load-rows.ts';
import { type Instant, sortByCodePoint } from '../../domain/image.ts';

/** Names that this format needs besides those of the API: properties of that name stand in `properties`. */
const apart: ReadonlySet<string> = new Set(['members', 'properties', 'digests']);

/** The digest that `os_hash_*` has room for. */
const algorithmsByRank = ['sha512', 'sha256'];

export function imageJson(image: LoadedImage): object {
  const { properties, digests } = image;
  const algorithms = Object.keys(digests);
  const algorithm = algorithmsByRank.find((one) => algorithms.includes(one)) ?? algorithms[0] ?? null;
  const names = sortByCodePoint(Object.keys(properties));
  const pick = (chosen: readonly string[]) =>
    Object.fromEntries(chosen.map((name) => [name, properties[name] as string]));
  const namedApart = names.filter((name) => apart.has(name));
  return {
    id: image.id,
    name: image.name,
    status: image.status,
    visibility: image.visibility,
    owner: image.owner,
    disk_format: image.diskFormat,
    container_format: image.containerFormat,
    size: image.size,
    virtual_size: image.virtualSize,
    min_disk: image.minDisk,
    min_ram: image.minRam,
    checksum: image.checksum,
    os_hash_algo: algorithm,
    os_hash_value: algorithm === null ? null : digests[algorithm],
    protected: image.protected,
    os_hidden: image.hidden,
    tags: image.tags,
    created_at: shortened(image.createdAt),
    updated_at: shortened(image.updatedAt),
    ...pick(names.filter((name) => !apart.has(name))),
    ...(namedApart.length > 0 && { properties: pick(namedApart) }),
    ...(algorithms.length > 1 && { digests }),
    ...(image.members.length > 0 && {
      members: image.members.map(({ project, status, createdAt, updatedAt }) => ({
        member: project,
        status,
        created_at: shortened(createdAt),
        updated_at: shortened(updatedAt),
      })),
    }),
  };
}

/** Seconds, as the API has them, where there is nothing behind them. */
const shortened = (instant: Instant) => instant.replace('.000000Z', 'Z');
