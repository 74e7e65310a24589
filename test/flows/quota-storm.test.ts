/**
 * Uploads begun, broken off, deleted and killed at random against a quota: at no moment are more bytes kept than it
 * allows, those of deleted files that are still open included; and in the end what is used is what is stored.
 */
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { findUsage } from '../../src/db/quotas.ts';
import { findDrift } from '../../src/db/usage-sums.ts';
import { someBytes } from '../support/bytes.ts';
import { filesBelow } from '../support/damage.ts';
import { type Access, ask, beginUpload, mutate, newImage, send } from '../support/images.ts';
import { anInstallation, type Installation, type Serving } from '../support/installation.ts';
import { seed } from '../support/seed.ts';
import { only, sized } from '../support/size.ts';
import { until } from '../support/until.ts';

const size = 400_000;
const bytes = someBytes(size);
const limit = 5 * size;
const starts = sized({ quick: 0, ci: 150, full: 10_000 });
const kills = sized({ quick: 0, ci: 2, full: 30 });
const long = only({ from: 'ci' });

interface Start {
  how: 'known' | 'chunked' | 'resumable';
  /** How much is sent before the end comes. */
  sent: number;
  /** Deleted: while its client goes on sending, as in CVE-2014-9623. */
  end: 'whole' | 'broken off' | 'deleted';
  /** Milliseconds between two pieces. */
  pause: number;
  /** What was stored goes again. */
  isRemoved: boolean;
}

const start: fc.Arbitrary<Start> = fc.record({
  how: fc.constantFrom('known', 'known', 'chunked', 'resumable'),
  sent: fc.double({ min: 0, max: 1, noNaN: true }),
  end: fc.constantFrom('whole', 'broken off', 'deleted', 'deleted'),
  pause: fc.integer({ min: 0, max: 20 }),
  isRemoved: fc.boolean(),
});

let installation: Installation;
beforeAll(async () => {
  installation = await anInstallation(inject('database'));
});
afterAll(() => installation?.remove());

/** Whatever the server answers, or that it does not: both are part of it. */
const quietly = <T>(work: Promise<T>): Promise<T | null> => work.catch(() => null);

/** What was stored until now, oldest first. */
const stored: string[] = [];

async function run(find: () => Access, { how, sent, end, pause, isRemoved }: Start): Promise<void> {
  // A server that was killed is soon another.
  const { access, id } = await until(async () => {
    const found = { url: find().url, token: find().token };
    const made = await quietly(newImage(found));
    return made === null ? null : { access: found, id: made };
  });
  const cut = Math.floor(size * sent);
  const remove = () => quietly(mutate(access, 'deleteImage', { id }));
  if (how === 'resumable') await resume(access, id, { cut, end });
  else {
    const upload = beginUpload(access, id, how === 'known' ? { length: size } : {});
    const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)];
    // A connection that never came says nothing of what was to go over it.
    await quietly(Promise.race([send(upload, pieces[0] as Uint8Array), upload.answer]));
    await sleep(pause);
    if (end === 'deleted') await remove();
    if (end === 'broken off') {
      upload.reset();
      upload.request.destroy();
    } else upload.request.end(pieces[1]);
    await quietly(upload.answer);
  }
  if (end === 'deleted') return;
  if (isRemoved || end === 'broken off') await remove();
  else stored.push(id);
  // Room for others, and never none of it taken.
  if (stored.length > 3) await quietly(mutate(access, 'deleteImage', { id: stored.shift() }));
}

