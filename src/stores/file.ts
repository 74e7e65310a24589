/**
 * Keeps objects as files in one or several directories of one store. New ones go to the directory of the highest
 * priority that has room; they are found wherever they are. What a directory does is in `file-directory.ts`.
 */
import { NotFoundError, UnavailableError } from '../domain/errors.ts';
import { alreadyThere, nothingUnder } from './failure.ts';
import { type FileDirectory, fileDirectory } from './file-directory.ts';
import type { WritableStore } from './store.ts';

export interface FileStoreOptions {
  id: string;
  /** Existing directories; the highest priority first in use, among equals the one with the most room. */
  paths: readonly { path: string; priority: number }[];
  /** Blocks of zeros are left out of new files. */
  sparse?: boolean;
}

/** Who does not know how much will come looks for at least this much room first. */
const usualBytes = 2 ** 30;

export function fileStore({ id, paths, sparse = false }: FileStoreOptions): WritableStore {
  const places = paths.map(({ path, priority }) => ({
    priority,
    directory: fileDirectory({ id, path, sparse }),
  }));
  const [only, ...others] = places;
  if (only && others.length === 0) return only.directory;
  const directories = places.toSorted((a, b) => b.priority - a.priority).map(({ directory }) => directory);

  /** What the first directory says that has the key. @throws NotFoundError none has, and all could say so */
  async function whereItIs<T>(key: string, ask: (directory: FileDirectory) => Promise<T>): Promise<T> {
    let silent: unknown = null;
    for (const directory of directories) {
      try {
        return await ask(directory);
      } catch (error) {
        if (error instanceof UnavailableError) silent ??= error;
        else if (!(error instanceof NotFoundError)) throw error;
      }
    }
    throw silent ?? nothingUnder(id, key);
  }

  /** Those with room, best first; those that do not answer come last. */
  async function byRoom(size: number | null): Promise<FileDirectory[]> {
    const rated = await Promise.all(
      places.map(async (place) => ({ ...place, free: await place.directory.freeBytes().catch(() => -1) })),
    );
    const needed = size ?? usualBytes;
    const hasRoom = ({ free }: { free: number }) => Number(free >= needed);
    return rated
      .sort((a, b) => hasRoom(b) - hasRoom(a) || b.priority - a.priority || b.free - a.free)
      .map(({ directory }) => directory);
  }

  /** One key, one object, in all of them. */
  async function refuseTaken(key: string, signal: AbortSignal | undefined): Promise<void> {
    for (const directory of directories) {
      const isTaken = await directory.holds(key, signal).catch((error) => {
        if (error instanceof UnavailableError) return false; // then nothing can be written there either
        throw error;
      });
      if (isTaken) throw alreadyThere(id, key);
    }
  }

  return {
    id,
    type: 'file',
    stat: (key, signal) => whereItIs(key, (directory) => directory.stat(key, signal)),
    read: (key, range, signal) => whereItIs(key, (directory) => directory.read(key, range, signal)),
    async probe(signal) {
      for (const directory of directories) await directory.probe(signal);
    },
    async create(key, hint, signal) {
      signal?.throwIfAborted();
      await refuseTaken(key, signal);
      let refusal: unknown = null;
      for (const directory of await byRoom(hint.size)) {
        try {
          return await directory.create(key, hint, signal);
        } catch (error) {
          if (!(error instanceof UnavailableError)) throw error;
          refusal ??= error;
        }
      }
      throw refusal;
    },
    resume: (key, paused, signal) => whereItIs(key, (directory) => directory.resume(key, paused, signal)),
    async remove(key) {
      const results = await Promise.allSettled(directories.map((directory) => directory.remove(key)));
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    },
    async *keys(signal) {
      for (const directory of directories) yield* directory.keys(signal);
    },
  };
}
