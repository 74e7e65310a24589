/** What an image is: its fields, the words they are made of, and what follows from them alone. */
import type { ImageInspection } from './inspection.ts';
import type { ImageSignature } from './signature.ts';

export const imageStatuses = [
  'queued',
  'saving',
  'uploading',
  'importing',
  'active',
  'deactivated',
  'killed',
  'deleted',
  'pending_delete',
] as const;
export type ImageStatus = (typeof imageStatuses)[number];

export const imageVisibilities = ['public', 'community', 'shared', 'private'] as const;
export type ImageVisibility = (typeof imageVisibilities)[number];

export const diskFormats = [
  'ami',
  'ari',
  'aki',
  'vhd',
  'vhdx',
  'vmdk',
  'raw',
  'qcow2',
  'vdi',
  'iso',
  'ploop',
  'luks',
  'gpt',
] as const;
export type DiskFormat = (typeof diskFormats)[number];

export const containerFormats = ['bare', 'ovf', 'ova', 'docker', 'ami', 'ari', 'aki', 'compressed'] as const;
export type ContainerFormat = (typeof containerFormats)[number];

export const imageKinds = ['image', 'snapshot', 'backup', 'volume_snapshot', 'kernel', 'ramdisk'] as const;
export type ImageKind = (typeof imageKinds)[number];

export const memberStatuses = ['pending', 'accepted', 'rejected'] as const;
export type MemberStatus = (typeof memberStatuses)[number];

export const copyStates = ['pending', 'uploading', 'active', 'deleting', 'failed'] as const;
export type CopyState = (typeof copyStates)[number];

/** What else a row about bytes can be: data that waits in the staging area, and is no copy of the image yet. */
export type StagingState = 'staging' | 'staged';

/** md5 is the `checksum` of old clients; sha512 is OpenStack's `os_hash`. */
export type DigestAlgorithm = 'md5' | 'sha256' | 'sha512';

/**
 * An instant: RFC 3339 in UTC with six decimals and Z. Text, because a Date loses the microseconds that
 * cursors and clients compare by.
 */
export type Instant = string;

/** Why an upload or an import did not work. */
export interface ImageFailure {
  /** For programs, as the errors have it: VALIDATION_FAILED, UNAVAILABLE, CLIENT_GONE ... */
  code: string;
  /** For people. */
  message: string;
  at: Instant;
}

/** What is wrong with the object of a copy: gone, of another size, not the bytes that were published, or never to be had. */
export interface CopyDamage {
  code: 'MISSING' | 'OTHER_SIZE' | 'OTHER_BYTES' | 'UNREADABLE';
  /** For people. */
  message: string;
  at: Instant;
}

/** The bytes of an image in one store. */
export interface ImageCopy {
  id: string;
  /** Store.id, as the settings name it. */
  store: string;
  state: CopyState;
  /** Bytes; null until known. */
  size: number | null;
  createdAt: Instant;
  /** Null until the stored bytes were checked again. */
  verifiedAt: Instant | null;
}

/** An image, whole: what a page reads only in part is `Pick<Image, ...>` of this. */
export interface Image {
  /** Lower-case UUID. */
  id: string;
  name: string | null;
  kind: ImageKind;
  status: ImageStatus;
  visibility: ImageVisibility;
  /** Project; null on old images that everybody can read. */
  owner: string | null;
  diskFormat: DiskFormat | null;
  containerFormat: ContainerFormat | null;
  /** Bytes stored; null until there is data. */
  size: number | null;
  /** Bytes of the disk inside; null until known. */
  virtualSize: number | null;
  /** GiB. */
  minDisk: number;
  /** MiB. */
  minRam: number;
  /** MD5 in lower-case hex; null until there is data. */
  checksum: string | null;
  /** Other digests by algorithm, lower-case hex. */
  digests: Record<string, string>;
  protected: boolean;
  hidden: boolean;
  /** Sorted by code point, each once. */
  tags: string[];
  /** Custom properties: own keys only, values are always text. */
  properties: Record<string, string>;
  copies: ImageCopy[];
  /** Why the last upload or import failed; null when it did not, and once one has worked. */
  failure: ImageFailure | null;
  /** What was seen in the bytes; null until there is data, and of data that came before it was looked at. */
  inspection: ImageInspection | null;
  /** Null: none of its properties speaks of one. */
  signature: ImageSignature | null;
  revision: number;
  createdAt: Instant;
  updatedAt: Instant;
}

export type ImageField = keyof Image;

/** A project that an image is shared with. */
export interface ImageMember {
  imageId: string;
  project: string;
  status: MemberStatus;
  createdAt: Instant;
  updatedAt: Instant;
}

/** What decides an image's kind. */
type KindSource = Pick<Image, 'diskFormat' | 'properties'>;

/** What the image is for; the first rule that holds decides. Stored and indexed when the image is written. */
export function kindOf({ diskFormat, properties }: KindSource): ImageKind {
  const has = (name: string) => Object.hasOwn(properties, name) && properties[name] !== '';
  if (diskFormat === 'aki') return 'kernel';
  if (diskFormat === 'ari') return 'ramdisk';
  if (has('block_device_mapping')) return 'volume_snapshot';
  if (properties.image_type === 'backup') return 'backup';
  if (properties.image_type === 'snapshot' || has('instance_uuid')) return 'snapshot';
  return 'image';
}

/** Order of tags, names and ids everywhere: by Unicode code point, as the database's "C" collation. */
export function byCodePoint(a: string, b: string): number {
  // UTF-16 order differs from code point order only where surrogates meet U+E000..U+FFFF.
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return fixUp(x) - fixUp(y);
  }
  return a.length - b.length;
}

const fixUp = (unit: number) => (unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit);

/** Sorts texts where they stand, and gives them back. */
export function sortByCodePoint(texts: string[]): string[] {
  if (texts.length > 32) return texts.sort(byCodePoint);
  // So few are put in place one by one, in half the time: every image of a list has its properties sorted.
  for (let i = 1; i < texts.length; i++) {
    const text = texts[i] as string;
    let at = i;
    for (; at > 0 && byCodePoint(texts[at - 1] as string, text) > 0; at--)
      texts[at] = texts[at - 1] as string;
    texts[at] = text;
  }
  return texts;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The id in lower case, or null when the text is not a UUID. */
export function parseImageId(text: string): string | null {
  return uuid.test(text) ? text.toLowerCase() : null;
}
