/** Work that may only be done by a few at once, in turns: who asks for much waits for oneself, not others for them. */
import { UnavailableError } from '../domain/errors.ts';

export interface FairTurns {
  /** Runs `work` when it is the turn of `who`. @throws UnavailableError too much of theirs waits already */
  take<T>(who: string, work: () => Promise<T>): Promise<T>;
}

/** More of one asker than this do not wait: an answer that late helps nobody. */
const waitingMax = 16;

export function fairTurns(atOnce: number): FairTurns {
  /** Who waits, in the order of their turns, with what they wait for. */
  const waiting = new Map<string, (() => void)[]>();
  let running = 0;

  function next(): void {
    const [first] = waiting;
    if (!first || running >= atOnce) return;
    const [who, begins] = first;
    waiting.delete(who);
    const begin = begins.shift();
    if (begins.length > 0) waiting.set(who, begins); // behind the others
    running++;
    begin?.();
  }

  return {
    async take(who, work) {
      const begins = waiting.get(who) ?? [];
      if (begins.length >= waitingMax) {
        throw new UnavailableError('Too many costly searches of your project wait already; try again later.');
      }
      await new Promise<void>((resolve) => {
        begins.push(resolve);
        waiting.set(who, begins);
        next();
      });
      try {
        return await work();
      } finally {
        running--;
        next();
      }
    },
  };
}
