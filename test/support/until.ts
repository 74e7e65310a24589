/** Waiting for something that has to happen; the test's own timeout ends what does not. */
import { setTimeout as sleep } from 'node:timers/promises';

/** The first result of `ask` that is neither null nor undefined nor false. */
export async function until<T>(ask: () => Promise<T> | T): Promise<Exclude<T, null | undefined | false>> {
  for (;;) {
    const found = await ask();
    if (found !== null && found !== undefined && found !== false) {
      return found as Exclude<T, null | undefined | false>;
    }
    await sleep(20);
  }
}
