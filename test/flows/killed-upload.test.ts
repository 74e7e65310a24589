/**
 * The server killed (SIGKILL) at every step of an upload. Whatever the moment: no answer said that the bytes are
 * there when they are not, the restarted server gives the image back for a retry or has it exactly, and nothing
 * is in the store that no row knows of.
 */
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import type { DieAt } from '../support/breakable-server.ts';
import { someBytes } from '../support/bytes.ts';
import { findDamage } from '../support/damage.ts';
import { type DatabaseProxy, databaseProxy, type Moment } from '../support/database-proxy.ts';
import { beginUpload, fetchBytes, findImage, mutate, newImage, put, send } from '../support/images.ts';
import { anInstallation, type Installation, type Serving } from '../support/installation.ts';
import { only, sized } from '../support/size.ts';
import { until } from '../support/until.ts';

let proxy: DatabaseProxy;
let installation: Installation;
beforeEach(async () => {
  const database = inject('database');
  proxy = await databaseProxy(database);
  installation = await anInstallation(database, { via: proxy.through });
});
afterEach(async () => {
  await installation.remove();
  await proxy.close();
});

const bytes = someBytes(3_000_000);
const publishing = /update "image_copies"/;

/** Starts again after a kill and lets the reaper, which begins by itself, do its work. */
async function restart(): Promise<Serving> {
  await installation.endLeases();
  const server = await installation.serve({ breakable: true });
  await until(async () => (await findDamage(installation.db, installation.imagesDir)).length === 0);
  return server;
}

function arm(server: Serving, order: DieAt): Promise<unknown> {
  const armed = new Promise((resolve) => server.child.once('message', resolve));
  server.child.send(order);
  return armed;
}

const steps: [name: string, order: DieAt][] = [
  ['before the store was told', { call: 'create', nth: 1, when: 'before' }],
  ['before the first byte', { call: 'create', nth: 1, when: 'after' }],
  ['in the middle', { call: 'write', nth: 3, when: 'after' }],
  ['after the last byte', { call: 'commit', nth: 1, when: 'before' }],
  ['when the file is there and no row says so', { call: 'commit', nth: 1, when: 'after' }],
];

test('a server killed before it published gives the image back, and the retry works', {
  timeout: 120_000,
}, async () => {
  let server = await installation.serve({ breakable: true });
  for (const [name, order] of steps) {
    const id = await newImage(server, { name });
    await arm(server, order);
    await expect(put(server, id, bytes), name).rejects.toThrow();
    expect(await server.exited, name).toMatchObject({ signal: 'SIGKILL' });

    server = await restart();
    expect(await findImage(server, id), name).toMatchObject({
      status: 'QUEUED',
      size: null,
      checksum: null,
      digests: [],
    });
    expect(await put(server, id, bytes), name).toEqual({ status: 204, body: '' });
    expect((await fetchBytes(server, id)).equals(bytes), name).toBe(true);
  }
  expect(await findDamage(installation.db, installation.imagesDir)).toEqual([]);
});

const moments: [Moment, after: string][] = [
  ['asked', 'QUEUED'],
  ['done', 'ACTIVE'],
];

test.each(moments)(
  'killed when the publishing commit is %s, the image is %s after the restart',
  async (moment, status) => {
    const server = await installation.serve();
    const id = await newImage(server);
    const stopped = proxy.stopAtCommit(moment, publishing);
    const answer = put(server, id, bytes);
    answer.catch(() => {});
    await stopped;
    await server.end('SIGKILL');
    await expect(answer).rejects.toThrow();
    proxy.cut();

    const again = await restart();
    expect(await findImage(again, id)).toMatchObject({ status });
    expect((await put(again, id, bytes)).status).toBe(status === 'QUEUED' ? 204 : 409);
    expect((await fetchBytes(again, id)).equals(bytes)).toBe(true);
  },
);

test('a server killed while it removes the bytes of a deleted image leaves them to the next', async () => {
  let server = await installation.serve({ breakable: true });
  for (const when of ['before', 'after'] as const) {
    const id = await newImage(server);
    expect((await put(server, id, bytes)).status).toBe(204);
    await arm(server, { call: 'remove', nth: 1, when });
    // The task that removes may be quicker than the answer.
    await mutate(server, 'deleteImage', { id }).catch(() => {});
    await server.exited;
    server = await restart();
    expect(await findImage(server, id)).toBe(null);
  }
});

const more = only({ from: 'ci' });

test.skipIf(more.skip)(
  `killed at random moments, many times over${more.why}`,
  { timeout: 600_000 },
  async () => {
    let server = await installation.serve();
    for (let round = 0; round < sized({ quick: 0, ci: 12, full: 300 }); round++) {
      const id = await newImage(server);
      const upload = beginUpload(server, id, { length: bytes.length });
      let acknowledged = false;
      upload.answer.then(
        ({ status }) => {
          acknowledged = status === 204;
        },
        () => {},
      );
      const offset = Math.floor(Math.random() * (bytes.length + 1));
      await send(upload, bytes.subarray(0, offset));
      if (Math.random() < 0.5) upload.request.end(bytes.subarray(offset));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
      await server.end('SIGKILL');

      await installation.endLeases();
      server = await installation.serve();
      await until(async () => (await findDamage(installation.db, installation.imagesDir)).length === 0);
      const status = (await findImage(server, id))?.status;
      expect(acknowledged ? ['ACTIVE'] : ['QUEUED', 'ACTIVE'], `killed after ${offset} bytes`).toContain(
        status,
      );
      if (status === 'QUEUED') expect((await put(server, id, bytes)).status).toBe(204);
      expect((await fetchBytes(server, id)).equals(bytes)).toBe(true);
    }
  },
);
