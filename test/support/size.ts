/**
 * How much a run tries. `npm test` is quick and runs anywhere; TEST_SIZE=ci, which .ci/run sets, adds what needs
 * tools or rights of the machine and repeats the races; TEST_SIZE=full repeats them for hours.
 */
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const sizes = ['quick', 'ci', 'full'] as const;
export type Size = (typeof sizes)[number];

export const size: Size = sizeOf(process.env.TEST_SIZE ?? 'quick');

function sizeOf(text: string): Size {
  const found = sizes.find((one) => one === text);
  if (!found) throw new Error(`TEST_SIZE is one of ${sizes.join(', ')}; it is ${JSON.stringify(text)}.`);
  return found;
}

/** The number, or whatever else, of this run's size. */
export function sized<T>(of: Record<Size, T>): T {
  return of[size];
}

export interface Only {
  /** From this size on. */
  from?: Size;
  /** Programs that have to be on the PATH. */
  programs?: readonly string[];
  /** Anything else, by its name: asked only when the rest is there. */
  when?: Record<string, () => boolean>;
}

/**
 * Whether a test runs here: for test.skipIf, and for its name, which then says why not.
 *
 *   const strace = only({ from: 'ci', programs: ['strace'] });
 *   test.skipIf(strace.skip)(`killed at every call${strace.why}`, ...);
 */
export function only({ from = 'quick', programs = [], when = {} }: Only): { skip: boolean; why: string } {
  const reasons: string[] = [];
  if (sizes.indexOf(size) < sizes.indexOf(from)) reasons.push(`TEST_SIZE=${from}`);
  for (const name of programs) if (findProgram(name) === null) reasons.push(`the program ${name}`);
  if (reasons.length === 0) {
    for (const [name, holds] of Object.entries(when)) if (!holds()) reasons.push(name);
  }
  return { skip: reasons.length > 0, why: reasons.length > 0 ? ` (needs ${reasons.join(', ')})` : '' };
}

/** Where a program is, as a shell would find it; null when it is not there. */
export function findProgram(name: string, folders = process.env.PATH?.split(delimiter) ?? []): string | null {
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not here
    }
  }
  return null;
}

/** Whether a command ends well: for `when`. */
export function succeeds(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore', timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}
