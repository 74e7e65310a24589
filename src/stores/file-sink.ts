/**
 * Puts bytes into one open file. Long writes go past the page cache where the file system is known to do that
 * well: an image is written once and rarely read soon, the copy into the cache costs as much as a digest, and an
 * error of the disk comes with the write instead of with the fsync. Everything else is an ordinary write.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoOf } from '../cloud/outage.ts';
import { type Gate, gated, type OpenFile } from './file-gate.ts';
import { runsOf } from './zeros.ts';

export interface FileSink {
  write(chunk: Uint8Array, position: number): Promise<void>;
  /** The file ends there, whatever it had behind it. */
  cut(end: number): Promise<void>;
  /** Everything is on stable storage. Its first error is its last word: no second fsync follows. */
  sync(): Promise<void>;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

export interface FileSinkOptions {
  file: OpenFile;
  /** To open the same file a second time. */
  path: string;
  /** False where only ordinary writes are wanted. */
  direct: boolean;
  /** Runs a flush in the background, unless enough others are doing it: then null. */
  flushEarly: (flush: () => Promise<void>) => Promise<void> | null;
  /** Leaves blocks of zeros out: the file has holes there. */
  sparse?: boolean;
  /** So far the file may have other bytes than zeros already: there are no holes before. */
  solidBelow?: number;
  through?: Gate;
  /** Once it is given, nothing more is written. */
  ending?: AbortSignal;
}

/** What O_DIRECT asks of addresses, lengths and positions, on every disk in use. */
const alignment = 4096;
/** A shorter write is not worth the trip to the disk. */
const directBytes = 256 * 1024;
/** So much lies in the page cache before it is flushed in the background: sync() then has little to wait for. */
const flushEveryBytes = 64 * 1024 * 1024;

const lastZero = new Uint8Array(1);

export function fileSink({
  file,
  path,
  direct,
  flushEarly,
  sparse = false,
  solidBelow = 0,
  through = (work) => work(),
  ending,
}: FileSinkOptions): FileSink {
  let wanted = direct && constants.O_DIRECT !== undefined;
  let past: OpenFile | null = null;
  /** Where the file has to end, and where it ends if nothing follows. */
  let end = 0;
  let written = 0;
  let cachedBytes = 0;
  let flushing: Promise<void> = Promise.resolve();
  let flushError: unknown = null;

  async function openPast(): Promise<OpenFile | null> {
    const flags = constants.O_WRONLY | constants.O_DIRECT | constants.O_NOFOLLOW;
    try {
      past ??= gated(await through(() => open(path, flags)), through, ending);
    } catch (error) {
      if (errnoOf(error) !== 'EINVAL') throw error;
      wanted = false;
    }
    return past;
  }

  /** Number of bytes written; 0 when this memory or this file system will not have it. */
  async function writePast(chunk: Uint8Array, position: number): Promise<number> {
    if (!wanted || chunk.length < directBytes || position % alignment !== 0) return 0;
    const handle = await openPast();
    if (!handle) return 0;
    try {
      const whole = chunk.length - (chunk.length % alignment);
      return (await handle.write(chunk, 0, whole, position)).bytesWritten;
    } catch (error) {
      if (errnoOf(error) !== 'EINVAL') throw error;
      wanted = false;
      return 0;
    }
  }

  function flushSome(): void {
    const flush = flushEarly(() =>
      file.datasync().catch((error) => {
        flushError ??= error;
      }),
    );
    if (!flush) return;
    cachedBytes = 0;
    flushing = flush;
  }

  async function writeAll(chunk: Uint8Array, position: number): Promise<void> {
    let done = await writePast(chunk, position);
    while (done < chunk.length) {
      const { bytesWritten } = await file.write(chunk, done, chunk.length - done, position + done);
      done += bytesWritten;
      cachedBytes += bytesWritten;
    }
    written = position + chunk.length;
  }

  return {
    async write(chunk, position) {
      if (flushError) throw flushError;
      end = position + chunk.length;
      const mayHaveHoles = sparse && position >= solidBelow;
      const runs = mayHaveHoles ? runsOf(chunk, position) : [{ at: 0, length: chunk.length }];
      for (const { at, length } of runs) await writeAll(chunk.subarray(at, at + length), position + at);
      if (cachedBytes >= flushEveryBytes) flushSome();
    },
    async cut(at) {
      await file.truncate(at);
      written = at;
    },
    async sync() {
      await flushing;
      if (flushError) throw flushError;
      try {
        // It ends in a hole. Written and not truncated, so that it never gets shorter, whoever else is at it.
        if (written < end) await writeAll(lastZero, end - 1);
        await file.datasync();
      } catch (error) {
        flushError = error;
        throw error;
      }
    },
    async close() {
      await flushing;
      try {
        await past?.close();
      } finally {
        await file.close();
      }
    },
  };
}
