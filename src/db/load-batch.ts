/** What is loaded in one go, and what becomes of it. */
import type { Instant } from '../domain/image.ts';
import { imageRow, type LoadedImage, memberRows } from './load-rows.ts';
import { type Piece, textBuffer } from './text-buffer.ts';

/** What becomes of an image whose id is there already. Ids of deleted images are never taken. */
export type OnConflict = 'skip' | 'replace' | 'fail';

/** An image ready for COPY: where its rows stand in the batch, and the line of the input that it came from. */
export interface Row {
  readonly line: number;
  readonly id: string;
  readonly image: Piece;
  readonly members: Piece | null;
}

export interface Tombstone {
  id: string;
  owner: string | null;
  deletedAt: Instant;
}

/** The input up to some line, and what came of it. */
export interface Progress {
  /** Bytes of whole lines, and their CRC-32: the same bytes again are known by it. */
  bytes: number;
  crc: number;
  lines: number;
  loaded: number;
  replaced: number;
  skipped: number;
  tombstones: number;
  bad: number;
}

export interface Batch {
  readonly rows: readonly Row[];
  readonly tombstones: Tombstone[];
  /** Bytes of its rows. */
  size(): number;
  add(line: number, image: LoadedImage): void;
  /** What COPY reads, of these rows. */
  images(rows: readonly Row[]): Buffer;
  members(rows: readonly Row[]): Buffer;
}

/** Rows are written out at once: held as text they would cost more time than reading them. */
export function newBatch(): Batch {
  const rows: Row[] = [];
  const images = textBuffer();
  const members = textBuffer();
  return {
    rows,
    tombstones: [],
    size: () => images.size() + members.size(),
    add(line, image) {
      const memberText = memberRows(image);
      rows.push({
        line,
        id: image.id,
        image: images.add(imageRow(image)),
        members: memberText === '' ? null : members.add(memberText),
      });
    },
    images: (some) => images.only(some.map((row) => row.image)),
    members: (some) => members.only(some.map((row) => row.members).filter((piece) => piece !== null)),
  };
}

export type Refusal = { line: number; reason: string; kind: 'taken' | 'bad' };

/** The load was to stop at such a row; its batch is not loaded. */
export class RefusedError extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(`Line ${refusal.line}: ${refusal.reason}`);
    this.refusal = refusal;
  }
}
