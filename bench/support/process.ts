/** Programs in child processes: started, found when they listen, asked what they have used, and stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Program {
  readonly pid: number;
  /** Where it listens, as a URL without a slash at its end. */
  readonly url: string;
  stop(): Promise<void>;
}

const patienceMs = 60_000;

/**
 * Runs a file of ours with this Node, its standard output thrown away, until it answers at `url` + `path`.
 * @throws Error it ended, or does not answer
 */
export async function startProgram(
  args: readonly string[],
  { url, path, env = {} }: { url: string; path: string; env?: Record<string, string> },
): Promise<Program> {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...environment(), ...env },
  });
  const end = Date.now() + patienceMs;
  while (!(await answers(url + path))) {
    if (child.exitCode !== null || Date.now() > end) {
      child.kill('SIGKILL');
      throw new Error(`${args[0]} does not answer at ${url}${path}`);
    }
    await sleep(50);
  }
  return { pid: child.pid ?? 0, url, stop: () => stop(child) };
}

/** Ours, without settings of the product that happen to stand there. */
function environment(): Record<string, string | undefined> {
  const isSetting = (name: string) => name.startsWith('VITRINE_') || name === 'DATABASE_URL';
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isSetting(name)));
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

/** Milliseconds of processor time that a process has used so far (user and system; proc(5)). */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return ticks * 10; // USER_HZ is 100 on Linux
}

/** The same to the nanosecond, of the threads that live: what the first field of their schedstat says. */
export function exactCpuMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((sum, thread) => sum + threadCpuMs(`/proc/${pid}/task/${thread}/schedstat`), 0);
}

function threadCpuMs(path: string): number {
  try {
    return Number(readFileSync(path, 'latin1').split(' ')[0]) / 1e6;
  } catch {
    return 0; // it has just ended
  }
}
