/**
 * Bytes of a stream, taken as a decoder wants them, however they were cut into chunks. Nothing is copied but what
 * lies across chunks.
 */

export interface Input {
  /** Bytes taken so far. */
  readonly offset: number;
  /** Bytes that came from the source so far. */
  readonly received: number;
  /** What is at hand, at least one byte, not taken yet and valid until the next call; null: the source has ended. */
  peek(): Promise<Uint8Array | null>;
  /** The next `n` bytes, not taken yet; fewer only at the end. For small `n`. */
  head(n: number): Promise<Uint8Array>;
  /** Takes `n` bytes of what peek or head showed. */
  take(n: number): void;
  /** Takes as many bytes as there are until `target` is full, and gives their number: fewer only at the end. */
  fill(target: Uint8Array): Promise<number>;
  /** Puts bytes that were taken last before those that come. */
  giveBack(bytes: Uint8Array): void;
  /** Lets the source go; who waits for it is told so. Harmless twice, and after the end. */
  close(): Promise<void>;
}

const nothing = new Uint8Array(0);

export function openInput(source: AsyncIterable<Uint8Array>): Input {
  const chunks = source[Symbol.asyncIterator]();
  let chunk: Uint8Array = nothing;
  let taken = 0;
  let offset = 0;
  let received = 0;
  let hasEnded = false;
  let giveUp: (reason: unknown) => void = () => {};

  /** The source may be what hangs. */
  function step(): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      giveUp = reject;
      chunks.next().then(resolve, reject);
    });
  }

  /** False at the end. What was not taken of the chunk before is lost. */
  async function pull(): Promise<boolean> {
    if (hasEnded) return false;
    const { done, value } = await step();
    hasEnded ||= done === true;
    chunk = done ? nothing : value;
    taken = 0;
    received += chunk.length;
    return !hasEnded;
  }

  const rest = () => (taken === 0 ? chunk : chunk.subarray(taken));

  function take(n: number): void {
    taken += n;
    offset += n;
  }

  async function peek(): Promise<Uint8Array | null> {
    while (taken === chunk.length) if (!(await pull())) return null;
    return rest();
  }

  return {
    get offset() {
      return offset;
    },
    get received() {
      return received;
    },
    peek,
    take,
    async head(n) {
      while (chunk.length - taken < n) {
        const before = Uint8Array.from(rest());
        const hasMore = await pull();
        chunk = before.length === 0 ? chunk : Buffer.concat([before, chunk]);
        if (!hasMore) break;
      }
      return chunk.subarray(taken, Math.min(taken + n, chunk.length));
    },
    async fill(target) {
      let filled = 0;
      while (filled < target.length) {
        const found = await peek();
        if (!found) break;
        const n = Math.min(found.length, target.length - filled);
        target.set(n === found.length ? found : found.subarray(0, n), filled);
        filled += n;
        take(n);
      }
      return filled;
    },
    giveBack(bytes) {
      chunk = Buffer.concat([bytes, rest()]);
      taken = 0;
      offset -= bytes.length;
    },
    async close() {
      if (hasEnded) return;
      hasEnded = true;
      giveUp(new Error('The source was given up'));
      await chunks.return?.();
    },
  };
}
