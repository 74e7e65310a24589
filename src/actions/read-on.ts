/**
 * The bytes of an image out of one copy, and from another one at the same place when it fails. None goes on before its
 * block was looked at, where it is known what that has to be.
 */
import { BadBlockError, checkedBlocks, wholeBlocks } from '../bytes/checked-blocks.ts';
import { findBlocks } from '../db/blocks.ts';
import { blockBytes, blocksOf, sumBytes } from '../domain/blocks.ts';
import { DamagedError, DomainError, UnavailableError } from '../domain/errors.ts';
import { instantOf } from '../domain/instant.ts';
import type { ByteRange } from '../stores/store.ts';
import type { App } from './app.ts';
import { lookAtCopy, noteDamage } from './look-at-copy.ts';
import type { GoodCopy } from './read-copies.ts';

/** What can be read. */
export interface Source {
  first: GoodCopy;
  /** Those after the first. */
  copies: AsyncIterator<GoodCopy, never>;
  /** Bytes of the image. */
  size: number;
}

/** Not a generator: who leaves while a store hangs is not to wait for it, nor to make another one begin. */
export async function readOn(
  app: App,
  { first, copies, size }: Source,
  range: ByteRange | null,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const { start, end: last } = range ?? { start: 0, end: size - 1 };
  const sums = await findSums(app, first.copy.imageId, { start, end: last });
  let at = start;
  let current = first;
  /** The block that the copy at hand gave wrong once. */
  let doubted: number | null = null;
  let hasLeft = false;
  let inner = await open();

  /** The copy at hand, or the next one that begins to answer, from where the reader stands. */
  async function open(): Promise<AsyncIterator<Uint8Array>> {
    for (;;) {
      try {
        return await openHere();
      } catch (error) {
        await turnFrom(error);
      }
    }
  }

  async function openHere(): Promise<AsyncIterator<Uint8Array>> {
    const { copy, store } = current;
    if (sums === null) {
      const isAll = at === 0 && last === size - 1;
      const bytes = await store.read(copy.key, isAll ? undefined : { start: at, end: last }, signal);
      return bytes[Symbol.asyncIterator]();
    }
    const whole = wholeBlocks({ start: at, end: last, size });
    const isAll = whole.start === 0 && whole.end === size - 1;
    return checkedBlocks(await store.read(copy.key, isAll ? undefined : whole, signal), {
      start: at,
      end: last,
      size,
      sums: sums(at),
    });
  }

  /** @throws `failure`, or why no other copy can be had */
  async function turnFrom(failure: unknown): Promise<void> {
    if (hasLeft || signal.aborted || !(failure instanceof DomainError)) throw failure;
    const { imageId: image, store } = current.copy;
    if (failure instanceof BadBlockError && doubted !== failure.block) {
      doubted = failure.block;
      app.log.warn({ err: failure, image, store, at }, 'a copy gave wrong bytes; it is asked once more');
      return;
    }
    app.log.warn({ err: failure, image, store, at }, 'a copy broke off; another one is read from there');
    if (!(failure instanceof UnavailableError)) await note(failure).catch(() => {});
    try {
      current = (await copies.next()).value;
      doubted = null;
    } catch (error) {
      throw error instanceof DamagedError && failure instanceof UnavailableError ? failure : error;
    }
  }

  /** Of bytes that were wrong twice the copy is marked; otherwise its size tells. */
  async function note(failure: DomainError): Promise<void> {
    const { copy } = current;
    if (!(failure instanceof BadBlockError)) return void (await lookAtCopy(app, copy));
    await noteDamage(app, copy, { code: 'OTHER_BYTES', message: failure.message, at: instantOf(app.now()) });
  }

  async function next(): Promise<IteratorResult<Uint8Array>> {
    for (;;) {
      let failure: unknown;
      try {
        const step = await inner.next();
        if (!step.done) at += step.value.length;
        if (!step.done || at > last) return step;
        failure = new DamagedError(`Store ${current.store.id} ended after ${at} of ${last + 1} bytes.`);
      } catch (error) {
        if (at > last) return { done: true, value: undefined }; // all of it is here
        failure = error;
      }
      void Promise.resolve(inner.return?.()).catch(() => {});
      await turnFrom(failure);
      inner = await open();
      if (hasLeft) {
        void Promise.resolve(inner.return?.()).catch(() => {});
        return { done: true, value: undefined };
      }
    }
  }

  // What cannot begin is told before anything is promised.
  let begun: IteratorResult<Uint8Array> | null = await next();
  const bytes: AsyncIterableIterator<Uint8Array> = {
    async next() {
      const step = begun ?? (await next());
      begun = null;
      return step;
    },
    async return() {
      hasLeft = true;
      await inner.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => bytes,
  };
  return bytes;
}

/** What the blocks from a byte of the range on have to be; null: that is not known. */
async function findSums(
  app: App,
  imageId: string,
  range: ByteRange,
): Promise<((from: number) => Uint8Array) | null> {
  if (range.end < range.start) return null;
  const asked = blocksOf(range);
  const blocks = (await findBlocks(app.db, [imageId], asked)).get(imageId);
  if (!blocks) return null;
  return (from) => blocks.sums.subarray((Math.floor(from / blockBytes) - asked.start) * sumBytes);
}
