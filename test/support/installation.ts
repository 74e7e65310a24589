/**
 * An installation that outlives its processes: a database, a data directory and tokens, on which a test starts
 * the program, kills it and starts it again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type postgres from 'postgres';
import { connect, type DatabaseAddress } from '../../src/db/client.ts';
import type { Access } from './images.ts';
import { aDatabase } from './database.ts';

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
  /** The server that can be told to kill itself, see breakable-server.ts, in place of the program. */
  breakable?: boolean;
}

export interface Installation {
  dataDir: string;
  imagesDir: string;
  address: DatabaseAddress;
  /** To look at the rows, and to move leases into the past. */
  sql: postgres.Sql;
  /** Settings of every process. */
  env: Record<string, string>;
  token: string;
  /** Any command of the program. */
  run(args: readonly string[], options?: StartOptions): Program;
  /** Resolves when it is ready. @throws Error it ended before, with what it printed */
  serve(options?: StartOptions): Promise<Serving>;
  /** Lets every lease run out now, by the database's clock. */
  endLeases(): Promise<void>;
  /** Kills what still runs and takes everything away. */
  remove(): Promise<void>;
}

/** `via` changes how the processes, not the test, get to the database: through a proxy. */
export async function anInstallation(
  server: DatabaseAddress,
  { via = (address) => address }: { via?: (address: DatabaseAddress) => DatabaseAddress } = {},
): Promise<Installation> {
  const database = await aDatabase(server);
  const dataDir = await mkdtemp(join(tmpdir(), 'vitrine-data-'));
  const token = randomBytes(12).toString('hex');
  const tokensFile = join(dataDir, 'test-tokens.json');
  await writeFile(tokensFile, JSON.stringify([{ token, user: 'test', project: 'test', roles: ['member'] }]));
  const env = {
    ...databaseEnvironment(via(database.address)),
    VITRINE_DATA_DIR: dataDir,
    VITRINE_TOKENS_FILE: tokensFile,
    VITRINE_PORT: '0',
  };
  const sql = connect(database.address, { poolSize: 2 });
  const running = new Set<Program>();

  function run(args: readonly string[], options: StartOptions = {}): Program {
    const program = startProcess(args, { ...options, env: { ...env, ...options.env } });
    running.add(program);
    void program.exited.then(() => running.delete(program));
    return program;
  }

  return {
    dataDir,
    imagesDir: join(dataDir, 'images'),
    address: database.address,
    sql,
    env,
    token,
    run,
    async serve(options) {
      const program = run(['serve'], options);
      return { ...program, url: await readiness(program), token };
    },
    async endLeases() {
      await sql`update images set lease_until = now() - interval '1 second' where lease_until is not null`;
    },
    async remove() {
      await Promise.all([...running].map((program) => program.end('SIGKILL')));
      await sql.end();
      await database.drop();
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

/** What is compiled once need not be compiled at each of many starts. */
const compileCache = join(root, 'node_modules/.cache/vitrine-test');

/** Starts the program with nothing of the test's own environment but its PATH. */
export function startProcess(args: readonly string[], { env, under = [], breakable = false }: StartOptions): Program {
  const [command, ...rest] = [...under, ...(breakable ? [nodePath, breakablePath] : [programPath]), ...args];
  const child = spawn(command as string, rest, {
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, HOME: tmpdir(), NODE_COMPILE_CACHE: compileCache, ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(breakable ? (['ipc'] as const) : [])],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      output += error.message;
      resolve({ code: null, signal: null });
    });
    child.once('close', (code, signal) => resolve({ code, signal }));
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

/** The address that the banner tells. */
export async function readiness(program: Program): Promise<string> {
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
