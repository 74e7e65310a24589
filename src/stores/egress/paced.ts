/** A body from a server that nobody vouches for: it must keep moving, and end. */
import { UnavailableError } from '../../domain/errors.ts';

export interface Pace {
  /** For all of it. */
  wholeMs: number;
  /** Averaged over each windowMs that were spent waiting: silence is given up before two of them are over. */
  minBytesPerSecond: number;
  windowMs: number;
}

export const usualPace = { minBytesPerSecond: 1024, windowMs: 30_000 };

/**
 * The same chunks. A source that is given up is ended, though nobody waits for that.
 * @throws UnavailableError timeout
 */
export function paced(
  chunks: AsyncIterator<Uint8Array>,
  { wholeMs, minBytesPerSecond, windowMs }: Pace,
): AsyncIterableIterator<Uint8Array> {
  const begun = performance.now();
  const wanted = (minBytesPerSecond * windowMs) / 1000;
  let waitedMs = 0;
  let bytes = 0;

  /** Looked at whenever something came, and whenever nothing did. */
  function check(now: number): void {
    const isOver = waitedMs >= windowMs;
    if (now - begun > wholeMs || (isOver && bytes < wanted)) throw tooSlow();
    if (!isOver) return;
    waitedMs = 0;
    bytes = 0;
  }

  /** Null: this is when to look, and nothing came yet. */
  async function stepOr(step: Promise<IteratorResult<Uint8Array>>) {
    const left = Math.min(windowMs - waitedMs, begun + wholeMs - performance.now());
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, Math.max(1, Math.min(left, longestTimerMs)), null);
    });
    try {
      return await Promise.race([step, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async function nextInTime(): Promise<IteratorResult<Uint8Array>> {
    const step = chunks.next();
    step.catch(() => {}); // heard of below, unless it comes too late
    for (;;) {
      const asked = performance.now();
      const found = await stepOr(step);
      const now = performance.now();
      waitedMs += now - asked;
      if (found?.done) return found;
      bytes += found?.value.length ?? 0;
      check(now);
      if (found) return found;
    }
  }

  return {
    async next() {
      try {
        return await nextInTime();
      } catch (error) {
        void Promise.resolve(chunks.return?.()).catch(() => {});
        throw error;
      }
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

/** What a timer of Node can be set to. */
const longestTimerMs = 2 ** 31 - 1;

function tooSlow(): UnavailableError {
  const message = 'The server of this URL is too slow; try again later or use another one';
  return new UnavailableError(message, { reason: 'timeout' });
}
