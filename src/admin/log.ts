/** The program's log: JSON lines on standard output, without secrets, that never hold a request up. */
import { type DestinationStream, type Logger, pino } from 'pino';
import type { LogLevel } from '../config/config.ts';
import { logSink, standardOutput } from './log-sink.ts';

/** What waits for a reader that does not read; past it lines are dropped. Bytes. */
const bufferMax = 2 ** 20;

/**
 * Lines are written together: when there are so many bytes of them, and every so often. A write for each line
 * costs as much as a fifth of a request.
 */
const batch = { bytes: 16_384, everyMs: 100 } as const;

export interface ProgramLog {
  log: Logger;
  /** Writes what is still waiting, as far as somebody takes it. */
  flush(): Promise<void>;
}

export function openLog(level: LogLevel): ProgramLog {
  const sink = logSink({
    outlet: standardOutput(),
    maxBytes: bufferMax,
    batchBytes: batch.bytes,
    everyMs: batch.everyMs,
  });
  // However the program ends, short of being killed: what led to it is in the log.
  process.on('exit', () => sink.flushSync());
  return { log: createLog(level, sink), flush: () => sink.flush() };
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
