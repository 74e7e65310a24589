/** Real disks that are full or read-only (a small tmpfs), and system calls that fail (a library before libc). */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { someBytes } from '../support/bytes.ts';
import { filesBelow, findDamage } from '../support/damage.ts';
import { beginUpload, fetchBytes, findImage, newImage, put } from '../support/images.ts';
import { anInstallation, type Installation, type Serving } from '../support/installation.ts';
import { only, succeeds } from '../support/size.ts';

const { EDQUOT, EIO, ENOSPC, EROFS, ESTALE } = constants.errno;
const bytes = someBytes(1_500_000);

const shim = only({
  from: 'ci',
  programs: ['gcc'],
  when: { 'the headers of libc': () => succeeds('sh', '-c', 'echo "#include <stdio.h>" | gcc -E - ') },
});

/** The library, built there, as the environment of a process asks for it. */
function shimIn(dir: string): Record<string, string> {
  const library = join(dir, 'shim.so');
  const source = join(import.meta.dirname, '../support/fault-shim.c');
  execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-Wall', '-o', library, source, '-ldl']);
  return { LD_PRELOAD: library, FAULT_ORDER: join(dir, 'order'), FAULT_LOG: join(dir, 'log') };
}

describe.skipIf(shim.skip)(`system calls that fail${shim.why}`, () => {
  let dir: string;
  let installation: Installation;
  let server: Serving;
  let order: string;
  let log: string;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'vitrine-shim-'));
    order = join(dir, 'order');
    log = join(dir, 'log');
    installation = await anInstallation(inject('database'));
    server = await installation.serve({ env: shimIn(dir) });
  });
  afterAll(async () => {
    await installation?.remove();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  const faults: [call: string, how: number | 'short', status: number][] = [
    ['pwrite', EIO, 503],
    ['pwrite', ENOSPC, 413],
    ['pwrite', EDQUOT, 413],
    ['pwrite', 'short', 204],
    ['fdatasync', EIO, 503],
    ['fdatasync', ENOSPC, 413],
    ['close', EIO, 503],
    ['close', ESTALE, 503],
    ['fdatasync', ESTALE, 503],
    ['pwrite', ESTALE, 503],
    ['open', ESTALE, 503],
    ['rename', ENOSPC, 413],
    ['rename', EROFS, 503],
    ['fsync', EIO, 503],
    ['fsync', ESTALE, 503],
  ];

  test.each(faults)(
    '%s with error %s is answered %i, leaves nothing, and the retry works',
    async (call, how, status) => {
      const id = await newImage(server);
      writeFileSync(order, `${call} ${how}`);
      const answer = await put(server, id, bytes);
      rmSync(order);
      expect(answer.status).toBe(status);
      if (status !== 204) {
        expect(await findImage(server, id)).toMatchObject({ status: 'QUEUED', size: null, checksum: null });
        expect(await findDamage(installation.db, installation.imagesDir)).toEqual([]);
        expect((await put(server, id, bytes)).status).toBe(204);
      }
      expect((await fetchBytes(server, id)).equals(bytes)).toBe(true);
      expect(await findDamage(installation.db, installation.imagesDir)).toEqual([]);
    },
  );

  test('a stale handle at a download is answered 503, and is of no consequence when it is gone', async () => {
    const id = await newImage(server);
    expect((await put(server, id, bytes)).status).toBe(204);
    writeFileSync(order, `open ${ESTALE}`);
    await expect(fetchBytes(server, id)).rejects.toThrow(/^Error: 503|^503/);
    rmSync(order);
    expect((await fetchBytes(server, id)).equals(bytes)).toBe(true);
  });

  test('a file whose fdatasync failed is not asked again, nor used again', async () => {
    const id = await newImage(server);
    writeFileSync(order, `fdatasync ${EIO}`);
    writeFileSync(log, '');
    expect((await put(server, id, bytes)).status).toBe(503);
    rmSync(order);
    const failed = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('fdatasync '));
    expect(failed).toHaveLength(1);
    expect((await put(server, id, bytes)).status).toBe(204);
    const [first, second, ...more] = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('fdatasync '));
    expect(more).toEqual([]);
    expect(first).toContain(id);
    expect(second).toContain(id);
    expect(second).not.toBe(first);
  });
});

