/** The two files of a conversion: written from a stream, and read again by nobody but us. Errors name no paths. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf } from '../cloud/outage.ts';
import { UnavailableError } from '../domain/errors.ts';

const chunkBytes = 256 * 1024;

/** A new file. `close` may be called at any time, and twice. */
export async function openNewFile(path: string): Promise<{
  write(chunk: Uint8Array): Promise<void>;
  close(): Promise<void>;
}> {
  const file = await open(path, 'wx', 0o600).catch(refused);
  return {
    async write(chunk) {
      for (let at = 0; at < chunk.length; ) {
        const { bytesWritten } = await file.write(chunk, at).catch(refused);
        at += bytesWritten;
      }
    },
    close: () => file.close(),
  };
}

export interface WorkFile {
  /** Bytes. */
  size: number;
  /** Those from `start` to `end`, both included; all without a range. */
  read(range?: { start: number; end: number }): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** Only what is a file itself and nowhere else: a program that went wrong may have left a link there. */
export async function openWorkFile(path: string): Promise<WorkFile> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(refused);
  const about = await file.stat();
  if (!about.isFile() || about.nlink !== 1) {
    await file.close();
    throw new Error('What a conversion left is no file of its own.');
  }
  return {
    size: about.size,
    read: ({ start, end } = { start: 0, end: about.size - 1 }) => pieces(file, start, end),
    close: () => file.close(),
  };
}

async function* pieces(file: FileHandle, start: number, end: number): AsyncIterable<Uint8Array> {
  const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(chunkBytes, end - start + 1)));
  for (let at = start; at <= end; ) {
    const { bytesRead } = await file
      .read(buffer, 0, Math.min(buffer.length, end - at + 1), at)
      .catch(refused);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

export const noRoom = (cause?: unknown) =>
  new UnavailableError(
    'The disk where images are converted is full; try again later.',
    { reason: 'full' },
    { cause },
  );

/** @throws UnavailableError in place of what a system call failed with */
export function refused(error: unknown): never {
  const code = errnoOf(error);
  if (code === null) throw error;
  if (full.has(code)) throw noRoom(error);
  const message = 'The directory where images are converted refused; try again later.';
  throw new UnavailableError(message, {}, { cause: error });
}
