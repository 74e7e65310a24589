/**
 * How another service is asked about tokens: so many questions at once, each within a time, and not at all for a while
 * after several failed in a row. What goes wrong is UnavailableError, and told.
 */
import { orAborted } from '../cloud/ask.ts';
import { breaker, secondsOf } from '../cloud/breaker.ts';
import { connectionFailure, type Server, serverFailure } from '../cloud/http-failure.ts';
import { turns } from '../cloud/turns.ts';
import { UnavailableError } from '../domain/errors.ts';
import type { IdentityWatch } from './token-check.ts';

export interface CarefulOptions {
  /** As a sentence begins. */
  server: Server & object;
  /** In metrics. */
  name: string;
  atOnce: number;
  timeoutMs: number;
  /** Whether a failure speaks of the service, and not of the one thing that was asked for; all do when left out. */
  isAway?: (failure: UnavailableError) => boolean;
  watch: IdentityWatch;
}

/** `work` gives null when the service does not know what it is asked for. */
export type Careful = <T>(work: (signal: AbortSignal) => Promise<T | null>) => Promise<T | null>;

export function careful({
  server,
  name,
  atOnce,
  timeoutMs,
  isAway = () => true,
  watch,
}: CarefulOptions): Careful {
  const now = () => performance.now();
  const places = turns(atOnce, timeoutMs);
  const onChange = (isOpen: boolean) =>
    watch.warn(
      isOpen
        ? `${server.name} failed several times in a row; it is left alone for a while`
        : `${server.name} works again`,
    );
  const { refusal, succeeded, failed } = breaker({ now, onChange });

  function refuseWhileLeftAlone(): void {
    const refused = refusal();
    if (!refused) return;
    const { failures, leftMs } = refused;
    throw serverFailure(
      server,
      `failed ${failures} times in a row, and is asked again in ${secondsOf(leftMs)} s`,
    );
  }

  async function once<T>(work: (signal: AbortSignal) => Promise<T | null>, signal: AbortSignal) {
    const started = now();
    const seconds = () => (now() - started) / 1000;
    try {
      const found = await orAborted(work(signal), signal);
      succeeded();
      watch.asked(name, found === null ? 'unknown' : 'known', seconds());
      return found;
    } catch (error) {
      const failure = connectionFailure(server, error);
      if (failure instanceof UnavailableError) {
        if (isAway(failure)) failed();
        watch.warn(failure.message);
      }
      watch.asked(name, 'failed', seconds());
      throw failure;
    }
  }

  return async (work) => {
    const signal = AbortSignal.timeout(timeoutMs);
    await places.enter(signal).catch(() => {
      throw serverFailure(server, 'is slow, and many wait for it', { reason: 'timeout' });
    });
    try {
      refuseWhileLeftAlone();
      return await once(work, signal);
    } finally {
      places.leave();
    }
  };
}
