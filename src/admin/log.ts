/** The program's log: JSON lines on standard output, without secrets, that never hold a request up. */
import { type DestinationStream, destination, type Logger, pino } from 'pino';
import type { LogLevel } from '../config/config.ts';

/** What waits for a reader that does not read; past it lines are dropped. Bytes. */
const bufferMax = 2 ** 20;

/**
 * Lines are written together: when there are so many bytes of them, and every so often. A write for each line
 * costs as much as a fifth of a request.
 */
const batch = { bytes: 4096, everyMs: 100 } as const;

export interface ProgramLog {
  log: Logger;
  /** Writes what is still waiting, as far as somebody reads. */
  flush(): void;
}

export function openLog(level: LogLevel): ProgramLog {
  const stream = destination({
    dest: 1,
    sync: false,
    maxLength: bufferMax,
    minLength: batch.bytes,
    periodicFlush: batch.everyMs,
  });
  // A reader that is gone is no reason to stop serving.
  stream.on('error', () => {});
  // However the program ends, short of being killed: what led to it is in the log.
  process.on('exit', () => flushQuietly(stream));
  return { log: createLog(level, stream), flush: () => flushQuietly(stream) };
}

/** The same log on another stream. */
export function createLog(level: LogLevel, stream: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: [
          'token',
          '*.token',
          'headers',
          '*.headers',
          'password',
          '*.password',
          'err.query',
          'err.parameters',
          'err.args',
        ],
        remove: true,
      },
    },
    stream,
  );
}

function flushQuietly(stream: { flushSync(): void }): void {
  try {
    stream.flushSync();
  } catch {
    // Nobody reads.
  }
}
