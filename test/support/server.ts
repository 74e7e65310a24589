/** A whole server for a test: its own database and directory, real HTTP on loopback, random tokens. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { inject } from 'vitest';
import type { TypedDocumentString } from '../../src/client/gen/graphql.ts';
import { type Config, readConfig } from '../../src/config/config.ts';
import type { Role } from '../../src/domain/caller.ts';
import { type Parts, type RunningServer, startServer } from '../../src/server.ts';
import { aDatabase } from './database.ts';
import { planted, watch } from './planted.ts';

export interface Answer<T> {
  status: number;
  headers: Headers;
  data: T;
  errors: { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[];
}

export interface TestServer extends RunningServer {
  readonly config: Config;
  readonly dataDir: string;
  /** Everything it logged, as JSON lines. */
  readonly logged: string[];
  /** A token of a known project. */
  tokenOf(project: string, role?: string): string;
  /** Sends an operation; `token` null sends none. */
  query<T, V>(
    token: string | null,
    document: TypedDocumentString<T, V>,
    ...variables: V extends Record<string, never> ? [] : [V]
  ): Promise<Answer<T>>;
  /** Sends a text that no type vouches for. */
  // biome-ignore lint/suspicious/noExplicitAny: what comes is what is tested
  raw(token: string | null, query: string, variables?: unknown): Promise<Answer<any>>;
  /** One more server of the same installation; stopped before this one. */
  another(parts?: Pick<Parts, 'stores'>): Promise<RunningServer>;
  /** Bytes over HTTP, at a path of the server. */
  http(path: string, init?: RequestInit & { token?: string; duplex?: 'half' }): Promise<Response>;
}

export interface TestServerOptions extends Pick<Parts, 'stores'> {
  env?: Record<string, string>;
  /** The settings file. */
  settings?: string;
  log?: Logger;
  /** Besides those that there always are. */
  people?: readonly [project: string, role: string][];
}

const people: readonly [project: string, role: Role][] = [
  ['admin', 'admin'],
  ['blue', 'member'],
  ['blue', 'reader'],
  ['red', 'member'],
  ['red', 'reader'],
  ['green', 'member'],
  ['green', 'reader'],
  ['yellow', 'member'],
  ['gray', 'member'],
  ['service', 'service'],
];

export async function aServer(options: TestServerOptions = {}): Promise<TestServer> {
  const database = await aDatabase(inject('database'));
  const dataDir = await mkdtemp(join(tmpdir(), 'vitrine-data-'));
  const tokens = [...people, ...(options.people ?? [])].map(([project, role]) => ({
    token: planted('token'),
    user: `${project}-${role}`,
    project,
    roles: [role],
  }));
  const tokensFile = join(dataDir, 'test-tokens.json');
  await writeFile(tokensFile, JSON.stringify(tokens));
  if (options.settings !== undefined) await writeFile(join(dataDir, 'vitrine.yaml'), options.settings);
  const config = readConfig(
    { VITRINE_DATA_DIR: dataDir, VITRINE_TOKENS_FILE: tokensFile, VITRINE_PORT: '0', ...options.env },
    dataDir,
  );
  const logged: string[] = [];
  const write = (line: string) => {
    watch(line, 'a log line');
    logged.push(line);
  };
  const log = options.log ?? pino({ level: 'info' }, { write });
  const opened = { address: database.address, isEmbedded: false, close: async () => {} };
  const server = await startServer(config, log, { database: opened, stores: options.stores });

  async function post(token: string | null, body: unknown): Promise<Answer<never>> {
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token === null ? {} : { 'x-auth-token': token }) },
      body: JSON.stringify(body),
    });
    const { data, errors = [] } = (await response.json()) as Answer<never>;
    return { status: response.status, headers: response.headers, data, errors };
  }

  return {
    ...server,
    config,
    dataDir,
    logged,
    tokenOf(project, role = project === 'admin' ? 'admin' : 'member') {
      const found = tokens.find((entry) => entry.project === project && entry.roles[0] === role);
      if (!found) throw new Error(`No token for ${role} of ${project}.`);
      return found.token;
    },
    query: (token, document, ...[variables]) => post(token, { query: document.toString(), variables }),
    raw: (token, query, variables) => post(token, { query, variables }),
    another: (parts = {}) => startServer(config, log, { database: opened, ...parts }),
    http: (path, { token, headers, ...init } = {}) =>
      fetch(server.url + path, {
        ...init,
        headers: { ...(token ? { 'x-auth-token': token } : {}), ...headers },
      }),
    async stop(drainSeconds = 0) {
      await server.stop(drainSeconds);
      await database.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
