import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { Algorithm } from '../../src/bytes/digests.ts';
import { hashPool } from '../../src/bytes/hash-pool.ts';
import type { Hasher } from '../../src/bytes/hasher.ts';
import { UnavailableError } from '../../src/domain/errors.ts';
import { someBytes } from '../support/bytes.ts';

const pool = hashPool({ cores: 2 });
afterAll(() => pool.close());

const both: Algorithm[] = ['md5', 'sha512'];

function expected(bytes: Uint8Array, algorithms: readonly Algorithm[] = both) {
  return Object.fromEntries(algorithms.map((name) => [name, createHash(name).update(bytes).digest('hex')]));
}

/** Pushes `bytes`, each time at most `most` and at most a buffer. */
async function feed(hasher: Hasher, bytes: Uint8Array, most = Number.POSITIVE_INFINITY): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const buffer = await hasher.take();
    const n = Math.min(buffer.length, most, bytes.length - at);
    buffer.set(bytes.subarray(at, at + n));
    hasher.push(n);
    at += n;
  }
}

/** The threads that were started by `run`. */
async function threadsOf(run: () => Promise<unknown>): Promise<Worker[]> {
  const found: Worker[] = [];
  const spy = vi.spyOn(Worker.prototype, 'unref').mockImplementation(function (this: Worker) {
    found.push(this);
  });
  await run();
  spy.mockRestore();
  return [...new Set(found)];
}

describe('a ring', () => {
  it.each([
    [0, 100, both],
    [1, 100, both],
    [1_048_576, Number.POSITIVE_INFINITY, both],
    [9_437_185, Number.POSITIVE_INFINITY, both],
    [1_000_003, 9973, both],
    [5_000_000, 1_048_575, ['sha512']],
    [5_000_000, 700_001, ['md5', 'sha256', 'sha512']],
  ] as [number, number, Algorithm[]][])(
    'agrees with node:crypto on %i bytes, at most %d at a time',
    async (n, most, which) => {
      const bytes = someBytes(n, n);
      const hasher = await pool.begin(which, null);
      await feed(hasher, bytes, most);
      expect(await hasher.finish()).toEqual(expected(bytes, which));
      hasher.release();
    },
  );

  it('is there again after it was finished or given up, and never more than four at once', async () => {
    for (let round = 0; round < 3; round++) {
      const hashers = await Promise.all(Array.from({ length: 6 }, () => pool.begin(both, null)));
      const buffers = await Promise.all(hashers.map((hasher) => hasher.take()));
      expect(buffers.filter((buffer) => buffer.length === 1_048_576)).toHaveLength(4);
      await hashers[0]?.finish();
      for (const hasher of hashers) hasher.release();
      for (const hasher of hashers) hasher.release();
      const next = await vi.waitFor(async () => {
        const again = await pool.begin(both, null);
        if ((await again.take()).length < 1_048_576) {
          again.release();
          throw new Error('not yet');
        }
        return again;
      });
      next.release();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });

  it('keeps streams apart that run at once', async () => {
    const runs = [1, 2, 3, 4, 5, 6].map(async (seed) => {
      const bytes = someBytes(6_000_000 + seed, seed);
      const hasher = await pool.begin(both, null);
      await feed(hasher, bytes);
      expect(await hasher.finish()).toEqual(expected(bytes));
      hasher.release();
    });
    await Promise.all(runs);
  });

  it('fails its stream when a thread dies; the next stream gets a new thread', async () => {
    const own = hashPool({ cores: 2 });
    let hasher: Hasher | undefined;
    const threads = await threadsOf(async () => {
      hasher = await own.begin(both, null);
    });
    await hasher?.take();
    hasher?.push(1000);
    expect(threads).toHaveLength(2);
    await threads[0]?.terminate();
    await expect(feed(hasher as Hasher, someBytes(20_000_000))).rejects.toThrow(UnavailableError);
    await expect(hasher?.finish()).rejects.toThrow(UnavailableError);
    hasher?.release();

    const bytes = someBytes(10_000_000);
    const next = await own.begin(both, bytes.length);
    expect((await next.take()).length).toBe(1_048_576);
    next.release();
    const last = await own.begin(both, bytes.length);
    await feed(last, bytes);
    expect(await last.finish()).toEqual(expected(bytes));
    last.release();
    await own.close();
  });

  it('fails its stream, and hangs nobody, when the pool is closed', async () => {
    const own = hashPool({ cores: 2 });
    const hasher = await own.begin(both, null);
    await hasher.take();
    hasher.push(10);
    await own.close();
    await expect(hasher.take()).rejects.toThrow(UnavailableError);
    await expect(hasher.finish()).rejects.toThrow(UnavailableError);
    hasher.release();
    const later = await own.begin(both, null);
    expect(await later.finish()).toEqual(expected(new Uint8Array(0)));
  });
});

describe('a stream on the caller’s thread', () => {
  it.each([0, 1, 524_288, 3_000_001])('agrees with node:crypto on %i bytes', async (n) => {
    const bytes = someBytes(n, n);
    const hasher = await pool.begin(both, n);
    await feed(hasher, bytes);
    expect(await hasher.finish()).toEqual(expected(bytes));
    hasher.release();
    hasher.release();
  });

  it('is what a single core gets', async () => {
    const hasher = await hashPool({ cores: 1 }).begin(both, null);
    expect((await hasher.take()).length).toBe(524_288);
    hasher.release();
  });
});

it('does not keep a process alive, and does while a stream needs it', () => {
  const url = new URL('../../src/bytes/hash-pool.ts', import.meta.url).href;
  const program = `
    const { hashPool } = await import(${JSON.stringify(url)});
    const hasher = await hashPool({ cores: 2 }).begin(['md5'], null);
    await hasher.take();
    hasher.push(0);
    console.log((await hasher.finish()).md5);`;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', program], { timeout: 5000 });
  expect(out.toString().trim()).toBe('d41d8cd98f00b204e9800998ecf8427e');
});
