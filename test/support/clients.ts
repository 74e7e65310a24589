/** The command lines that people have for other image services, pointed at a server of a test. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Role } from '../../src/domain/caller.ts';
import type { TestServer } from './server.ts';

const run = promisify(execFile);

export interface Failed {
  stderr: string;
  stdout: string;
}

/** Runs a client; what it prints. Rejects with Failed when it ends badly. */
export type Client = (as: [project: string, role?: Role], ...args: string[]) => Promise<string>;

/** Without a standard input: clients take one that is there for the data of an image. */
async function call(server: TestServer, program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run('/bin/sh', ['-c', 'exec "$0" "$@" <&-', program, ...args], {
    // Nothing of who runs the tests: neither their cloud nor their settings.
    env: { PATH: process.env.PATH, HOME: server.dataDir, LANG: 'C.UTF-8', COLUMNS: '1000' },
  });
  return stdout;
}

export const glance =
  (server: TestServer): Client =>
  (as, ...args) =>
    call(server, 'glance', ['--os-image-url', server.url, '--os-auth-token', server.tokenOf(...as), ...args]);

export const openstack =
  (server: TestServer): Client =>
  (as, ...args) =>
    call(server, 'openstack', [
      ...['--os-auth-type', 'admin_token', '--os-endpoint', `${server.url}/v2`],
      ...['--os-token', server.tokenOf(...as), ...args],
    ]);

/** The cells of a table as `glance` draws it, without its heading. */
export function rowsOf(table: string): string[][] {
  const lines = table.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(1).map((line) =>
    line
      .slice(1, -1)
      .split(' | ')
      .map((cell) => cell.trim()),
  );
}

/** A table of properties and values; a long value goes on in the rows below its own. */
export function recordOf(table: string): Record<string, string> {
  const record: Record<string, string> = {};
  let name = '';
  for (const [first = '', ...rest] of rowsOf(table)) {
    if (first !== '') name = first;
    record[name] = (record[name] ?? '') + rest.join(' | ');
  }
  return record;
}
