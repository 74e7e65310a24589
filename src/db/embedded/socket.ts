/**
 * A way to the socket of a cluster that is short enough. The address of a socket may have 107 bytes (103 on
 * macOS), a data folder any number: when it is too deep, a link in the system's folder for temporary files
 * leads there. Links are followed in an address, only its own length counts.
 *
 * Each process sees to the link by itself, and may make it again at any time: the server knows nothing of it.
 */
import { createHash } from 'node:crypto';
import { lstat, readlink, symlink, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const maxAddressBytes = 103;

/** A folder in which `.s.PGSQL.<port>` is the socket of the cluster in `path`: the cluster itself, or a link. */
export async function shortSocketDir(path: string, port: number): Promise<string> {
  const fits = (folder: string) => Buffer.byteLength(join(folder, `.s.PGSQL.${port}`)) <= maxAddressBytes;
  if (fits(path)) return path;
  const id = createHash('sha256').update(path).digest('hex').slice(0, 16);
  for (let n = 0; n < 20; n++) {
    const name = `vitrine-${process.getuid?.()}-${id}${n === 0 ? '' : `-${n}`}`;
    const link = [join(tmpdir(), name), join('/tmp', name)].find(fits) as string;
    if (await keepLink(link, path)) return link;
  }
  throw new Error(`Other users have taken the names that Vitrine needs in ${tmpdir()} to get to ${path}`);
}

/**
 * Makes the link, or makes it again after the temporary files were cleaned away. False when the name is
 * somebody else's, who could lead us to a server of theirs: what is not ours is not followed.
 */
export async function keepLink(link: string, path: string): Promise<boolean> {
  for (;;) {
    const found = await lstat(link).catch(() => null);
    if (found !== null) {
      if (found.uid !== process.getuid?.() || !found.isSymbolicLink()) return false;
      if ((await readlink(link).catch(() => '')) === path) return true;
      await unlink(link).catch(() => {});
    }
    try {
      await symlink(path, link);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // else another process: look again
    }
  }
}
