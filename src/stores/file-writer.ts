/**
 * Writes one file so that it is there after a power cut or not at all:
 *
 *   open <key>.part (exclusive) -> write ... -> fdatasync -> close -> rename to <key> -> fsync the directory
 *
 * A pause ends before the rename, and the directory is synced for the name of the part file. Who goes on writes over
 * what came after it, and cuts the file only when it is whole: whoever comes late with that cuts nothing that is needed.
 *
 * One write is under way while the caller prepares the next chunk; small chunks are gathered first. An error of
 * fdatasync or fsync is final: the kernel may have dropped the pages, so a second call could succeed and lie.
 */
import { constants } from 'node:fs';
import { lstat, open, rename, unlink } from 'node:fs/promises';
import { errnoOf } from '../cloud/outage.ts';
import type { Buffers } from './buffers.ts';
import { alreadyThere } from './failure.ts';
import type { Gate } from './file-gate.ts';
import type { FileSink } from './file-sink.ts';
import type { PausableWriter, PausedWrite } from './store.ts';

export interface Writing {
  /** The open part file. */
  sink: FileSink;
  store: string;
  key: string;
  part: string;
  target: string;
  /** Where the first byte goes: what is there before stays. */
  start: number;
  /** There may be bytes of an earlier attempt behind the last one: they go when all is here, and not before. */
  resumed: boolean;
  /** Given to let go: nothing more is written. */
  ending: AbortController;
  /** The directory of both. */
  directory: string;
  buffers: Buffers;
  /** Resolves when the directory itself is on stable storage. */
  directoryIsDurable: () => Promise<void>;
  through: Gate;
  /** A system call's error in the words of the contract. */
  failure: (error: unknown) => unknown;
}

/** From here on a chunk is written as it is; smaller ones are copied together. */
const ungatheredBytes = 256 * 1024;

export function fileWriter(writing: Writing): PausableWriter {
  const { sink, store, key, part, target, buffers, through, failure, ending } = writing;
  let state: 'open' | 'closed' | 'renamed' | 'committed' | 'paused' = 'open';
  let at = writing.start;
  let broken: unknown = null;
  let underWay: Promise<void> = Promise.resolve();
  /** As long as a chunk of the caller is being written. */
  let borrowed: Promise<void> = underWay;
  let batch: Buffer | null = null;
  let batched = 0;
  let cancelling: Promise<void> | null = null;

  /** Remembers the first error: every later call repeats it. */
  function fail(error: unknown): void {
    broken ??= failure(error);
  }

  /** Waits for the write before this one, then begins this one and returns. */
  async function begin(chunk: Uint8Array, after?: () => void): Promise<void> {
    await underWay;
    if (broken) throw broken;
    underWay = sink.write(chunk, at).catch(fail).finally(after);
    at += chunk.length;
  }

  async function beginBatch(): Promise<void> {
    if (!batch) return;
    const [full, length] = [batch, batched];
    batch = null;
    batched = 0;
    await begin(full.subarray(0, length), () => buffers.give(full));
  }

  async function gather(chunk: Uint8Array): Promise<void> {
    for (let taken = 0; taken < chunk.length; ) {
      batch ??= buffers.take();
      const n = Math.min(chunk.length - taken, batch.length - batched);
      batch.set(chunk.subarray(taken, taken + n), batched);
      batched += n;
      taken += n;
      if (batched === batch.length) await beginBatch();
    }
  }

  async function write(chunk: Uint8Array): Promise<void> {
    if (state !== 'open') throw new Error('write after the end');
    if (chunk.length >= ungatheredBytes) {
      await beginBatch();
      await begin(chunk);
      borrowed = underWay;
    } else {
      await borrowed;
      if (broken) throw broken;
      await gather(chunk);
    }
  }

  /** All that came is handed to the file. */
  async function flush(): Promise<void> {
    await beginBatch();
    await underWay;
    if (broken) throw broken;
  }

  async function commit(): Promise<void> {
    if (state !== 'open') throw new Error('commit after the end');
    try {
      await flush();
      if (writing.resumed) await sink.cut(at);
      await sink.sync();
      state = 'closed';
      await sink.close();
      await refuseOverwriting();
      await writing.directoryIsDurable();
      await through(() => {
        ending.signal.throwIfAborted();
        return rename(part, target);
      });
      state = 'renamed';
      await through(() => syncDirectory(writing.directory));
      state = 'committed';
    } catch (error) {
      fail(error);
      await takeBack();
      throw broken;
    }
  }

  /**
   * A name that may not be durable is none: resume() finds what is not committed under that of the part file. Not once
   * it was let go of: another may have found it there, made its name durable and published it.
   */
  async function takeBack(): Promise<void> {
    if (state !== 'renamed') return;
    const back = () => {
      ending.signal.throwIfAborted();
      return rename(target, part);
    };
    await through(back).then(
      () => {
        state = 'closed';
      },
      () => {}, // cancel() removes it where it is
    );
  }

  async function pause(): Promise<PausedWrite> {
    if (state !== 'open') throw new Error('pause after the end');
    state = 'paused';
    try {
      await flush();
      await sink.sync();
      await sink.close();
      await writing.directoryIsDurable();
      await through(() => syncDirectory(writing.directory));
      return { offset: at, state: null, tail: new Uint8Array(0) };
    } catch (error) {
      fail(error);
      await sink.close().catch(() => {});
      throw broken;
    }
  }

  async function refuseOverwriting(): Promise<void> {
    const there = await through(() => lstat(target)).catch((error) => {
      if (errnoOf(error) === 'ENOENT') return null;
      throw error;
    });
    if (there) throw alreadyThere(store, key);
  }

  async function dropBatch(): Promise<void> {
    await underWay;
    if (batch) buffers.give(batch);
    batch = null;
  }

  async function leave(): Promise<void> {
    broken ??= new Error('left');
    ending.abort(broken);
    await dropBatch();
    await sink.close().catch(() => {}); // what it says no longer matters
  }

  async function remains(): Promise<void> {
    broken ??= new Error('cancelled');
    await dropBatch();
    try {
      await through(() => unlinkIfThere(state === 'renamed' ? target : part));
    } catch (error) {
      throw failure(error);
    } finally {
      if (state === 'open') await sink.close().catch(() => {}); // nothing is left to lose
      state = 'closed';
    }
  }

  return {
    write,
    commit,
    pause,
    leave,
    cancel() {
      if (state === 'committed') return Promise.resolve();
      cancelling ??= remains();
      return cancelling;
    },
  };
}

/** Makes the names in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

export async function unlinkIfThere(path: string): Promise<void> {
  await unlink(path).catch((error) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
  });
}
