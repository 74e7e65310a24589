/**
 * System calls on one directory, so many at once: each occupies one of the few threads that all file systems share,
 * and on a mount that hangs it does so until the mount comes back.
 */
import type { FileHandle } from 'node:fs/promises';

/** What the driver does with an open file. */
export interface OpenFile {
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  write(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesWritten: number }>;
  truncate(size: number): Promise<void>;
  datasync(): Promise<void>;
  close(): Promise<void>;
}

/** Runs `work` when there is room; first come, first served. */
export type Gate = <T>(work: () => Promise<T>) => Promise<T>;

export function gate(atOnce: number): Gate {
  const waiting: (() => void)[] = [];
  let inside = 0;
  return async (work) => {
    if (inside < atOnce) inside++;
    else await new Promise<void>((go) => waiting.push(go));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else inside--;
    }
  };
}

/** The same file, with every call through the gate. Once `ending` is given none begins but close(). */
export function gated(file: FileHandle, through: Gate, ending?: AbortSignal): OpenFile {
  const unlessOver = <T>(work: () => Promise<T>) =>
    through(() => {
      ending?.throwIfAborted();
      return work();
    });
  return {
    read: (...args) => unlessOver(() => file.read(...args)),
    write: (...args) => unlessOver(() => file.write(...args)),
    truncate: (size) => unlessOver(() => file.truncate(size)),
    datasync: () => unlessOver(() => file.datasync()),
    close: () => through(() => file.close()),
  };
}
