/** A file store of several directories, files with holes, and directories that hang. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConflictError, NotFoundError, UnavailableError } from '../../src/domain/errors.ts';
import { fileStore } from '../../src/stores/file.ts';
import { gate } from '../../src/stores/file-gate.ts';
import { runsOf } from '../../src/stores/zeros.ts';
import { collect, someBytes } from '../support/bytes.ts';
import { put, storeContract } from './contract.ts';

const root = mkdtempSync(join(tmpdir(), 'vitrine-places-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const aPlace = () => mkdtempSync(join(root, 'place-'));

/** Two directories; the first is preferred. */
function aStore() {
  const [fast, cheap] = [aPlace(), aPlace()];
  const paths = [
    { path: cheap, priority: 1 },
    { path: fast, priority: 2 },
  ];
  return { fast, cheap, store: fileStore({ id: 'disk', paths }) };
}

const filesIn = (path: string) =>
  readdirSync(path, { recursive: true }).filter((name) => `${name}`.includes('/'));

/** A small file system; null where mounting is not allowed. */
function mountSmall(path: string, size: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'vitrine', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

storeContract('file in two directories', async () => aStore().store);
storeContract('sparse file', async () =>
  fileStore({ id: 'disk', paths: [{ path: aPlace(), priority: 0 }], sparse: true }),
);

describe('a file store of two directories', () => {
  it('writes to the higher priority, and finds what lies in either', async () => {
    const { fast, cheap, store } = aStore();
    await put(store, 'ab.1', someBytes(10, 1));
    expect([filesIn(fast), filesIn(cheap)]).toEqual([['ab/ab.1'], []]);
    renameSync(join(fast, 'ab'), join(cheap, 'ab'));
    expect(await store.stat('ab.1')).toEqual({ size: 10 });
    expect((await collect(await store.read('ab.1'))).equals(someBytes(10, 1))).toBe(true);
    await expect(store.create('ab.1', { size: 1 })).rejects.toThrow(ConflictError);
    await store.remove('ab.1');
    expect([filesIn(fast), filesIn(cheap)]).toEqual([[], []]);
  });

  it('puts what takes the place of something lost into no directory that holds nothing', async () => {
    const { fast, cheap, store } = aStore();
    const hint = { size: 10, onlyWhereUsed: true };
    await expect(store.create('ab.1', hint)).rejects.toThrow('is it mounted?');
    await put(fileStore({ id: 'disk', paths: [{ path: cheap, priority: 0 }] }), 'ab.0', someBytes(10, 1));
    const writer = await store.create('ab.1', hint);
    await writer.write(someBytes(10, 1));
    await writer.commit();
    expect([readdirSync(fast), filesIn(cheap).sort()]).toEqual([[], ['ab/ab.0', 'ab/ab.1']]);
  });

  it('writes to the next one when the first has no room, known beforehand or not', async ({ skip }) => {
    const { fast, cheap, store } = aStore();
    skip(!mountSmall(fast, '4m'), 'mounting takes root');
    try {
      await put(store, 'ab.1', someBytes(1_000_000));
      await put(store, 'ab.2', someBytes(5_000_000));
      const writer = await store.create('ab.3', { size: null });
      await writer.write(someBytes(5_000_000));
      await writer.commit();
      expect([filesIn(fast), filesIn(cheap).toSorted()]).toEqual([['ab/ab.1'], ['ab/ab.2', 'ab/ab.3']]);
    } finally {
      execFileSync('umount', [fast]);
    }
  });

  it('goes on without one that is away, and calls nothing gone that may be there', async () => {
    const { fast, cheap, store } = aStore();
    await put(store, 'ab.1', someBytes(10));
    renameSync(fast, `${fast}.away`);
    await expect(store.stat('ab.1')).rejects.toThrow(UnavailableError);
    await expect(store.read('ab.1')).rejects.toThrow(UnavailableError);
    await expect(store.probe()).rejects.toThrow(UnavailableError);
    await put(store, 'ab.2', someBytes(20));
    expect(filesIn(cheap)).toEqual(['ab/ab.2']);
    expect(await store.stat('ab.2')).toEqual({ size: 20 });
    await expect(store.remove('ab.2')).rejects.toThrow(UnavailableError);
    await expect(store.stat('ab.2')).rejects.toThrow(UnavailableError);
    renameSync(`${fast}.away`, fast);
    await expect(store.stat('ab.2')).rejects.toThrow(NotFoundError);
    expect(await store.stat('ab.1')).toEqual({ size: 10 });
  });

  it('refuses when none can be written to', async () => {
    const { fast, cheap, store } = aStore();
    rmSync(fast, { recursive: true });
    rmSync(cheap, { recursive: true });
    await expect(store.create('ab.1', { size: 1 })).rejects.toThrow(UnavailableError);
  });
});

describe('a sparse file', () => {
  it('has holes where zeros were, and the same bytes', async () => {
    const path = aPlace();
    const store = fileStore({ id: 'disk', paths: [{ path, priority: 0 }], sparse: true });
    const bytes = Buffer.concat([
      Buffer.alloc(3_000_000),
      someBytes(100_000),
      Buffer.alloc(5_000_000),
      someBytes(1),
      Buffer.alloc(4_000_000),
    ]);
    await put(store, 'ab.1', bytes, 1_000_001);
    expect((await collect(await store.read('ab.1'))).equals(bytes)).toBe(true);
    const { size, blocks } = statSync(join(path, 'ab', 'ab.1'));
    expect(size).toBe(bytes.length);
    expect(blocks * 512).toBeLessThan(2_000_000);
    await put(store, 'ab.2', Buffer.alloc(2_000_000));
    expect(statSync(join(path, 'ab', 'ab.2')).size).toBe(2_000_000);
    expect((await collect(await store.read('ab.2'))).equals(Buffer.alloc(2_000_000))).toBe(true);
  });

  it('leaves out whole blocks only', () => {
    const block = 64 * 1024;
    const chunk = Buffer.alloc(4 * block);
    expect(runsOf(chunk, 0)).toEqual([]);
    expect(runsOf(chunk, 1)).toEqual([
      { at: 0, length: block - 1 },
      { at: 4 * block - 1, length: 1 },
    ]);
    chunk[2 * block] = 1;
    expect(runsOf(chunk, 0)).toEqual([{ at: 2 * block, length: block }]);
    expect(runsOf(chunk.subarray(0, 10), 0)).toEqual([{ at: 0, length: 10 }]);
  });
});

it('occupies a few threads only, however many calls hang', async () => {
  const through = gate(3);
  let busy = 0;
  let most = 0;
  const going: (() => void)[] = [];
  const calls = Array.from({ length: 10 }, () =>
    through(async () => {
      most = Math.max(most, ++busy);
      await new Promise<void>((go) => going.push(go));
      busy--;
    }),
  );
  await expect.poll(() => going.length).toBe(3);
  for (let done = 0; done < 10; done++) {
    await expect.poll(() => going.length).toBeGreaterThan(0);
    going.shift()?.();
  }
  await Promise.all(calls);
  expect(most).toBe(3);
});
