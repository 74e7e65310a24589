/**
 * The server process of a cluster: started, found and stopped. PostgreSQL itself sees to it that there is
 * never more than one: by postmaster.pid, and by shared memory that is tied to the folder.
 */
import { execFile } from 'node:child_process';
import { copyFile, open, readFile, rm, stat, truncate } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { requireBinaries } from './binaries.ts';
import type { Cluster } from './cluster.ts';
import { startProgram, whyNoStart } from './program.ts';

/** Names the socket file and nothing else: there is no TCP. */
export const port = 5432;

const maxLogBytes = 10 * 2 ** 20;

const cleanEnd = 'exit code 0';

/** In the words of PostgreSQL: CreateLockFile (miscinit.c) and PGSharedMemoryCreate (sysv_shmem.c). */
const passing = /lock file ".*" (already exists|is empty)|shared memory block .* still in use/;

/** A server process that we have started and that may not be up yet, or never. */
export interface Attempt {
  readonly pid: number | undefined;
  /**
   * Null as long as it runs. Else why it ended, with the end of the log; `again` when the reason passes by
   * itself: another server was quicker, what a killed one left behind is still ending, or it was up and the last
   * process to leave has stopped it.
   */
  ended(): Promise<{ why: string; again: boolean } | null>;
}

/** What postmaster.pid says: a server of ours that runs, or at most a number that is left from one. */
export type Found = { running: number; leftover: null } | { running: null; leftover: number | null };

/**
 * Starts the server, in a session of its own: Ctrl-C in the terminal reaches us alone, and when we are killed
 * it stays. Comes back before the server is up. `found` is what findPostmaster() has just told, without a
 * running one.
 */
export async function startPostmaster(cluster: Cluster, found: Found): Promise<Attempt> {
  const { path, owner, logFile } = cluster;
  const binaries = await requireBinaries(cluster.package, owner, join(path, '..'));
  await removeDeadFiles(path, found);
  await boundLog(cluster);
  const logged = await sizeOf(logFile);
  const out = await open(logFile, 'a', 0o600);
  // A process that has nothing to do with us may have the number of a server that was killed, and PostgreSQL
  // would take it for that server and not start. This is its own way of being told not to (CreateLockFile,
  // miscinit.c), and better than removing the file: it is about this one number, so that a server that another
  // process starts meanwhile is still seen.
  const env = found.leftover === null ? {} : { PG_GRANDPARENT_PID: `${found.leftover}` };
  let end: string | null = null;
  try {
    const child = startProgram(join(binaries, 'bin/postgres'), ['-D', path, ...settings()], {
      ...owner,
      detached: true,
      env,
      stdio: ['ignore', out.fd, out.fd],
    });
    child.once('error', (error) => {
      end ??= whyNoStart(error);
    });
    child.once('exit', (code, signal) => {
      end ??= signal ?? `exit code ${code}`;
    });
    child.unref();
    return {
      pid: child.pid,
      async ended() {
        if (end === null) return null;
        const said = await tailOf(logFile, logged);
        const again = end === cleanEnd || passing.test(said);
        return { why: `PostgreSQL did not start (${end}). The end of ${logFile}:\n${said}`, again };
      },
    };
  } finally {
    await out.close();
  }
}

/** The server of this cluster, whoever started it. */
export async function findPostmaster({ path }: Pick<Cluster, 'path'>): Promise<Found> {
  const pid = await pidIn(join(path, 'postmaster.pid'));
  if (pid !== null && (await isPostmaster(pid, path))) return { running: pid, leftover: null };
  return { running: null, leftover: pid };
}

/**
 * Stops the server `pid`: open transactions are rolled back, all that is committed is written out. Resolves
 * when it is gone; does nothing when it already is.
 * @throws Error it does not stop
 */
