/**
 * A real Keystone of a test's own, on the data of the one that test/services/ brought up, so that it can be stopped and
 * have other settings without a harm to other tests; and what a test does there as an admin.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.ts';

export interface RealKeystone {
  /** Ends in /v3. */
  readonly url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Stopped for good, its own files gone. */
  close(): Promise<void>;
}

/** `expiration`: how many seconds tokens are good. */
export async function realKeystone({ expiration }: { expiration: number }): Promise<RealKeystone> {
  const data = process.env.TEST_KEYSTONE_DIR ?? '';
  const dir = await mkdtemp(join(tmpdir(), 'vitrine-keystone-'));
  const settings = await readFile(join(data, 'keystone.conf'), 'utf8');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/v3`;
  const own = settings
    .replace(/^public_endpoint = .*$/m, `public_endpoint = http://127.0.0.1:${port}`)
    .replace(/^expiration = .*$/m, `expiration = ${expiration}`);
  await writeFile(join(dir, 'keystone.conf'), own);
  let child: ChildProcess | null = null;

  async function stop(): Promise<void> {
    if (!child?.pid || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    process.kill(-child.pid, 'SIGKILL'); // with its workers
    await ended;
    child = null;
  }

  return {
    url,
    async start() {
      child = spawn(
        'uwsgi_python3',
        [
          ...[
            '--http-socket',
            `127.0.0.1:${port}`,
            '--need-app',
            '--master',
            '--processes',
            '2',
            '--threads',
            '1',
          ],
          ...['--buffer-size', '65535', '--post-buffering', '65536', '--listen', '100'],
          ...['--add-header', 'Connection: close', '--disable-logging'],
          ...['--wsgi-file', '/usr/bin/keystone-wsgi-public'],
        ],
        {
          stdio: 'ignore',
          detached: true,
          env: {
            PATH: '/usr/bin:/bin',
            OS_KEYSTONE_CONFIG_DIR: dir,
            OS_KEYSTONE_CONFIG_FILES: 'keystone.conf',
          },
        },
      );
      await until(() =>
        fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
          ({ ok }) => ok,
          () => false,
        ),
      );
    },
    stop,
    async close() {
      await stop();
      await rm(dir, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

type Scope = { project: string } | { projectId: string } | 'system' | 'domain' | 'none';

const defaultDomain = { id: 'default' };

function scopeOf(scope: Scope): object {
  if (scope === 'none') return { scope: 'unscoped' };
  if (scope === 'system') return { scope: { system: { all: true } } };
  if (scope === 'domain') return { scope: { domain: defaultDomain } };
  if ('projectId' in scope) return { scope: { project: { id: scope.projectId } } };
  return { scope: { project: { name: scope.project, domain: defaultDomain } } };
}

/** A token by the Identity API. */
async function tokenBy(url: string, auth: object): Promise<string> {
  const response = await fetch(`${url}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth }),
  });
  const token = response.headers.get('x-subject-token');
  if (!token) throw new Error(`No token (${response.status}): ${await response.text()}`);
  return token;
}

export function login(url: string, name: string, scope: Scope): Promise<string> {
  const user = { name, domain: defaultDomain, password: process.env.TEST_PASSWORD };
  return tokenBy(url, { identity: { methods: ['password'], password: { user } }, ...scopeOf(scope) });
}

export function loginWithCredential(url: string, id: string, secret: string): Promise<string> {
  return tokenBy(url, {
    identity: { methods: ['application_credential'], application_credential: { id, secret } },
  });
}

/** A call of the Identity API; its answer, null without one. @throws Error another status than 2xx */
export async function identity(
  at: { url: string; token: string },
  [method, path]: [method: string, path: string],
  { body, headers }: { body?: object; headers?: Record<string, string> } = {},
  // biome-ignore lint/suspicious/noExplicitAny: what comes is what is tested
): Promise<any> {
  const response = await fetch(at.url + path, {
    method,
    headers: { 'x-auth-token': at.token, 'content-type': 'application/json', ...headers },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}
