/**
 * The reference driver: objects in a Map, gone with the process. For tests and trials; what it does is what
 * every other driver has to do.
 */
import { alreadyThere, nothingUnder } from './failure.ts';
import { checkKey } from './key.ts';
import type { PausableWriter, WritableStore } from './store.ts';

const chunkBytes = 64 * 1024;

export function memoryStore({ id }: { id: string }): WritableStore {
  const objects = new Map<string, Buffer>();
  /** What is there of unfinished writes: as of their last pause. */
  const parts = new Map<string, Buffer>();

  function find(key: string): Buffer {
    checkKey(key);
    const object = objects.get(key);
    if (!object) throw nothingUnder(id, key);
    return object;
  }

  function writer(key: string, before: Buffer): PausableWriter {
    const chunks: Buffer[] = [before];
    let open = true;
    let isCommitted = false;
    return {
      async write(chunk) {
        if (!open) throw new Error('write after the end');
        chunks.push(Buffer.from(chunk));
      },
      async commit() {
        if (!open) throw new Error('commit after the end');
        if (!parts.has(key)) throw nothingUnder(id, key);
        if (objects.has(key)) throw alreadyThere(id, key);
        open = false;
        isCommitted = true;
        parts.delete(key);
        objects.set(key, Buffer.concat(chunks));
      },
      async pause() {
        if (!open) throw new Error('pause after the end');
        open = false;
        if (!parts.has(key)) throw nothingUnder(id, key);
        const all = Buffer.concat(chunks);
        parts.set(key, all);
        return { offset: all.length, state: null, tail: new Uint8Array(0) };
      },
      async leave() {
        open = false;
      },
      async cancel() {
        if (!isCommitted) parts.delete(key);
        open = false;
      },
    };
  }

  return {
    id,
    type: 'memory',
    async stat(key, signal) {
      signal?.throwIfAborted();
      return { size: find(key).length };
    },
    async read(key, range, signal) {
      signal?.throwIfAborted();
      const object = find(key);
      const [from, to] = range ? [range.start, Math.min(range.end + 1, object.length)] : [0, object.length];
      return (async function* () {
        for (let at = from; at < to; at += chunkBytes) {
          signal?.throwIfAborted();
          yield Uint8Array.prototype.slice.call(object, at, Math.min(at + chunkBytes, to));
        }
      })();
    },
    async probe(signal) {
      signal?.throwIfAborted();
    },
    async create(key, _hint, signal) {
      signal?.throwIfAborted();
      checkKey(key);
      if (objects.has(key) || parts.has(key)) throw alreadyThere(id, key);
      parts.set(key, Buffer.alloc(0));
      return writer(key, Buffer.alloc(0));
    },
    async resume(key, { offset }, signal) {
      signal?.throwIfAborted();
      checkKey(key);
      const part = parts.get(key);
      if (!part || part.length < offset) throw nothingUnder(id, key);
      return writer(key, part.subarray(0, offset));
    },
    async remove(key) {
      checkKey(key);
      objects.delete(key);
      parts.delete(key);
    },
    async *keys(signal) {
      for (const key of [...objects.keys(), ...parts.keys()]) {
        signal?.throwIfAborted();
        yield key;
      }
    },
  };
}
