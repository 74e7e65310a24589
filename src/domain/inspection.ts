/** What is kept of having looked at the bytes of an image, and what the settings say may be published. */
import type { DiskFormat } from './image.ts';

/** The formats that are recognised by what is in the bytes; those that images are declared with are fewer. */
export const foundFormats = [
  'qcow2',
  'qed',
  'vmdk',
  'vhd',
  'vhdx',
  'vdi',
  'iso',
  'mbr',
  'gpt',
  'luks',
  'ploop',
  'tar',
  'gzip',
  'xz',
  'zstd',
  'bzip2',
] as const;
export type FoundFormat = (typeof foundFormats)[number];

export interface ImageInspection {
  /** Sorted; none: the bytes are in no format that is known, as those of a raw disk may be. */
  formats: FoundFormat[];
  /** Of formats that have several, such as streamOptimized or fixed; null when there is but one. */
  variant: string | null;
  /** Bytes; null when the format has no such unit. */
  clusterSize: number | null;
  /** none, aes, luks; null when the format has no encryption. */
  encryption: string | null;
  /** Compatibility level of qcow2: 0.10 or 1.1. */
  compat: string | null;
  /** What says that it made the image. */
  creator: string | null;
}

/** The section `formats` of the settings. */
export interface FormatPolicy {
  /** Whether the bytes have to be what diskFormat and containerFormat say. */
  readonly requireMatch: boolean;
  /** Whether what is declared raw may begin like another format. */
  readonly rawMayHide: boolean;
  readonly vmdkTypes: readonly string[];
  /** Bytes. */
  readonly virtualSizeMax: number;
}

/** Why bytes are not published: the code of the issue and of Image.failure. */
export type FormatRefusalCode = 'format_mismatch' | 'unsafe_image';
export const isFormatRefusal = (code: string): code is FormatRefusalCode =>
  code === 'format_mismatch' || code === 'unsafe_image';

/** Declared so, bytes may be anything that does not say to be something else. */
export const isRawLike = (format: DiskFormat | null) =>
  format === null || format === 'raw' || format === 'ami' || format === 'ari' || format === 'aki';
