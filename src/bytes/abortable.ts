/** Waiting that an AbortSignal can end, without leaving a listener behind for every chunk of a long stream. */

export interface Abortable {
  /** As `promise`, or rejects with the signal's reason when that comes first. One at a time. */
  wait<T>(promise: Promise<T>): Promise<T>;
  /** Takes the listener off the signal. */
  done(): void;
}

export function abortable(signal: AbortSignal | undefined): Abortable {
  if (!signal) return { wait: (promise) => promise, done: () => {} };
  let giveUp: (reason: unknown) => void = () => {};
  const onAbort = () => giveUp(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    wait: (promise) =>
      new Promise((resolve, reject) => {
        giveUp = reject;
        promise.then(resolve, reject);
        if (signal.aborted) onAbort();
      }),
    done: () => signal.removeEventListener('abort', onAbort),
  };
}
