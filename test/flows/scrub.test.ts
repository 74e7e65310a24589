/** Stored bytes that go bad: found, marked, written anew; rows and objects held against each other. */
import { createHash, randomUUID } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, truncateSync, unlinkSync, writeSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { digestImage } from '../../src/actions/digest-image.ts';
import { type Fault, type Fsck, fsck } from '../../src/actions/fsck.ts';
import { healCopy } from '../../src/actions/heal-copy.ts';
import { reap } from '../../src/actions/reap.ts';
import { asOnlyScrubber, type Finding, scrubBytes, scrubSizes } from '../../src/actions/scrub.ts';
import { scrubOnSchedule } from '../../src/actions/scrub-on-schedule.ts';
import { slowly } from '../../src/actions/slowly.ts';
import { enqueueMissingDigests } from '../../src/db/missing-digests.ts';
import { findStoredCopies } from '../../src/db/stored-copies.ts';
import { inChunks, someBytes } from '../support/bytes.ts';
import { type Copies, copiesServer, type Name, names } from '../support/copies.ts';
import { fetchBytes, findImage, mutate } from '../support/images.ts';
import { sized } from '../support/size.ts';
import { until } from '../support/until.ts';

const bytes = someBytes(300_000);
const rate = 2 ** 30;
const { signal } = new AbortController();
let copies: Copies;
beforeAll(async () => {
  copies = await copiesServer();
});
afterAll(() => copies?.stop());
afterEach(async () => {
  for (const name of names) {
    copies.brittle[name].breakAfter(0, null);
    copies.brittle[name].onChunk = () => {};
  }
  // Each test finds only its own images.
  for (const { id } of await copies.server.app.db.query<{ id: string }>('select id from images', []))
    await mutate(copies.access, 'deleteImage', { id });
  await reap(copies.server.app, { list: false });
  await copies.server.app.db.query('delete from stray_objects', []);
});

const app = () => copies.server.app;

async function deep(more: { limit?: number; olderThanSeconds?: number } = {}): Promise<Finding[]> {
  const found: Finding[] = [];
  const report = (finding: Finding) => found.push(finding);
  const all = {
    rate,
    signal,
    store: null,
    isUnattended: false,
    limit: 1000,
    olderThanSeconds: 0,
    others: true,
    report,
  };
  await scrubBytes(app(), { ...all, ...more });
  return found;
}

async function sizes(): Promise<Finding[]> {
  const found: Finding[] = [];
  const report = (finding: Finding) => found.push(finding);
  const all = { rate, signal, store: null, isUnattended: false, after: null, limit: 10_000 };
  await scrubSizes(app(), { ...all, report });
  return found;
}

async function flip(id: string, name: Name, at: number): Promise<void> {
  const file = openSync(await copies.file(id, name), 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  byte[0] = (byte[0] ?? 0) ^ 1;
  writeSync(file, byte, 0, 1, at);
  closeSync(file);
}

const states = async (id: string) =>
  (await copies.rows(id)).map(({ store, state, damage }) => [store, state, damage?.code ?? null]);
const bothGood = [
  ['far', 'active', null],
  ['near', 'active', null],
];
async function keysOf(name: Name): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of copies.store[name].keys()) keys.push(key);
  return keys.sort();
}

