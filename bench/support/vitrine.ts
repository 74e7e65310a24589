/** The product itself as a child process, run as it is in production, with its log thrown away. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseAddress } from '../../src/db/client.ts';
import { freePort } from './nginx.ts';
import { type Program, startProgram } from './process.ts';

const main = new URL('../../src/main.ts', import.meta.url).pathname;
const catalogServer = new URL('./catalog-server.ts', import.meta.url).pathname;

export interface Vitrine extends Program {
  readonly tokensFile: string;
  /** What a caller sends to be who they are. */
  headersOf(project: string): Record<string, string>;
  /** The data of an operation. @throws Error it has errors */
  query<Data>(project: string, query: string, variables?: object): Promise<Data>;
}

export interface VitrineOptions {
  dataDir: string;
  /** They get a member's token each, and `admin` one of an admin. */
  projects: readonly string[];
  /** The text of a settings file. */
  settings?: string;
  /** How callers are known; by tokens. */
  auth?: string;
  /** Only GraphQL, and nothing is changed in the database. */
  readsOnly?: boolean;
}

export async function startVitrine(
  address: DatabaseAddress,
  { dataDir, projects, settings = '', auth = 'tokens', readsOnly = false }: VitrineOptions,
): Promise<Vitrine> {
  const tokens = ['admin', ...projects].map((project) => ({
    token: randomBytes(12).toString('hex'),
    user: project,
    project,
    roles: [project === 'admin' ? 'admin' : 'member'],
  }));
  const tokensFile = join(dataDir, 'bench-tokens.json');
  await writeFile(tokensFile, JSON.stringify(tokens), { mode: 0o600 });
  const settingsFile = join(dataDir, 'bench.yaml');
  await writeFile(settingsFile, settings, { mode: 0o600 });
  const port = await freePort();
  const args = readsOnly ? [catalogServer, JSON.stringify(address)] : [main, 'serve'];
  const program = await startProgram(args, {
    url: `http://127.0.0.1:${port}`,
    path: '/readyz',
    env: {
      NODE_ENV: 'production', // as the program says; the catalog server does not, and a shell may say otherwise
      VITRINE_CONFIG: settingsFile,
      VITRINE_PORT: String(port),
      VITRINE_DATA_DIR: dataDir,
      VITRINE_TOKENS_FILE: tokensFile,
      VITRINE_AUTH: auth,
      VITRINE_LOG_LEVEL: 'info',
      ...('url' in address ? { DATABASE_URL: address.url } : {}),
    },
  });
  const headersOf = (project: string) => ({
    'X-Auth-Token': tokens.find((entry) => entry.project === project)?.token ?? '',
  });
  return {
    ...program,
    tokensFile,
    headersOf,
    async query<Data>(project: string, query: string, variables?: object) {
      const response = await fetch(`${program.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headersOf(project) },
        body: JSON.stringify({ query, variables }),
      });
      const { data, errors } = (await response.json()) as { data: Data; errors?: unknown };
      if (errors) throw new Error(JSON.stringify(errors));
      return data;
    },
  };
}
