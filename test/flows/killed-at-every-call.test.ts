/**
 * The unmodified program killed right before each system call that an upload makes, one after the other, and a
 * look at the order of those calls: a kill loses nothing that the kernel has, a power cut does.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { someBytes } from '../support/bytes.ts';
import { findDamage } from '../support/damage.ts';
import { fetchBytes, findImage, newImage, put } from '../support/images.ts';
import { anInstallation, type Installation, type Serving } from '../support/installation.ts';
import { only, sized, succeeds } from '../support/size.ts';
import { until } from '../support/until.ts';

const strace = only({
  from: 'ci',
  programs: ['strace'],
  when: { 'the right to trace': () => succeeds('strace', '-qq', '-e', 'trace=none', 'true') },
});

let installation: Installation;
beforeEach(async () => {
  installation = await anInstallation(inject('database'));
});
afterEach(() => installation.remove());

const bytes = someBytes(600_000);

/** One thread for the disk: strace counts calls by thread. */
const serve = () => installation.serve({ env: { UV_THREADPOOL_SIZE: '1' } });

/** Resolves when every thread of the server is traced. */
async function attach({ pid }: Serving, ...options: string[]): Promise<ChildProcess> {
  const tracer = spawn('strace', ['-f', '-qq', '-p', `${pid}`, ...options], { stdio: 'ignore' });
  const isTraced = (task: string) => {
    try {
      return !/^TracerPid:\s+0$/m.test(readFileSync(join(`/proc/${pid}/task`, task, 'status'), 'utf8'));
    } catch {
      return true; // a thread that has ended
    }
  };
  await until(() => readdirSync(`/proc/${pid}/task`).every(isTraced));
  return tracer;
}

async function detach(tracer: ChildProcess): Promise<void> {
  if (tracer.exitCode !== null || tracer.signalCode !== null) return;
  const ended = new Promise((resolve) => tracer.once('exit', resolve));
  tracer.kill('SIGINT');
  await ended;
}

/** After the first: every second one in ci, from another one on in each run. */
const stride = sized({ quick: 2, ci: 2, full: 1 });

/** Calls by which an upload gets from the last byte to the answer, and how many of each are tried at most. */
const calls: [call: string, most: number][] = [
  ['mkdir', 4],
  ['openat', 12],
  ['pwrite64', 12],
  ['fdatasync', 12],
  ['close', 12],
  ['statx', 12],
  ['rename', 4],
  ['fsync', 8],
  ['write', sized({ quick: 0, ci: 8, full: 200 })],
  ['writev', 12],
];

test.skipIf(strace.skip)(
  `killed before any call of an upload, the image is queued again or exact${strace.why}`,
  { timeout: 900_000 },
  async () => {
    const kills: string[] = [];
    let server = await serve();
    for (const [call, most] of calls) {
      for (let n = 1; n <= most; n += n === 1 ? 1 + Math.floor(Math.random() * stride) : stride) {
        const id = await newImage(server);
        const tracer = await attach(
          server,
          '-e',
          `trace=${call}`,
          '-e',
          `inject=${call}:signal=SIGKILL:when=${n}`,
        );
        const acknowledged = await put(server, id, bytes).then(
          ({ status }) => status === 204,
          () => false,
        );
        // Once nobody traces it, it is dead or stays alive; one that has not answered is dead.
        if (acknowledged) await detach(tracer);
        if (acknowledged && (await isAlive(server))) break;
        await server.exited;
        kills.push(`${call} ${n}`);
        await installation.endLeases();
        server = await serve();
        await until(async () => (await findDamage(installation.db, installation.imagesDir)).length === 0);
        const status = (await findImage(server, id))?.status;
        expect(acknowledged ? ['ACTIVE'] : ['QUEUED', 'ACTIVE'], kills.at(-1)).toContain(status);
        if (status === 'QUEUED') expect((await put(server, id, bytes)).status, kills.at(-1)).toBe(204);
        expect((await fetchBytes(server, id)).equals(bytes), kills.at(-1)).toBe(true);
      }
    }
    // Each of these is on the way of every upload.
    expect(kills).toEqual(
      expect.arrayContaining(['openat 1', 'pwrite64 1', 'fdatasync 1', 'rename 1', 'fsync 1', 'write 1']),
    );
    expect(kills.length).toBeGreaterThanOrEqual(20 / stride);
  },
);

const isAlive = ({ url }: Serving) =>
  fetch(`${url}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  );

test.skipIf(strace.skip)(
  `the bytes are durable before their name, the name before the row${strace.why}`,
  async () => {
    const server = await serve();
    const id = await newImage(server);
    const log = join(installation.dataDir, 'calls');
    const trace = 'trace=pwrite64,write,fdatasync,fsync,rename,sendto,writev';
    const tracer = await attach(server, '-y', '-s', '200', '-o', log, '-e', trace);
    expect((await put(server, id, bytes)).status).toBe(204);
    await detach(tracer);

    const lines = (await readFile(log, 'utf8')).split('\n');
    const last = (pattern: RegExp) => lines.findLastIndex((line) => pattern.test(line));
    const shard = `/images/${id.slice(0, 2)}`;
    const order = [
      last(new RegExp(`pwrite64\\(\\d+<[^>]*${shard}/${id}[^>]*\\.part>`)),
      last(new RegExp(`fdatasync\\(\\d+<[^>]*${shard}/${id}[^>]*\\.part>`)),
      last(new RegExp(`rename\\("[^"]*${id}[^"]*\\.part"`)),
      last(new RegExp(`fsync\\(\\d+<[^>]*${shard}>`)),
      last(/update \\?"images\\?"/),
      last(/commit/),
      last(/HTTP\/1\.1 204/),
    ];
    expect(order, lines.join('\n')).not.toContain(-1);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  },
);
