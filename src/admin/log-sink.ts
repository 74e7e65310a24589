/**
 * Standard output as a place for log lines that never holds anybody up, though it may be a full disk or a pipe
 * that nobody reads. Lines wait in memory up to a bound; over it they are dropped, and when there is room again
 * the log says how many are missing.
 */
import { fstatSync, write, writeSync } from 'node:fs';

export interface LogSink {
  /** Whole lines, each with its newline. */
  write(lines: string): void;
  /** Writes what waits; resolves when that is done or cannot be done, and in any case after `patienceMs`. */
  flush(patienceMs?: number): Promise<void>;
  /** What can be written at once: for the very end of the process. */
  flushSync(): void;
}

export interface LogSinkOptions {
  outlet: Outlet;
  /** What may wait. */
  maxBytes: number;
  /** So much is written together ... */
  batchBytes: number;
  /** ... or what there is after this time. */
  everyMs: number;
}

/** Takes bytes, and calls back when it is rid of them: perhaps late, perhaps never. */
export interface Outlet {
  write(bytes: Buffer, done: (error: Error | null) => void): void;
  /** As much as goes without waiting. */
  writeNow(bytes: Buffer): void;
}

export function logSink({ outlet, maxBytes, batchBytes, everyMs }: LogSinkOptions): LogSink {
  let waiting: string[] = [];
  let waitingBytes = 0;
  let lost = 0;
  let isWriting = false;
  let timer: NodeJS.Timeout | null = null;
  const flushing: (() => void)[] = [];

  /** Everything that waits, after a word about what is missing; null when there is nothing. */
  function take(): Buffer | null {
    if (timer) clearTimeout(timer);
    timer = null;
    if (waiting.length === 0) return null;
    // The line before may have been cut off: this begins another.
    const gap = lost > 0 ? `\n${gapLine(lost)}\n` : '';
    const bytes = Buffer.from(gap + waiting.join(''));
    waiting = [];
    waitingBytes = 0;
    return bytes;
  }

  function begin(): void {
    if (isWriting) return;
    const [lines, missing] = [waiting.length, lost];
    const bytes = take();
    if (!bytes) {
      endFlushes();
      return;
    }
    isWriting = true;
    outlet.write(bytes, (error) => {
      isWriting = false;
      lost += error ? lines : -missing;
      if (error) endFlushes();
      else if (waitingBytes >= batchBytes || flushing.length > 0) begin();
    });
  }

  function endFlushes(): void {
    for (const resolve of flushing.splice(0)) resolve();
  }

  return {
    write(text) {
      if (waitingBytes + text.length > maxBytes) {
        lost++;
        return;
      }
      waiting.push(text);
      waitingBytes += text.length;
      if (waitingBytes >= batchBytes) begin();
      else timer ??= setTimeout(begin, everyMs).unref();
    },
    async flush(patienceMs = 1_000) {
      const done = Promise.withResolvers<void>();
      flushing.push(done.resolve);
      begin();
      const patience = setTimeout(done.resolve, patienceMs);
      await done.promise;
      clearTimeout(patience);
    },
    flushSync() {
      const bytes = isWriting ? null : take();
      if (bytes) outlet.writeNow(bytes);
    },
  };
}

const gapLine = (lines: number) =>
  JSON.stringify({
    level: 40,
    time: new Date().toISOString(),
    msg: `lines of the log are missing here, because nobody took them: ${lines}`,
  });

/** Of this process. Nothing here blocks: not the main thread, and no thread that the end would have to wait for. */
export function standardOutput(): Outlet {
  const fd = 1;
  process.stdout.on('error', () => {}); // a reader that is gone is no reason to stop serving
  const kind = kindOf(fd);
  return {
    write: kind === 'stream' ? writeToStream : (bytes, done) => writeToFile(fd, bytes, done),
    writeNow(bytes) {
      try {
        writeSync(fd, bytes);
      } catch {
        // Nobody reads, or there is no room.
      }
    },
  };
}

/** Pipes and sockets would keep a thread in their write for ever; Node's stream for them does not wait. */
function kindOf(fd: number): 'stream' | 'file' {
  try {
    const found = fstatSync(fd);
    return found.isFIFO() || found.isSocket() ? 'stream' : 'file';
  } catch {
    return 'file'; // closed: every write fails
  }
}

function writeToStream(bytes: Buffer, done: (error: Error | null) => void): void {
  process.stdout.write(bytes, (error) => done(error ?? null));
}

const retryMs = 100;

function writeToFile(fd: number, bytes: Buffer, done: (error: Error | null) => void): void {
  write(fd, bytes, (error, written) => {
    if (error?.code === 'EAGAIN') setTimeout(() => writeToFile(fd, bytes, done), retryMs).unref();
    else if (error || written === bytes.length) done(error);
    else writeToFile(fd, bytes.subarray(written), done);
  });
}
