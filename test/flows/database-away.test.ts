/**
 * A database that breaks connections, loses answers, is restarted or refuses to write, under clients that go on
 * working: what was acknowledged stays, the rest is refused for now, and the service heals by itself.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { transaction } from '../../src/db/client.ts';
import { someBytes } from '../support/bytes.ts';
import { findDamage } from '../support/damage.ts';
import { type DatabaseProxy, databaseProxy, type Moment } from '../support/database-proxy.ts';
import { beginUpload, fetchBytes, findImage, mutate, newImage, put, send } from '../support/images.ts';
import { anInstallation, type Installation, type Serving } from '../support/installation.ts';
import { startLoad } from '../support/load.ts';
import { aCluster, postgresPrograms } from '../support/postgres.ts';
import { only, sized } from '../support/size.ts';
import { until } from '../support/until.ts';

const bytes = someBytes(1_000_000);
const publishing = /update "image_copies"/;

async function isReady({ url }: Serving): Promise<boolean> {
  return (await fetch(`${url}/readyz`)).status === 200;
}

/** Nothing is lost, nothing is left over, and the process is the one that was started. */
async function expectAllWell(
  installation: Installation,
  server: Serving,
  load: ReturnType<typeof startLoad>,
) {
  expect(load.unexpected).toEqual([]);
  expect(server.child.exitCode).toBe(null);
  expect(await load.findLosses()).toEqual([]);
  await installation.endLeases();
  await installation.reapNow();
  await until(async () => (await findDamage(installation.db, installation.imagesDir)).length === 0);
}

describe('a connection that breaks', () => {
  let proxy: DatabaseProxy;
  let installation: Installation;
  let server: Serving;
  beforeAll(async () => {
    const database = inject('database');
    proxy = await databaseProxy(database);
    installation = await anInstallation(database, { via: proxy.through });
    server = await installation.serve();
  });
  afterAll(async () => {
    await installation.remove();
    await proxy.close();
  });

  test.each<[Moment, string]>([
    ['asked', 'before PostgreSQL got it'],
    ['done', 'before its answer came'],
  ])('at the publishing commit (%s: %s) costs a moment and not the upload', async (moment) => {
    const id = await newImage(server);
    const stopped = proxy.stopAtCommit(moment, publishing);
    const answer = put(server, id, bytes);
    await stopped;
    proxy.cut();
    expect(await answer).toEqual({ status: 204, body: '' });
    expect((await fetchBytes(server, id)).equals(bytes)).toBe(true);
    expect(await findDamage(installation.db, installation.imagesDir)).toEqual([]);
  });

  test('at the commit of a change is told as unavailable, and the change is there or not, whole', async () => {
    const id = await newImage(server);
    for (const moment of ['asked', 'done'] as const) {
      const stopped = proxy.stopAtCommit(moment, /update "images"/);
      const change = mutate(server, 'updateImage', {
        id,
        tags: [moment],
        properties: [{ name: 'p', value: moment }],
      });
      change.catch(() => {});
      await stopped;
      proxy.cut();
      await expect(change).rejects.toThrow('UNAVAILABLE');
      expect((await findImage(server, id))?.tags).toEqual(moment === 'asked' ? [] : ['done']);
    }
  });

  test('again and again, under load, loses nothing that was acknowledged', async () => {
    const load = startLoad(server, 6);
    for (let cut = 0; cut < sized({ quick: 2, ci: 40, full: 2_000 }); cut++) {
      const before = load.created();
      await until(() => load.created() > before + 2);
      await sleep(Math.random() * 100);
      proxy.cut();
    }
    await load.stop();
    await expectAllWell(installation, server, load);
  });

  test('for good, to a database that only reads: changes are unavailable, the rest goes on, until it writes again', async () => {
    const id = await newImage(server);
    expect((await put(server, id, bytes)).status).toBe(204);
    const [{ name } = { name: '' }] = await installation.db.query<{ name: string }>(
      'select current_database() as name',
      [],
    );
    await installation.db.query(`alter database ${name} set default_transaction_read_only = on`, []);
    proxy.cut();
    await expect(newImage(server)).rejects.toThrow('UNAVAILABLE');
    expect((await fetchBytes(server, id)).equals(bytes)).toBe(true);
    await transaction(installation.db, async (tx) => {
      await tx.execute('set transaction read write');
      await tx.execute(`alter database ${name} reset default_transaction_read_only`);
    });
    proxy.cut();
    await newImage(server);
  });
});

const long = only({ from: 'full' });

test.skipIf(long.skip)(
  `a database that was away for a minute finds everything at work again${long.why}`,
  { timeout: 300_000 },
  async () => {
    const database = inject('database');
    const proxy = await databaseProxy(database);
    const installation = await anInstallation(database, { via: proxy.through });
    try {
      const server = await installation.serve();
      const id = await newImage(server);
      const upload = beginUpload(server, id, { length: bytes.length });
      await send(upload, bytes.subarray(0, 400_000));
      await until(async () => (await findImage(server, id))?.status === 'SAVING');
      proxy.refuse(true);
      proxy.cut();
      upload.reset();
      await sleep(60_000);
      expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
      proxy.refuse(false);
      await until(() => isReady(server));
      // Its own tasks have to come back to life for this.
      await until(async () => (await findImage(server, id))?.status === 'QUEUED');
      await until(async () => (await findDamage(installation.db, installation.imagesDir)).length === 0);
      expect((await put(server, id, bytes)).status).toBe(204);
      expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
    } finally {
      await installation.remove();
      await proxy.close();
    }
  },
);

const more = only({ from: 'ci', when: { "Debian's PostgreSQL": () => postgresPrograms() !== null } });

test.skipIf(more.skip)(
  `an immediate restart under load, again and again, loses nothing that was acknowledged${more.why}`,
  { timeout: 900_000 },
  async () => {
    const cluster = await aCluster();
    const installation = await anInstallation(cluster.address, { isBare: true });
    try {
      const server = await installation.serve();
      const load = startLoad(server, 8);
      for (let restart = 0; restart < sized({ quick: 0, ci: 6, full: 100 }); restart++) {
        const before = load.created();
        await until(() => load.created() > before + 10);
        await cluster.restart('immediate');
        await until(() => isReady(server));
      }
      await load.stop();
      expect(load.refused()).toBeGreaterThan(0);
      await expectAllWell(installation, server, load);
    } finally {
      await installation.remove();
      await cluster.remove();
    }
  },
);
