/**
 * Tries again what can be tried again without harm: asking, opening, removing, and a reading that breaks off, which
 * goes on where it was. Writing is left to the drivers: only they know what has arrived.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isTransient, retryAfterMsOf } from '../cloud/outage.ts';
import { type ByteRange, isWritable, type Store, type WritableStore } from './store.ts';

const attempts = 3;
const firstPauseMs = 100;
/** Who is asked to wait longer than this says so instead of waiting. */
const longestPauseMs = 5_000;

export function withRetries<S extends Store>(store: S): S;
export function withRetries(store: Store): Store {
  const reads: Store = {
    id: store.id,
    type: store.type,
    stat: (key, signal) => retried(() => store.stat(key, signal), signal),
    async read(key, range, signal) {
      const open = (from?: ByteRange) => retried(() => store.read(key, from, signal), signal);
      const reading = { open, end: () => lastByte(store, key, range, signal), signal };
      return resumed(await open(range), range?.start ?? 0, reading);
    },
    probe: (signal) => store.probe(signal),
  };
  return isWritable(store) ? { ...reads, ...writes(store) } : reads;
}

function writes(store: WritableStore): Omit<WritableStore, keyof Store> {
  return {
    create: (key, hint, signal) => store.create(key, hint, signal),
    resume: (key, paused, signal) => store.resume(key, paused, signal),
    remove: (key) => retried(() => store.remove(key)),
    keys: (signal) => store.keys(signal),
  };
}

/** Up to three times, with pauses that grow and differ. */
export async function retried<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      await pauseAfter(error, attempt, signal);
    }
  }
}

/** Waits before the next attempt. @throws `error` when there is none */
async function pauseAfter(error: unknown, attempt: number, signal: AbortSignal | undefined): Promise<void> {
  if (attempt >= attempts || signal?.aborted || !isTransient(error)) throw error;
  const asked = retryAfterMsOf(error) ?? 0;
  if (asked > longestPauseMs) throw error;
  const pause = Math.max(asked, firstPauseMs * 2 ** attempt * Math.random());
  await sleep(pause, undefined, { signal }).catch(() => {
    throw error;
  });
}

async function lastByte(store: Store, key: string, range?: ByteRange, signal?: AbortSignal): Promise<number> {
  return range?.end ?? (await retried(() => store.stat(key, signal), signal)).size - 1;
}

interface Reading {
  open(range: ByteRange): Promise<AsyncIterable<Uint8Array>>;
  /** Of the last byte that is wanted. */
  end(): Promise<number>;
  signal: AbortSignal | undefined;
}

/** Attempts are counted from the last byte that came: as long as it goes on, it goes on. */
function resumed(
  first: AsyncIterable<Uint8Array>,
  start: number,
  { open, end, signal }: Reading,
): AsyncIterableIterator<Uint8Array> {
  let inner = first[Symbol.asyncIterator]();
  let at = start;
  let attempt = 0;

  async function goOn(error: unknown): Promise<IteratorResult<Uint8Array>> {
    attempt++;
    await pauseAfter(error, attempt, signal);
    const last = await end();
    if (at > last) return { done: true, value: undefined };
    inner = (await open({ start: at, end: last }))[Symbol.asyncIterator]();
    return step();
  }

  async function step(): Promise<IteratorResult<Uint8Array>> {
    try {
      const next = await inner.next();
      if (!next.done && next.value.length > 0) {
        at += next.value.length;
        attempt = 0;
      }
      return next;
    } catch (error) {
      return goOn(error);
    }
  }

  return {
    next: step,
    async return() {
      await inner.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
