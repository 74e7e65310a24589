/**
 * Disks that are full, read-only or broken, and files that are not what they were. Real ones need a mount or a
 * shim (disk-faults.test.ts); here a wrapper fails as they do. Permissions would be no substitute: root may
 * write everywhere.
 */
import { mkdtempSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { appendFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { reap } from '../../src/actions/reap.ts';
import { storesOf } from '../../src/stores/all.ts';
import { fileStore } from '../../src/stores/file.ts';
import { someBytes } from '../support/bytes.ts';
import { filesBelow, findDamage } from '../support/damage.ts';
import { type Fault, faultStore } from '../support/fault-store.ts';
import { type Access, beginUpload, fetchBytes, findImage, mutate, newImage, put } from '../support/images.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { sized } from '../support/size.ts';
import { until } from '../support/until.ts';

const bytes = someBytes(3_000_000);
const dir = mkdtempSync(join(tmpdir(), 'vitrine-faults-'));
const store = faultStore(fileStore({ id: 'file', paths: [{ path: dir, priority: 0 }] }));
let server: TestServer;
let access: Access;
/** An image whose bytes can be had whatever happens to others. */
let healthy: string;
beforeAll(async () => {
  server = await aServer({ stores: storesOf([store]) });
  access = { url: server.url, token: server.tokenOf('blue') };
  healthy = await newImage(access);
  expect((await put(access, healthy, bytes)).status).toBe(204);
});
afterEach(() => store.fail());
afterAll(async () => {
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
});

const damage = () => findDamage(server.app.db, dir);

describe('an upload to a store that fails', () => {
  const faults: [fault: Fault, status: number][] = [
    [{ at: 'create', how: 'ENOSPC' }, 413],
    [{ at: 'write', nth: 1, how: 'ENOSPC' }, 413],
    [{ at: 'write', nth: 4, how: 'ENOSPC' }, 413],
    [{ at: 'write', nth: 4, how: 'EDQUOT' }, 413],
    [{ at: 'commit', how: 'ENOSPC' }, 413],
    [{ at: 'create', how: 'EROFS' }, 503],
    [{ at: 'write', nth: 2, how: 'EROFS' }, 503],
    [{ at: 'commit', how: 'EROFS' }, 503],
    [{ at: 'create', how: 'EMFILE' }, 503],
    [{ at: 'write', nth: 3, how: 'EIO' }, 503],
    [{ at: 'commit', how: 'EIO' }, 503],
    [{ at: 'commit', how: 'ESTALE' }, 503],
  ];

  const some = faults.filter((_, n) => n % sized({ quick: 4, ci: 1, full: 1 }) === 0);

  test.each(some)('with %o is answered %i, leaves nothing, and the retry works', async (fault, status) => {
    const id = await newImage(access);
    store.fail(fault);
    const refused = await put(access, id, bytes);
    expect(refused.status).toBe(status);
    expect(refused.body).not.toContain('/host/path');
    expect(await findImage(access, id)).toMatchObject({ status: 'QUEUED', size: null, checksum: null });
    expect((await fetchBytes(access, healthy)).equals(bytes)).toBe(true);
    expect(await damage()).toEqual([]);

    store.fail();
    expect((await put(access, id, bytes)).status).toBe(204);
    expect((await fetchBytes(access, id)).equals(bytes)).toBe(true);
    await mutate(access, 'deleteImage', { id });
  });

  test('that hangs at the end is published when it goes on, though its client has left', async () => {
    const id = await newImage(access);
    store.fail({ at: 'commit', how: 'hang' });
    const upload = beginUpload(access, id, { length: bytes.length });
    upload.request.end(bytes);
    await until(() => store.calls('commit') > 0);
    upload.reset();
    expect((await findImage(access, id))?.status).toBe('SAVING');
    store.release();
    await until(async () => (await findImage(access, id))?.status === 'ACTIVE');
    expect((await fetchBytes(access, id)).equals(bytes)).toBe(true);
  });
});

test('a deleted image whose file cannot be removed is gone at once, and its file when the store works again', async () => {
  const id = await newImage(access);
  expect((await put(access, id, bytes)).status).toBe(204);
  store.fail({ at: 'remove', how: 'EROFS' });
  expect(await mutate(access, 'deleteImage', { id })).toMatchObject({ __typename: 'DeleteImagePayload' });
  expect(await findImage(access, id)).toBe(null);
  await until(() => store.calls('remove') > 0);
  store.fail();
  await reap(server.app, { list: false });
  expect(await damage()).toEqual([]);
});

describe('a download', () => {
  async function aStoredImage(content = bytes): Promise<{ id: string; file: string }> {
    const id = await newImage(access);
    expect((await put(access, id, content)).status).toBe(204);
    const file = (await filesBelow(dir)).find((path) => path.includes(id));
    return { id, file: file as string };
  }

  const get = (id: string, init: RequestInit = {}) =>
    server.http(`/v2/images/${id}/file`, { token: access.token, ...init });

  const harm: [what: string, (file: string) => unknown][] = [
    ['is missing', (file) => rm(file)],
    ['lost its last byte', (file) => truncateSync(file, bytes.length - 1)],
    ['is empty', (file) => truncateSync(file, 0)],
    ['has a byte more', (file) => appendFile(file, 'x')],
  ];

  test.each(harm)('of a file that %s is refused as gone, in all its forms', async (_what, spoil) => {
    const { id, file } = await aStoredImage();
    await spoil(file);
    const whole = await get(id);
    expect(whole.status).toBe(410);
    expect(await whole.json()).toMatchObject({ error: { code: 410, type: 'DAMAGED' } });
    expect((await get(id, { method: 'HEAD' })).status).toBe(410);
    expect((await get(id, { headers: { range: 'bytes=0-9' } })).status).toBe(410);
    expect(server.logged.some((line) => line.includes(id) && line.includes('"level":50'))).toBe(true);
    expect((await findImage(access, id))?.status).toBe('ACTIVE');
    await mutate(access, 'deleteImage', { id });
  });

  test('of a file that shrinks while it is read is broken off, never completed', async () => {
    const large = someBytes(48 * 2 ** 20);
    const { id, file } = await aStoredImage(large);
    const response = await get(id);
    expect(response.status).toBe(200);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let received = (await reader.read()).value?.length ?? 0;
    truncateSync(file, large.length - 1);
    await expect(
      (async () => {
        for (let step = await reader.read(); !step.done; step = await reader.read())
          received += step.value.length;
      })(),
    ).rejects.toThrow();
    expect(received).toBeLessThan(large.length);
    await mutate(access, 'deleteImage', { id });
  });

  test('of a store that does not answer is unavailable and not gone', async () => {
    const { id } = await aStoredImage();
    for (const at of ['stat', 'read'] as const) {
      store.fail({ at, how: 'EIO' });
      const response = await get(id);
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).not.toBe(null);
    }
    store.fail();
    expect((await fetchBytes(access, id)).equals(bytes)).toBe(true);
  });

  test('of a store whose directory is away is unavailable, the service is unready, and both heal by themselves', async () => {
    const { id } = await aStoredImage();
    renameSync(dir, `${dir}.away`);
    try {
      expect((await get(id)).status).toBe(503);
      expect((await put(access, await newImage(access), bytes)).status).toBe(503);
      expect((await server.http('/readyz')).status).toBe(503);
      expect((await server.http('/healthz')).status).toBe(200);
    } finally {
      renameSync(`${dir}.away`, dir);
    }
    expect((await server.http('/readyz')).status).toBe(200);
    expect((await fetchBytes(access, id)).equals(bytes)).toBe(true);
  });
});
