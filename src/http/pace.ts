/** Slow clients: a transfer may last for hours, but it must move. */

/** Below this many bytes a second, averaged over a window, a transfer is ended. */
const minBytesPerSecond = 16 * 1024;
const windowMs = 30_000;
const lookEveryMs = 5_000;

export interface Pace {
  /** The client keeps us waiting from now on; only this time counts. */
  waiting(): void;
  /** It no longer does. */
  done(): void;
  stop(): void;
}

export interface PaceOptions {
  /** Bytes that went by since the transfer began. */
  moved(): number;
  /** Called once, when the client moved too little in a window in which we waited for it all the time. */
  onSlow(): void;
  clock?: () => number;
}

/** The same chunks: while the next one is awaited, nobody waits for the client. */
export function pacedBy(pace: Pace, bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array, undefined> {
  const chunks = bytes[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        pace.done();
        const step = await chunks.next();
        pace.waiting();
        return step;
      },
      return: async () => (await chunks.return?.()) ?? { done: true, value: undefined },
    }),
  };
}

/** Looks at a transfer every few seconds until stopped. */
export function watchPace({ moved, onSlow, clock = () => performance.now() }: PaceOptions): Pace {
  // A connection may have served other transfers before.
  let movedBefore = moved();
  let waitedMs = 0;
  let since: number | null = null;

  function settle(): void {
    if (since === null) return;
    const now = clock();
    waitedMs += now - since;
    since = now;
  }

  const timer = setInterval(() => {
    settle();
    if (waitedMs < windowMs) return;
    const total = moved();
    if (total - movedBefore < (minBytesPerSecond * waitedMs) / 1000) {
      clearInterval(timer);
      onSlow();
    }
    movedBefore = total;
    waitedMs = 0;
  }, lookEveryMs);
  timer.unref();

  return {
    waiting() {
      since ??= clock();
    },
    done() {
      settle();
      since = null;
    },
    stop: () => clearInterval(timer),
  };
}
