/**
 * Puts something around every call of a store, whatever its driver: deadlines, limits, counting. The chunks of a
 * reading and the calls of a writer are calls as well.
 */
import { isWritable, type PausableWriter, type Store, type WritableStore } from './store.ts';

export type CallName =
  | 'stat'
  | 'read'
  | 'probe'
  | 'create'
  | 'resume'
  | 'remove'
  /** The next chunk, or the next key of a listing. */
  | 'next'
  /** A reading or a listing is given up, a write is let go of. */
  | 'leave'
  | 'write'
  | 'commit'
  | 'pause'
  | 'cancel';

export interface Call<T> {
  name: CallName;
  signal: AbortSignal | undefined;
  run(signal: AbortSignal | undefined): Promise<T>;
  /** Gets rid of what comes after nobody waits for it any more. */
  discard(value: T): void;
}

export type Around = <T>(call: Call<T>) => Promise<T>;

/** `first` around `second` around the call. */
export function inside(first: Around, second: Around): Around {
  return (call) => first({ ...call, run: (signal) => second({ ...call, signal }) });
}

export function wrapStore<S extends Store>(store: S, around: Around): S;
export function wrapStore(store: Store, around: Around): Store {
  const read: Store = {
    id: store.id,
    type: store.type,
    stat: (key, signal) => around({ ...plain, name: 'stat', signal, run: (s) => store.stat(key, s) }),
    async read(key, range, signal) {
      const discard = (late: AsyncIterable<Uint8Array>) => leave(late[Symbol.asyncIterator]());
      const run = (s: AbortSignal | undefined) => store.read(key, range, s);
      return iteration(await around({ name: 'read', signal, run, discard }), around);
    },
    probe: (signal) => around({ ...plain, name: 'probe', signal, run: (s) => store.probe(s) }),
  };
  return isWritable(store) ? { ...read, ...writing(store, around) } : read;
}

function writing(store: WritableStore, around: Around): Omit<WritableStore, keyof Store> {
  return {
    async create(key, hint, signal) {
      const discard = (late: PausableWriter) => void late.cancel().catch(() => {});
      const run = (s: AbortSignal | undefined) => store.create(key, hint, s);
      return writer(await around({ name: 'create', signal, run, discard }), around);
    },
    async resume(key, paused, signal) {
      const discard = (late: PausableWriter) => void late.leave().catch(() => {});
      const run = (s: AbortSignal | undefined) => store.resume(key, paused, s);
      return writer(await around({ name: 'resume', signal, run, discard }), around);
    },
    remove: (key) => around({ ...plain, name: 'remove', signal: undefined, run: () => store.remove(key) }),
    keys: (signal) => iteration(store.keys(signal), around),
  };
}

function writer(inner: PausableWriter, around: Around): PausableWriter {
  const call = <T>(name: CallName, run: () => Promise<T>) =>
    around<T>({ ...plain, name, signal: undefined, run });
  return {
    write: (chunk) => call('write', () => inner.write(chunk)),
    commit: () => call('commit', () => inner.commit()),
    pause: () => call('pause', () => inner.pause()),
    leave: () => call('leave', () => inner.leave()),
    cancel: () => call('cancel', () => inner.cancel()),
  };
}

function iteration<T>(items: AsyncIterable<T>, around: Around): AsyncIterableIterator<T> {
  const inner = items[Symbol.asyncIterator]();
  const call = <R>(name: CallName, run: () => Promise<R>) =>
    around<R>({ ...plain, name, signal: undefined, run });
  return {
    async next() {
      try {
        return await call('next', () => inner.next());
      } catch (error) {
        leave(inner);
        throw error;
      }
    },
    async return() {
      await call('leave', async () => inner.return?.());
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const plain = { discard: () => {} };

function leave(iterator: AsyncIterator<unknown>): void {
  void Promise.resolve(iterator.return?.()).catch(() => {});
}