describe.skipIf(shim.skip)(`a mount that hangs${shim.why}`, () => {
  let dir: string;
  let installation: Installation;
  let server: Serving;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'vitrine-shim-'));
    installation = await anInstallation(inject('database'));
    const [slow, other] = [join(installation.imagesDir, 'mount'), join(installation.dataDir, 'other')];
    for (const path of [slow, other]) mkdirSync(path, { recursive: true });
    const settings = join(dir, 'vitrine.yaml');
    const times = 'answerTimeout: 1s, idleTimeout: 1s';
    writeFileSync(
      settings,
      `stores: [{ id: slow, type: file, path: ${slow}, ${times} }, { id: other, type: file, path: ${other} }]`,
    );
    server = await installation.serve({ env: { ...shimIn(dir), VITRINE_CONFIG: settings } });
  });
  afterAll(async () => {
    await installation?.remove();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  const timed = async <T>(work: Promise<T>): Promise<{ value: T; ms: number }> => {
    const start = performance.now();
    return { value: await work, ms: performance.now() - start };
  };
  const statusOf = (path: string) => fetch(`${server.url}${path}`).then(({ status }) => status);
  const putInOther = (id: string) =>
    fetch(`${server.url}/v2/images/${id}/file`, {
      method: 'PUT',
      headers: {
        'x-auth-token': server.token,
        'content-type': 'application/octet-stream',
        'x-image-meta-store': 'other',
      },
      body: new Uint8Array(bytes),
    });

  test('holds up its own bytes only, for as long as the settings say, and goes on when it is back', async () => {
    const [here, there] = [await newImage(server), await newImage(server)];
    expect((await put(server, here, bytes)).status).toBe(204);
    expect((await putInOther(there)).status).toBe(204);
    writeFileSync(join(dir, 'order'), 'any hang');
    const token = { 'x-auth-token': server.token };
    const downloads = Array.from({ length: 30 }, () =>
      timed(fetch(`${server.url}/v2/images/${here}/file`, { headers: token }).then(({ status }) => status)),
    );
    const late = await newImage(server);
    const upload = timed(put(server, late, bytes).then(({ status }) => status));
    for (let n = 0; n < 10; n++) {
      const health = await timed(statusOf('/healthz'));
      expect(health.value).toBe(200);
      expect(health.ms).toBeLessThan(1_000);
      expect((await fetchBytes(server, there)).equals(bytes)).toBe(true);
    }
    const ready = await timed(statusOf('/readyz'));
    expect(ready.value).toBe(503); // the default store does not answer
    expect(ready.ms).toBeLessThan(4_000);
    expect((await putInOther(await newImage(server))).status).toBe(204);
    for (const { value, ms } of await Promise.all([...downloads, upload])) {
      expect(value).toBe(503);
      expect(ms).toBeLessThan(10_000);
    }
    rmSync(join(dir, 'order'));
    await expect.poll(() => statusOf('/readyz'), { timeout: 10_000 }).toBe(200);
    expect((await fetchBytes(server, here)).equals(bytes)).toBe(true);
    expect((await put(server, late, bytes)).status).toBe(204);
  });
});

/** The data of uploadImage as a multipart request. */
async function sendMultipart({ url, token }: Serving, id: string, content: Uint8Array): Promise<unknown> {
  const query = `mutation ($id: ID!, $file: Upload!) {
    uploadImage(input: { id: $id, file: $file }) { __typename ... on Error { code message } }
  }`;
  const form = new FormData();
  form.set('operations', JSON.stringify({ query, variables: { id, file: null } }));
  form.set('map', JSON.stringify({ 0: ['variables.file'] }));
  form.set('0', new Blob([Buffer.from(content)]), 'image');
  const headers = { 'x-auth-token': token, 'x-graphql-yoga-csrf': '1' };
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: form });
  return ((await response.json()) as { data: unknown }).data;
}

