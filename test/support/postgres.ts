/** A PostgreSQL cluster of a test's own, from the machine's packages: to be restarted as a test likes. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { chown, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DatabaseAddress } from '../../src/db/client.ts';
import { freePort } from './installation.ts';

export interface Cluster {
  address: DatabaseAddress;
  /** `pg_ctl restart`, which waits until it answers again. */
  restart(mode: 'fast' | 'immediate'): Promise<void>;
  remove(): Promise<void>;
}

/** Debian keeps the programs here, one folder for each major version; null: none are installed. */
export function postgresPrograms(): string | null {
  const root = '/usr/lib/postgresql';
  try {
    const newest = readdirSync(root).toSorted((a, b) => Number(b) - Number(a))[0];
    return newest ? join(root, newest, 'bin') : null;
  } catch {
    return null;
  }
}

export async function aCluster(): Promise<Cluster> {
  const programs = postgresPrograms();
  if (!programs) throw new Error('There is no PostgreSQL on this machine.');
  const owner = await lentUser();
  const dir = await mkdtemp(join(tmpdir(), 'vitrine-pg-'));
  if (owner) await chown(dir, owner.uid, owner.gid);
  const data = join(dir, 'data');
  const port = await freePort();
  const run = (program: string, ...args: string[]) =>
    promisify(execFile)(join(programs, program), args, {
      ...owner,
      cwd: dir,
      env: { PATH: '/usr/bin:/bin' },
    });

  await run('initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C');
  const options = ['-D', data, '-l', join(dir, 'log'), '-w', '-o', `-p ${port} -k ${dir} -h 127.0.0.1`];
  await run('pg_ctl', ...options, 'start');
  return {
    address: { url: `postgres://postgres@127.0.0.1:${port}/postgres` },
    restart: (mode) => run('pg_ctl', ...options, '-m', mode, 'restart').then(() => {}),
    async remove() {
      await run('pg_ctl', '-D', data, '-m', 'immediate', 'stop');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root: the user that its package made. Null: as ourselves. */
async function lentUser(): Promise<{ uid: number; gid: number } | null> {
  if (process.getuid?.() !== 0) return null;
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const [, , uid, gid] = users.find(([name]) => name === 'postgres') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}
