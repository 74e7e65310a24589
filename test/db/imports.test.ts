/** The ends of an attempt: exactly one counts, and none takes away what another has published. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importImage } from '../../src/actions/import-image.ts';
import { reap } from '../../src/actions/reap.ts';
import { failRun, publishRun, putBackRun } from '../../src/db/import-ends.ts';
import { beginRun, type ImportRun } from '../../src/db/imports.ts';
import { beat, findTask } from '../../src/db/tasks.ts';
import { callerWith } from '../../src/domain/caller.ts';
import { queueOfMachine } from '../../src/domain/import.ts';
import { anImage } from '../support/an-image.ts';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  // Nobody takes the tasks up but the tests.
  server = await aServer({ env: { VITRINE_TASKS: 'off' } });
});
afterAll(() => server.stop());

const caller = callerWith({ user: 'u', project: 'blue', roles: ['member'] });
const failure = { code: 'X', message: 'It failed.', at: '2026-01-01T00:00:00.000000Z' };
const bytes = { size: 3, digests: { md5: 'aa' }, failed: {}, change: {}, message: null };
let keys = 0;
const newKey = (id: string) => `${id}.${keys++}`;

async function aTask(): Promise<{ id: string; imageId: string }> {
  const imageId = await anImage(server.app, { status: 'queued' });
  const { task } = await importImage(server.app, caller, {
    id: imageId,
    method: { name: 'web-download', url: 'https://example.org/', digest: null },
    stores: null,
    allStores: false,
    allMustSucceed: true,
  });
  return { id: task.id, imageId };
}

async function begun(id: string): Promise<ImportRun> {
  const run = await beginRun(server.app.db, id, newKey);
  if (!run) throw new Error('The task is over.');
  return run;
}

const published = (run: ImportRun) => ({ ...bytes, written: run.targets.map((target) => target.id) });
const strays = () => server.app.db.query<{ key: string }>('select key from stray_objects order by key', []);

test('what was published is not taken back by an attempt that did not hear of it', async () => {
  const { db } = server.app;
  const { id } = await aTask();
  const run = await begun(id);
  expect(await publishRun(db, run, published(run))).toBe('done');
  expect(await publishRun(db, run, published(run))).toBe('published');
  expect(await failRun(db, run, failure)).toBe('published');
  expect(await putBackRun(db, run, { seconds: 0, message: null, failed: true })).toBe('published');
  expect((await strays()).map(({ key }) => key)).not.toContain(run.targets[0]?.key);
  expect(await findTask(db, id)).toMatchObject({ status: 'success' });
});

test('an attempt that another one took over can end nothing, and its object goes', async () => {
  const { db } = server.app;
  const { id, imageId } = await aTask();
  const first = await begun(id);
  const second = await begun(id);
  expect(second.attempt).toBe(first.attempt + 1);
  expect(await publishRun(db, first, published(first))).toBe('lost');
  expect(await failRun(db, first, failure)).toBe('lost');
  expect((await strays()).map(({ key }) => key)).toContain(first.targets[0]?.key);
  expect(await publishRun(db, second, published(second))).toBe('done');
  const [image] = await db.query<{ status: string }>('select status from images where id = $1::uuid', [
    imageId,
  ]);
  expect(image?.status).toBe('active');
  expect(await beginRun(db, id, newKey)).toBeNull();
});

test('what a store has of a copy that was left out goes, although the copy is still shown', async () => {
  const { app } = server;
  const { id } = await aTask();
  const run = await begun(id);
  const [target] = run.targets;
  if (!target) throw new Error('There is no target.');
  // Written whole, and nobody heard of it.
  const writer = await app.stores.default.create(target.key, { size: null });
  await writer.write(new Uint8Array(3));
  await writer.commit();
  expect(await publishRun(app.db, run, { ...bytes, written: [] })).toBe('done');
  await reap(app, { list: false });
  await expect(app.stores.default.stat(target.key)).rejects.toThrow(/nothing under/);
});

test('a damaged copy is not given up for one that is still to be made', async () => {
  const { app } = server;
  const imageId = await anImage(app, { size: 3 });
  await app.db.query(
    `insert into image_copies (image_id, store, key, state, size, damage)
     values ($1::uuid, $2::text, 'aa.1', 'failed', 3, '{"code":"MISSING","message":"gone","at":"2026-01-01"}')`,
    [imageId, app.stores.default.id],
  );
  const admin = callerWith({ user: 'u', project: 'admin', roles: ['admin'] });
  const copying = importImage(app, admin, {
    id: imageId,
    method: { name: 'copy-image' },
    stores: [app.stores.default.id],
    allStores: false,
    allMustSucceed: true,
  });
  await expect(copying).rejects.toMatchObject({ code: 'ALREADY_EXISTS', message: /damaged copy/ });
  expect(await app.db.query('select 1 from image_copies where image_id = $1::uuid', [imageId])).toHaveLength(
    1,
  );
});

test('workers that stop and attempts that fail are no workers that died', async () => {
  const { db } = server.app;
  const { id } = await aTask();
  await putBackRun(db, await begun(id), { seconds: 9, message: null, failed: false });
  await putBackRun(db, await begun(id), { seconds: 9, message: 'x', failed: true });
  expect(await begun(id)).toMatchObject({ attempt: 3, failures: 1, deaths: 0 });
  expect(await begun(id)).toMatchObject({ attempt: 4, failures: 1, deaths: 1 });
});

test('what is staged and never imported is given up after a week', async () => {
  const { app } = server;
  const imageId = await anImage(app, { status: 'uploading' });
  await app.db.query(
    `insert into image_copies (image_id, store, key, state, size, created_at)
     values ($1::uuid, $2::text, 'ab.1', 'staged', 3, now() - interval '8 days')`,
    [imageId, app.stores.staging.id],
  );
  await reap(app, { list: false });
  const [image] = await app.db.query('select status, failure from images where id = $1::uuid', [imageId]);
  expect(image).toMatchObject({ status: 'queued', failure: { code: 'STAGE_EXPIRED' } });
});

test('what is staged on a machine that does not come back fails after a day, and can be staged again', async () => {
  const { app } = server;
  const { db } = app;
  const imageId = await anImage(app, { status: 'uploading' });
  const store = 'staging-elsewhere';
  await db.query(
    `insert into image_copies (image_id, store, key, state, size) values ($1::uuid, $2::text, 'ac.1', 'staged', 3)`,
    [imageId, store],
  );
  const { task } = await importImage(app, caller, {
    id: imageId,
    method: { name: 'glance-direct' },
    stores: null,
    allStores: false,
    allMustSucceed: true,
  });
  const queue = queueOfMachine(store);
  const hoursLater = (hours: number) =>
    db.query(
      `update tasks set updated_at = updated_at - make_interval(hours => $2::int) where id = $1::uuid`,
      [task.id, hours],
    );
  const status = async () => {
    await reap(app, { list: false });
    return (await findTask(db, task.id))?.status;
  };
  await hoursLater(23);
  expect(await status()).toBe('pending');
  await hoursLater(2);
  await beat(db, [queue]); // it lives, and has other things to do
  expect(await status()).toBe('pending');
  await db.query(`update workers set seen_at = now() - interval '25 hours' where id = $1::text`, [queue]);
  expect(await status()).toBe('failure');
  expect(await findTask(db, task.id)).toMatchObject({
    message: expect.stringContaining('stage it again'),
    result: { failure: { code: 'MACHINE_LOST' } },
  });
  const [image] = await db.query('select status, failure from images where id = $1::uuid', [imageId]);
  expect(image).toMatchObject({ status: 'queued', failure: { code: 'MACHINE_LOST' } });
  expect(await db.query('select 1 from image_copies where image_id = $1::uuid', [imageId])).toEqual([]);
  expect((await strays()).map(({ key }) => key)).toContain('ac.1'); // for when it comes back after all
  expect(
    await db.query('select 1 from graphile_worker.jobs where key = $1::text', [`task:${task.id}`]),
  ).toEqual([]);
  expect(await beginRun(db, task.id, newKey)).toBeNull();
});

test('an image that gets properties while it is imported has no more than it can have', async () => {
  const { db } = server.app;
  const { id, imageId } = await aTask();
  const run = await begun(id);
  const many = (prefix: string, count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`${prefix}${n}`, 'x']));
  await db.query('update images set properties = $2::jsonb where id = $1::uuid', [imageId, many('own', 120)]);
  const properties = { ...many('found', 100), own3: 'other' };
  expect(await publishRun(db, run, { ...published(run), change: { properties } })).toBe('done');
  const [image] = await db.query<{ properties: Record<string, string> }>(
    'select properties from images where id = $1::uuid',
    [imageId],
  );
  expect(Object.keys(image?.properties ?? {}).length).toBe(128);
  expect(image?.properties).toMatchObject({ own119: 'x', own3: 'x', found7: 'x' });
});

test('a hundred tasks of an image are remembered, and no more', async () => {
  const { id, imageId } = await aTask();
  const { db } = server.app;
  await failRun(db, await begun(id), failure);
  await db.query(
    `insert into tasks (type, status, image_id, queue) select 'api_image_import', 'failure', $1::uuid, 'import'
     from generate_series(1, 150)`,
    [imageId],
  );
  await importImage(server.app, caller, {
    id: imageId,
    method: { name: 'web-download', url: 'https://example.org/', digest: null },
    stores: null,
    allStores: false,
    allMustSucceed: true,
  });
  expect(await db.query('select 1 from tasks where image_id = $1::uuid', [imageId])).toHaveLength(100);
});
