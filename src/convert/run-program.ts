/** One run of a program: no shell, no environment, a time, and an end that takes all of its processes along. */
import { spawn } from 'node:child_process';

export interface ProgramRun {
  /** The program's full path, and its arguments. */
  argv: readonly [string, ...string[]];
  /** Where it runs; what it names is relative to it. */
  folder: string;
  /** Milliseconds. */
  timeMs: number;
  signal?: AbortSignal | undefined;
}

export interface ProgramEnd {
  /** Null: a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  isOutOfTime: boolean;
  /** The beginning of what it wrote to stderr. */
  said: string;
}

const saidMost = 4096;

/**
 * Resolves when it has ended, however it did.
 * @throws the signal's reason, once it is dead
 * @throws Error with a code: it cannot be started
 */
export async function runProgram({ argv, folder, timeMs, signal }: ProgramRun): Promise<ProgramEnd> {
  signal?.throwIfAborted();
  const [program, ...rest] = argv;
  // A process group of its own, so that what it starts can be killed with it.
  const child = spawn(program, rest, {
    cwd: folder,
    env: {},
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('latin1').on('data', (text: string) => {
    if (said.length < saidMost) said = (said + text).slice(0, saidMost);
  });
  const kill = () => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // it has ended already
    }
  };
  let isOutOfTime = false;
  const timer = setTimeout(() => {
    isOutOfTime = true;
    kill();
  }, timeMs);
  signal?.addEventListener('abort', kill, { once: true });
  try {
    const end = await new Promise<ProgramEnd>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, by) => resolve({ code, signal: by, isOutOfTime, said }));
    });
    signal?.throwIfAborted();
    return end;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', kill);
  }
}
