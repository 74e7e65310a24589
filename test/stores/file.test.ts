import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { NotFoundError, UnavailableError } from '../../src/domain/errors.ts';
import { buffers } from '../../src/stores/buffers.ts';
import { storeFailure } from '../../src/stores/failure.ts';
import { fileStore } from '../../src/stores/file.ts';
import { type Gate, gated } from '../../src/stores/file-gate.ts';
import { fileSink } from '../../src/stores/file-sink.ts';
import { fileWriter } from '../../src/stores/file-writer.ts';
import { collect, someBytes } from '../support/bytes.ts';
import { errno } from '../support/fault-store.ts';
import { only } from '../support/size.ts';
import { put, storeContract } from './contract.ts';

const root = mkdtempSync(join(tmpdir(), 'vitrine-file-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function aPlace(): string {
  return mkdtempSync(join(root, 'store-'));
}

function aStore(path = aPlace()) {
  return { path, store: fileStore({ id: 'disk', paths: [{ path, priority: 0 }] }) };
}

/** Descriptors of this process that lead into `path`. */
function openFiles(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(path);
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}

/** False where this is not allowed. */
function mount(...args: string[]): boolean {
  try {
    execFileSync('mount', args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The error, checked to name the store and no path. */
async function refusal(promise: Promise<unknown>): Promise<UnavailableError> {
  const error = await promise.then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(UnavailableError);
  const { message } = error as UnavailableError;
  expect(message).toContain('disk');
  expect(message).not.toContain('/');
  return error as UnavailableError;
}

storeContract('file', async () => aStore().store);

const nfs = only({
  from: 'ci',
  when: { 'a mount of NFS (test/services/nfs-up.sh)': () => process.env.TEST_NFS_DIR !== undefined },
});
describe.skipIf(nfs.skip)(`on NFS${nfs.why}`, () => {
  const places: string[] = [];
  afterAll(() => {
    for (const place of places) rmSync(place, { recursive: true, force: true });
  });
  storeContract('file', async () => {
    const place = mkdtempSync(join(process.env.TEST_NFS_DIR ?? '', 'store-'));
    places.push(place);
    return aStore(place).store;
  });
});

describe('file store', () => {
  it('keeps an object at its place, with narrow permissions', async () => {
    const { path, store } = aStore();
    const writer = await store.create('abc.1', { size: null });
    expect(readdirSync(join(path, 'ab'))).toEqual(['abc.1.part']);
    await writer.write(someBytes(10));
    await writer.commit();
    expect(readdirSync(join(path, 'ab'))).toEqual(['abc.1']);
    expect(statSync(join(path, 'ab', 'abc.1')).mode & 0o7137).toBe(0);
    expect(statSync(join(path, 'ab')).mode & 0o7027).toBe(0);
  });

  it('closes its files whatever way a reading or writing ends', async () => {
    const { path, store } = aStore();
    await put(store, 'ab.1', someBytes(3_000_000), 700_000);
    for (let i = 0; i < 20; i++) {
      for await (const _ of await store.read('ab.1')) break;
      const thrown = async () => {
        for await (const _ of await store.read('ab.1')) throw new Error('enough');
      };
      await expect(thrown()).rejects.toThrow('enough');
      const never = await store.read('ab.1');
      await never[Symbol.asyncIterator]().return?.();
      const writer = await store.create('ab.2', { size: null });
      await writer.write(someBytes(700_000));
      await writer.cancel();
    }
    expect(openFiles(path)).toBe(0);
  });

  it('closes its file also when the part cannot be taken away', async () => {
    const { path, store } = aStore();
    const writer = await store.create('ab.1', { size: null });
    await writer.write(someBytes(1_000_000));
    const part = join(path, 'ab', 'ab.1.part');
    renameSync(part, join(path, 'elsewhere'));
    mkdirSync(part);
    await refusal(writer.cancel());
    expect(openFiles(path)).toBe(0);
  });

  it('closes a file that nobody reads when the signal is given', async () => {
    const { path, store } = aStore();
    await put(store, 'ab.1', someBytes(100));
    const controller = new AbortController();
    await store.read('ab.1', undefined, controller.signal);
    expect(openFiles(path)).toBe(1);
    controller.abort();
    await expect.poll(() => openFiles(path)).toBe(0);
  });

  it('leaves the chunk in the consumer’s hands alone when the signal is given', async () => {
    const { store } = aStore();
    const bytes = someBytes(3_000_000);
    await put(store, 'ab.1', bytes, 700_000);
    const controller = new AbortController();
    const reading = (await store.read('ab.1', undefined, controller.signal))[Symbol.asyncIterator]();
    const { value: chunk } = await reading.next();
    controller.abort();
    await collect(await store.read('ab.1', { start: 1_500_000, end: 2_999_999 }));
    expect(bytes.subarray(0, chunk.length).equals(chunk)).toBe(true);
    await expect(reading.next()).rejects.toThrow();
  });

  it('lends a buffer to one reader at a time, also after one that left while it waited', async () => {
    const { store } = aStore();
    const [ones, twos] = [someBytes(4_000_000, 1), someBytes(4_000_000, 2)];
    await put(store, 'ab.1', ones, ones.length);
    await put(store, 'ab.2', twos, twos.length);
    for (let i = 0; i < 20; i++) {
      const leaver = (await store.read('ab.1'))[Symbol.asyncIterator]();
      await leaver.next();
      const waiting = leaver.next();
      await leaver.return?.();
      await waiting;
    }
    const readers = await Promise.all(['ab.1', 'ab.2', 'ab.1', 'ab.2'].map((key) => store.read(key)));
    const read = await Promise.all(readers.map(collect));
    expect(read.map((bytes, i) => bytes.equals(i % 2 === 0 ? ones : twos))).toEqual([true, true, true, true]);
  });

  it('ends early, without an error, when the file is shorter than it was', async () => {
    const { path, store } = aStore();
    await put(store, 'ab.1', someBytes(2_000_000), 700_000);
    const reading = await store.read('ab.1', { start: 0, end: 1_999_999 });
    truncateSync(join(path, 'ab', 'ab.1'), 1_234_567);
    expect((await collect(reading)).length).toBe(1_234_567);
    expect(openFiles(path)).toBe(0);
  });

  it('follows no symbolic link and opens no pipe or directory', async () => {
    const { path, store } = aStore();
    mkdirSync(join(path, 'ab'));
    writeFileSync(join(path, 'secret'), 'secret');
    symlinkSync(join(path, 'secret'), join(path, 'ab', 'ab.1'));
    mkdirSync(join(path, 'ab', 'ab.2'));
    for (const key of ['ab.1', 'ab.2']) {
      expect((await refusal(store.read(key))).reason).toBe('refused');
      expect((await refusal(store.stat(key))).reason).toBe('refused');
    }
    symlinkSync(join(path, 'secret'), join(path, 'ab', 'ab.3.part'));
    await expect(store.create('ab.3', { size: 1 })).rejects.toThrow();
    expect(openFiles(path)).toBe(0);
  });

  it('calls nothing gone while its own directory is', async () => {
    const { path, store } = aStore();
    await expect(store.read('ab.1')).rejects.toThrow(NotFoundError);
    rmSync(path, { recursive: true });
    await refusal(store.read('ab.1'));
    await refusal(store.stat('ab.1'));
    await refusal(store.create('ab.1', { size: 1 }));
    await refusal(store.probe());
    await refusal(store.keys()[Symbol.asyncIterator]().next());
    expect(() => statSync(path)).toThrow();
  });

  it('refuses at create what the disk has no room for', async () => {
    const error = await refusal(aStore().store.create('ab.1', { size: 2 ** 52 }));
    expect(error.reason).toBe('full');
  });

  it('gives up after the first failed fsync and never asks again', async () => {
    const path = join(aPlace(), 'x');
    const file = await open(path, 'wx');
    let asked = 0;
    file.datasync = async () => {
      asked += 1;
      if (asked === 1) throw errno('EIO');
    };
    const sink = fileSink({ file, path, direct: false, flushEarly: () => null });
    await sink.write(someBytes(10), 0);
    await expect(sink.sync()).rejects.toThrow('EIO');
    await expect(sink.sync()).rejects.toThrow('EIO');
    await expect(sink.write(someBytes(10), 10)).rejects.toThrow('EIO');
    expect(asked).toBe(1);
    await sink.close();
  });

  it('fails the commit when a flush in the background failed', async () => {
    const path = join(aPlace(), 'x');
    const file = await open(path, 'wx');
    file.datasync = async () => {
      throw errno('EIO');
    };
    const sink = fileSink({ file, path, direct: false, flushEarly: (flush) => flush() });
    const chunk = new Uint8Array(33 * 1024 * 1024);
    await sink.write(chunk, 0);
    await sink.write(chunk, chunk.length);
    await expect(sink.sync()).rejects.toThrow('EIO');
    await sink.close();
  });

  it.each([
    ['takes a name back that may not be durable', false, 'ab.1.part'],
    ['takes none back that was let go of: another may have published it', true, 'ab.1'],
  ])('%s', async (_what, isLeft, left) => {
    const directory = aPlace();
    const [part, target] = [join(directory, 'ab.1.part'), join(directory, 'ab.1')];
    const { promise: answer, resolve: fail } = Promise.withResolvers<void>();
    let synced = false;
    /** The first call after the rename is the fsync of the directory: late, and it fails. */
    const through: Gate = async (work) => {
      if (synced || !existsSync(target)) return work();
      synced = true;
      await answer;
      throw errno('EIO');
    };
    const ending = new AbortController();
    const file = gated(await open(part, 'wx'), through, ending.signal);
    const where = { store: 'disk', key: 'ab.1', part, target, directory, start: 0, resumed: false };
    const writer = fileWriter({
      ...where,
      sink: fileSink({ file, path: part, direct: false, flushEarly: () => null, ending: ending.signal }),
      buffers: buffers(4096, 1),
      directoryIsDurable: async () => {},
      ending,
      through,
      failure: (error) => storeFailure('disk', error),
    });
    await writer.write(someBytes(100));
    const committed = writer.commit();
    await expect.poll(() => synced).toBe(true);
    if (isLeft) await writer.leave();
    fail();
    await expect(committed).rejects.toThrow();
    expect(readdirSync(directory)).toEqual([left]);
    expect(openFiles(directory)).toBe(0);
  });

  it('does not write what waited when it was let go of', async () => {
    const path = join(aPlace(), 'x');
    const ending = new AbortController();
    const waiting: (() => void)[] = [];
    const through: Gate = async (work) => {
      await new Promise<void>((go) => waiting.push(go));
      return work();
    };
    const file = gated(await open(path, 'wx'), through, ending.signal);
    const sink = fileSink({ file, path, direct: false, flushEarly: () => null, ending: ending.signal });
    const writing = sink.write(someBytes(10), 0);
    await expect.poll(() => waiting.length).toBe(1);
    ending.abort(new Error('left'));
    for (const go of waiting.splice(0)) go();
    await expect(writing).rejects.toThrow('left');
    const closed = sink.close();
    await expect.poll(() => waiting.length).toBe(1);
    for (const go of waiting.splice(0)) go();
    await closed;
    expect(statSync(path).size).toBe(0);
  });

  it('refuses in words when the disk is full, leaves nothing, and when it is read-only', async ({ skip }) => {
    const { path, store } = aStore();
    skip(!mount('-t', 'tmpfs', '-o', 'size=3m', 'vitrine', path), 'mounting takes root');
    try {
      const writer = await store.create('ab.1', { size: null });
      const filling = async () => {
        for (let i = 0; i < 5; i++) await writer.write(someBytes(1_000_000));
        await writer.commit();
      };
      expect((await refusal(filling())).reason).toBe('full');
      expect((await refusal(writer.commit())).reason).toBe('full');
      await writer.cancel();
      expect(readdirSync(join(path, 'ab'))).toEqual([]);
      await put(store, 'ab.2', someBytes(1_000_000));
      mount('-o', 'remount,ro', path);
      const error = await refusal(store.create('ab.3', { size: 1 }));
      expect(error.message).toContain('read-only');
      await refusal(store.probe());
      await refusal(store.remove('ab.2'));
      expect(await store.stat('ab.2')).toEqual({ size: 1_000_000 });
    } finally {
      execFileSync('umount', [path]);
    }
  });

  it.each([
    ['ENOSPC', 'full'],
    ['EDQUOT', 'full'],
    ['EROFS', 'refused'],
    ['EACCES', 'refused'],
    ['EIO', 'refused'],
    ['ESTALE', 'refused'],
    ['EMFILE', 'refused'],
    ['EWHATEVER', 'refused'],
  ])('says of %s: %s', async (code, reason) => {
    const cause = errno(code);
    const error = await refusal(Promise.reject(storeFailure('disk', cause)));
    expect(error).toMatchObject({ store: 'disk', reason, cause });
  });

  // Root may write into any directory, so there is nothing to see then.
  it.skipIf(process.getuid?.() === 0)('refuses where it may not write', async () => {
    const { path, store } = aStore();
    chmodSync(path, 0o500);
    expect((await refusal(store.create('ab.1', { size: 1 }))).reason).toBe('refused');
    await refusal(store.probe());
    chmodSync(path, 0o700);
  });
});
