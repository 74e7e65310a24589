/**
 * The files of one PostgreSQL cluster: where they are, whose they are, and how they come to be. They are
 * complete or not there at all, whenever a process is killed.
 *
 *   data/postgres-18/         the cluster, mode 0700; the socket is in it too. Or a link to
 *                             /var/lib/vitrine/postgres-18-<random>, see `placeFor`
 *   data/postgres-18.log      what PostgreSQL says; the part before that in postgres-18.log.1
 *   data/postgres-binaries-*  only when the installed programs cannot be used in place
 */
import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type Package,
  removeLeftovers,
  requireBinaries,
  requirePackage,
  temporarySuffix,
} from './binaries.ts';
import { canReach, chooseOwner, letThrough, type Owner, ownerOf, requireName } from './owner.ts';
import { rethrowWithWay, startProgram, whyNoStart } from './program.ts';

export interface Cluster {
  /** Without links; PostgreSQL and everybody who asks about it use this very spelling. */
  path: string;
  logFile: string;
  /** Null: the programs run as ourselves. */
  owner: Owner | null;
  package: Package;
}

/** Below it root keeps what another user must get to, when the data folder is out of that user's reach. */
const elsewhere = '/var/lib/vitrine';

/** No locale of the machine is used: sorting is the same everywhere, and a plain index serves LIKE 'x%'. */
const initdbFlags =
  '-U vitrine -A trust -E UTF8 --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C --no-instructions';

/**
 * Finds the cluster of a data folder, or makes it. Several processes may do so at once: each makes one, and
 * the first to finish wins.
 * @throws Error with the way out: no programs, another major version, not our files, initdb failed
 */
export async function openCluster(dataDir: string, log: (message: string) => void): Promise<Cluster> {
  const from = await requirePackage();
  await mkdir(dataDir, { recursive: true });
  const home = await realpath(dataDir);
  const link = join(home, `postgres-${from.major}`);
  const logFile = `${link}.log`;
  for (const folder of new Set([home, elsewhere])) await removeLeftovers(folder);

  if (!(await isThere(link))) {
    await refuseOtherMajor(home, from.major);
    await makeCluster(link, from, log);
  }
  const path = await realpath(link);
  const owner = await ownerOf(path);
  if (!(await canReach(path, owner)) && !(path === link && (await letThrough(home, owner))))
    throw new Error(
      `PostgreSQL runs as user id ${owner?.uid}, who cannot get to ${path}: ` +
        'allow others to pass through the folders above it (chmod o+x)',
    );
  if (path !== link) log(`The database of ${home} is in ${path}; back up both`);
  return { path, logFile, owner, package: from };
}

async function makeCluster(link: string, from: Package, log: (message: string) => void): Promise<void> {
  const owner = await chooseOwner();
  requireName();
  const place = await placeFor(link, owner);
  log(`Making the database in ${place}`);
  const temporary = `${place}${temporarySuffix()}`;
  await mkdir(temporary, { mode: 0o700 });
  try {
    if (owner !== null) await chown(temporary, owner.uid, owner.gid).catch(rethrowWithWay);
    await runInitdb(await requireBinaries(from, owner, dirname(place)), temporary, owner);
    await publish(temporary, place);
    if (place !== link) await symlink(place, link);
    await syncFolder(dirname(link));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (!(await isThere(link))) throw error;
    if (place !== link) await rm(place, { recursive: true, force: true }); // another process was first
  }
}

/**
 * Where a new cluster goes. Beside the link, unless we are root and the user who will run PostgreSQL cannot get
 * there (a checkout in root's home, which is closed to others): PostgreSQL goes to its files by their path,
 * and opening root's home to others is not ours to do. Then a folder of the system has them and the data
 * folder has a link. The name is random, so that a data folder made anew never finds old rows; the link is
 * made when all is complete, so that a link to nothing always means that something was lost.
 */
async function placeFor(link: string, owner: Owner | null): Promise<string> {
  if (await letThrough(dirname(link), owner)) return link;
  await mkdir(elsewhere, { recursive: true, mode: 0o755 });
  await chmod(elsewhere, 0o755);
  return join(elsewhere, `${link.slice(link.lastIndexOf('/') + 1)}-${randomBytes(8).toString('hex')}`);
}

async function runInitdb(binaries: string, into: string, owner: Owner | null): Promise<void> {
  const child = startProgram(join(binaries, 'bin/initdb'), ['-D', into, ...initdbFlags.split(' ')], {
    ...owner,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    complaints += text;
  });
  const outcome = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(whyNoStart(error)));
    child.once('close', (code, signal) => resolve(code === 0 ? '' : `${signal ?? `exit code ${code}`}`));
  });
  if (outcome !== '')
    throw new Error(`initdb could not make the database (${outcome}): ${complaints.trim()}`);
}

async function publish(temporary: string, place: string): Promise<void> {
  try {
    await rename(temporary, place); // replaces an empty folder, refuses one with files
  } catch (cause) {
    throw new Error(`${place} is in the way of the database: move it away`, { cause });
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Whether a whole cluster is there, be it by a link. */
async function isThere(link: string): Promise<boolean> {
  try {
    await stat(join(link, 'PG_VERSION'));
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const found = await lstat(link).catch(() => null);
    if (found === null) return false;
    if (code === 'EACCES')
      throw new Error(`${link} belongs to user id ${found.uid}: run as root or as that user`, { cause });
    if (found.isSymbolicLink())
      throw new Error(
        `The database that ${link} points to is gone: put it back, or remove the link to begin with none`,
        { cause },
      );
    return false;
  }
}

async function refuseOtherMajor(home: string, major: number): Promise<void> {
  const other = (await readdir(home)).find(
    (name) => /^postgres-\d+$/.test(name) && name !== `postgres-${major}`,
  );
  if (other !== undefined)
    throw new Error(
      `${join(home, other)} has the database of another PostgreSQL than this one, ${major}: ` +
        'export it with the version of Vitrine that made it, or move it away to begin with none',
    );
}
