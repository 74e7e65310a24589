/** A body from a server that nobody vouches for: it must keep moving, and end. */
import { UnavailableError } from '../../domain/errors.ts';

export interface Pace {
  /** For all of it. */
  wholeMs: number;
  /** Averaged over the time that was spent waiting, once that is longer than graceMs. */
  minBytesPerSecond: number;
  graceMs: number;
}

export const usualPace = { minBytesPerSecond: 1024, graceMs: 30_000 };

/** @throws UnavailableError timeout */
export function paced(
  chunks: AsyncIterator<Uint8Array>,
  { wholeMs, minBytesPerSecond, graceMs }: Pace,
): AsyncIterableIterator<Uint8Array> {
  const begun = performance.now();
  let waitedMs = 0;
  let bytes = 0;

  function check(now: number): void {
    const isSlow = waitedMs > graceMs && bytes / (waitedMs / 1000) < minBytesPerSecond;
    if (!isSlow && now - begun <= wholeMs) return;
    void Promise.resolve(chunks.return?.()).catch(() => {});
    const message = 'The server of this URL is too slow; try again later or use another one';
    throw new UnavailableError(message, { reason: 'timeout' });
  }

  return {
    async next() {
      const asked = performance.now();
      const step = await chunks.next();
      const now = performance.now();
      waitedMs += now - asked;
      if (step.done) return step;
      bytes += step.value.length;
      check(now);
      return step;
    },
    async return() {
      await chunks.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
