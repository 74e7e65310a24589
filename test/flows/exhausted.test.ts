/** A process that runs out of descriptors, or whose log nobody takes: requests fail or not, the process stays. */
import { closeSync, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { someBytes } from '../support/bytes.ts';
import { findDamage } from '../support/damage.ts';
import { fetchBytes, newImage, put } from '../support/images.ts';
import { anInstallation, freePort, type Installation, type Serving } from '../support/installation.ts';
import { only } from '../support/size.ts';
import { until } from '../support/until.ts';

/** Each begins and ends the program several times. */
const long = only({ from: 'ci' });

let installation: Installation;
beforeAll(async () => {
  installation = await anInstallation(inject('database'));
});
afterAll(() => installation.remove());

const bytes = someBytes(2_000_000);

async function expectItWorks(server: Serving): Promise<void> {
  const id = await newImage(server);
  expect((await put(server, id, bytes)).status).toBe(204);
  expect((await fetchBytes(server, id)).equals(bytes)).toBe(true);
}

/** Requests of which each leaves a line in the log. */
async function makeNoise({ url }: Serving, requests: number): Promise<void> {
  const one = async () => {
    for (let i = 0; i < requests / 8; i++) expect((await fetch(`${url}/healthz`)).status).toBe(200);
  };
  await Promise.all(Array.from({ length: 8 }, one));
}

test.skipIf(long.skip)(
  `without descriptors it takes nothing new, and works again when there are some${long.why}`,
  async () => {
    // The shell sets both limits, so that the program cannot raise its own.
    const server = await installation.serve({ under: ['bash', '-c', 'ulimit -n 120; exec "$@"', '--'] });
    const { port, hostname } = new URL(server.url);
    const sockets: Socket[] = [];
    for (let i = 0; i < 200; i++) {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => {});
      sockets.push(socket);
      await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
    }
    await until(() => sockets.some((socket) => socket.destroyed || socket.readableEnded));
    for (const socket of sockets) socket.destroy();
    await until(() =>
      fetch(`${server.url}/readyz`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
    await expectItWorks(server);
    expect(await findDamage(installation.db, installation.imagesDir)).toEqual([]);
    expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
  },
);

test.skipIf(long.skip)(`with a log on a full disk it serves and stops as ever${long.why}`, async () => {
  const full = openSync('/dev/full', 'w');
  const server = await installation.serve({ stdout: full, env: { VITRINE_PORT: `${await freePort()}` } });
  closeSync(full);
  await makeNoise(server, 400);
  await expectItWorks(server);
  expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
});

test.skipIf(long.skip)(`with a log that nobody reads it serves and stops as ever${long.why}`, async () => {
  const server = await installation.serve({ stdout: 'unread', env: { VITRINE_PORT: `${await freePort()}` } });
  await makeNoise(server, 2_000);
  await expectItWorks(server);
  server.child.kill('SIGTERM');
  const code = await new Promise((resolve) => server.child.once('exit', resolve));
  expect(code).toBe(0);
});

test.skipIf(long.skip)(`with a log whose reader is gone it serves and stops as ever${long.why}`, async () => {
  const server = await installation.serve();
  server.child.stdout?.destroy();
  server.child.stderr?.destroy();
  await makeNoise(server, 400);
  await expectItWorks(server);
  server.child.kill('SIGTERM');
  const code = await new Promise((resolve) => server.child.once('exit', resolve));
  expect(code).toBe(0);
});
