/** A range out of a whole body, where a server knows no ranges. */
import type { ByteRange } from './store.ts';

/** Gives the source up when it has what it wants. */
export function excerpt(
  chunks: AsyncIterator<Uint8Array>,
  { start, end }: ByteRange,
): AsyncIterableIterator<Uint8Array> {
  let at = 0;

  async function finish(): Promise<IteratorResult<Uint8Array>> {
    await chunks.return?.();
    return { done: true, value: undefined };
  }

  return {
    async next() {
      while (at <= end) {
        const step = await chunks.next();
        if (step.done) return step;
        const [from, to] = [Math.max(0, start - at), Math.min(step.value.length, end + 1 - at)];
        at += step.value.length;
        if (from < to) return { done: false, value: step.value.subarray(from, to) };
      }
      return finish();
    },
    return: finish,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
