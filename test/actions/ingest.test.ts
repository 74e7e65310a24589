import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { xxhash64 } from 'hash-wasm';
import { afterAll, describe, expect, it } from 'vitest';
import { type IngestOptions, ingest } from '../../src/actions/ingest.ts';
import { hashPool } from '../../src/bytes/hash-pool.ts';
import { blockBytes } from '../../src/domain/blocks.ts';
import { QuotaExceededError, UnavailableError, ValidationError } from '../../src/domain/errors.ts';
import { fileStore } from '../../src/stores/file.ts';
import { memoryStore } from '../../src/stores/memory.ts';
import type { WritableStore } from '../../src/stores/store.ts';
import { collect, inChunks, someBytes } from '../support/bytes.ts';
import { faultStore } from '../support/fault-store.ts';

const root = mkdtempSync(join(tmpdir(), 'vitrine-ingest-'));
const hashes = hashPool({ cores: 2 });
afterAll(async () => {
  await hashes.close();
  rmSync(root, { recursive: true, force: true });
});

let made = 0;
function aFileStore(): WritableStore {
  const path = join(root, String(made++));
  mkdirSync(path);
  return fileStore({ id: 'disk', paths: [{ path, priority: 0 }] });
}

const drivers: [string, () => WritableStore][] = [
  ['memory', () => memoryStore({ id: 'memory' })],
  ['file', aFileStore],
];

function options(change: Partial<IngestOptions> = {}): IngestOptions {
  return { algorithms: ['md5', 'sha512'], blocks: 'sums', sizeLimit: 1e9, expectedSize: null, ...change };
}

const sumsOf = (bytes: Buffer) =>
  Promise.all(
    Array.from({ length: Math.ceil(bytes.length / blockBytes) }, (_, n) =>
      xxhash64(bytes.subarray(n * blockBytes, (n + 1) * blockBytes)),
    ),
  );

async function keysOf(store: WritableStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.keys()) keys.push(key);
  return keys;
}

/** Never gives anything, nor returns. */
function silence(): AsyncIterable<Uint8Array> {
  const never = () => new Promise<never>(() => {});
  return { [Symbol.asyncIterator]: () => ({ next: never, return: never }) };
}

describe.each(drivers)('ingest into a %s store', (_name, aStore) => {
  it.each([
    [0, 1, 'known'],
    [1, 1, 'unknown'],
    [5000, 1, 'known'],
    [524_288, 65_536, 'known'],
    [524_289, 65_536, 'unknown'],
    [3_000_001, 48_000, 'known'],
    [12_582_912, 65_536, 'known'],
    [12_582_913, 65_536, 'unknown'],
    [17_000_003, 5_000_000, 'known'],
    [9_000_000, 9_000_000, 'unknown'],
  ])('stores and fingerprints %i bytes in chunks of %i, size %s', async (length, chunk, known) => {
    const store = aStore();
    const bytes = someBytes(length, length);
    const expectedSize = known === 'known' ? length : null;
    const writer = await store.create('ab.1', { size: expectedSize });
    const stored = await ingest(hashes, writer, inChunks(bytes, chunk), options({ expectedSize }));
    await writer.commit();
    expect(stored).toEqual({
      size: length,
      digests: {
        md5: createHash('md5').update(bytes).digest('hex'),
        sha512: createHash('sha512').update(bytes).digest('hex'),
      },
      blocks: { sums: Buffer.from((await sumsOf(bytes)).join(''), 'hex'), digests: null },
    });
    expect((await collect(await store.read('ab.1'))).equals(bytes)).toBe(true);
  });

  it('keeps many transfers at once apart, those that fail among them', async () => {
    const store = aStore();
    const transfers = Array.from({ length: 16 }, async (_, i) => {
      const bytes = someBytes(i % 2 ? 9_000_000 : 700_000 + i, i + 1);
      const writer = await store.create(`ab.${i}`, { size: null });
      const sizeLimit = i % 4 === 3 ? 8_000_000 : 1e9;
      const done = ingest(hashes, writer, inChunks(bytes, 65_536), options({ sizeLimit }));
      if (sizeLimit < bytes.length) {
        await expect(done).rejects.toThrow(QuotaExceededError);
        return;
      }
      await done;
      await writer.commit();
      expect((await collect(await store.read(`ab.${i}`))).equals(bytes)).toBe(true);
    });
    await Promise.all(transfers);
    expect(await keysOf(store)).toHaveLength(12);
  });
});

