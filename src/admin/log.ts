/** The program's log: JSON lines on standard output, without secrets, that never hold a request up. */
import { type DestinationStream, destination, type Logger, pino } from 'pino';
import type { LogLevel } from '../config/config.ts';

/** What waits for a reader that does not read; past it lines are dropped. Bytes. */
const bufferMax = 2 ** 20;

export interface ProgramLog {
  log: Logger;
  /** Writes what is still waiting, as far as somebody reads. */
  flush(): void;
}

export function openLog(level: LogLevel): ProgramLog {
  const stream = destination({ dest: 1, sync: false, maxLength: bufferMax });
  // A reader that is gone is no reason to stop serving.
  stream.on('error', () => {});
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
