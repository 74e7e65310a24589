/**
 * How fast bytes go in and out, as ratios to limits measured in the same run, and what memory they take.
 *
 *   node bench/transfer.ts [--size 1GiB] [--rounds 3] [--dir /tmp]
 *
 * Clients are curl processes on the same machine. The functions take any server as a Target; run by itself this
 * file measures the byte path alone (support/bare-bytes.ts).
 */
import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { nginxFor } from './support/nginx.ts';

const run = promisify(execFile);
const mebibyte = 1024 * 1024;

/** A running server. `id` is one of newId(): each is uploaded once. */
export interface Target {
  newId(): Promise<string>;
  uploadUrl(id: string): string;
  downloadUrl(id: string): string;
  remove(id: string): Promise<void>;
  pid: number;
  headers: Record<string, string>;
}

/** A file to send. */
export interface Payload {
  path: string;
  sizeBytes: number;
}

/** Seconds that `work` took. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function curl(target: Target, args: string[]): Promise<unknown> {
  const headers = Object.entries(target.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  return run('curl', ['-sS', '--fail', '-o', '/dev/null', '-H', 'Expect:', ...headers, ...args]);
}

export const put = (target: Target, id: string, payload: Payload, ...more: string[]) =>
  curl(target, ['-T', payload.path, ...more, target.uploadUrl(id)]);

const get = (target: Target, url: string, ...more: string[]) => curl(target, [...more, url]);

/** Bytes a second that md5 and sha512 reach together in one thread, on as many bytes as are sent. */
export function hashLimit(sizeBytes: number): number {
  const chunk = randomBytes(mebibyte);
  const hashes = [createHash('md5'), createHash('sha512')];
  const start = performance.now();
  for (let done = 0; done < sizeBytes; done += mebibyte) for (const hash of hashes) hash.update(chunk);
  for (const hash of hashes) hash.digest();
  return sizeBytes / ((performance.now() - start) / 1000);
}

/** Bytes a second of `count` uploads at once, until the last is durable. */
export async function uploads(target: Target, payload: Payload, count: number): Promise<number> {
  const ids = await Promise.all(Array.from({ length: count }, () => target.newId()));
  const took = await seconds(() => Promise.all(ids.map((id) => put(target, id, payload))));
  for (const id of ids) await target.remove(id);
  return (payload.sizeBytes * count) / took;
}

/** Bytes a second of one download. */
export async function download(target: Target, url: string, payload: Payload): Promise<number> {
  return payload.sizeBytes / (await seconds(() => get(target, url)));
}

export function residentBytes(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return Number(kib) * 1024;
}

/** The most bytes of memory while `count` uploads and downloads, half each, run side by side. */
export async function memory(target: Target, payload: Payload, count: number): Promise<number> {
  const source = await target.newId();
  await put(target, source, payload);
  let peak = 0;
  let running = true;
  const watching = (async () => {
    for (; running; await sleep(20)) peak = Math.max(peak, residentBytes(target.pid));
  })();
  // Slow enough that all of them are under way at the same time.
  const rate = ['--limit-rate', String(Math.max(mebibyte, Math.round(payload.sizeBytes / 6)))];
  const written: string[] = [];
  const transfers = Array.from({ length: count }, async (_, i) => {
    if (i % 2) return get(target, target.downloadUrl(source), ...rate);
    const id = await target.newId();
    written.push(id);
    return put(target, id, payload, ...rate);
  });
  await Promise.all(transfers);
  running = false;
  await watching;
  for (const id of [...written, source]) await target.remove(id);
  return peak;
}

/** A file of random bytes. */
export function makePayload(path: string, sizeBytes: number): Payload {
  const file = openSync(path, 'w', 0o644);
  for (let left = sizeBytes; left > 0; left -= mebibyte)
    writeSync(file, randomBytes(Math.min(mebibyte, left)));
  closeSync(file);
  return { path, sizeBytes };
}

export const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
export const megabytes = (n: number) => `${Math.round(n / 1e6)} MB/s`;

export function report(what: string, ratios: number[], goal: number, detail: string): void {
  const all = ratios.map((r) => r.toFixed(2)).join(' ');
  console.log(`${what}: ${median(ratios).toFixed(2)} (goal ${goal}; ${all}) ${detail}`);
}

export interface Measuring {
  /** Large, for the speeds. */
  payload: Payload;
  /** Small, for 64 at once. */
  portion: Payload;
  rounds: number;
  /** Where the payload lies and nginx may keep its files. */
  directory: string;
}

