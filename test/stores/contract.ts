/**
 * What every driver has to do: readContract for all of them, storeContract for those that can be written to as well.
 * A driver's test file calls one of them with a way to make a store.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ConflictError, DomainError, NotFoundError } from '../../src/domain/errors.ts';
import type { PausedWrite, Store, WritableStore } from '../../src/stores/store.ts';
import { collect, inChunks, someBytes } from '../support/bytes.ts';

const mebibyte = 1024 * 1024;

/** Stores `bytes` under `key`, chunk by chunk. */
export async function put(
  store: WritableStore,
  key: string,
  bytes: Uint8Array,
  chunk = 65_536,
): Promise<void> {
  const writer = await store.create(key, { size: bytes.length });
  // Two buffers by turns: the writer may use the one it got last until the next call resolves.
  const pair = [new Uint8Array(chunk), new Uint8Array(chunk)];
  let turn = 0;
  for (let at = 0; at < bytes.length; at += chunk) {
    const part = bytes.subarray(at, at + chunk);
    const buffer = pair[turn] ?? new Uint8Array(0);
    turn = 1 - turn;
    buffer.set(part);
    await writer.write(buffer.subarray(0, part.length));
    pair[turn]?.fill(0xee);
  }
  await writer.commit();
}

async function keysOf(store: WritableStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.keys()) keys.push(key);
  return keys.sort();
}

/** As a row has it. */
function kept({ offset, state, tail }: PausedWrite): PausedWrite {
  return { offset, state: JSON.parse(JSON.stringify(state)), tail: Buffer.from(tail) };
}

/** A store and a way to get bytes into it, whoever puts them there. */
export interface Source {
  store: Store;
  /** Gives the key. */
  put(bytes: Uint8Array): Promise<string>;
  /** A key under which there is nothing. */
  missing: string;
}

/** `make` gives a new source each time. */
export function readContract(name: string, make: () => Promise<Source>): void {
  describe(`${name} store, read`, () => {
    it.each([
      ['the first byte', 0, 0],
      ['the last byte', 2_999_999, 2_999_999],
      ['a middle over a chunk border', 1_000_000, 1_100_000],
      ['all', 0, 2_999_999],
    ])('reads a range: %s', async (_name, start, end) => {
      const { store, put } = await make();
      const bytes = someBytes(3_000_000);
      const key = await put(bytes);
      const found = await collect(await store.read(key, { start, end }));
      expect(found.equals(bytes.subarray(start, end + 1))).toBe(true);
    });

    it('serves many readers of one object at once, each in its own time', async () => {
      const { store, put } = await make();
      const bytes = someBytes(2_500_000);
      const key = await put(bytes);
      const readers = Array.from({ length: 8 }, async (_, i) => {
        const chunks: Buffer[] = [];
        for await (const chunk of await store.read(key)) {
          if (i % 2) await sleep(1);
          chunks.push(Buffer.from(chunk));
        }
        return Buffer.concat(chunks).equals(bytes);
      });
      expect(await Promise.all(readers)).toEqual(Array(8).fill(true));
    });

    it('lets a reader leave early and read again', async () => {
      const { store, put } = await make();
      const bytes = someBytes(3_000_000);
      const key = await put(bytes);
      for await (const chunk of await store.read(key)) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      expect((await collect(await store.read(key))).equals(bytes)).toBe(true);
    });

    it('honours an abort before, and between two chunks', async () => {
      const { store, put } = await make();
      const key = await put(someBytes(3_000_000));
      const aborted = AbortSignal.abort(new Error('enough'));
      await expect(store.read(key, undefined, aborted)).rejects.toThrow('enough');
      await expect(store.stat(key, aborted)).rejects.toThrow('enough');
      const controller = new AbortController();
      const reading = async () => {
        for await (const _ of await store.read(key, undefined, controller.signal)) {
          controller.abort(new Error('enough'));
        }
      };
      await expect(reading()).rejects.toThrow('enough');
    });

    it('says how large an object is, and that there is none', async () => {
      const { store, put, missing } = await make();
      const key = await put(someBytes(12_345));
      expect(await store.stat(key)).toEqual({ size: 12_345 });
      await expect(store.stat(missing)).rejects.toThrow(NotFoundError);
      await expect(store.read(missing)).rejects.toThrow(NotFoundError);
      await expect(store.read(missing, { start: 0, end: 1 })).rejects.toThrow(NotFoundError);
    });

    it('gives back what is nothing, a byte, and much', async () => {
      const { store, put } = await make();
      for (const length of [0, 1, 3_000_000]) {
        const bytes = someBytes(length, 5);
        const key = await put(bytes);
        expect((await collect(await store.read(key))).equals(bytes)).toBe(true);
      }
    });

    it('answers a probe', async () => {
      await (await make()).store.probe();
    });
  });
}

