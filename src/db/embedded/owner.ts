/**
 * Who the PostgreSQL processes run as. PostgreSQL refuses to run as root, so root lends it another user of the
 * machine; everybody else runs it as themselves. The machine's user table is only read, never changed.
 */
import { chmod, chown, lchown, readdir, readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';

/** A user that is not us. */
export interface Owner {
  uid: number;
  gid: number;
}

/** In this order; `_postgres` is its name on macOS. */
const lentUsers = ['postgres', '_postgres', 'nobody'];

/**
 * The user for a new cluster; null means as ourselves.
 * @throws Error we are root and there is nobody to lend
 */
export async function chooseOwner(): Promise<Owner | null> {
  if (process.getuid?.() !== 0) return null;
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const users = passwd.split('\n').map((line) => line.split(':'));
  for (const name of lentUsers) {
    const [, , uid, gid] = users.find((user) => user[0] === name) ?? [];
    if (Number(uid) > 0 && Number(gid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    'PostgreSQL cannot run as root, and /etc/passwd has neither a user postgres nor nobody: ' +
      'run as another user, or set DATABASE_URL to an external PostgreSQL 15 or later',
  );
}

/**
 * The user of a cluster that exists, whatever chooseOwner() would say today: the machine may have got a user
 * postgres since. Files that belong to root (a backup that root put back) are given to a new owner.
 */
export async function ownerOf(cluster: string): Promise<Owner | null> {
  if (process.getuid?.() !== 0) return null;
  const { uid, gid } = await stat(cluster);
  if (uid !== 0) return { uid, gid };
  const owner = await chooseOwner();
  if (owner !== null) await giveTree(cluster, owner);
  return owner;
}

async function giveTree(root: string, { uid, gid }: Owner): Promise<void> {
  for (const path of await readdir(root, { recursive: true })) await lchown(join(root, path), uid, gid);
  await chown(root, uid, gid); // last: a kill before this line begins again
}

/**
 * Whether the owner may pass through all folders down to `path`, and enter or run that. Looks at the mode bits
 * alone: where an access list allows more, we make a copy too many, which does no harm.
 */
export async function canReach(path: string, owner: Owner | null): Promise<boolean> {
  if (owner === null) return true;
  for (let at = path; ; at = dirname(at)) {
    const { uid, gid, mode } = await stat(at);
    const allowed = uid === owner.uid ? mode >> 6 : gid === owner.gid ? mode >> 3 : mode;
    if ((allowed & 1) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/**
 * Whether the owner may pass through `folder`, our data folder. One that is closed to all but root (mode 0700)
 * gets the owner's group, which may pass and not list: nobody else gains anything. The folders above it are
 * not ours to change.
 */
export async function letThrough(folder: string, owner: Owner | null): Promise<boolean> {
  if (owner === null || (await canReach(folder, owner))) return true;
  const { uid, mode } = await stat(folder);
  if (uid !== 0 || (mode & 0o070) !== 0 || !(await canReach(dirname(folder), owner))) return false;
  await chown(folder, uid, owner.gid);
  await chmod(folder, (mode & 0o7777) | 0o010);
  return canReach(folder, owner);
}

/** initdb looks up the name of its user and fails without one; the server later does not. */
export function requireName(): void {
  try {
    userInfo();
  } catch (cause) {
    const id = `${process.getuid?.()}`;
    throw new Error(
      `User id ${id} has no name, which PostgreSQL needs to make its first files: add a line to /etc/passwd ` +
        `(vitrine:x:${id}:${process.getgid?.()}::/:/sbin/nologin), run as a user that has one, or set ` +
        'DATABASE_URL to an external PostgreSQL 15 or later',
      { cause },
    );
  }
}