describe('a scrub', () => {
  test('finds a flipped bit wherever it is, and writes the copy anew from the good one', async () => {
    const places = [0, bytes.length - 1, ...sized({ quick: [], ci: [150_000], full: [1, 65_536, 150_000] })];
    for (const at of places) {
      const id = await copies.image(bytes, ['far']);
      await flip(id, 'near', at);
      expect(await sizes()).toEqual([]);
      const before = await keysOf('near');
      expect(await deep()).toMatchObject([
        { image: id, store: 'near', code: 'OTHER_BYTES', outcome: 'healed' },
      ]);
      expect(await states(id)).toEqual(bothGood);
      expect(readFileSync(await copies.file(id, 'near')).equals(bytes)).toBe(true);
      await reap(app(), { list: false });
      const after = await keysOf('near');
      expect([after.length, after.filter((key) => before.includes(key))]).toEqual([1, []]);
      expect(await deep()).toEqual([]);
      await mutate(copies.access, 'deleteImage', { id });
      await reap(app(), { list: false });
    }
  });

  test('of sizes finds what is missing or cut off, and heals it', async () => {
    const id = await copies.image(bytes, ['far', 'third']);
    unlinkSync(await copies.file(id, 'near'));
    truncateSync(await copies.file(id, 'third'), 5);
    const found = (await sizes()).map(({ store, code, outcome }) => [store, code, outcome]).sort();
    expect(found).toEqual([
      ['near', 'MISSING', 'healed'],
      ['third', 'OTHER_SIZE', 'healed'],
    ]);
    expect(await sizes()).toEqual([]);
    for (const name of names) {
      expect(readFileSync(await copies.file(id, name)).equals(bytes)).toBe(true);
    }
  });

  test('marks the only copy and leaves it, until somebody brings the bytes back', async () => {
    const id = await copies.image(bytes);
    await flip(id, 'near', 7);
    expect(await deep()).toMatchObject([{ image: id, outcome: 'no good copy' }]);
    expect(await sizes()).toMatchObject([{ image: id, code: 'OTHER_BYTES', outcome: 'no good copy' }]);
    await expect(fetchBytes(copies.access, id)).rejects.toThrow('410');
    expect(await findImage(copies.access, id)).toMatchObject({ status: 'ACTIVE', size: bytes.length });
    await flip(id, 'near', 7);
    expect(await deep()).toMatchObject([{ image: id, outcome: 'whole' }]);
    expect((await fetchBytes(copies.access, id)).equals(bytes)).toBe(true);
  });

  test('does not heal from a copy that is bad as well', async () => {
    const id = await copies.image(bytes, ['far', 'third']);
    unlinkSync(await copies.file(id, 'near'));
    await flip(id, 'far', 100);
    const found = await sizes(); // far looks good by its size, and is found out while it is read
    expect(found).toMatchObject([{ store: 'near', outcome: 'healed' }]);
    expect(await states(id)).toEqual([
      ['far', 'failed', 'OTHER_BYTES'],
      ['near', 'active', null],
      ['third', 'active', null],
    ]);
    expect(readFileSync(await copies.file(id, 'near')).equals(bytes)).toBe(true);
  });

  test('takes a store that does not answer for no damage', async () => {
    const id = await copies.image(bytes, ['far']);
    copies.brittle.near.breakAfter(1000, 'hangs');
    copies.brittle.far.breakAfter(1000, 'ends');
    const found = (await deep()).map(({ code, outcome }) => [code, outcome]);
    expect(found).toEqual([
      ['UNAVAILABLE', 'unknown'],
      ['UNAVAILABLE', 'unknown'],
    ]);
    expect(await states(id)).toEqual(bothGood);
  });

  test('goes on with what was not read for the longest time', async () => {
    const ids = [await copies.image(bytes), await copies.image(bytes), await copies.image(bytes)];
    await deep({ limit: 2 });
    const verified = async () =>
      (await Promise.all(ids.map((id) => copies.rows(id)))).map(([row]) => row?.verified);
    expect(await verified()).toEqual([true, true, false]);
    await deep({ limit: 1 });
    expect(await verified()).toEqual([true, true, true]);
    await flip(ids[0] ?? '', 'near', 1);
    expect(await deep({ olderThanSeconds: 3600 })).toEqual([]);
  });

  test('says nothing of an image that is deleted meanwhile', async () => {
    const id = await copies.image(bytes, ['far']);
    copies.brittle.near.onChunk = async () => {
      copies.brittle.near.onChunk = () => {};
      await mutate(copies.access, 'deleteImage', { id });
      await reap(app(), { list: false });
    };
    expect(await deep()).toEqual([]);
  });

  test('is done by one at a time', async () => {
    const inside = await asOnlyScrubber(app(), signal, async () => {
      expect(await asOnlyScrubber(app(), signal, async () => {})).toBe(false);
    });
    expect(inside).toBe(true);
    expect(await asOnlyScrubber(app(), signal, async () => {})).toBe(true);
  });

  test('by the settings looks at all sizes once a period, and reads what is old', async () => {
    const id = await copies.image(bytes, ['far']);
    unlinkSync(await copies.file(id, 'near'));
    const settings = (sizesMs: number | null, deepMs: number | null) => ({
      ...app(),
      scrub: { sizesMs, deepMs, rate, digestRate: rate },
    });
    expect(await scrubOnSchedule(settings(3_600_000, null), signal)).toBe(false);
    expect(await states(id)).toEqual(bothGood);
    unlinkSync(await copies.file(id, 'near'));
    await scrubOnSchedule(settings(3_600_000, 3_600_000), signal); // not yet again
    expect((await copies.rows(id)).map(({ state, verified }) => [state, verified])).toEqual([
      ['active', false],
      ['active', true],
    ]);
    await scrubOnSchedule(settings(null, 0), signal);
    expect((await copies.rows(id)).every(({ verified }) => verified)).toBe(true);
  });

  test('by the settings does not fill a store that is empty all at once; by hand it does', async () => {
    const small = bytes.subarray(0, 10);
    const ids = await Promise.all(Array.from({ length: 13 }, () => copies.image(small, ['far'])));
    for (const id of ids) unlinkSync(await copies.file(id, 'near'));
    await copies.server.app.db.query(`delete from installation where name = 'scrub_sizes'`, []);
    const scrub = { sizesMs: 3_600_000, deepMs: null, rate, digestRate: rate };
    await scrubOnSchedule({ ...app(), scrub }, signal);
    const failed = async () =>
      (await Promise.all(ids.map(states))).flat().filter(([, one]) => one === 'failed');
    expect((await failed()).length).toBe(3);
    expect(copies.server.logged.some((line) => line.includes('is it mounted?'))).toBe(true);
    expect((await sizes()).map(({ outcome }) => outcome)).toEqual(['healed', 'healed', 'healed']);
    expect(await failed()).toEqual([]);
  });

  test('reads no faster than it may', async () => {
    const start = performance.now();
    for await (const _chunk of slowly(inChunks(bytes, 10_000), 1_000_000, signal));
    expect(performance.now() - start).toBeGreaterThan(250);
  });

  const timeout = sized({ quick: 30_000, ci: 60_000, full: 3_600_000 });
  test('of flips and cuts at random finds every one', { timeout }, async () => {
    const count = sized({ quick: 4, ci: 50, full: 2000 });
    const ids = await Promise.all(
      Array.from({ length: count }, () => copies.image(bytes.subarray(0, 5000), ['far'])),
    );
    for (const [n, id] of ids.entries()) {
      const name = n % 2 ? 'near' : 'far';
      if (n % 3 === 0) truncateSync(await copies.file(id, name), (n * 7919) % 5000);
      else await flip(id, name, (n * 7919) % 5000);
    }
    const found = await deep();
    expect(new Set(found.map(({ image }) => image))).toEqual(new Set(ids));
    expect(found.every(({ outcome }) => outcome === 'healed')).toBe(true);
    expect(await deep()).toEqual([]);
  });
});

