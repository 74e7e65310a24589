/** What all who look at bytes may hold together, in one process: a count, and no more once it is used up. */
import { UnavailableError } from '../../domain/errors.ts';
import type { Compression } from '../decompress/decompress.ts';

export interface Room {
  readonly taken: number;
  /** @throws UnavailableError so much is not left: again in a moment */
  take(amount: number): void;
  give(amount: number): void;
}

/** `what`: what is used up, as the beginning of a sentence. */
export function roomOf(most: number, what: string): Room {
  let taken = 0;
  return {
    get taken() {
      return taken;
    },
    take(amount) {
      if (taken + amount > most) throw new UnavailableError(`${what}; send it again in a moment.`);
      taken += amount;
    },
    give(amount) {
      taken -= amount;
    },
  };
}

/** Of every stream: its head and its end. */
export const usualBytes = 72 * 1024;
/** Of one that has more to be waited for: the most that its inspectors hold of it. */
export const moreBytes = 2 ** 20;

/** What inspectors hold of all streams of a process. */
export const captureRoom = () =>
  roomOf(64 * 2 ** 20, 'As many images as this server has the memory for are being looked at');

/** What decoders need at most: the windows of their formats, and what is around. */
const windowMiB: Record<Compression, number> = { gzip: 1, bzip2: 8, xz: 72, zstd: 136 };
export const windowOf = (format: Compression) => windowMiB[format] * 2 ** 20;

/** What decoders need of all streams of a process that are unpacked to be looked into. */
export const unpackRoom = () =>
  roomOf(2 ** 30, 'As many compressed images as this server has the memory for are being looked into');
