/** The program told to stop, by a signal as an orchestrator sends it, while transfers are under way. */
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { someBytes } from '../support/bytes.ts';
import { findDamage } from '../support/damage.ts';
import { databaseProxy } from '../support/database-proxy.ts';
import { beginUpload, fetchBytes, findImage, newImage, put, send } from '../support/images.ts';
import { anInstallation, type Installation, type Serving } from '../support/installation.ts';
import { startLoad } from '../support/load.ts';
import { only, sized } from '../support/size.ts';
import { until } from '../support/until.ts';

/** Each begins and ends the program several times. */
const long = only({ from: 'ci' });

let installation: Installation;
beforeEach(async () => {
  installation = await anInstallation(inject('database'));
});
afterEach(() => installation.remove());

const bytes = someBytes(20_000_000);
const small = bytes.subarray(0, 1_000_000);

/** A connection on which a request has begun, so that it is not idle. */
async function beginRequest(
  { url }: Serving,
  path: string,
): Promise<{ socket: Socket; answer: Promise<string> }> {
  const { port, hostname } = new URL(url);
  const socket = connect(Number(port), hostname);
  await new Promise<void>((resolve) => socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n`, () => resolve()));
  const answer = (async () => {
    let text = '';
    for await (const chunk of socket.setEncoding('utf8')) text += chunk;
    return text;
  })();
  answer.catch(() => {});
  return { socket, answer };
}

/** Whether a new connection is turned away. */
function isClosed({ url }: Serving): Promise<boolean> {
  const { port, hostname } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.once('connect', () => resolve(false)).once('error', () => resolve(true));
    socket.once('connect', () => socket.destroy());
  });
}

test('SIGTERM makes it unready at once and lets what runs finish; then it ends with 0', async () => {
  const server = await installation.serve();
  const stored = await newImage(server);
  expect((await put(server, stored, bytes)).status).toBe(204);
  const id = await newImage(server);
  const upload = beginUpload(server, id, { length: small.length });
  await send(upload, small.subarray(0, 400_000));
  const download = await fetch(`${server.url}/v2/images/${stored}/file`, {
    headers: { 'x-auth-token': server.token },
  });
  const probe = await beginRequest(server, '/readyz');
  await until(async () => (await findImage(server, id))?.status === 'SAVING');

  server.child.kill('SIGTERM');
  await until(() => isClosed(server));
  probe.socket.write('\r\n');
  expect(await probe.answer).toMatch(/^HTTP\/1.1 503 /);
  upload.request.end(small.subarray(400_000));
  expect((await upload.answer).status).toBe(204);
  expect(Buffer.from(await download.arrayBuffer()).equals(bytes)).toBe(true);
  expect(await server.exited).toEqual({ code: 0, signal: null });

  expect(await findDamage(installation.db, installation.imagesDir)).toEqual([]);
  const again = await installation.serve();
  expect((await fetchBytes(again, id)).equals(small)).toBe(true);
});

test.skipIf(long.skip)(
  `a transfer that outlives the patience is ended, and its image given back before the process ends${long.why}`,
  async () => {
    const server = await installation.serve({ env: { VITRINE_DRAIN_SECONDS: '1' } });
    const id = await newImage(server);
    const upload = beginUpload(server, id, { length: small.length });
    await send(upload, small.subarray(0, 400_000));
    await until(async () => (await findImage(server, id))?.status === 'SAVING');
    expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
    await expect(upload.answer).rejects.toThrow();
    // Nobody had to wait for a lease.
    expect(await findDamage(installation.db, installation.imagesDir)).toEqual([]);
  },
);

test.skipIf(long.skip)(
  `a second signal ends it without patience, with nothing left over${long.why}`,
  async () => {
    const server = await installation.serve();
    const id = await newImage(server);
    const upload = beginUpload(server, id, { length: small.length });
    await send(upload, small.subarray(0, 400_000));
    await until(async () => (await findImage(server, id))?.status === 'SAVING');
    server.child.kill('SIGTERM');
    await until(() => isClosed(server));
    expect(await server.end('SIGINT')).toEqual({ code: 0, signal: null });
    expect(await findDamage(installation.db, installation.imagesDir)).toEqual([]);
  },
);

test.skipIf(long.skip)(`it ends as well while the database is away${long.why}`, async () => {
  const database = inject('database');
  const proxy = await databaseProxy(database);
  const away = await anInstallation(database, { via: proxy.through });
  try {
    const server = await away.serve({ env: { VITRINE_DRAIN_SECONDS: '1' } });
    const id = await newImage(server);
    const upload = beginUpload(server, id, { length: small.length });
    await send(upload, small.subarray(0, 400_000));
    await until(async () => (await findImage(server, id))?.status === 'SAVING');
    await proxy.close();
    expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
  } finally {
    await away.remove();
  }
});

const more = only({ from: 'ci' });

test.skipIf(more.skip)(
  `stopped under load, again and again, it loses nothing that was acknowledged${more.why}`,
  { timeout: 600_000 },
  async () => {
    for (let round = 0; round < sized({ quick: 0, ci: 5, full: 100 }); round++) {
      const server = await installation.serve();
      const load = startLoad(server, 6);
      await until(() => load.created() > 20);
      expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
      await load.stop();
      // Nobody answers any more: that is all that clients may have seen.
      const refusals = /ECONNREFUSED|ECONNRESET|EPIPE|fetch failed|socket hang up|upload: 503/;
      expect(load.unexpected.filter((text) => !refusals.test(text))).toEqual([]);
      const again = await installation.serve();
      expect(await load.findLosses(again)).toEqual([]);
      expect(await findDamage(installation.db, installation.imagesDir)).toEqual([]);
      await again.end('SIGTERM');
    }
  },
);