describe('healing', () => {
  const begun = async (id: string) => {
    unlinkSync(await copies.file(id, 'near'));
    await fetchBytes(copies.access, id); // marks it
    const damaged = (await findStoredCopies(app().db, id)).find(({ store }) => store === 'near');
    if (!damaged) throw new Error('not damaged');
    return damaged;
  };

  test('by two at once is done once', async () => {
    const id = await copies.image(bytes, ['far']);
    const damaged = await begun(id);
    const outcomes = await Promise.all([1, 2, 3].map(() => healCopy(app(), damaged, { rate, signal })));
    expect(outcomes.sort()).toEqual(['healed', 'left', 'left']);
    await reap(app(), { list: false });
    expect((await keysOf('near')).length).toBe(1);
  });

  test('of an image that is deleted meanwhile leaves nothing', async () => {
    const id = await copies.image(bytes, ['far']);
    const damaged = await begun(id);
    copies.brittle.far.onChunk = async () => {
      await mutate(copies.access, 'deleteImage', { id });
      copies.brittle.far.onChunk = () => {};
    };
    expect(await healCopy(app(), damaged, { rate, signal })).toBe('left');
    await reap(app(), { list: false });
    expect([await keysOf('near'), await keysOf('far')]).toEqual([[], []]);
  });

  test('that fell silent is given up, and does no harm when it wakes', async () => {
    const id = await copies.image(bytes, ['far']);
    const damaged = await begun(id);
    let wake = () => {};
    const asleep = new Promise<void>((resolve) => {
      copies.brittle.far.onChunk = async () => {
        resolve();
        await new Promise<void>((go) => {
          wake = go;
        });
      };
    });
    const slow = {
      ...app(),
      stores: { ...app().stores, get: (name: string) => copies.brittle[name as Name] },
    };
    const healing = healCopy(slow, damaged, { rate, signal });
    await asleep;
    copies.brittle.far.onChunk = () => {};
    expect(await healCopy(app(), damaged, { rate, signal })).toBe('left'); // it is in hand
    await app().db.query(
      `update image_copies set lease_until = now() - interval '1 s' where lease_until is not null`,
      [],
    );
    await reap(app(), { list: false });
    expect(await healCopy(app(), damaged, { rate, signal })).toBe('healed');
    wake();
    expect(await healing.catch(() => 'left')).toBe('left');
    await reap(app(), { list: false });
    expect((await copies.rows(id)).map(({ state }) => state)).toEqual(['active', 'active']);
    expect((await keysOf('near')).length).toBe(1);
    expect((await fetchBytes(copies.access, id)).equals(bytes)).toBe(true);
  });
});

