/** Stored bytes that go bad: found, marked, written anew; rows and objects held against each other. */
import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { digestImage } from '../../src/actions/digest-image.ts';
import { type Fault, type Fsck, fsck } from '../../src/actions/fsck.ts';
import { healCopy } from '../../src/actions/heal-copy.ts';
import { reap } from '../../src/actions/reap.ts';
import { asOnlyScrubber, type Finding, scrubBytes, scrubSizes } from '../../src/actions/scrub.ts';
import { scrubOnSchedule } from '../../src/actions/scrub-on-schedule.ts';
import { byteRate, slowly } from '../../src/actions/slowly.ts';
import { transaction } from '../../src/db/client.ts';
import { enqueueMissingDigests } from '../../src/db/missing-digests.ts';
import { findStoredCopies, markWhole } from '../../src/db/stored-copies.ts';
import { inChunks, someBytes } from '../support/bytes.ts';
import { type Copies, copiesServer, type Name, names } from '../support/copies.ts';
import { fetchBytes, findImage, mutate } from '../support/images.ts';
import { sized } from '../support/size.ts';
import { until } from '../support/until.ts';

const bytes = someBytes(300_000);
const rateOfSettings = 2 ** 30;
const rate = byteRate(rateOfSettings);
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

/** The object becomes a link, which no reading follows; the function given undoes it. */
async function beLink(id: string, name: Name): Promise<() => void> {
  const file = await copies.file(id, name);
  const aside = join(dirname(file), '_aside'); // no key
  renameSync(file, aside);
  symlinkSync(aside, file);
  return () => renameSync(aside, file);
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

  test('takes a store that does not answer for no damage, however often', async () => {
    const ids = [await copies.image(bytes, ['far']), await copies.image(bytes, ['far'])];
    copies.brittle.near.breakAfter(0, 'hangs');
    copies.brittle.far.breakAfter(0, 'ends');
    for (let n = 0; n < sized({ quick: 1, ci: 4, full: 4 }); n++) {
      const found = (await deep()).map(({ store, code, outcome }) => [store, code, outcome]).sort();
      expect(found).toEqual([
        ['far', 'UNAVAILABLE', 'unknown'],
        ['near', 'UNAVAILABLE', 'unknown'],
      ]);
    }
    for (const id of ids) expect(await states(id)).toEqual(bothGood);
  });

  test('does not wait for one object that cannot be read, and after the third time writes it anew', async () => {
    const id = await copies.image(bytes, ['far']);
    const others = [await copies.image(bytes), await copies.image(bytes)];
    await beLink(id, 'near');
    const about = { image: id, store: 'near', code: 'UNREADABLE' };
    expect(await deep({ limit: 3 })).toMatchObject([{ ...about, outcome: 'again' }]);
    expect((await copies.rows(others[0] ?? ''))[0]?.verified).toBe(true);
    const settings = { sizesMs: null, deepMs: 0, rate: rateOfSettings, digestRate: rateOfSettings };
    await scrubOnSchedule({ ...app(), scrub: settings }, signal); // not so soon
    const times = 'select unread_times as times from image_copies where image_id = $1::uuid order by store';
    expect(await app().db.query(times, [id])).toEqual([{ times: 0 }, { times: 1 }]);
    expect(await deep()).toMatchObject([{ ...about, outcome: 'again' }]);
    expect(await states(id)).toEqual(bothGood);
    expect(await deep()).toMatchObject([{ ...about, outcome: 'healed' }]);
    expect(await states(id)).toEqual(bothGood);
    expect(readFileSync(await copies.file(id, 'near')).equals(bytes)).toBe(true);
    expect(await deep()).toEqual([]);
  });

  test('marks the only copy when it cannot be read, which is read all the same when it can', async () => {
    const id = await copies.image(bytes);
    await copies.image(bytes);
    const back = await beLink(id, 'near');
    for (const outcome of ['again', 'again', 'no good copy']) {
      expect(await deep()).toMatchObject([{ image: id, code: 'UNREADABLE', outcome }]);
    }
    expect(await states(id)).toEqual([['near', 'failed', 'UNREADABLE']]);
    await expect(fetchBytes(copies.access, id)).rejects.toThrow('503');
    back();
    expect((await fetchBytes(copies.access, id)).equals(bytes)).toBe(true);
    expect(await states(id)).toEqual([['near', 'failed', 'UNREADABLE']]); // its size says nothing
    await app().db.query(`update image_copies set unread_at = now() - interval '2 days'`, []);
    const settings = { sizesMs: null, deepMs: 3_600_000, rate: rateOfSettings, digestRate: rateOfSettings };
    await scrubOnSchedule({ ...app(), scrub: settings }, signal);
    expect(await states(id)).toEqual([['near', 'active', null]]);
  });

  test('believes two readings that agree, and tells of a store that gives other bytes each time', async () => {
    const id = await copies.image(bytes);
    await flip(id, 'near', 0);
    copies.brittle.near.onChunk = async () => {
      copies.brittle.near.onChunk = () => {};
      await flip(id, 'near', 0);
    };
    expect(await deep()).toEqual([]);
    expect(copies.server.logged.some((line) => line.includes('wrong bytes once'))).toBe(true);
    await flip(id, 'near', 0);
    let at = 1;
    copies.brittle.near.onChunk = () => flip(id, 'near', at++);
    expect(await deep()).toMatchObject([
      {
        image: id,
        code: 'UNREADABLE',
        outcome: 'again',
        message: expect.stringContaining('other bytes each time'),
      },
    ]);
    expect(await states(id)).toEqual([['near', 'active', null]]);
  });

  test('of a number of copies reads no more than that, damaged ones included', async () => {
    const ids = [await copies.image(bytes), await copies.image(bytes)];
    for (const id of ids) await flip(id, 'near', 3);
    expect((await deep()).length).toBe(2);
    expect((await deep({ limit: 1 })).length).toBe(1);
    expect((await deep()).length).toBe(2);
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
      scrub: { sizesMs, deepMs, rate: rateOfSettings, digestRate: rateOfSettings },
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
    const scrub = { sizesMs: 3_600_000, deepMs: null, rate: rateOfSettings, digestRate: rateOfSettings };
    await scrubOnSchedule({ ...app(), scrub }, signal);
    const failed = async () =>
      (await Promise.all(ids.map(states))).flat().filter(([, one]) => one === 'failed');
    expect((await failed()).length).toBe(3);
    expect(copies.server.logged.some((line) => line.includes('is it mounted?'))).toBe(true);
    expect((await sizes()).map(({ outcome }) => outcome)).toEqual(['healed', 'healed', 'healed']);
    expect(await failed()).toEqual([]);
  });

  test('by the settings writes nothing into a directory that is empty: perhaps it is not mounted', async () => {
    const ids = [await copies.image(bytes, ['far']), await copies.image(bytes, ['far'])];
    const directory = dirname(dirname(await copies.file(ids[0] ?? '', 'near')));
    const disk = await mkdtemp(join(tmpdir(), 'vitrine-disk-'));
    const mounted = readdirSync(directory);
    for (const shard of mounted) renameSync(join(directory, shard), join(disk, shard));
    await app().db.query(`delete from installation where name = 'scrub_sizes'`, []);
    const settings = { sizesMs: 3_600_000, deepMs: null, rate: rateOfSettings, digestRate: rateOfSettings };
    await scrubOnSchedule({ ...app(), scrub: settings }, signal);
    expect(readdirSync(directory)).toEqual([]);
    for (const id of ids) expect((await states(id))[1]).toEqual(['near', 'failed', 'MISSING']);
    for (const shard of mounted) renameSync(join(disk, shard), join(directory, shard));
    expect((await sizes()).map(({ outcome }) => outcome)).toEqual(['whole', 'whole']);
    for (const shard of mounted) renameSync(join(directory, shard), join(disk, shard));
    expect((await sizes()).map(({ outcome }) => outcome)).toEqual(['healed', 'healed']);
    await rm(disk, { recursive: true });
  });

  test('reads no faster than it may, all readers together', async () => {
    const start = performance.now();
    const shared = byteRate(1_000_000);
    const reader = async () => {
      for await (const _chunk of slowly(inChunks(bytes, 10_000), shared, signal));
    };
    await Promise.all([reader(), reader()]);
    expect(performance.now() - start).toBeGreaterThan(550);
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

  test('keeps the SHA-256 that it computes anyway', async () => {
    const id = await copies.image(bytes, ['far']);
    expect(await healCopy(app(), await begun(id), { rate, signal, isUnattended: true })).toBe('healed');
    const value = createHash('sha256').update(bytes).digest('hex');
    expect((await findImage(copies.access, id))?.digests).toContainEqual({ algorithm: 'sha256', value });
  });

  test('does not mark its source for one wrong reading', async () => {
    const id = await copies.image(bytes, ['far']);
    const damaged = await begun(id);
    await flip(id, 'far', 5);
    copies.brittle.far.onChunk = async () => {
      copies.brittle.far.onChunk = () => {};
      await flip(id, 'far', 5);
    };
    const mending = { rate, signal, isUnattended: true };
    await expect(healCopy(app(), damaged, mending)).rejects.toThrow('wrong bytes once');
    expect((await states(id))[0]).toEqual(['far', 'active', null]);
    expect(await healCopy(app(), damaged, mending)).toBe('healed');
  });

  test('is left when the copy became whole, or another was begun, at the same moment', async () => {
    const id = await copies.image(bytes, ['far']);
    const damaged = await begun(id);
    const waits = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    const someoneWaits = () => until(async () => (await app().db.query(waits, [])).length > 0);
    let healing: Promise<unknown> = Promise.resolve();
    await transaction(app().db, async (tx) => {
      await tx.execute(sql`update image_copies set state = 'active' where id = ${damaged.id}`);
      healing = healCopy(app(), damaged, { rate, signal, isUnattended: false });
      await someoneWaits();
    });
    expect(await healing).toBe('left');
    await app().db.query(`update image_copies set state = 'failed' where id = $1::uuid`, [damaged.id]);
    let marking: Promise<unknown> = Promise.resolve();
    await transaction(app().db, async (tx) => {
      await tx.execute(sql`insert into image_copies (image_id, store, key, state, lease_until)
        values (${id}, 'near', 'aa.1', 'uploading', now() + interval '1 min')`);
      marking = markWhole(app().db, damaged.id);
      await someoneWaits();
    });
    expect(await marking).toBe(false);
  });

  test('by two at once is done once', async () => {
    const id = await copies.image(bytes, ['far']);
    const damaged = await begun(id);
    const outcomes = await Promise.all(
      [1, 2, 3].map(() => healCopy(app(), damaged, { rate, signal, isUnattended: false })),
    );
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
    expect(await healCopy(app(), damaged, { rate, signal, isUnattended: false })).toBe('left');
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
    const healing = healCopy(slow, damaged, { rate, signal, isUnattended: false });
    await asleep;
    copies.brittle.far.onChunk = () => {};
    expect(await healCopy(app(), damaged, { rate, signal, isUnattended: false })).toBe('left'); // it is in hand
    await app().db.query(
      `update image_copies set lease_until = now() - interval '1 s' where lease_until is not null`,
      [],
    );
    await reap(app(), { list: false });
    expect(await healCopy(app(), damaged, { rate, signal, isUnattended: false })).toBe('healed');
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
    await expect(digestImage(app(), id, { rate: byteRate(1000), signal: stopping.signal })).rejects.toThrow(
      'stop',
    );
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

  test('tells of an object that the store refuses, and goes on with the others', async () => {
    const refused = await copies.image(bytes);
    const gone = await copies.image(bytes, ['far']);
    await copies.image(bytes);
    await beLink(refused, 'near');
    unlinkSync(await copies.file(gone, 'near'));
    const told = async (repair: boolean) =>
      (await check({ repair })).map(({ kind, ...fault }) => [
        kind,
        'image' in fault && fault.image,
        'outcome' in fault && fault.outcome,
      ]);
    expect(new Set(await told(true))).toEqual(
      new Set([
        ['UNREADABLE', refused, 'found'],
        ['ROW_WITHOUT_OBJECT', gone, 'healed'],
      ]),
    );
    expect(await told(false)).toEqual([['UNREADABLE', refused, 'found']]);
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
    const { stat, probe } = copies.brittle.near;
    copies.brittle.near.stat = () => new Promise(() => {});
    copies.brittle.near.probe = () => new Promise(() => {});
    try {
      const impatient = await check();
      expect(impatient.map(({ kind, store }) => [kind, store])).toEqual([
        ['STORE_UNKNOWN', 'old'],
        ['STORE_UNAVAILABLE', 'near'],
        ['OBJECT_WITHOUT_ROW', 'far'],
      ]);
    } finally {
      Object.assign(copies.brittle.near, { stat, probe });
    }
    expect((await fetchBytes(copies.access, id)).length).toBe(bytes.length);
  });
});
