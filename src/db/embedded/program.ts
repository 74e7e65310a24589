/** Starting one of the PostgreSQL programs, and the words for when the system does not let us. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

/** What the programs get from our environment: nothing. They need none of our secrets and none of our locale. */
const bareEnvironment = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** `uid` and `gid` in the options are an Owner's; `env` is added. @throws Error as whyNoStart() says */
export function startProgram(path: string, args: string[], options: SpawnOptions): ChildProcess {
  // Our own working directory may be out of the owner's reach.
  const all = { ...options, cwd: '/', env: { ...bareEnvironment, ...options.env } };
  try {
    return spawn(path, args, all); // node tells some failures by throwing, others by the event `error`
  } catch (cause) {
    return rethrowWithWay(cause as Error);
  }
}

/** In words: the usual reasons for which a program cannot be started at all, and the way out. */
export function whyNoStart(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  const way = 'set DATABASE_URL to an external PostgreSQL 15 or later';
  if (code === 'ENOENT')
    return `The built-in PostgreSQL is for systems with glibc, which this may not be; ${way}`;
  if (code === 'EPERM' || code === 'EINVAL')
    return `PostgreSQL cannot run as root, and root may not act as another user here: run as an ordinary user, or ${way}`;
  return error.message;
}

export function rethrowWithWay(cause: Error): never {
  throw new Error(whyNoStart(cause), { cause });
}
