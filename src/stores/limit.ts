/** So many calls of a store at once, and the others wait their turn: a slow store must not take everything. */
import { UnavailableError } from '../domain/errors.ts';
import type { Around, CallName } from './wrap.ts';

/** Those that ask for an answer. Chunks are as many as there are transfers; a probe asks whether anything works. */
const counted: readonly CallName[] = ['stat', 'read', 'create', 'resume', 'commit', 'pause', 'remove'];

export interface Turns {
  /** Resolves when there is room; who waits longer than `patienceMs`, or gives the signal, does not come in. */
  enter(signal?: AbortSignal): Promise<void>;
  leave(): void;
}

/** @throws UnavailableError it is busy */
export function limit(store: string, turns: Turns): Around {
  return async (call) => {
    if (!counted.includes(call.name)) return call.run(call.signal);
    await turns.enter(call.signal).catch((error) => {
      throw error === busy ? tooBusy(store) : error;
    });
    try {
      return await call.run(call.signal);
    } finally {
      turns.leave();
    }
  };
}

const busy = new Error('No turn came.');

function tooBusy(store: string): UnavailableError {
  const message = `Store ${store} is busy with other calls; try again later or choose another store`;
  return new UnavailableError(message, { store, reason: 'timeout' });
}

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
