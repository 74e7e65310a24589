/** The command lines that people have for other image services, pointed at a server of a test. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Role } from '../../src/domain/caller.ts';
import type { TestServer } from './server.ts';
import { findProgram } from './size.ts';

export interface Failed {
  code: number;
  stderr: string;
  stdout: string;
}

/** Runs a client; what it prints. Rejects with Failed when it ends badly. */
export type Client = (as: [project: string, role?: Role], ...args: string[]) => Promise<string>;

export interface CommandLine {
  call: Client;
  close(): void;
}

const options = {
  glance: (url: string, token: string) => ['--os-image-url', url, '--os-auth-token', token],
  openstack: (url: string, token: string) => [
    ...['--os-auth-type', 'admin_token', '--os-endpoint', `${url}/v2`, '--os-token', token],
  ],
};

/** `program` is on the PATH. */
export function commandLine(server: TestServer, program: keyof typeof options): CommandLine {
  // Of several Pythons that which has it.
  const [first = ''] = readFileSync(findProgram(program) as string, 'utf8').split('\n', 1);
  const [python = '', ...args] = first.replace(/^#!\s*/, '').split(' ');
  const child = spawn(python, [...args, join(import.meta.dirname, 'command-line.py'), program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Nothing of who runs the tests: neither their cloud nor their settings.
    env: { PATH: process.env.PATH, HOME: server.dataDir, LANG: 'C.UTF-8', COLUMNS: '1000' },
  });
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  let last: Promise<unknown> = Promise.resolve();

  /** One after the other. */
  function run(args: readonly string[]): Promise<string> {
    const answer = last
      .catch(() => {})
      .then(async () => {
        child.stdin.write(`${JSON.stringify(args)}\n`);
        const { value } = await answers.next();
        const ended: Failed = JSON.parse(value ?? '{"code": 1, "stderr": "It is gone."}');
        if (ended.code !== 0) throw Object.assign(new Error(`${program}: ${ended.stderr}`), ended);
        return ended.stdout;
      });
    last = answer;
    return answer;
  }

  return {
    call: (as, ...args) => run([...options[program](server.url, server.tokenOf(...as)), ...args]),
    close: () => child.stdin.end(),
  };
}

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
