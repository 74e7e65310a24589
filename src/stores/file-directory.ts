/**
 * Keeps objects as files below one directory: `<path>/<first two characters of the key>/<key>`, unfinished ones
 * as `<key>.part` beside them. The directory itself must exist: a store that made it would write into the mount
 * point of a disk that is not there. Messages never hold a path.
 */
import { constants, type StatsFs } from 'node:fs';
import { access, lstat, mkdir, open, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../cloud/outage.ts';
import { blockBytes } from '../domain/blocks.ts';
import { UnavailableError } from '../domain/errors.ts';
import { buffers } from './buffers.ts';
import { alreadyThere, nothingUnder, storeFailure } from './failure.ts';
import { gate, gated, type OpenFile } from './file-gate.ts';
import { hasShards, keysBelow } from './file-listing.ts';
import { fileReader } from './file-reader.ts';
import { fileSink } from './file-sink.ts';
import { fileWriter, syncDirectory, unlinkIfThere } from './file-writer.ts';
import { checkKey } from './key.ts';
import type { WritableStore } from './store.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
/** Two for each reader; as large as a block, which is then compared where it lies. */
const chunkBytes = blockBytes;
const idleBuffers = 8;
/** ext4 and xfs (statfs(2)): local disks that take O_DIRECT. Over a network each write would wait for a reply. */
const directFileSystems = new Set([0xef53, 0x58465342]);

/** Of the sixteen threads that bin/vitrine gives a process, one directory may keep so many busy. */
const callsAtOnce = 8;

export interface FileDirectoryOptions {
  /** Of the store. */
  id: string;
  /** An existing directory on this machine or a mounted file system. */
  path: string;
  /** Blocks of zeros are left out of new files. */
  sparse: boolean;
}

export interface FileDirectory extends WritableStore {
  /** Whether there is an object, or an unfinished write, under the key. */
  holds(key: string, signal?: AbortSignal): Promise<boolean>;
  /** Bytes that can still be written. */
  freeBytes(): Promise<number>;
}

/** Where a directory keeps the object of a key. */
export const pathBelow = (path: string, key: string) => join(path, key.slice(0, 2), key);

export function fileDirectory({ id, path, sparse }: FileDirectoryOptions): FileDirectory {
  const through = gate(callsAtOnce);
  const chunks = buffers(chunkBytes, idleBuffers);
  const durableShards = new Map<string, Promise<void>>();
  let flushingEarly = false;

  const failure = (error: unknown) => storeFailure(id, error);
  const shardOf = (key: string) => join(path, key.slice(0, 2));
  const fileOf = (key: string) => pathBelow(path, key);
  const partOf = (key: string) => `${fileOf(key)}.part`;

  /** Missing file or missing store? Without its directory nothing may be called gone. */
  async function absence(error: unknown, key: string): Promise<unknown> {
    if (errnoOf(error) !== 'ENOENT') return failure(error);
    return through(() => stat(path)).then(() => nothingUnder(id, key, error), failure);
  }

  /** A shard made just now, perhaps by another upload, is durable after one fsync of its parent. */
  function shardIsDurable(shard: string): Promise<void> {
    const known = durableShards.get(shard);
    if (known) return known;
    const sync = through(() => syncDirectory(path));
    durableShards.set(shard, sync);
    sync.catch(() => durableShards.delete(shard));
    return sync;
  }

  /** One background flush at a time: they occupy the few threads that reads need as well. */
  function flushEarly(flush: () => Promise<void>): Promise<void> | null {
    if (flushingEarly) return null;
    flushingEarly = true;
    return flush().finally(() => {
      flushingEarly = false;
    });
  }

  function refuseTooLarge(size: number, { bavail, bsize }: StatsFs): void {
    if (bavail * bsize >= size) return;
    const message = `Store ${id} has no room for ${size} bytes; make room in it or choose another store`;
    throw new UnavailableError(message, { store: id, reason: 'full' });
  }

  async function refuseUnused(): Promise<void> {
    if (await hasShards(path, through)) return;
    const message = `Store ${id} refused: its directory holds nothing; is it mounted?`;
    throw new UnavailableError(message, { store: id });
  }

  async function openPart(key: string, ending: AbortSignal): Promise<OpenFile> {
    await mkdir(shardOf(key), { mode: 0o750 }).catch((error) => {
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
    if (await exists(fileOf(key))) throw alreadyThere(id, key);
    try {
      const handle = await open(partOf(key), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o640);
      return gated(handle, through, ending);
    } catch (error) {
      throw errnoOf(error) === 'EEXIST' ? alreadyThere(id, key) : error;
    }
  }

  /** The part file of a write that was paused, and how long it is now. */
  async function reopenPart(key: string, offset: number, ending: AbortSignal) {
    const handle = await open(partOf(key), O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const found = await handle.stat();
      if (!found.isFile()) refuseIrregular();
      if (found.size < offset) throw nothingUnder(id, key);
      return { file: gated(handle, through, ending), size: found.size };
    } catch (error) {
      await handle.close().catch(() => {});
      throw error;
    }
  }

  /** Who committed it may have been killed before its name was durable. */
  async function secureCommitted(key: string): Promise<void> {
    try {
      await through(async () => {
        if (await exists(fileOf(key))) await syncDirectory(shardOf(key));
      });
    } catch (error) {
      throw failure(error);
    }
  }

  interface Opened {
    file: OpenFile;
    direct: boolean;
    /** Of a write that goes on: where, and where the file ends. */
    before?: { offset: number; size: number };
    ending: AbortController;
  }

  function writerOf(key: string, { file, direct, before, ending }: Opened) {
    const how = { direct, sparse, solidBelow: before?.size ?? 0, ending: ending.signal };
    return fileWriter({
      sink: fileSink({ file, path: partOf(key), flushEarly, through, ...how }),
      store: id,
      key,
      part: partOf(key),
      target: fileOf(key),
      start: before?.offset ?? 0,
      resumed: before !== undefined,
      ending,
      directory: shardOf(key),
      buffers: chunks,
      directoryIsDurable: () => shardIsDurable(shardOf(key)),
      through,
      failure,
    });
  }

  function refuseIrregular(): never {
    const message = `Store ${id} refused: the object is not a regular file; an operator has to look at it`;
    throw new UnavailableError(message, { store: id });
  }

  return {
    id,
    type: 'file',

    async stat(key, signal) {
      signal?.throwIfAborted();
      checkKey(key);
      const found = await through(() => lstat(fileOf(key))).catch(async (error) => {
        throw await absence(error, key);
      });
      return found.isFile() ? { size: found.size } : refuseIrregular();
    },

    /**
     * The file is open from here on. The caller iterates, or gives up with `return()` or the signal; nothing
     * else closes it.
     */
    async read(key, range, signal) {
      signal?.throwIfAborted();
      checkKey(key);
      // O_NONBLOCK: opening a pipe somebody put there must not hang.
      const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
      const handle = await through(() => open(fileOf(key), flags)).catch(async (error) => {
        throw await absence(error, key);
      });
      const file = gated(handle, through);
      try {
        const found = await through(() => handle.stat());
        if (!found.isFile()) refuseIrregular();
        signal?.throwIfAborted();
        const whole = { start: 0, end: found.size - 1 };
        return fileReader({ file, range: range ?? whole, buffers: chunks, signal, failure });
      } catch (error) {
        await file.close().catch(() => {});
        throw failure(error);
      }
    },

    async probe(signal) {
      signal?.throwIfAborted();
      try {
        await through(() => access(path, constants.R_OK | constants.W_OK | constants.X_OK));
      } catch (error) {
        throw failure(error);
      }
    },

    async create(key, hint, signal) {
      signal?.throwIfAborted();
      checkKey(key);
      try {
        if (hint.onlyWhereUsed) await refuseUnused();
        const disk = await through(() => statfs(path));
        if (hint.size !== null) refuseTooLarge(hint.size, disk);
        signal?.throwIfAborted();
        const ending = new AbortController();
        const file = await through(() => openPart(key, ending.signal));
        const direct = directFileSystems.has(disk.type);
        return writerOf(key, { file, direct, ending });
      } catch (error) {
        throw failure(error);
      }
    },

    async resume(key, { offset }, signal) {
      signal?.throwIfAborted();
      checkKey(key);
      try {
        const ending = new AbortController();
        const { file, size } = await through(() => reopenPart(key, offset, ending.signal));
        return writerOf(key, { file, direct: false, before: { offset, size }, ending });
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') await secureCommitted(key);
        throw await absence(error, key);
      }
    },

    async remove(key) {
      checkKey(key);
      try {
        await through(() => unlinkIfThere(fileOf(key)));
        await through(() => unlinkIfThere(partOf(key)));
        await through(() => stat(path)); // without its directory nothing may be called gone
      } catch (error) {
        throw failure(error);
      }
    },

    async holds(key, signal) {
      signal?.throwIfAborted();
      checkKey(key);
      try {
        return await through(async () => (await exists(fileOf(key))) || exists(partOf(key)));
      } catch (error) {
        throw failure(error);
      }
    },

    async freeBytes() {
      try {
        const { bavail, bsize } = await through(() => statfs(path));
        return bavail * bsize;
      } catch (error) {
        throw failure(error);
      }
    },

    async *keys(signal) {
      try {
        for await (const key of keysBelow(path, through)) {
          signal?.throwIfAborted();
          yield key;
        }
      } catch (error) {
        throw failure(error);
      }
    },
  };
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error) => {
      if (errnoOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
}
