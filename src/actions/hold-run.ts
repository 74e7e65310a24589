/** Holds an attempt at an import: tells what it has done, and hears when it is no longer the last. */
import type { ImportRun } from '../db/imports.ts';
import { reportProgress } from '../db/tasks.ts';
import type { App } from './app.ts';

/** Progress is told this often, and whether the attempt is still the last is asked. */
const reportEveryMs = 1_000;

/** What an attempt is held by. */
export interface Hold {
  /** Aborted when the attempt is no longer the last, or the image is gone. */
  signal: AbortSignal;
  /** Asks now: of an image that was deleted the objects go, and what the store then says is not the reason. */
  isLost(): Promise<boolean>;
  moved(bytes: number): void;
  expect(total: number | null): void;
  /** What the task tells meanwhile. */
  say(message: string): void;
  stop(): void;
}

export function holdRun(app: App, run: ImportRun): Hold {
  const lost = new AbortController();
  let done = 0;
  let total: number | null = null;
  let message: string | null = null;
  const tellNow = () =>
    reportProgress(app.db, run, { done, total, message }).then(
      (holds) => !holds && lost.abort(new Error('The attempt is no longer the last.')),
      (error) => app.log.warn({ err: error, task: run.id }, 'the progress of an import could not be told'),
    );
  // One after the other, so that an older number never comes last.
  let telling: Promise<unknown> | null = null;
  const tell = () => {
    telling ??= tellNow().finally(() => {
      telling = null;
    });
    return telling;
  };
  const timer = setInterval(tell, reportEveryMs);
  timer.unref();
  return {
    signal: lost.signal,
    async isLost() {
      await telling;
      await tell();
      return lost.signal.aborted;
    },
    moved(bytes) {
      done += bytes;
    },
    expect(bytes) {
      total = bytes;
    },
    say(text) {
      message = text;
      void tell();
    },
    stop: () => clearInterval(timer),
  };
}
