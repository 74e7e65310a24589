/** What all who look at bytes may hold together, in one process: a count, and no more once it is used up. */
import { UnavailableError } from '../../domain/errors.ts';

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

/** How many streams of a process are unpacked at once to be looked into: each may need a window of up to 128 MiB. */
export const unpackRoom = () =>
  roomOf(4, 'As many compressed images as this server has the memory for are being looked into');