describe('ingest', () => {
  it('stops at the first byte over the limit, asks the source to return and leaves nothing', async () => {
    const store = aFileStore();
    const writer = await store.create('ab.1', { size: null });
    let asked = 0;
    let returned = false;
    async function* endless() {
      try {
        for (;;) {
          asked += 1;
          yield new Uint8Array(1000);
        }
      } finally {
        returned = true;
      }
    }
    const error = await ingest(hashes, writer, endless(), options({ sizeLimit: 10_000 })).catch((e) => e);
    expect(error).toBeInstanceOf(QuotaExceededError);
    expect(error).toMatchObject({ resource: 'image_size', limit: 10_000, requested: 11_000 });
    expect(asked).toBe(11);
    expect(returned).toBe(true);
    await writer.cancel();
    expect(await keysOf(store)).toEqual([]);
  });

  it.each([
    ['fewer', 999],
    ['more', 1001],
    ['none', 0],
  ])('refuses %s bytes than were announced', async (_name, length) => {
    const store = aFileStore();
    const writer = await store.create('ab.1', { size: 1000 });
    const source = inChunks(someBytes(length), 100);
    const error = await ingest(hashes, writer, source, options({ expectedSize: 1000 })).catch((e) => e);
    expect(error).toBeInstanceOf(ValidationError);
    expect(error.issues).toMatchObject([{ path: ['size'], code: 'SIZE_MISMATCH' }]);
    await writer.cancel();
    expect(await keysOf(store)).toEqual([]);
  });

  it('passes on what the source throws', async () => {
    const store = aFileStore();
    const writer = await store.create('ab.1', { size: null });
    async function* broken() {
      yield someBytes(2_000_000);
      throw new Error('the client left');
    }
    await expect(ingest(hashes, writer, broken(), options())).rejects.toThrow('the client left');
    await writer.cancel();
    expect(await keysOf(store)).toEqual([]);
  });

  it.each([
    ['ENOSPC', 1, 'full'],
    ['EIO', 3, 'refused'],
    ['EROFS', 13, 'refused'],
  ] as const)('passes on that the store said %s at write %i', async (how, nth, reason) => {
    const store = faultStore(aFileStore());
    store.fail({ at: 'write', nth, how });
    const writer = await store.create('ab.1', { size: null });
    const error = await ingest(hashes, writer, inChunks(someBytes(12_500_000), 65_536), options()).catch(
      (e) => e,
    );
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error).toMatchObject({ reason, store: 'disk' });
    expect(error.message).not.toContain('/host');
    await writer.cancel();
    expect(await keysOf(store)).toEqual([]);
  });

  it.each([null, 3_000_000])('reads no further than the store takes (size %s)', async (expectedSize) => {
    const store = faultStore(memoryStore({ id: 'memory' }));
    store.fail({ at: 'write', nth: 2, how: 'hang' });
    const writer = await store.create('ab.1', { size: null });
    let given = 0;
    async function* counting() {
      for (let i = 0; i < 3000; i++) {
        given += 1000;
        yield new Uint8Array(1000);
      }
    }
    const done = ingest(hashes, writer, counting(), options({ expectedSize }));
    await sleep(50);
    expect(given).toBeLessThan(2_100_000 + 1000);
    store.release();
    expect((await done).size).toBe(3_000_000);
  });

  it('ends at once when the signal is given, whatever hangs', async () => {
    const controller = new AbortController();
    const signal = controller.signal;
    const quiet = memoryStore({ id: 'memory' });
    const stuck = faultStore(memoryStore({ id: 'memory' }));
    stuck.fail({ at: 'write', how: 'hang' }, { at: 'cancel', how: 'hang' });
    const one = ingest(hashes, await quiet.create('ab.1', { size: null }), silence(), options({ signal }));
    const two = ingest(
      hashes,
      await stuck.create('ab.1', { size: null }),
      inChunks(someBytes(2_000_000), 65_536),
      options({ signal }),
    );
    const both = Promise.allSettled([one, two]);
    await sleep(10);
    controller.abort(new Error('enough'));
    for (const result of await both) {
      expect(result).toMatchObject({ status: 'rejected', reason: { message: 'enough' } });
    }
    stuck.release();
    const three = ingest(hashes, await quiet.create('ab.2', { size: null }), silence(), options({ signal }));
    await expect(three).rejects.toThrow('enough');
    await expect.poll(() => keysOf(quiet)).toEqual([]);
  });
});
