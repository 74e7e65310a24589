/** Clients that vanish in the middle of a transfer: with a reset, as when their machine died. */
import { readdirSync, readlinkSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { someBytes } from '../support/bytes.ts';
import { filesBelow, findDamage } from '../support/damage.ts';
import { beginUpload, fetchBytes, findImage, newImage, put, send } from '../support/images.ts';
import { anInstallation, type Installation, type Serving } from '../support/installation.ts';
import { only, sized } from '../support/size.ts';
import { until } from '../support/until.ts';

let installation: Installation;
let server: Serving;
beforeAll(async () => {
  installation = await anInstallation(inject('database'));
  server = await installation.serve();
});
afterAll(() => installation.remove());

const bytes = someBytes(2_000_000);
const rounds = sized({ quick: 4, ci: 300, full: 5_000 });

/** Files and connections that the server has open: what threads use among themselves does not count. */
function openFiles(): number {
  const folder = `/proc/${server.pid}/fd`;
  return readdirSync(folder).filter((fd) => {
    try {
      return /^(socket:|\/)/.test(readlinkSync(join(folder, fd)));
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}

/** How many are open when nothing goes on but everything has been in use. */
async function baseline(): Promise<number> {
  const busy = Array.from({ length: 10 }, async () => {
    const id = await newImage(server);
    expect((await put(server, id, bytes)).status).toBe(204);
    await fetchBytes(server, id);
  });
  await Promise.all(busy);
  return openFiles(); // among them connections that these clients keep
}

const long = only({ from: 'ci' });

test('an upload that breaks off gives the image back, and leaves no file and no descriptor', async () => {
  const before = await baseline();
  const ids: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const id = await newImage(server);
    ids.push(id);
    const upload = beginUpload(server, id, Math.random() < 0.3 ? {} : { length: bytes.length });
    const offset = Math.floor(Math.random() * bytes.length);
    await send(upload, bytes.subarray(0, offset));
    await sleep(Math.random() * 10);
    upload.reset();
    await expect(upload.answer, `after ${offset} bytes`).rejects.toThrow();
  }
  await until(async () => (await findDamage(installation.db, installation.imagesDir)).length === 0);
  await until(() => openFiles() <= before);

  for (const id of ids.slice(0, 4)) {
    expect((await put(server, id, bytes)).status).toBe(204);
    expect((await fetchBytes(server, id)).equals(bytes)).toBe(true);
  }
});

test('an upload whose client closes politely before the last byte is no upload either', async () => {
  const id = await newImage(server);
  const upload = beginUpload(server, id, { length: bytes.length });
  await send(upload, bytes.subarray(0, 1_000_000));
  await until(async () => (await findImage(server, id))?.status === 'SAVING');
  upload.request.socket?.end();
  await until(async () => (await findImage(server, id))?.status === 'QUEUED');
  const left = await filesBelow(installation.imagesDir);
  expect(left.filter((file) => file.includes(id))).toEqual([]);
});

test.skipIf(long.skip)(`a download that breaks off leaves no descriptor${long.why}`, async () => {
  const id = await newImage(server);
  expect((await put(server, id, bytes)).status).toBe(204);
  const before = await baseline();
  const path = `/v2/images/${id}/file`;
  for (let round = 0; round < rounds; round++) {
    const headers = { 'x-auth-token': server.token };
    const download = request(server.url + path, { agent: false, headers });
    const ended = new Promise((resolve) => download.once('close', resolve));
    download.on('error', () => {});
    download.on('response', (response) => {
      response.on('error', () => {});
      response.once('data', () => download.socket?.resetAndDestroy());
    });
    download.end();
    await ended;
  }
  await until(() => openFiles() <= before);
  expect((await fetchBytes(server, id)).equals(bytes)).toBe(true);
});
