/**
 * Looks at what compressed bytes stand for, as they go by: what is unpacked is looked at and let go. A chunk is given
 * back once the decoder has taken all of it, so that whoever sends is as quick as the decoder.
 */
import { UnavailableError } from '../../domain/errors.ts';
import { type Compression, type DecompressLimits, decompress } from '../decompress/decompress.ts';
import { type Inspection, inspectStream } from './inspection.ts';
import { type Room, windowOf } from './room.ts';

export interface InsideLook {
  /** Resolves when the chunk is no longer needed. @throws UnavailableError there is no memory to look inside */
  update(chunk: Uint8Array): Promise<void>;
  /** @throws ValidationError, QuotaExceededError as decompress; UnavailableError as update; what an inspector throws */
  finish(): Promise<Inspection>;
  /** Ends it, at any time. */
  close(): void;
}

/** What is held comes out of `captures`, what its decoder needs out of `unpacking`. */
export function lookInside(
  limits: Pick<DecompressLimits, 'ratioMax' | 'sizeMax'>,
  { captures, unpacking }: { captures: Room; unpacking: Room },
): InsideLook {
  const { chunks, give, end } = handedOver();
  const inspector = inspectStream(captures);
  let window = 0;
  let unavailable: UnavailableError | null = null;

  function admit(format: Compression): void {
    unpacking.take(windowOf(format));
    window = windowOf(format);
  }

  async function look(): Promise<Inspection> {
    try {
      for await (const chunk of decompress(chunks, { ...limits, admit })) inspector.update(chunk);
      return inspector.finish();
    } catch (error) {
      if (error instanceof UnavailableError) unavailable = error;
      throw error;
    } finally {
      inspector.close();
      unpacking.give(window);
      end();
    }
  }
  const seen = look();
  seen.catch(() => {}); // told by update and finish
  return {
    async update(chunk) {
      await give(chunk);
      if (unavailable) throw unavailable;
    },
    finish() {
      end();
      return seen;
    },
    close: end,
  };
}

/** Chunks from one who has them to one who asks for them. */
function handedOver() {
  const asked: { resolve: (next: IteratorResult<Uint8Array>) => void }[] = [];
  let waiting: Uint8Array | null = null;
  let taken: () => void = () => {};
  let hasEnded = false;

  const ended = { done: true, value: undefined } as const;
  const chunks: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next() {
        taken(); // the one before is used up
        taken = () => {};
        if (waiting === null) {
          return hasEnded ? Promise.resolve(ended) : new Promise((resolve) => asked.push({ resolve }));
        }
        return Promise.resolve({ done: false, value: passed() });
      },
      async return() {
        end();
        return ended;
      },
    }),
  };

  let release: () => void = () => {};
  /** What waits is handed out, and is the giver's again with the next question. */
  function passed(): Uint8Array {
    const chunk = waiting as Uint8Array;
    waiting = null;
    taken = release;
    return chunk;
  }

  function give(chunk: Uint8Array): Promise<void> {
    if (hasEnded || chunk.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      waiting = chunk;
      release = resolve;
      asked.shift()?.resolve({ done: false, value: passed() });
    });
  }

  function end(): void {
    hasEnded = true;
    waiting = null;
    release();
    taken();
    for (const { resolve } of asked.splice(0)) resolve(ended);
  }
  return { chunks, give, end };
}
