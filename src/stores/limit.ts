/** So many calls of a store at once, and the others wait their turn: a slow store must not take everything. */
import { busy, type Turns } from '../cloud/turns.ts';
import { UnavailableError } from '../domain/errors.ts';
import type { Around, CallName } from './wrap.ts';

/** Those that ask for an answer. Chunks are as many as there are transfers; a probe asks whether anything works. */
const counted: readonly CallName[] = ['stat', 'read', 'create', 'resume', 'commit', 'pause', 'remove'];

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

function tooBusy(store: string): UnavailableError {
  const message = `Store ${store} is busy with other calls; try again later or choose another store`;
  return new UnavailableError(message, { store, reason: 'timeout' });
}
