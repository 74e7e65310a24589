/**
 * The built-in PostgreSQL: the database of an installation that names none. Any number of processes on one
 * machine may open the same data folder; the first starts the server, the last to leave stops it, and whoever
 * sees it die starts it again.
 *
 *   openCluster      the files are there, and whole
 *   enter            join the server that runs, or start one, until a place in it is ours
 *   keep             when the place is lost, enter again
 *   leave            give the place up; alone: stop the server
 *
 * A process that is killed leaves the server running, and the next one joins it. Two machines cannot share a
 * data folder.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, openCluster } from './cluster.ts';
import {
  type Attempt,
  boundLog,
  findPostmaster,
  port,
  startPostmaster,
  stopPostmaster,
  tailOf,
} from './postmaster.ts';
import { type Connection, joinServer, type Session } from './session.ts';
import { keepLink, shortSocketDir } from './socket.ts';

export interface EmbeddedPostgres {
  /** For postgres.js and pg: both take the folder of a unix socket as `host`. The same until close(). */
  readonly connection: { socketDir: string; port: number; user: string; database: string };
  /**
   * Leaves; the last process to leave stops PostgreSQL. Safe to call twice. The caller ends its own connections
   * before: those that are left are cut.
   * @throws Error PostgreSQL does not stop
   */
  close(): Promise<void>;
}

interface Server {
  cluster: Cluster;
  connection: Connection;
  log: (message: string) => void;
  /** Aborted by close(). */
  closing: AbortSignal;
}

/** For crash recovery, and for the end of what a killed server left behind. */
const patienceMs = 60_000;

/** The same when we are about to leave anyway. */
const leavingPatienceMs = 10_000;

/**
 * Opens the PostgreSQL of `dataDir`, which is made when it is not there. Resolves when the database `vitrine`
 * answers. Until close() it is started again whenever it dies; connection pools find it by themselves.
 * @throws Error in words for the operator: there are no programs for this machine, the files are somebody
 *         else's, or PostgreSQL does not start, with the end of its log
 */
export async function openEmbeddedPostgres(
  dataDir: string,
  options: { log?: (message: string) => void } = {},
): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => {});
  const cluster = await openCluster(dataDir, log);
  const socketDir = await shortSocketDir(cluster.path, port);
  const connection = { socketDir, port, user: 'vitrine', database: 'vitrine' };
  const closing = new AbortController();
  const server: Server = { cluster, connection, log, closing: closing.signal };

  const first = await enter(server);
  const life = keep(server, first).then((last) => leave(server, last));
  life.catch(() => {}); // close() tells
  const chores = setInterval(() => tidy(server), 60_000).unref();
  return {
    connection,
    close() {
      clearInterval(chores);
      closing.abort();
      return life;
    },
  };
}

/**
 * Joins the server, which is started if need be. Begins again from the top until there is a place: connecting
 * fails when the server is starting, recovering, stopping or not there, and by the time we know which it may be
 * another.
 *
 * Null only when closing: there is no server, and then nothing to leave.
 */
async function enter(server: Server): Promise<Session | null> {
  const { cluster, connection, log, closing } = server;
  let end = Date.now() + patienceMs;
  let attempt: Attempt | null = null;
  for (;;) {
    const { session, reason } = await tryToJoin(connection);
    if (session !== null) {
      log(attempt === null ? 'Joined the PostgreSQL that runs already' : 'PostgreSQL is up');
      return session;
    }
    const ended = (await attempt?.ended()) ?? null;
    if (ended !== null && !ended.again) throw new Error(ended.why, { cause: reason });
    if (ended !== null) attempt = null;
    if (attempt === null && isAbsent(reason)) {
      const found = await findPostmaster(cluster);
      if (found.running === null) {
        if (closing.aborted) return null;
        attempt = await startPostmaster(cluster, found);
      } // else it has no open door: it is just starting, or just stopping
    }
    if (closing.aborted) end = Math.min(end, Date.now() + leavingPatienceMs);
    if (Date.now() > end) {
      // One that is recovering may go on, so that the next try finds more of it done; unless nobody asked for it.
      if (closing.aborted && attempt?.pid !== undefined) await stopPostmaster(cluster, attempt.pid);
      throw await noAnswer(cluster, reason);
    }
    await sleep(25);
  }
}

async function tryToJoin(connection: Connection): Promise<{ session: Session | null; reason: unknown }> {
  try {
    return { session: await joinServer(connection), reason: null };
  } catch (reason) {
    return { session: null, reason };
  }
}

/** Nobody listens; every other failure comes from a server, or from one that has just ended. */
function isAbsent(reason: unknown): boolean {
  const { code } = reason as { code?: string };
  return code === 'ENOENT' || code === 'ECONNREFUSED';
}

async function noAnswer({ path, logFile }: Cluster, reason: unknown): Promise<Error> {
  const message = reason instanceof Error ? reason.message : String(reason);
  return new Error(
    `The PostgreSQL in ${path} does not answer (${message}). If it is still recovering from a crash, try again ` +
      `later. The end of ${logFile}:\n${await tailOf(logFile)}`,
    { cause: reason },
  );
}

/** Holds the place until close(), and takes it again when PostgreSQL dies. Null: it was dead when close() came. */
async function keep(server: Server, first: Session | null): Promise<Session | null> {
  const { closing, log } = server;
  const closed = new Promise<void>((resolve) => {
    closing.addEventListener('abort', () => resolve(), { once: true });
  });
  for (let session = first; ; ) {
    await Promise.race([session?.lost, closed]);
    if (closing.aborted) return session;
    if (session !== null) log('The connection to PostgreSQL is lost; starting it again if need be');
    await session?.end();
    session = await enter(server).catch((error: Error) => {
      log(error.message);
      return null;
    });
    if (session === null) await sleep(1_000, undefined, { signal: closing }).catch(() => {});
  }
}

/** Gives up the place, and stops the server when nobody else has one. */
async function leave(server: Server, last: Session | null): Promise<void> {
  const { cluster, log } = server;
  for (let session = last ?? (await enter(server)); session !== null; session = await enter(server)) {
    try {
      // Asked first: when the connection then still works, it is the very server that we are connected to.
      const { running } = await findPostmaster(cluster);
      const isLast = await session.giveUpPlace().catch(() => null);
      if (isLast === null) continue; // it died under us, and another process may have to be told of us
      if (isLast && running === null) log(`PostgreSQL was started by other means and is left running`);
      if (isLast && running !== null) await stopPostmaster(cluster, running);
      if (isLast && running !== null) log('PostgreSQL is stopped');
      return;
    } finally {
      await session.end();
    }
  }
}

/** Now and then: nothing here may fail loudly. */
async function tidy({ cluster, connection }: Server): Promise<void> {
  await boundLog(cluster).catch(() => {});
  const { socketDir } = connection;
  if (socketDir !== cluster.path) await keepLink(socketDir, cluster.path).catch(() => {});
}
