/** A store whose readings break in the middle: once a number of bytes has been delivered, as told. */
import { UnavailableError } from '../../src/domain/errors.ts';
import type { WritableStore } from '../../src/stores/store.ts';

export interface Brittle extends WritableStore {
  /** What happens to readings from now on, behind so many bytes each; null: nothing. */
  breakAfter(bytes: number, how: 'refuses' | 'ends' | 'hangs' | null): void;
  /** Where each reading began, since the last breakAfter. */
  readonly beginnings: number[];
  /** Called before each chunk. */
  onChunk: (delivered: number) => Promise<void> | void;
}

export function brittleStore(inner: WritableStore): Brittle {
  let limit = 0;
  let how: 'refuses' | 'ends' | 'hangs' | null = null;
  const beginnings: number[] = [];

  async function* broken(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, undefined> {
    let delivered = 0;
    for await (const chunk of bytes) {
      await store.onChunk(delivered);
      const part = how === null ? chunk : chunk.subarray(0, Math.max(0, limit - delivered));
      delivered += part.length;
      if (part.length > 0) yield part;
      if (part.length === chunk.length) continue;
      if (how === 'ends') return;
      if (how === 'hangs') await new Promise(() => {});
      throw new UnavailableError(`Store ${inner.id} broke off, made by a test`, { store: inner.id });
    }
  }

  const store: Brittle = {
    ...inner,
    async read(key, range, signal) {
      beginnings.push(range?.start ?? 0);
      return broken(await inner.read(key, range, signal));
    },
    breakAfter(bytes, next) {
      limit = bytes;
      how = next;
      beginnings.length = 0;
    },
    beginnings,
    onChunk: () => {},
  };
  return store;
}