/** `make` gives a new, empty store each time. */
export function storeContract(name: string, make: () => Promise<WritableStore>): void {
  readContract(name, async () => {
    const store = await make();
    let count = 0;
    return {
      store,
      missing: 'zz.1',
      async put(bytes) {
        const key = `ab.${++count}`;
        await put(store, key, bytes, 600_000);
        return key;
      },
    };
  });

  describe(`${name} store`, () => {
    it.each([
      ['nothing', 0, 1],
      ['one byte', 1, 1],
      ['1 byte chunks', 3000, 1],
      ['7 byte chunks', 70_000, 7],
      ['64 KiB chunks', 3 * mebibyte + 5, 65_536],
      ['512 KiB chunks', 3 * mebibyte + 4096, mebibyte / 2],
      ['an odd size of chunks', 2_500_001, 300_001],
      ['5 MiB chunks', 11 * mebibyte + 1, 5 * mebibyte],
    ])('gives back what was written: %s', async (_name, length, chunk) => {
      const store = await make();
      const bytes = someBytes(length, 7);
      await put(store, 'ab.1', bytes, chunk);
      expect((await collect(await store.read('ab.1'))).equals(bytes)).toBe(true);
      expect(await store.stat('ab.1')).toEqual({ size: length });
    });

    it('takes chunks of all sizes in one object, in their order', async () => {
      const store = await make();
      const sizes = [1, 400_000, 3, 0, 65_536, 1_048_576, 17, 262_144, 4096, 700_001, 2];
      const bytes = someBytes(sizes.reduce((a, b) => a + b));
      const writer = await store.create('ab.1', { size: null });
      let at = 0;
      for (const size of sizes) {
        await writer.write(Buffer.from(bytes.subarray(at, at + size)));
        at += size;
      }
      await writer.commit();
      expect((await collect(await store.read('ab.1'))).equals(bytes)).toBe(true);
    });

    it('gives an empty write the meaning that the chunk before it is the caller’s again', async () => {
      const store = await make();
      const bytes = someBytes(mebibyte);
      const mine = Buffer.from(bytes);
      const writer = await store.create('ab.1', { size: null });
      await writer.write(mine);
      await writer.write(new Uint8Array(0));
      mine.fill(0);
      await writer.commit();
      expect((await collect(await store.read('ab.1'))).equals(bytes)).toBe(true);
    });

    it('shows nothing under a key before commit', async () => {
      const store = await make();
      const writer = await store.create('ab.1', { size: 3 });
      await writer.write(Buffer.from('abc'));
      await expect(store.stat('ab.1')).rejects.toThrow(NotFoundError);
      await expect(store.read('ab.1')).rejects.toThrow(NotFoundError);
      await writer.commit();
      expect(await store.stat('ab.1')).toEqual({ size: 3 });
    });

    it('begins nothing when the signal was given', async () => {
      const store = await make();
      const aborted = AbortSignal.abort(new Error('enough'));
      await expect(store.create('ab.2', { size: 1 }, aborted)).rejects.toThrow('enough');
      expect(await keysOf(store)).toEqual([]);
    });

    it('never replaces an object', async () => {
      const store = await make();
      await put(store, 'ab.1', Buffer.from('first'));
      await expect(store.create('ab.1', { size: 1 })).rejects.toThrow(ConflictError);
      expect((await collect(await store.read('ab.1'))).toString()).toBe('first');
    });

    it('lets one write under a key at a time', async () => {
      const store = await make();
      const first = await store.create('ab.1', { size: null });
      await expect(store.create('ab.1', { size: null })).rejects.toThrow(ConflictError);
      await first.cancel();
      await put(store, 'ab.1', Buffer.from('second'));
      expect((await collect(await store.read('ab.1'))).toString()).toBe('second');
    });

    it('leaves nothing behind after cancel, which is harmless twice and after commit', async () => {
      const store = await make();
      const writer = await store.create('ab.1', { size: null });
      await writer.write(someBytes(2 * mebibyte));
      await Promise.all([writer.cancel(), writer.cancel()]);
      await writer.cancel();
      expect(await keysOf(store)).toEqual([]);
      await expect(writer.write(Buffer.from('x'))).rejects.toThrow();

      const other = await store.create('ab.2', { size: null });
      await other.write(Buffer.from('kept'));
      await other.commit();
      await other.cancel();
      expect((await collect(await store.read('ab.2'))).toString()).toBe('kept');
    });

    it('removes an object, an unfinished write and nothing at all', async () => {
      const store = await make();
      await put(store, 'ab.1', Buffer.from('x'));
      await store.remove('ab.1');
      await store.remove('ab.1');
      await expect(store.stat('ab.1')).rejects.toThrow(NotFoundError);

      const writer = await store.create('cd.1', { size: null });
      await writer.write(someBytes(mebibyte));
      await store.remove('cd.1');
      expect(await keysOf(store)).toEqual([]);
      await expect(writer.commit()).rejects.toThrow();
      await writer.cancel();
      expect(await keysOf(store)).toEqual([]);
    });

    it.each([
      ['at once', 10, []],
      ['after little, often', 400_000, [0, 1, 1, 65_536, 131_073, 399_999]],
      ['after much', 14 * mebibyte + 3, [5 * mebibyte - 1, 5 * mebibyte, 11 * mebibyte + 7]],
    ])('goes on with a write that was paused %s', async (_when, length, pauses) => {
      const store = await make();
      const bytes = someBytes(length, 3);
      let paused = kept(await (await store.create('ab.1', { size: null, pausable: true })).pause());
      for (const end of [...pauses, length]) {
        const writer = await store.resume('ab.1', paused);
        for (let at = paused.offset; at < end; at += 300_000) {
          await writer.write(Buffer.from(bytes.subarray(at, Math.min(end, at + 300_000))));
        }
        await expect(store.stat('ab.1')).rejects.toThrow(NotFoundError);
        paused = kept(await writer.pause());
        expect(paused.offset).toBe(end);
        expect(paused.tail.length).toBeLessThan(5 * mebibyte);
      }
      expect(await keysOf(store)).toEqual(['ab.1']);
      await (await store.resume('ab.1', paused)).commit();
      expect((await collect(await store.read('ab.1'))).equals(bytes)).toBe(true);
      // Refused, or done once more with the same end: some S3 answer a second completion like the first.
      await store
        .resume('ab.1', paused)
        .then((writer) => writer.commit())
        .catch((error) => expect(error).toBeInstanceOf(DomainError));
      expect((await collect(await store.read('ab.1'))).equals(bytes)).toBe(true);
      await store.remove('ab.1');
      expect(await keysOf(store)).toEqual([]);
    });

    it('goes on from the pause that is given, whatever was written after it', async () => {
      const store = await make();
      const [bytes, wrong] = [someBytes(8 * mebibyte, 3), someBytes(8 * mebibyte, 9)];
      const first = await store.create('ab.1', { size: bytes.length, pausable: true });
      await first.write(bytes.subarray(0, 100_000));
      const paused = kept(await first.pause());
      const second = await store.resume('ab.1', paused);
      await second.write(wrong);
      await second.pause();
      const third = await store.resume('ab.1', paused); // this one is killed
      await third.write(wrong.subarray(0, 6 * mebibyte));
      await third.write(new Uint8Array(0));
      const fourth = await store.resume('ab.1', paused);
      await fourth.write(bytes.subarray(100_000));
      await fourth.commit();
      expect((await collect(await store.read('ab.1'))).equals(bytes)).toBe(true);
      await third.pause().catch(() => {}); // closes what it holds
    });

    it('lets go of a write and does no harm to the one that took its place', async () => {
      const store = await make();
      const [bytes, wrong] = [someBytes(6.5 * mebibyte, 3), someBytes(6 * mebibyte, 9)];
      const zeros = new Uint8Array(mebibyte);
      const first = await store.create('ab.1', { size: bytes.length, pausable: true });
      await first.write(bytes.subarray(0, 100_000));
      const paused = kept(await first.pause());
      const lost = await store.resume('ab.1', paused);
      for (const chunk of [wrong.subarray(0, 5 * mebibyte), zeros, wrong.subarray(0, 1_000)]) {
        await lost.write(chunk);
      }
      const next = await store.resume('ab.1', paused);
      for (let at = 100_000; at < bytes.length; at += 300_000) {
        await next.write(Buffer.from(bytes.subarray(at, Math.min(bytes.length, at + 300_000))));
      }
      const all = kept(await next.pause());
      await Promise.all([lost.leave(), lost.leave()]);
      await expect(lost.write(Buffer.from('x'))).rejects.toThrow();
      await expect(lost.pause()).rejects.toThrow();
      await expect(lost.commit()).rejects.toThrow();
      await lost.leave();
      await (await store.resume('ab.1', all)).commit();
      expect((await collect(await store.read('ab.1'))).equals(bytes)).toBe(true);
    });

    it.each(['let go of', 'paused'] as const)('takes a write away that was %s', async (how) => {
      const store = await make();
      const first = await store.create('ab.1', { size: null, pausable: true });
      await first.write(someBytes(100_000));
      const second = await store.resume('ab.1', kept(await first.pause()));
      await second.write(someBytes(6 * mebibyte));
      await (how === 'paused' ? second.pause() : second.leave());
      await second.cancel();
      expect(await keysOf(store)).toEqual([]);
    });

    it('changes nothing by resuming alone: who comes late with it does no harm', async () => {
      const store = await make();
      const bytes = someBytes(300_000, 3);
      const first = await store.create('ab.1', { size: bytes.length, pausable: true });
      await first.write(bytes.subarray(0, 100_000));
      const early = kept(await first.pause());
      const second = await store.resume('ab.1', early);
      await second.write(bytes.subarray(100_000, 200_000));
      const later = kept(await second.pause());
      await (await store.resume('ab.1', early)).leave();
      const third = await store.resume('ab.1', later);
      await third.write(bytes.subarray(200_000));
      await third.commit();
      expect((await collect(await store.read('ab.1'))).equals(bytes)).toBe(true);
    });

    it('writes zeros where other bytes were, and ends where it ends', async () => {
      const store = await make();
      const first = await store.create('ab.1', { size: null, pausable: true });
      const paused = kept(await first.pause());
      const second = await store.resume('ab.1', paused);
      await second.write(someBytes(2 * mebibyte));
      await second.pause();
      const third = await store.resume('ab.1', paused);
      const zeros = new Uint8Array(mebibyte);
      await third.write(zeros);
      await third.commit();
      expect((await collect(await store.read('ab.1'))).equals(zeros)).toBe(true);
    });

    it('does not go on with a write that was removed', async () => {
      const store = await make();
      const first = await store.create('ab.1', { size: null, pausable: true });
      await first.write(someBytes(mebibyte));
      const paused = kept(await first.pause());
      await store.remove('ab.1');
      const goOn = async () => (await store.resume('ab.1', paused)).commit();
      await expect(goOn()).rejects.toThrow(NotFoundError);
      // What came since may be that of somebody who publishes just now: it is left to who gives the write up.
      await store.remove('ab.1');
      expect(await keysOf(store)).toEqual([]);
    });

    it('lists finished and unfinished keys', async () => {
      const store = await make();
      expect(await keysOf(store)).toEqual([]);
      await put(store, 'ab.1', Buffer.from('x'));
      await put(store, 'zz.9', Buffer.from('y'));
      const writer = await store.create('ab.2', { size: null });
      expect(await keysOf(store)).toEqual(['ab.1', 'ab.2', 'zz.9']);
      await writer.cancel();
    });

    it.each(['', '.', '..', '../x', 'a/b', '.a', 'A', 'a b', 'a\0', 'ab.part', 'é', 'a'.repeat(101)])(
      'refuses the key %j',
      async (key) => {
        const store = await make();
        await expect(store.create(key, { size: 1 })).rejects.toThrow(TypeError);
        await expect(store.read(key)).rejects.toThrow(TypeError);
        await expect(store.stat(key)).rejects.toThrow(TypeError);
        await expect(store.remove(key)).rejects.toThrow(TypeError);
      },
    );

    it('reads what came through a source that reuses its memory', async () => {
      const store = await make();
      const bytes = someBytes(200_000);
      const writer = await store.create('ab.1', { size: null });
      for await (const chunk of inChunks(bytes, 10_000)) await writer.write(Buffer.from(chunk));
      await writer.commit();
      expect((await collect(await store.read('ab.1'))).equals(bytes)).toBe(true);
    });
  });
}
