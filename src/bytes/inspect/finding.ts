/** What an inspector says of a stream, and how it asks for the bytes that it needs. */
import type { FoundFormat } from '../../domain/inspection.ts';

/** A reason not to believe, or not to publish, what the bytes say of themselves. */
export interface Objection {
  /** For programs: BACKING_FILE, DATA_FILE, UNKNOWN_FEATURE, BAD_HEADER ... */
  code: string;
  /** What was found, without a full stop: "a backing file is named". */
  what: string;
  /** Bytes from the start of the stream. */
  offset: number;
}

export interface Finding {
  format: FoundFormat;
  /** Of formats that have several, such as streamOptimized or differencing; null when there is but one. */
  variant: string | null;
  /** Bytes of the disk inside; null: the format has none, or it cannot be read. */
  virtualSize: number | null;
  /** What else may be worth knowing, by name: clusterSize, encryption, compat ... */
  facts: Readonly<Record<string, string | number | boolean>>;
  objections: readonly Objection[];
  /** What is in it, by where it begins: the disks of an archive. */
  inside?: readonly { at: number; finding: Finding }[];
}

/** Bytes that are still to come, by their place in the stream, or the last ones of it. */
export type Want = { at: number; length: number } | { last: number };

/**
 * An inspector at work. It is handed the bytes that it wants once all of them are there; fewer, when the stream ends
 * before. It may only want what comes after all that it was given. Null: this is not its format.
 */
export type Reading = Generator<Want, Finding | null, Buffer>;

/** Begins with the first `headBytes` of the stream, or all of it when it is shorter. */
export type Inspector = (head: Buffer) => Reading;

/** So much every inspector begins with: the headers of most formats, and all sectors where ISO 9660 says what it is. */
export const headBytes = 64 * 1024;
/** More than that is never kept of the end. */
export const lastBytesMost = 1536;

/** `length` bytes from `at` on, wherever they are; fewer at the end of the stream. */
export function* bytesAt(head: Buffer, at: number, length: number): Generator<Want, Buffer, Buffer> {
  const end = at + length;
  if (end <= head.length || head.length < headBytes) return head.subarray(at, end);
  if (at >= headBytes) return yield { at, length };
  const rest = yield { at: headBytes, length: end - headBytes };
  return Buffer.concat([head.subarray(at), rest]);
}

/** Collects objections while a header is read. */
export function objections() {
  const list: Objection[] = [];
  return {
    list: list as readonly Objection[],
    /** Notes it when `isSo`. */
    when(isSo: boolean, code: string, offset: number, what: string): void {
      if (isSo) list.push({ code, offset, what });
    },
  };
}

/** A u64 as a number; null when it is larger than any size can be. */
export function sizeFrom(value: bigint): number | null {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : null;
}

export const isZero = (bytes: Uint8Array) => bytes.every((byte) => byte === 0);