describe('the SHA-256 of an image', () => {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const jobs = (id: string) =>
    app().db.query<{ due: boolean }>(
      `select run_at > now() + interval '30 s' as due from graphile_worker.jobs where key = $1::text`,
      [`digest:${id}`],
    );

  test('is asked for when it is published, and added without a change of revision', async () => {
    const id = await copies.image(bytes);
    expect(await jobs(id)).toEqual([{ due: true }]);
    const before = await findImage(copies.access, id);
    await digestImage(app(), id, { rate, signal });
    const after = await findImage(copies.access, id);
    expect(after).toMatchObject({ revision: before?.revision });
    expect(after?.digests).toContainEqual({ algorithm: 'sha256', value: sha256 });
    expect((await copies.rows(id))[0]?.verified).toBe(true);
    copies.brittle.near.breakAfter(0, null);
    await digestImage(app(), id, { rate, signal });
    expect(copies.brittle.near.beginnings).toEqual([]);
  });

  test('is made by the queue, beside the one that scrubs', async () => {
    const id = await copies.image(bytes);
    const now = `select graphile_worker.add_job($1::text, $2::json, queue_name => $3::text, job_key => $4::text)`;
    const payload = JSON.stringify({ imageId: id });
    await app().db.query(now, ['digest_image', payload, 'digests', `digest:${id}`]);
    await until(async () => (await copies.rows(id))[0]?.verified);
    const digests = (await findImage(copies.access, id))?.digests;
    expect(digests).toContainEqual({ algorithm: 'sha256', value: sha256 });
    await app().db.query(now, ['scrub', '{}', 'scrub', 'scrub']);
    const next = `select 1 from graphile_worker.jobs where key = 'scrub' and run_at > now() + interval '30 s'`;
    await until(async () => (await app().db.query(next, [])).length > 0);
  });

  test('is taken from a good copy; one with other bytes is marked in place of it', async () => {
    const id = await copies.image(bytes, ['far']);
    await flip(id, 'near', 9);
    await digestImage(app(), id, { rate, signal });
    expect((await findImage(copies.access, id))?.digests).toContainEqual({
      algorithm: 'sha256',
      value: sha256,
    });
    expect(await states(id)).toEqual([
      ['far', 'active', null],
      ['near', 'failed', 'OTHER_BYTES'],
    ]);
  });

  test('waits for a store that is away, and is no matter for an image that is gone', async () => {
    const id = await copies.image(bytes);
    copies.brittle.near.breakAfter(10, 'refuses');
    await expect(digestImage(app(), id, { rate, signal })).rejects.toThrow('broke off');
    copies.brittle.near.breakAfter(0, null);
    const stopping = new AbortController();
    copies.brittle.near.onChunk = () => stopping.abort(new Error('stop'));
    await expect(digestImage(app(), id, { rate: 1000, signal: stopping.signal })).rejects.toThrow('stop');
    copies.brittle.near.onChunk = async () => {
      copies.brittle.near.onChunk = () => {};
      await mutate(copies.access, 'deleteImage', { id });
    };
    await digestImage(app(), id, { rate, signal });
    await digestImage(app(), randomUUID(), { rate, signal });
    expect(await states(id)).toEqual([]);
  });

  test('of images from before is found', async () => {
    const id = await copies.image(bytes);
    await app().db.query(
      `select graphile_worker.complete_jobs(array(select id from graphile_worker.jobs where key = $1::text))`,
      [`digest:${id}`],
    );
    expect(await enqueueMissingDigests(app().db)).toBe(0);
    await app().db.query(`update image_copies set created_at = now() - interval '1 hour'`, []);
    expect(await enqueueMissingDigests(app().db)).toBe(1);
    expect((await jobs(id)).length).toBe(1);
  });
});

