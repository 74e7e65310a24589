/** Bytes no faster than a rate: reading for our own sake leaves the disks and the network to those who wait. */
import { setTimeout as sleep } from 'node:timers/promises';

/** A pause is worth it from here on; shorter ones add up. */
const shortestPauseMs = 10;

/** So many bytes a second, for all together who share it. */
export interface ByteRate {
  /** These went by: resolves when more may. @throws the signal gave up */
  spend(bytes: number, signal: AbortSignal): Promise<void>;
}

/** On average at most that, with a burst of what the last pause was not taken for. */
export function byteRate(bytesPerSecond: number): ByteRate {
  let due = 0;
  return {
    async spend(bytes, signal) {
      const now = performance.now();
      due = Math.max(due, now) + (bytes / bytesPerSecond) * 1000;
      const pauseMs = due - now;
      if (pauseMs >= shortestPauseMs) await sleep(pauseMs, undefined, { signal });
    },
  };
}

/** The same chunks, as the rate allows. @throws the signal's reason */
export async function* slowly(
  source: AsyncIterable<Uint8Array>,
  rate: ByteRate,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, undefined> {
  for await (const chunk of source) {
    signal.throwIfAborted();
    yield chunk;
    await rate.spend(chunk.length, signal);
  }
}
