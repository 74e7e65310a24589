import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { only } from '../support/size.ts';

const root = join(import.meta.dirname, '../..');

/** Server processes below a process, by /proc: those that run the program again. */
async function serversBelow(pid: number): Promise<number[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'))
    .trim()
    .split(' ')
    .map(Number);
  const commands = await Promise.all(
    children.map(
      async (child) => [child, await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '')] as const,
    ),
  );
  return commands.filter(([, command]) => command.includes('main.ts')).map(([child]) => child);
}

const here = only({ from: 'ci', when: { Linux: () => process.platform === 'linux' } });

test.skipIf(here.skip)(
  `several processes share the port and their metrics; one that dies is replaced, and all stop together${here.why}`,
  { timeout: 120_000 },
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'vitrine-workers-'));
    const program = spawn(join(root, 'bin/vitrine'), ['serve'], {
      cwd: dir,
      env: { PATH: process.env.PATH, HOME: dir, VITRINE_PORT: '0', VITRINE_WORKERS: '2' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = new Promise((resolve) => program.once('exit', resolve));
    try {
      let text = '';
      program.stdout.on('data', (data) => {
        text += data;
      });
      await expect.poll(() => text, { timeout: 60_000 }).toMatch(/127\.0\.0\.1:\d+\/graphql/);
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0] ?? '';
      const pid = program.pid ?? 0;
      await expect.poll(() => serversBelow(pid), { timeout: 10_000 }).toHaveLength(2);

      // A connection for each, so that more than one process answers.
      const ask = () => fetch(`${url}/healthz`, { headers: { connection: 'close' } });
      for (let i = 0; i < 10; i++) expect((await ask()).status).toBe(200);
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(metrics).toMatch(
        /vitrine_http_request_seconds_count\{method="GET",route="\/healthz",status="200"\} 10/,
      );

      const [victim = 0] = await serversBelow(pid);
      process.kill(victim, 'SIGKILL');
      await expect.poll(() => serversBelow(pid), { timeout: 15_000 }).not.toContain(victim);
      await expect.poll(() => serversBelow(pid), { timeout: 15_000 }).toHaveLength(2);
      await expect.poll(async () => (await fetch(`${url}/readyz`)).status, { timeout: 10_000 }).toBe(200);
    } finally {
      program.kill('SIGTERM');
      expect(await exited).toBe(0);
      await rm(dir, { recursive: true, force: true });
    }
  },
);
