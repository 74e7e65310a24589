/** Bytes no faster than a rate: reading for our own sake leaves the disks and the network to those who wait. */
import { setTimeout as sleep } from 'node:timers/promises';

/** A pause is worth it from here on; shorter ones add up. */
const shortestPauseMs = 10;

/**
 * The same chunks, on average at most `bytesPerSecond`, with a burst of what the last pause was not taken for.
 * @throws the signal's reason
 */
export async function* slowly(
  source: AsyncIterable<Uint8Array>,
  bytesPerSecond: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, undefined> {
  let due = performance.now();
  for await (const chunk of source) {
    signal.throwIfAborted();
    yield chunk;
    const now = performance.now();
    due = Math.max(due, now) + (chunk.length / bytesPerSecond) * 1000;
    if (due - now >= shortestPauseMs) await sleep(due - now, undefined, { signal });
  }
}
