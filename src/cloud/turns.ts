/** So many at once, and the others wait their turn: what is slow must not take everything. */

export interface Turns {
  /** Resolves when there is room; who waits longer than `patienceMs`, or gives the signal, does not come in. */
  enter(signal?: AbortSignal): Promise<void>;
  leave(): void;
}

/** Why who waited too long did not come in. */
export const busy = new Error('No turn came.');

/** First come, first served. */
export function turns(atOnce: number, patienceMs: number): Turns {
  const waiting = new Set<() => void>();
  let inside = 0;

  function wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        waiting.delete(go);
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        settle();
      };
      const go = () => end(resolve);
      const onAbort = () => end(() => reject(signal?.reason));
      const timer = setTimeout(() => end(() => reject(busy)), patienceMs);
      signal?.addEventListener('abort', onAbort, { once: true });
      waiting.add(go);
    });
  }

  return {
    async enter(signal) {
      signal?.throwIfAborted();
      if (inside < atOnce) inside++;
      else await wait(signal); // whoever leaves hands its place over
    },
    leave() {
      const [next] = waiting;
      if (next) next();
      else inside--;
    },
  };
}