export async function stopPostmaster({ path }: Pick<Cluster, 'path'>, pid: number): Promise<void> {
  const steps = [
    ['SIGINT', 10_000], // fast shutdown
    ['SIGQUIT', 5_000], // at once; the next start recovers
  ] as const;
  for (const [signal, patienceMs] of steps) {
    if (!(await isPostmaster(pid, path))) return;
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(20))
      if (!(await isPostmaster(pid, path))) return;
  }
  throw new Error(`PostgreSQL (process ${pid}, ${path}) does not stop`);
}

/** Keeps the log from filling the disk, also under a running server: it appends. */
export async function boundLog({ logFile }: Pick<Cluster, 'logFile'>): Promise<void> {
  if ((await sizeOf(logFile)) < maxLogBytes) return;
  await copyFile(logFile, `${logFile}.1`);
  await truncate(logFile);
}

/** The last lines of the log, for people. */
export async function tailOf(logFile: string, from = 0): Promise<string> {
  const text = await readFile(logFile).catch(() => Buffer.alloc(0));
  const news = text.subarray(from <= text.length ? from : 0).toString('utf8');
  return news.trimEnd().split('\n').slice(-20).join('\n').slice(-4000);
}

function settings(): string[] {
  const memoryBytes = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  const cacheMiB = Math.max(512, Math.floor(memoryBytes / 3 / 2 ** 20));
  // Only what is used is taken from the machine.
  const buffersMiB = Math.min(4096, Math.max(128, Math.floor(memoryBytes / 8 / 2 ** 20)));
  return Object.entries({
    listen_addresses: '',
    port,
    // The cluster's own folder, in which the server works: as private as the files themselves, and as long as
    // one likes, where an address may have 107 bytes (see socket.ts).
    unix_socket_directories: '.',
    unix_socket_permissions: '0700',
    max_connections: 330, // of up to 16 server processes, each with a few pools
    shared_buffers: `${buffersMiB}MB`,
    max_wal_size: '2GB',
    maintenance_work_mem: '256MB',
    effective_cache_size: `${cacheMiB}MB`,
    random_page_cost: 1.1,
    jit: 'off',
    logging_collector: 'off', // into our log file instead
    log_checkpoints: 'off',
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/**
 * Whether process `pid` is the server of the cluster in `path`. Tells it by the command line that it was started
 * with: everybody may read that, and a process that has ended but was not yet collected has none.
 */
async function isPostmaster(pid: number, path: string): Promise<boolean> {
  if (process.platform === 'linux') {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const [program = '', ...args] = line.split('\0');
    return basename(program) === 'postgres' && args[args.indexOf('-D') + 1] === path;
  }
  const ps = promisify(execFile)('ps', ['-ww', '-o', 'args=', '-p', `${pid}`]);
  const line = await ps.then(({ stdout }) => stdout).catch(() => '');
  return line.includes(`/postgres -D ${path} `);
}

/** What would be in the way of a start for ever, and PostgreSQL leaves to us to judge. */
async function removeDeadFiles(path: string, { leftover }: Found): Promise<void> {
  // An empty postmaster.pid is left by a crash of the machine. One that is being written is empty for an instant.
  const pidFile = join(path, 'postmaster.pid');
  const made = await stat(pidFile).catch(() => null);
  if (made !== null && made.size === 0 && Date.now() - made.mtimeMs > 2_000)
    await rm(pidFile, { force: true });
  // The socket has a lock of its own, by the same number unless a start was killed half-way.
  const socketLock = join(path, `.s.PGSQL.${port}.lock`);
  const pid = await pidIn(socketLock);
  if (pid !== leftover && !(pid !== null && (await isPostmaster(pid, path))))
    await rm(socketLock, { force: true });
}

async function pidIn(file: string): Promise<number | null> {
  const line = (await readFile(file, 'utf8').catch(() => '')).split('\n', 1)[0];
  const pid = Number(line);
  return Number.isInteger(pid) && pid > 1 ? pid : null;
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}
