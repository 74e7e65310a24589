/** Tells how calls of stores went, for metrics; what is made of it is left to who listens. */
import { DomainError, UnavailableError } from '../domain/errors.ts';
import type { Around, CallName } from './wrap.ts';

/** ok: answered, with yes or no; failed: the store's fault; ended: nobody wants it any more. */
export type CallOutcome = 'ok' | 'failed' | 'ended';

export interface StoreWatch {
  called(store: string, call: CallName, outcome: CallOutcome, seconds: number): void;
  /** The store is left alone for a while, or no longer. */
  circuitChanged(store: string, isOpen: boolean): void;
}

/** Chunks are too many to be told of one by one. */
const untold: readonly CallName[] = ['next', 'write', 'leave'];

export function watched(store: string, watch: StoreWatch): Around {
  return async (call) => {
    if (untold.includes(call.name)) return call.run(call.signal);
    const start = performance.now();
    const tell = (outcome: CallOutcome) =>
      watch.called(store, call.name, outcome, (performance.now() - start) / 1000);
    try {
      const value = await call.run(call.signal);
      tell('ok');
      return value;
    } catch (error) {
      tell(outcomeOf(error));
      throw error;
    }
  };
}

function outcomeOf(error: unknown): CallOutcome {
  if (error instanceof UnavailableError) return 'failed';
  return error instanceof DomainError ? 'ok' : 'ended';
}
