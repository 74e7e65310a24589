/**
 * When a server that fails is left alone, so that nobody waits for it in vain: after several failures in a row, until a
 * while has passed, then one call tries. What counts as a failure is the caller's to say.
 */

const failuresInARow = 5;
const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

export interface Breaker {
  /** Null: go on. Otherwise the server is left alone: how often it failed, and how long it still is. */
  refusal(): { failures: number; leftMs: number } | null;
  succeeded(): void;
  failed(): void;
}

/** `onChange` is told whenever that changes. */
export function breaker({
  now,
  onChange,
}: {
  now: () => number;
  onChange?: ((isOpen: boolean) => void) | undefined;
}): Breaker {
  let failures = 0;
  let pauseMs = 0;
  let openUntil = 0;
  let isTrying = false;

  return {
    refusal() {
      if (pauseMs === 0) return null;
      const leftMs = openUntil - now();
      if (leftMs > 0) return { failures, leftMs };
      isTrying = true;
      openUntil = now() + pauseMs; // this one tries; the others go on waiting
      return null;
    },
    succeeded() {
      const wasOpen = pauseMs > 0;
      failures = 0;
      pauseMs = 0;
      isTrying = false;
      if (wasOpen) onChange?.(false);
    },
    failed() {
      failures++;
      if (failures < failuresInARow) return;
      const wasOpen = pauseMs > 0;
      if (wasOpen && !isTrying) return; // it began before, as others did that failed with it
      isTrying = false;
      pauseMs = Math.min(longestPauseMs, pauseMs * 2 || firstPauseMs);
      openUntil = now() + pauseMs;
      if (!wasOpen) onChange?.(true);
    },
  };
}

/** In how many seconds it is asked again, for a sentence. */
export const secondsOf = (leftMs: number) => Math.max(1, Math.round(leftMs / 1000));