describe('fsck', () => {
  async function check(more: Partial<Fsck> = {}): Promise<Fault[]> {
    const found: Fault[] = [];
    const report = (fault: Fault) => void found.push(fault);
    await fsck(app(), { rate, signal, store: null, repair: false, report, ...more });
    return found;
  }

  test('tells of rows without objects and of other sizes, and heals on request only', async () => {
    const id = await copies.image(bytes, ['far', 'third']);
    expect(await check()).toEqual([]);
    unlinkSync(await copies.file(id, 'near'));
    truncateSync(await copies.file(id, 'third'), 1);
    const both = [
      { kind: 'ROW_WITHOUT_OBJECT', store: 'near', image: id },
      { kind: 'OTHER_SIZE', store: 'third', image: id },
    ];
    expect(await check()).toMatchObject(both.map((one) => ({ ...one, outcome: 'found' })));
    expect((await states(id)).every(([, state]) => state === 'active')).toBe(true);
    expect(await check({ repair: true })).toMatchObject(both.map((one) => ({ ...one, outcome: 'healed' })));
    expect(await check()).toEqual([]);
  });

  test('tells of objects without a row, and removes none before its grace is over', async () => {
    // As after an older database was restored: the image is not known, its bytes are there.
    const id = await copies.image(bytes);
    const [row] = await copies.rows(id);
    await app().db.query('delete from images where id = $1::uuid', [id]);
    await app().db.query('delete from stray_objects', []);
    const [found] = await check();
    expect(found).toEqual({
      kind: 'OBJECT_WITHOUT_ROW',
      store: 'near',
      key: row?.key,
      since: null,
      outcome: 'found',
    });
    expect(await check({ repair: true })).toMatchObject([{ outcome: 'waits' }]);
    expect(await check({ repair: true })).toMatchObject([{ outcome: 'waits' }]);
    expect(await keysOf('near')).toEqual([row?.key]);
    await app().db.query(`update stray_objects set seen_at = now() - interval '2 hours'`, []);
    expect(await check()).toMatchObject([{ outcome: 'found' }]);
    expect(await check({ repair: true })).toMatchObject([{ outcome: 'removed' }]);
    expect(await keysOf('near')).toEqual([]);
  });

  test('goes on when a store is away, and knows of stores that the settings do not', async () => {
    const id = await copies.image(bytes, ['far']);
    await app().db.query(`update image_copies set store = 'old' where store = 'far'`, []);
    const stat = copies.brittle.near.stat;
    copies.brittle.near.stat = () => new Promise(() => {});
    try {
      const impatient = await check();
      expect(impatient.map(({ kind, store }) => [kind, store])).toEqual([
        ['STORE_UNKNOWN', 'old'],
        ['STORE_UNAVAILABLE', 'near'],
        ['OBJECT_WITHOUT_ROW', 'far'],
      ]);
    } finally {
      copies.brittle.near.stat = stat;
    }
    expect((await fetchBytes(copies.access, id)).length).toBe(bytes.length);
  });
});