function mount(...args: string[]): void {
  execFileSync('mount', args, { stdio: 'pipe' });
}

function mayMount(): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'vitrine-mount-'));
  const may = succeeds('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir);
  if (may) execFileSync('umount', [dir]);
  rmSync(dir, { recursive: true });
  return may;
}

const mounts = only({ from: 'ci', when: { 'the right to mount': mayMount } });

describe.skipIf(mounts.skip)(`a disk of 64 MiB${mounts.why}`, () => {
  let installation: Installation;
  let server: Serving;
  let stored: string;
  beforeAll(async () => {
    installation = await anInstallation(inject('database'));
    mkdirSync(installation.imagesDir, { recursive: true });
    mount('-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', installation.imagesDir);
    server = await installation.serve();
    stored = await newImage(server);
    expect((await put(server, stored, bytes)).status).toBe(204);
  });
  afterAll(async () => {
    await server?.end('SIGTERM');
    if (installation) execFileSync('umount', [installation.imagesDir]);
    await installation?.remove();
  });

  const large = someBytes(100 * 2 ** 20);

  test.each([
    ['whose length is known is refused before its bytes', { length: large.length }],
    ['of unknown length is refused when they no longer fit', {}],
  ])('an upload of 100 MiB %s, and all else goes on', async (_what, options) => {
    const id = await newImage(server);
    const upload = beginUpload(server, id, options);
    upload.request.end(large);
    // The answer may come while bytes are still on the way.
    expect((await upload.answer).status).toBe(413);
    expect((await findImage(server, id))?.status).toBe('QUEUED');
    expect(await findDamage(installation.db, installation.imagesDir)).toEqual([]);
    expect((await fetchBytes(server, stored)).equals(bytes)).toBe(true);
    expect((await put(server, id, bytes)).status).toBe(204);
  });

  test('many uploads that do not fit together leave nothing of those that were refused', async () => {
    const part = large.subarray(0, 15 * 2 ** 20);
    const ids = await Promise.all(Array.from({ length: 8 }, () => newImage(server)));
    const answers = await Promise.all(
      ids.map((id) => {
        const upload = beginUpload(server, id);
        upload.request.end(part);
        return upload.answer;
      }),
    );
    const statuses = answers.map((answer) => answer.status);
    // Which fit depends on how they run: perhaps none, never all.
    expect(statuses).toContain(413);
    expect([204, 413]).toEqual(expect.arrayContaining([...new Set(statuses)]));
    expect(await findDamage(installation.db, installation.imagesDir)).toEqual([]);
    expect(await filesBelow(installation.imagesDir)).toHaveLength(
      3 + statuses.filter((s) => s === 204).length,
    );
  });

  test('beside a full spool: a multipart upload is unavailable, the service lives, and it works when there is room', async () => {
    const spool = join(installation.dataDir, 'spool');
    const id = await newImage(server);
    mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', spool);
    try {
      expect(await sendMultipart(server, id, large.subarray(0, 8 * 2 ** 20))).toMatchObject({
        uploadImage: { __typename: 'UnavailableError' },
      });
      expect((await findImage(server, id))?.status).toBe('QUEUED');
    } finally {
      execFileSync('umount', [spool]);
    }
    expect(await sendMultipart(server, id, bytes)).toMatchObject({
      uploadImage: { __typename: 'UploadImagePayload' },
    });
    expect((await fetchBytes(server, id)).equals(bytes)).toBe(true);
  });

  test('that is read-only serves what it has, refuses uploads, and is ready again when it can be written', async () => {
    const id = await newImage(server);
    mount('-o', 'remount,ro', installation.imagesDir);
    expect((await put(server, id, bytes)).status).toBe(503);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
    expect((await fetchBytes(server, stored)).equals(bytes)).toBe(true);
    mount('-o', 'remount,rw', installation.imagesDir);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    expect((await findImage(server, id))?.status).toBe('QUEUED');
  });
});