/** Everything, printed. The server has just started and done nothing yet. */
export async function measureTransfers(target: Target, measuring: Measuring): Promise<void> {
  const { payload, portion, rounds, directory } = measuring;
  const freshBytes = residentBytes(target.pid);
  await uploads(target, payload, 1); // warms the code, the threads and the memory of the machine

  const ups: { limit: number; one: number; four: number }[] = [];
  for (let i = 0; i < rounds; i++) {
    const limit = hashLimit(payload.sizeBytes);
    ups.push({ limit, one: await uploads(target, payload, 1), four: await uploads(target, payload, 4) });
  }
  const speeds = (of: (up: (typeof ups)[number]) => number) => megabytes(median(ups.map(of)));
  report(
    'upload / md5+sha512 in one thread',
    ups.map((up) => up.one / up.limit),
    0.9,
    `${speeds((up) => up.one)}, limit ${speeds((up) => up.limit)}`,
  );
  report(
    'four uploads at once / one',
    ups.map((up) => up.four / up.one),
    1,
    speeds((up) => up.four),
  );

  await measureDownloads(target, payload, { rounds, directory });

  const idleBytes = residentBytes(target.pid);
  for (let i = 0; i < rounds; i++) {
    const peak = await memory(target, portion, 64);
    const mib = (n: number) => Math.round(n / mebibyte);
    const over = `${mib(peak - idleBytes)} MiB over ${mib(idleBytes)} MiB idle (goal 160)`;
    console.log(
      `64 transfers at once: ${over}, ${mib(peak - freshBytes)} over ${mib(freshBytes)} when just started`,
    );
  }
}

async function measureDownloads(
  target: Target,
  payload: Payload,
  { rounds, directory }: { rounds: number; directory: string },
): Promise<void> {
  const id = await target.newId();
  await put(target, id, payload);
  const nginx = await nginxFor(directory);
  if (!nginx) console.log('download / nginx: skipped, nginx is not installed');
  const theirUrl = nginx?.url('payload');
  const downs: { ours: number; theirs: number }[] = [];
  // Twice as many rounds, short as they are; the first only fills the page cache.
  for (let i = 0; i <= rounds * 2; i++) {
    const ours = await download(target, target.downloadUrl(id), payload);
    const theirs = theirUrl ? await download({ ...target, headers: {} }, theirUrl, payload) : Number.NaN;
    if (i > 0) downs.push({ ours, theirs });
  }
  nginx?.stop();
  await target.remove(id);
  report(
    'download / nginx sendfile',
    downs.map((down) => down.ours / down.theirs),
    1.5,
    `${megabytes(median(downs.map((d) => d.ours)))}, nginx ${megabytes(median(downs.map((d) => d.theirs)))}`,
  );
}

/** The byte path alone, in its own process: no blocks are checked, and no format is looked at. */
export async function bareTarget(directory: string): Promise<{ target: Target; stop: () => void }> {
  const program = new URL('./support/bare-bytes.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [program, directory], { stdio: ['pipe', 'pipe', 'inherit'] });
  const port = await new Promise<string>((resolve) =>
    child.stdout.once('data', (data) => resolve(`${data}`.trim())),
  );
  const url = (id: string) => `http://127.0.0.1:${port}/${id}`;
  let made = 0;
  const target: Target = {
    newId: async () => `b${made++}`,
    uploadUrl: url,
    downloadUrl: url,
    remove: async (id) => void (await fetch(url(id), { method: 'DELETE' })),
    pid: child.pid ?? 0,
    headers: {},
  };
  return { target, stop: () => void child.kill() };
}

function parseSize(text: string): number {
  const [, number, unit] = /^(\d+)(MiB|GiB)$/.exec(text) ?? [];
  if (!number) throw new Error(`--size ${text}: write it like 256MiB or 1GiB`);
  return Number(number) * (unit === 'GiB' ? 1024 : 1) * mebibyte;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      size: { type: 'string', default: '1GiB' },
      rounds: { type: 'string', default: '3' },
      dir: { type: 'string', default: tmpdir() },
    },
  });
  const sizeBytes = parseSize(values.size);
  const directory = mkdtempSync(join(values.dir, 'vitrine-bench-'));
  const store = join(directory, 'store');
  mkdirSync(store);
  try {
    const payload = makePayload(join(directory, 'payload'), sizeBytes);
    const portion = makePayload(join(directory, 'portion'), Math.max(mebibyte, sizeBytes / 16));
    const { target, stop } = await bareTarget(store);
    await measureTransfers(target, { payload, portion, rounds: Number(values.rounds), directory });
    stop();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

if (import.meta.main) await main();
