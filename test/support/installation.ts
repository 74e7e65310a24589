/**
 * An installation that outlives its processes: a database, a data directory and tokens, on which a test starts
 * the program, kills it and starts it again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, type DatabaseAddress, openDatabase } from '../../src/db/client.ts';
import { compileCache } from './compile-cache.ts';
import { aDatabase } from './database.ts';
import type { Access } from './images.ts';
import { planted, watch } from './planted.ts';
import { until } from './until.ts';

const root = join(import.meta.dirname, '../..');
export const programPath = join(root, 'bin/vitrine');
export const nodePath = join(root, 'node_modules/.bin/node');
const breakablePath = join(import.meta.dirname, 'breakable-server.ts');

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A process of the program. */
export interface Program {
  pid: number;
  child: ChildProcess;
  exited: Promise<Exit>;
  /** What it printed so far, on both outputs. */
  output(): string;
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Exit>;
}

/** One that serves. */
export interface Serving extends Program, Access {}

export interface StartOptions {
  env?: Record<string, string>;
  /** What the command line begins with: `['strace', '-f']`. */
  under?: readonly string[];
  /** A file for its standard output, or a pipe that nobody reads; else the test collects what it says. */
  stdout?: number | 'unread';
  /** The server that can be told to kill itself, see breakable-server.ts, in place of the program. */
  breakable?: boolean;
}

/** A data directory, tokens, and the processes that were started on them. */
export interface Place {
  dataDir: string;
  imagesDir: string;
  /** A member's, of project test. */
  token: string;
  adminToken: string;
  /** Any command of the program. */
  run(args: readonly string[], options?: StartOptions): Program;
  /**
   * Resolves when it is ready. Where the banner cannot be read, the port has to be set.
   * @throws Error it ended before, with what it printed
   */
  serve(options?: StartOptions): Promise<Serving>;
  /** Kills what still runs and takes everything away. */
  remove(): Promise<void>;
}

/** The same with a database to look into. */
export interface Installation extends Place {
  db: Database;
  /** Lets every lease run out now, by the database's clock. */
  endLeases(): Promise<void>;
  /** Has some server that runs clean up after dead writers now. */
  reapNow(): Promise<void>;
}

export interface InstallationOptions {
  /** How the processes, not the test, get to the database: through a proxy. */
  via?: (address: DatabaseAddress) => DatabaseAddress;
  /** The server has no template: its database is used as it is, without tables. */
  isBare?: boolean;
}

export async function anInstallation(
  server: DatabaseAddress,
  { via = (address) => address, isBare = false }: InstallationOptions = {},
): Promise<Installation> {
  const database = isBare ? { address: server, drop: async () => {} } : await aDatabase(server);
  const place = await aPlace(databaseEnvironment(via(database.address)));
  const db = openDatabase(database.address, { poolSize: 2, applicationName: 'test' });
  return {
    ...place,
    db,
    async endLeases() {
      await db.query(
        `update images set lease_until = now() - interval '1 second' where lease_until is not null`,
        [],
      );
    },
    async reapNow() {
      await db.query(`select graphile_worker.add_job('reap', job_key => 'reap')`, []);
    },
    async remove() {
      await place.remove();
      await db.close();
      await database.drop();
    },
  };
}

/** Without DATABASE_URL in `env`, its processes have the embedded PostgreSQL. */
export async function aPlace(env: Record<string, string> = {}): Promise<Place> {
  const dataDir = await mkdtemp(join(tmpdir(), 'vitrine-data-'));
  await chmod(dataDir, 0o755); // the user that runs PostgreSQL must get in
  const [token, adminToken] = [planted('token'), planted('admin')];
  const tokensFile = join(dataDir, 'test-tokens.json');
  const tokens = [
    { token: adminToken, user: 'admin', project: 'admin', roles: ['admin'] },
    { token, user: 'test', project: 'test', roles: ['member'] },
  ];
  await writeFile(tokensFile, JSON.stringify(tokens));
  const ours = { ...env, VITRINE_DATA_DIR: dataDir, VITRINE_TOKENS_FILE: tokensFile, VITRINE_PORT: '0' };
  const running = new Set<Program>();

  function run(args: readonly string[], options: StartOptions = {}): Program {
    const program = startProcess(args, { ...options, env: { ...ours, ...options.env } });
    running.add(program);
    void program.exited.then(() => running.delete(program));
    return program;
  }

  return {
    dataDir,
    imagesDir: join(dataDir, 'images'),
    token,
    adminToken,
    run,
    async serve(options) {
      const program = run(['serve'], options);
      const port = options?.env?.VITRINE_PORT;
      const url = port ? await answering(program, `http://127.0.0.1:${port}`) : await readiness(program);
      return { ...program, url, token };
    },
    async remove() {
      await Promise.all([...running].map((program) => program.end('SIGKILL')));
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** How a process is told of a database. An address without a host is found through the variables of libpq. */
export function databaseEnvironment(address: DatabaseAddress): Record<string, string> {
  if ('url' in address) return { DATABASE_URL: address.url };
  const { socketDir, port, user, database } = address;
  return { DATABASE_URL: `postgres:///${database}`, PGHOST: socketDir, PGPORT: `${port}`, PGUSER: user };
}

/** Starts the program with nothing of the test's own environment but its PATH. */
export function startProcess(
  args: readonly string[],
  { env, under = [], breakable = false, stdout }: StartOptions,
): Program {
  const [command, ...rest] = [...under, ...(breakable ? [nodePath, breakablePath] : [programPath]), ...args];
  const child = spawn(command as string, rest, {
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, HOME: tmpdir(), NODE_COMPILE_CACHE: compileCache, ...env },
    stdio: [
      'ignore',
      typeof stdout === 'number' ? stdout : 'pipe',
      'pipe',
      ...(breakable ? (['ipc'] as const) : []),
    ],
  });
  let output = '';
  for (const stream of [stdout === 'unread' ? null : child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      output += error.message;
      resolve({ code: null, signal: null });
    });
    child.once('close', (code, signal) => {
      watch(output, 'what a process printed');
      resolve({ code, signal });
    });
  });
  return {
    pid: child.pid ?? 0,
    child,
    exited,
    output: () => output,
    async end(signal) {
      child.kill(signal);
      return exited;
    },
  };
}

/** The address, when somebody answers there. */
async function answering(program: Program, url: string): Promise<string> {
  const ready = until(async () => {
    const response = await fetch(`${url}/readyz`).catch(() => null);
    return response?.status === 200 || program.child.exitCode !== null;
  });
  await ready;
  if (program.child.exitCode !== null) throw new Error(`The program ended:\n${program.output()}`);
  return url;
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The address that the banner tells. */
async function readiness(program: Program): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const look = () => {
    const url = /GraphQL\s+(http:\/\/\S+)\/graphql/.exec(program.output())?.[1];
    if (url) resolve(url);
  };
  program.child.stdout?.on('data', look);
  const ended = program.exited.then(({ code, signal }) => {
    throw new Error(`The program ended before it was ready (${signal ?? code}):\n${program.output()}`);
  });
  return Promise.race([promise, ended]).finally(() => program.child.stdout?.off('data', look));
}
