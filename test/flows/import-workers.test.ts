/** Imports whose workers are killed, stopped or put to sleep: one outcome, by whoever is left. */
import { createHash } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { someBytes } from '../support/bytes.ts';
import { ask, beginUpload, fetchBytes, findImage, newImage } from '../support/images.ts';
import { anInstallation, type Installation, type Serving } from '../support/installation.ts';
import { only } from '../support/size.ts';
import { until } from '../support/until.ts';

const bytes = someBytes(2_000_000);
let installation: Installation;
let server: Serving;
let web: Server;
/** While true, the web server stops in the middle of every answer. */
let isHeld = false;
let held: (() => void)[] = [];

beforeAll(async () => {
  web = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 1_000_000));
    const rest = () => response.end(bytes.subarray(1_000_000));
    if (isHeld) held.push(rest);
    else rest();
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  installation = await anInstallation(inject('database'));
  const { port } = web.address() as AddressInfo;
  const settings = join(installation.dataDir, 'vitrine.yaml');
  writeFileSync(settings, `imports: { egress: { allow: ["127.0.0.1:${port}"] } }\n`);
  // The server does no work: every worker is a process that can be killed without it.
  server = await installation.serve({ env: { VITRINE_TASKS: 'off', VITRINE_CONFIG: settings } });
});
afterAll(async () => {
  await installation?.remove();
  web?.closeAllConnections();
  web?.close();
});

function hold(): void {
  isHeld = true;
  held = [];
}
function letGo(): void {
  isHeld = false;
  for (const rest of held.splice(0)) rest();
}

async function aWorker() {
  const settings = join(installation.dataDir, 'vitrine.yaml');
  const worker = installation.run(['work'], { env: { VITRINE_CONFIG: settings } });
  await until(() => worker.output().includes('"working"') || worker.child.exitCode !== null);
  return worker;
}

async function beginImport(): Promise<{ id: string; task: string }> {
  const id = await newImage(server);
  const { port } = web.address() as AddressInfo;
  const { importImage } = await ask<{ importImage: { task: { id: string } } }>(
    server,
    `mutation ($input: ImportImageInput!) { importImage(input: $input) {
      ... on ImportImagePayload { task { id } } ... on Error { message } } }`,
    { input: { id, method: { webDownload: { url: `http://127.0.0.1:${port}/` } } } },
  );
  return { id, task: importImage.task.id };
}

async function findTask(id: string) {
  const text = 'query ($id: ID!) { task(id: $id) { status attempts progress { done } message } }';
  type Found = {
    status: string;
    attempts: number;
    progress: { done: number } | null;
    message: string | null;
  };
  return (await ask<{ task: Found }>(server, text, { id })).task;
}

const inTheMiddle = (task: string, attempts: number) =>
  until(async () => {
    const found = await findTask(task);
    return found.status === 'PROCESSING' && found.attempts === attempts && (found.progress?.done ?? 0) > 0;
  });

async function expectWhole(id: string, task: string, attempts: number): Promise<void> {
  await until(async () => (await findTask(task)).status === 'SUCCESS');
  expect(await findTask(task)).toMatchObject({ attempts });
  expect(await findImage(server, id)).toMatchObject({
    status: 'ACTIVE',
    checksum: createHash('md5').update(bytes).digest('hex'),
  });
  expect(Buffer.compare(await fetchBytes(server, id), bytes)).toBe(0);
  await until(() => filesOf(id).length === 1);
}

const filesOf = (id: string) =>
  readdirSync(installation.imagesDir, { recursive: true })
    .map(String)
    .filter((name) => name.includes(id));

const long = only({ from: 'ci' });

test.skipIf(long.skip)(
  `what is staged on this machine is imported by it, though it does no other work${long.why}`,
  async () => {
    const id = await newImage(server);
    const sent = beginUpload(server, id, { length: bytes.length, to: 'stage' });
    sent.request.end(bytes);
    expect((await sent.answer).status).toBe(204);
    const text = `mutation ($id: ID!) { importImage(input: { id: $id, method: { staged: true } }) {
    ... on ImportImagePayload { task { id } } } }`;
    const { importImage } = await ask<{ importImage: { task: { id: string } } }>(server, text, { id });
    await expectWhole(id, importImage.task.id, 1);
  },
);

test.skipIf(long.skip)(`a worker that is told to stop hands its import on at once${long.why}`, async () => {
  hold();
  const first = await aWorker();
  const { id, task } = await beginImport();
  await inTheMiddle(task, 1);
  const second = await aWorker();
  letGo();
  hold();
  expect(await first.end('SIGTERM')).toEqual({ code: 0, signal: null });
  letGo();
  await expectWhole(id, task, 2);
  expect((await findTask(task)).message).toBeNull();
  await second.end('SIGTERM');
});

test.skipIf(long.skip)(
  `the import of a worker that was killed is taken over, and what it wrote goes${long.why}`,
  async () => {
    hold();
    const first = await aWorker();
    const { id, task } = await beginImport();
    await inTheMiddle(task, 1);
    const second = await aWorker();
    await first.end('SIGKILL');
    isHeld = false;
    await until(async () => (await findTask(task)).attempts === 2);
    await expectWhole(id, task, 2);
    await second.end('SIGTERM');
  },
);

test.skipIf(long.skip)(
  `a worker that slept while another took over does no harm when it wakes${long.why}`,
  async () => {
    hold();
    const first = await aWorker();
    const { id, task } = await beginImport();
    await inTheMiddle(task, 1);
    const second = await aWorker();
    first.child.kill('SIGSTOP');
    isHeld = false;
    await expectWhole(id, task, 2);
    const before = await findImage(server, id);
    first.child.kill('SIGCONT');
    letGo();
    await until(() => first.output().includes('taken over'));
    expect(await findImage(server, id)).toEqual(before);
    expect(Buffer.compare(await fetchBytes(server, id), bytes)).toBe(0);
    await until(() => filesOf(id).length === 1);
    await Promise.all([first.end('SIGTERM'), second.end('SIGTERM')]);
  },
);
