/** Slow clients: a transfer may last for hours, but it must move. */

/** Below this many bytes a second, averaged over a window, a transfer is ended. */
const minBytesPerSecond = 16 * 1024;
const windowMs = 30_000;
const lookEveryMs = 5_000;

export interface Pace {
  /** Bytes that went by. */
  moved(bytes: number): void;
  /** The client keeps us waiting from now on; only this time counts. */
  waiting(): void;
  /** It no longer does. */
  done(): void;
  stop(): void;
}

/** Calls `onSlow` once when the client moved too little in a window in which we waited for it all the time. */
export function watchPace(onSlow: () => void): Pace {
  let bytes = 0;
  let waitedMs = 0;
  let since: number | null = null;
  const settle = () => {
    const now = performance.now();
    if (since !== null) waitedMs += now - since;
    since = since === null ? null : now;
  };
  const timer = setInterval(() => {
    settle();
    if (waitedMs < windowMs) return;
    if (bytes < (minBytesPerSecond * waitedMs) / 1000) {
      clearInterval(timer);
      onSlow();
    }
    bytes = 0;
    waitedMs = 0;
  }, lookEveryMs);
  timer.unref();
  return {
    moved: (n) => {
      bytes += n;
    },
    waiting: () => {
      since ??= performance.now();
    },
    done: () => {
      settle();
      since = null;
    },
    stop: () => clearInterval(timer),
  };
}