async function resume(
  { url, token }: Access,
  id: string,
  { cut, end }: { cut: number; end: Start['end'] },
): Promise<void> {
  const call = (method: string, to: string, headers: Record<string, string>, body?: Uint8Array) =>
    quietly(
      fetch(to, {
        method,
        headers: { 'tus-resumable': '1.0.0', 'x-auth-token': token, ...headers },
        ...(body && { body: new Uint8Array(body) }),
      }),
    );
  const metadata = { 'upload-metadata': `image ${Buffer.from(id).toString('base64')}` };
  const begun = await call('POST', `${url}/uploads`, { ...metadata, 'upload-length': `${size}` });
  const to = begun?.headers.get('location');
  if (!to) return;
  const type = 'application/offset+octet-stream';
  await call('PATCH', to, { 'content-type': type, 'upload-offset': '0' }, bytes.subarray(0, cut));
  if (end === 'deleted') await quietly(mutate({ url, token }, 'deleteImage', { id }));
  if (end === 'broken off') await call('DELETE', to, {});
  else await call('PATCH', to, { 'content-type': type, 'upload-offset': `${cut}` }, bytes.subarray(cut));
}

/** Bytes below the store, and in files of it that are deleted and still open. Each file counts once. */
async function keptBytes(server: Serving): Promise<number> {
  const { imagesDir } = installation;
  const open = `/proc/${server.pid}/fd`;
  const files = new Map<number, number>();
  const note = (path: string) => {
    try {
      const { ino, size: length } = statSync(path);
      files.set(ino, length);
    } catch {
      // gone since
    }
  };
  for (const path of await filesBelow(imagesDir).catch(() => [])) note(path);
  for (const fd of list(open)) {
    const target = linkOf(join(open, fd));
    if (target.startsWith(imagesDir) && target.endsWith('(deleted)')) note(join(open, fd));
  }
  return [...files.values()].reduce((sum, length) => sum + length, 0);
}

/** Empty where there is no /proc, or the process has ended. */
function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** Nobody is alive that had a lease, or a hold on an object of a deleted image. */
async function endHolds(): Promise<void> {
  await installation.endLeases();
  await installation.db.query('update stray_objects set held_until = null where held_until is not null', []);
}

test.skipIf(long.skip)(
  `${starts} uploads with ${kills} kills keep no more than the quota, and end as they are stored${long.why}`,
  async () => {
    let server = await installation.serve({ env: { VITRINE_LOG_LEVEL: 'warn' } });
    const admin = { url: server.url, token: installation.adminToken };
    await ask(
      admin,
      `mutation { setQuota(input: { project: "test", set: [{ resource: "image_size_total", limit: ${limit} }] }) {
        ... on SetQuotaPayload { project } } }`,
    );
    const all = fc.sample(start, { seed, numRuns: starts });
    let next = 0;
    let most = 0;
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        most = Math.max(most, await keptBytes(server));
        await sleep(10);
      }
    })();
    const running = Array.from({ length: 8 }, async () => {
      for (let one = all[next++]; one; one = all[next++]) await run(() => server, one);
    });
    for (let kill = 1; kill <= kills; kill++) {
      await until(() => next >= Math.floor((starts * kill) / (kills + 1)));
      await server.end('SIGKILL');
      await endHolds();
      server = await installation.serve({ env: { VITRINE_LOG_LEVEL: 'warn' } });
    }
    await Promise.all(running);
    isOver = true;
    await watching;
    expect(most, `seed ${seed}`).toBeLessThanOrEqual(limit);
    expect(most, `seed ${seed}`).toBeGreaterThan(size);

    await until(async () => {
      await endHolds();
      await installation.db.query(`update uploads set expires_at = now() - interval '1 second'`, []);
      await installation.reapNow();
      await sleep(200);
      const [row] = await installation.db.query<{ busy: number }>(
        `select (select count(*) from images where lease_until is not null)
              + (select count(*) from stray_objects where released) as busy`,
        [],
      );
      return row?.busy === 0;
    });
    const { bytes: used, uploads } = await findUsage(installation.db, 'test');
    expect({ used, uploads }, `seed ${seed}`).toEqual({ used: await keptBytes(server), uploads: 0 });
    expect(await findDrift(installation.db)).toEqual([]);
    // All of it goes with its images.
    const left = await installation.db.query<{ id: string }>('select id from images', []);
    for (const { id } of left) await mutate(server, 'deleteImage', { id });
    await until(async () => (await keptBytes(server)) === 0);
  },
  sized({ quick: 0, ci: 600_000, full: 7_200_000 }),
);
