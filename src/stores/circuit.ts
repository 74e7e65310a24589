/**
 * Leaves a store alone that has failed several times in a row, so that nobody waits for it in vain: calls are
 * refused at once until a while has passed, then one of them tries. A probe always goes through, and heals too.
 */

import { breaker, secondsOf } from '../cloud/breaker.ts';
import { isOutage } from '../cloud/outage.ts';
import { DomainError, UnavailableError } from '../domain/errors.ts';
import type { Around, CallName } from './wrap.ts';

/** What begins something. The rest belongs to what has begun, and must end it. */
const beginning: readonly CallName[] = ['stat', 'read', 'create', 'resume', 'remove'];
/** What only a store that works can do. */
const telling: readonly CallName[] = [...beginning, 'next', 'probe', 'commit', 'pause'];

export interface CircuitOptions {
  store: string;
  now: () => number;
  /** Told whenever that changes. */
  onChange?: (isOpen: boolean) => void;
}

/** @throws UnavailableError at once while the store is left alone */
export function circuit({ store, now, onChange }: CircuitOptions): Around {
  const { refusal, succeeded, failed } = breaker({ now, onChange });

  return async (call) => {
    const refused = beginning.includes(call.name) ? refusal() : null;
    if (refused) throw leftAlone(store, refused);
    try {
      const value = await call.run(call.signal);
      if (telling.includes(call.name)) succeeded();
      return value;
    } catch (error) {
      if (isOutage(error)) failed();
      else if (error instanceof DomainError && telling.includes(call.name)) succeeded(); // it said no
      throw error;
    }
  };
}

function leftAlone(
  store: string,
  { failures, leftMs }: { failures: number; leftMs: number },
): UnavailableError {
  const message = `Store ${store} failed ${failures} times in a row; it is asked again in ${secondsOf(leftMs)} s, or choose another store`;
  return new UnavailableError(message, { store, reason: 'refused' });
}
