/**
 * How fast tasks bring bytes in, as ratios measured in the same run: a copy between two file stores against cp and
 * hashing, a web download against an upload of the same bytes; and how soon a task starts once it was asked for.
 */
import { execFile } from 'node:child_process';
import { createReadStream, mkdirSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { nginxFor } from './support/nginx.ts';
import { targetOf } from './support/transfer-target.ts';
import type { Vitrine } from './support/vitrine.ts';
import {
  hashLimit,
  makePayload,
  median,
  megabytes,
  type Payload,
  put,
  report,
  seconds,
  uploads,
} from './transfer.ts';

const run = promisify(execFile);
const copyGoal = 0.8;
const downloadGoal = 0.85;
const startGoalMs = 100;
const starts = 40;

const begin = `mutation Begin($input: ImportImageInput!) { importImage(input: $input) {
  ... on ImportImagePayload { task { id } } ... on Error { message }
} }`;
const look = 'query Look($id: ID!) { task(id: $id) { status message } }';

/** A web server for the files of a directory. The settings have to let its address through. */
export interface FileServer {
  host: string;
  urlOf(payload: Payload): string;
  close(): void;
}

/** nginx where it is installed: what serves images, and takes little of the machine. */
export async function fileServer(directory: string): Promise<FileServer> {
  const nginx = await nginxFor(directory);
  if (nginx) {
    const urlOf = ({ path }: Payload) => nginx.url(basename(path));
    return { host: new URL(nginx.url('')).host, urlOf, close: () => nginx.stop() };
  }
  const server = createServer((request, response) => {
    const path = join(directory, basename(request.url ?? ''));
    response.writeHead(200, { 'content-length': statSync(path).size });
    createReadStream(path, { highWaterMark: 2 ** 20 }).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const urlOf = ({ path }: Payload) => `http://${host}/${basename(path)}`;
  return { host, urlOf, close: () => void server.close() };
}

/** Of a server with two file stores that may fetch from `host`. */
export function settingsOfImports(dataDir: string, host: string): string {
  const stores = ['one', 'two'].map((id) => {
    mkdirSync(join(dataDir, id), { recursive: true });
    return { id, type: 'file', path: join(dataDir, id) };
  });
  return JSON.stringify({ stores, imports: { egress: { allow: [host] } } }); // JSON is YAML
}

export interface MeasuringImports {
  web: FileServer;
  mebibytes: number;
  rounds: number;
  dataDir: string;
}

export async function measureImports(
  vitrine: Vitrine,
  { web, mebibytes, rounds, dataDir }: MeasuringImports,
): Promise<void> {
  const payload = makePayload(join(dataDir, 'to-import'), mebibytes * 2 ** 20);
  await measureStart(vitrine, web, makePayload(join(dataDir, 'tiny'), 1));
  await measureCopy(vitrine, payload, { rounds, dataDir });
  await measureDownload(vitrine, web, { payload, rounds });
}

/** Until the task is done that an import asked for. */
async function importOf(vitrine: Vitrine, input: object): Promise<void> {
  type Begun = { importImage: { task?: { id: string }; message?: string } };
  const { importImage } = await vitrine.query<Begun>('admin', begin, { input });
  const id = importImage.task?.id;
  if (!id) throw new Error(importImage.message);
  for (;;) {
    const { task } = await vitrine.query<{ task: { status: string; message: string } }>('admin', look, {
      id,
    });
    if (task.status === 'SUCCESS') return;
    if (task.status === 'FAILURE') throw new Error(task.message);
    await sleep(5);
  }
}

/** From the request to the end of an import of one byte: more than until it starts. */
async function measureStart(vitrine: Vitrine, web: FileServer, tiny: Payload): Promise<void> {
  const target = targetOf(vitrine);
  const times: number[] = [];
  for (let i = 0; i < starts; i++) {
    const id = await target.newId();
    const input = { id, method: { webDownload: { url: web.urlOf(tiny) } } };
    times.push((await seconds(() => importOf(vitrine, input))) * 1000);
    await target.remove(id);
  }
  const p95 = times.toSorted((a, b) => a - b)[Math.floor(starts * 0.95)] ?? Number.NaN;
  console.log(
    `an import of one byte, asked for and done: p50 ${median(times).toFixed(0)} ms, p95 ${p95.toFixed(0)} ms (goal for its start alone ${startGoalMs} ms)`,
  );
}

async function measureCopy(
  vitrine: Vitrine,
  payload: Payload,
  { rounds, dataDir }: { rounds: number; dataDir: string },
): Promise<void> {
  const target = targetOf(vitrine, 'one');
  const ratios: number[] = [];
  const speeds: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const id = await target.newId();
    await put(target, id, payload);
    const copied = join(dataDir, 'copied');
    // As durable as ours: what only waits in the memory of the machine is no copy yet.
    const cp = await seconds(() => run('sh', ['-c', 'cp "$0" "$1" && sync "$1"', payload.path, copied]));
    rmSync(copied);
    const theirs = payload.sizeBytes / (cp + payload.sizeBytes / hashLimit(payload.sizeBytes));
    const input = { id, method: { copy: true }, stores: ['two'] };
    const ours = payload.sizeBytes / (await seconds(() => importOf(vitrine, input)));
    await target.remove(id);
    if (round === 0) continue; // warms everything
    ratios.push(ours / theirs);
    speeds.push(ours);
  }
  report(
    'a copy to another file store / cp, flushed, and hashing',
    ratios,
    copyGoal,
    megabytes(median(speeds)),
  );
}

async function measureDownload(
  vitrine: Vitrine,
  web: FileServer,
  { payload, rounds }: { payload: Payload; rounds: number },
): Promise<void> {
  const target = targetOf(vitrine, 'one');
  const ratios: number[] = [];
  const speeds: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const upload = await uploads(target, payload, 1);
    const id = await target.newId();
    const input = { id, method: { webDownload: { url: web.urlOf(payload) } } };
    const ours = payload.sizeBytes / (await seconds(() => importOf(vitrine, input)));
    await target.remove(id);
    if (round === 0) continue;
    ratios.push(ours / upload);
    speeds.push(ours);
  }
  report('a web download / an upload', ratios, downloadGoal, megabytes(median(speeds)));
}
