/**
 * The private directories that conversions work in: one for each attempt at an import, named after it and by nobody
 * else. What a killed process leaves is found by that name (actions/sweep-conversions).
 */
import { randomInt } from 'node:crypto';
import { chmod, chown, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { refused } from './work-file.ts';

/** What lies in such a directory; the program runs in it and knows no other names. */
export const sourceName = 'source';
export const targetName = 'target';

export interface WorkFolder {
  readonly path: string;
  readonly source: string;
  readonly target: string;
  /** Who the program runs as there; null: as we do. */
  readonly owner: number | null;
  /** Leaves nothing; harmless twice. */
  remove(): Promise<void>;
}

/** Of users that nobody is: the range that systemd takes for those that come and go. */
const strangers = { from: 61_184, before: 65_520 };

/** `isStrangers`: it is another user's, one that no other conversion has. @throws UnavailableError the disk refused */
export async function makeWorkFolder(root: string, name: string, isStrangers: boolean): Promise<WorkFolder> {
  const path = join(root, name);
  const owner = isStrangers ? randomInt(strangers.from, strangers.before) : null;
  const remove = () => rm(path, { recursive: true, force: true });
  try {
    await mkdir(root, { recursive: true, mode: 0o700 });
    await mkdir(path, { mode: 0o700 });
    await chmod(path, 0o700); // whatever the umask took
    if (owner !== null) await chown(path, owner, owner);
  } catch (error) {
    await remove();
    refused(error);
  }
  return { path, source: join(path, sourceName), target: join(path, targetName), owner, remove };
}

/** Every directory there, and how long ago it was made or written to. */
export async function listWorkFolders(root: string, now: Date): Promise<{ name: string; ageMs: number }[]> {
  const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const found: { name: string; ageMs: number }[] = [];
  for (const name of names) {
    const about = await stat(join(root, name)).catch(() => null);
    if (about) found.push({ name, ageMs: now.getTime() - about.mtimeMs });
  }
  return found;
}

export const removeWorkFolder = (root: string, name: string) =>
  rm(join(root, name), { recursive: true, force: true });
