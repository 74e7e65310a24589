/** Several writers as one: the same bytes go to all, as fast as the slowest takes them. */
import type { StoreWriter } from '../stores/store.ts';

export interface FanOut extends StoreWriter {
  /** What went wrong with the writers that are no longer written to, by their place in the list. */
  readonly failures: ReadonlyMap<number, unknown>;
}

/**
 * One that fails fails all when `allMustSucceed`; otherwise it is cancelled and the others go on, until none is left.
 * @throws what the last writer, or the first that must not, failed with
 */
export function fanOut(
  writers: readonly StoreWriter[],
  { allMustSucceed }: { allMustSucceed: boolean },
): FanOut {
  const failures = new Map<number, unknown>();

  async function each(call: (writer: StoreWriter) => Promise<void>): Promise<void> {
    const done = await Promise.allSettled(
      writers.map((writer, n) => (failures.has(n) ? null : call(writer))),
    );
    for (const [n, outcome] of done.entries()) {
      if (outcome.status === 'fulfilled') continue;
      failures.set(n, outcome.reason);
      if (allMustSucceed || failures.size === writers.length) throw outcome.reason;
      await writers[n]?.cancel().catch(() => {});
    }
  }

  return {
    failures,
    write: (chunk) => each((writer) => writer.write(chunk)),
    commit: () => each((writer) => writer.commit()),
    async cancel() {
      await Promise.all(writers.map((writer) => writer.cancel()));
    },
  };
}
