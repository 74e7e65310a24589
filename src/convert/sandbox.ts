/**
 * What is between qemu-img and the machine: limits by prlimit, and as much of another user, a network without anything
 * in it and no way to more rights as this machine permits. What it permits is tried, not guessed.
 */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

export interface Limits {
  /** Bytes of address space. */
  memory: number;
  /** Milliseconds of a processor. */
  cpuMs: number;
  /** Bytes of the largest file it may write. */
  fileSize: number;
}

export interface Isolation {
  /** For the log. */
  name: string;
  /** The program runs as another user, who is given. */
  isStranger: boolean;
  /** What goes before the program, behind the limits. */
  wrap: (user: number | null) => readonly string[];
}

export interface Programs {
  qemuImg: string;
  prlimit: string;
  setpriv: string;
  /** Null: without it the network stays in reach. */
  unshare: string | null;
}

const folders = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin'];

function find(name: string): string | null {
  for (const folder of folders) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // not here
    }
  }
  return null;
}

/** @throws Error that says what to install */
export function findPrograms(): Programs {
  const [qemuImg, prlimit, setpriv] = ['qemu-img', 'prlimit', 'setpriv'].map(find);
  const missing = [
    qemuImg ? null : 'qemu-img (Debian: qemu-utils)',
    prlimit ? null : 'prlimit (util-linux)',
    setpriv ? null : 'setpriv (util-linux)',
  ].filter((one) => one !== null);
  if (qemuImg && prlimit && setpriv) return { qemuImg, prlimit, setpriv, unshare: find('unshare') };
  throw new Error(
    `imports.convert.to is set, and ${missing.join(' and ')} cannot be found in ${folders.join(', ')}; install it, or take the setting out.`,
  );
}

/** From the strictest to none; the first that works is taken. */
export function isolations({ setpriv, unshare }: Programs, isRoot: boolean): Isolation[] {
  const alone = [setpriv, '--no-new-privs', '--pdeathsig=KILL'];
  const asUser = (user: number | null) => [
    ...alone,
    ...[`--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'],
  ];
  const found: Isolation[] = [];
  if (isRoot) {
    const name = 'as another user without rights';
    if (unshare) {
      const wrap: Isolation['wrap'] = (user) => [unshare, '--net', '--ipc', ...asUser(user)];
      found.push({ name: `${name}, without network`, isStranger: true, wrap });
    }
    found.push({ name, isStranger: true, wrap: asUser });
  }
  if (unshare) {
    const wrap = [unshare, '--user', '--map-current-user', '--net', '--ipc', ...alone];
    found.push({ name: 'in a user namespace, without network', isStranger: false, wrap: () => wrap });
  }
  found.push({ name: 'without more rights than this service', isStranger: false, wrap: () => alone });
  return found;
}

/** Between the limit at which it is told and the one at which it is killed. */
const graceSeconds = 5;

/** The whole command line, for `user` where the isolation has one. */
export function sandboxed(
  { prlimit }: Programs,
  { wrap }: Isolation,
  { memory, cpuMs, fileSize, user, argv }: Limits & { user: number | null; argv: readonly string[] },
): [string, ...string[]] {
  const cpu = Math.ceil(cpuMs / 1000);
  const limits = [`--as=${memory}`, `--cpu=${cpu}:${cpu + graceSeconds}`, `--fsize=${fileSize}`];
  return [prlimit, ...limits, '--core=0', '--nofile=64', '--', ...wrap(user), ...argv];
}
