/**
 * Leaves a store alone that has failed several times in a row, so that nobody waits for it in vain: calls are
 * refused at once until a while has passed, then one of them tries. A probe always goes through, and heals too.
 */
import { DomainError, UnavailableError } from '../domain/errors.ts';
import { isOutage } from './failure.ts';
import type { Around, CallName } from './wrap.ts';

const failuresInARow = 5;
const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

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
  let failures = 0;
  let pauseMs = 0;
  let openUntil = 0;

  function succeeded(): void {
    const wasOpen = pauseMs > 0;
    failures = 0;
    pauseMs = 0;
    if (wasOpen) onChange?.(false);
  }

  function failed(): void {
    failures++;
    if (failures < failuresInARow) return;
    const wasOpen = pauseMs > 0;
    pauseMs = Math.min(longestPauseMs, pauseMs * 2 || firstPauseMs);
    openUntil = now() + pauseMs;
    if (!wasOpen) onChange?.(true);
  }

  function refuse(): void {
    const left = openUntil - now();
    if (left > 0) throw leftAlone(store, failures, left);
    openUntil = now() + pauseMs; // this one tries; the others go on waiting
  }

  return async (call) => {
    if (pauseMs > 0 && beginning.includes(call.name)) refuse();
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

function leftAlone(store: string, failures: number, leftMs: number): UnavailableError {
  const seconds = Math.max(1, Math.round(leftMs / 1000));
  const message = `Store ${store} failed ${failures} times in a row; it is asked again in ${seconds} s, or choose another store`;
  return new UnavailableError(message, { store, reason: 'refused' });
}
