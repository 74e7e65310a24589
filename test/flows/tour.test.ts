import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { compileCache } from '../support/compile-cache.ts';

const root = join(import.meta.dirname, '../..');

/** The commands of the tour, as README.md prints them, in its order. */
async function tour(): Promise<string[]> {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  return [...readme.matchAll(/```sh tour\n(.*?)```/gs)].map((m) => m[1] ?? '');
}

test('the tour of the README works as it is printed, on a machine that has nothing yet', {
  timeout: 120_000,
}, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'vitrine-tour-'));
  // Only the port is another one, so that a service at the usual one is left alone.
  const server = spawn(join(root, 'bin/vitrine'), ['serve'], {
    cwd: dir,
    env: { PATH: process.env.PATH, HOME: dir, VITRINE_PORT: '0', NODE_COMPILE_CACHE: compileCache },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const banner = await printed(server.stdout, /Try it:\n\n(?<command>.*?)\n\n/s);
    const address = /127\.0\.0\.1:\d+/.exec(banner)?.[0] ?? '';
    const command = /Try it:\n\n(.*?)\n\n/s.exec(banner)?.[1] ?? '';
    expect(await bash(command, dir)).toContain('"viewer":{"user":"demo","project":"demo"}');

    const steps = await tour();
    expect(steps).toHaveLength(7);
    const output = await bash(steps.join('\n').replaceAll('127.0.0.1:9292', address), dir);
    expect(output).toContain('"status":"QUEUED"');
    expect(output).toContain('"totalCount":1');
    expect(output).toContain(
      '"nodes":[{"name":"my first image"}],"facets":[{"buckets":[{"value":"debian","count":1}]}]',
    );
    const [, published] = /"algorithm":"sha512","value":"([0-9a-f]{128})"/.exec(output) ?? [];
    const sums = [...output.matchAll(/^([0-9a-f]{128}) /gm)].map((m) => m[1]);
    expect(sums).toEqual([published, published]);
  } finally {
    const exited = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGINT');
    expect(await exited).toBe(0);
    await rm(dir, { recursive: true, force: true });
  }
});

async function bash(script: string, cwd: string): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', ['-euc', script], { cwd, timeout: 20_000 });
  return stdout;
}

/** What has been printed once the pattern is in it. */
function printed(stream: NodeJS.ReadableStream, pattern: RegExp): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    stream.on('data', (data: Buffer) => {
      text += data;
      if (pattern.test(text)) resolve(text);
    });
    stream.once('end', () => reject(new Error(`It ended without what was looked for:\n${text}`)));
  });
}
