/** What another Image API v2 service says of an image, read with care, and who may see it there. Pure. */
import { parseDigest } from '../../domain/digest.ts';
import {
  type ContainerFormat,
  containerFormats,
  type DigestAlgorithm,
  type DiskFormat,
  diskFormats,
} from '../../domain/image.ts';

export interface RemoteDescription {
  /** A UUID, as the service has it. */
  id: string;
  name: string | null;
  /** As the service has it: `active`, or any other. */
  status: string;
  visibility: string;
  owner: string | null;
  /** Bytes; 0 while there are none. */
  size: number;
  /** md5 in lower-case hex; many services have none any more. */
  checksum: string | null;
  /** Those that the service has, of the kinds that are computed here; `checksum` among them. */
  digests: Partial<Record<DigestAlgorithm, string>>;
  /** Null: not said, or not known here. */
  diskFormat: DiskFormat | null;
  containerFormat: ContainerFormat | null;
  /** GiB. */
  minDisk: number;
  /** MiB. */
  minRam: number;
  /** Those that come along. */
  properties: Record<string, string>;
}

type Fields = Record<string, unknown>;

/** Null: this is no image. `prefixes`: with what the names of properties begin that come along. */
export function remoteDescription(body: unknown, prefixes: readonly string[]): RemoteDescription | null {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return null;
  const image = body as Fields;
  const id = text(image.id);
  const [status, visibility] = [text(image.status), text(image.visibility)];
  if (id === null || status === null || visibility === null) return null;
  const checksum = digest('md5', image.checksum);
  const hash = digest(text(image.os_hash_algo) ?? '', image.os_hash_value);
  const size = image.size ?? 0;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return null;
  return {
    id: id.toLowerCase(),
    name: text(image.name),
    status,
    visibility,
    owner: text(image.owner),
    size,
    checksum: checksum?.value ?? null,
    digests: Object.fromEntries(
      [checksum, hash].filter((one) => one !== null).map((one) => [one.algorithm, one.value]),
    ),
    diskFormat: diskFormats.find((one) => one === image.disk_format) ?? null,
    containerFormat: containerFormats.find((one) => one === image.container_format) ?? null,
    minDisk: count(image.min_disk),
    minRam: count(image.min_ram),
    properties: properties(image, prefixes),
  };
}

/** `members`: those have to be asked for. */
export function maySee(
  { visibility, owner }: RemoteDescription,
  { project, isAdmin }: { project: string | null; isAdmin: boolean },
): boolean | 'members' {
  if (isAdmin || visibility === 'public' || visibility === 'community') return true;
  if (project === null) return false;
  if (owner === project) return true;
  return visibility === 'shared' ? 'members' : false;
}

/** Whether the project is one of the members; who has not accepted yet may see the image as well (Image API v2). */
export function memberIn(body: unknown, project: string | null): boolean {
  const members = (body as { members?: unknown } | null)?.members;
  if (!Array.isArray(members) || project === null) return false;
  return members.some((member: unknown) => (member as { member_id?: unknown } | null)?.member_id === project);
}

function properties(image: Fields, prefixes: readonly string[]): Record<string, string> {
  const found = Object.entries(image).filter(
    (entry): entry is [string, string] =>
      typeof entry[1] === 'string' && prefixes.some((prefix) => entry[0].startsWith(prefix)),
  );
  return Object.fromEntries(found);
}

const text = (value: unknown) => (typeof value === 'string' ? value : null);
const count = (value: unknown) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;

function digest(algorithm: string, value: unknown) {
  return typeof value === 'string' ? parseDigest(algorithm, value) : null;
}
