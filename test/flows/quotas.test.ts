/** Quotas, through each way in and each end: what is over is refused, what ends gives back what it had. */

import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fsck } from '../../src/actions/fsck.ts';
import { reap } from '../../src/actions/reap.ts';
import { byteRate } from '../../src/actions/slowly.ts';
import { mergeUsage } from '../../src/db/usage-sums.ts';
import { mergeValueCounts } from '../../src/db/value-counts.ts';
import { someBytes } from '../support/bytes.ts';
import { filesBelow } from '../support/damage.ts';
import { type ImageService, imageService } from '../support/image-service.ts';
import {
  type Access,
  ask,
  beginUpload,
  findImage,
  mutate,
  type Outcome,
  put,
  send,
} from '../support/images.ts';
import { storePassword } from '../support/planted.ts';
import { aProject, type Project } from '../support/quotas.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { only } from '../support/size.ts';
import { until } from '../support/until.ts';
import { type WireServer, wireServer } from '../support/wire-server.ts';

const size = 200_000;
const bytes = someBytes(size);
const MiB = 2 ** 20;
const long = only({ from: 'ci' });
const root = mkdtempSync(join(tmpdir(), 'vitrine-quotas-'));
let server: TestServer;
let web: WireServer;
let region: ImageService;
let admin: Access;

beforeAll(async () => {
  web = await wireServer({
    answer: ({ url }) => ({ status: 200, body: url.pathname === '/packed' ? gzipSync(bytes) : bytes }),
  });
  region = await imageService();
  for (const id of ['one', 'two']) mkdirSync(join(root, id));
  server = await aServer({
    settings: `
stores:
  - { id: one, type: file, path: ${join(root, 'one')}, default: true }
  - { id: two, type: file, path: ${join(root, 'two')} }
imports: { egress: { allow: ["${new URL(web.url).host}"] } }
keystone: { url: ${region.url}/v3, username: u, password: ${storePassword}, project: p }
scrub: { sizes: never, deep: never }
quotas: { images: 40 }
`,
  });
  admin = { url: server.url, token: server.tokenOf('admin') };
});
afterAll(async () => {
  expect(
    server.logged.filter((line) => JSON.parse(line).level >= 50 && !/import|damaged/.test(line)),
  ).toEqual([]);
  await server?.stop();
  await Promise.all([web?.close(), region?.close()]);
  rmSync(root, { recursive: true });
});

const nothing = { images: 1, bytes: 0, stagingBytes: 0, uploads: 0 };
const errorOf = ({ body }: Outcome) => JSON.parse(body).error;
const remove = (id: string) => mutate(admin, 'deleteImage', { id });

/** Without a length. */
async function putChunked(id: string, body: Uint8Array, to: 'file' | 'stage' = 'file'): Promise<Outcome> {
  const upload = beginUpload(admin, id, { to });
  upload.request.end(body);
  return upload.answer;
}

async function importOf(id: string, input: object) {
  const text = `mutation ($input: ImportImageInput!) { importImage(input: $input) {
    __typename ... on Error { code } ... on QuotaExceededError { resource limit used requested }
    ... on ImportImagePayload { task { id } } } }`;
  const { importImage } = await ask<{ importImage: { __typename: string; task?: { id: string } } }>(
    admin,
    text,
    { input: { id, ...input } },
  );
  return importImage;
}

/** How an import ended. */
async function ended(id: string, input: object) {
  const { task } = await importOf(id, input);
  return until(async () => {
    const text = 'query ($id: ID!) { task(id: $id) { status message } }';
    const { task: now } = await ask<{ task: { status: string; message: string | null } }>(admin, text, {
      id: task?.id,
    });
    return /SUCCESS|FAILURE/.test(now.status) ? now : null;
  });
}

const download = (path = '/') => ({ method: { webDownload: { url: `${web.url}${path}` } } });

async function tus(method: string, url: string, headers: Record<string, string>, body?: Uint8Array) {
  const response = await fetch(new URL(url, server.url), {
    method,
    headers: { 'tus-resumable': '1.0.0', 'x-auth-token': admin.token, ...headers },
    ...(body && { body: new Uint8Array(body) }),
  });
  const text = await response.text();
  const error = text ? JSON.parse(text).error : null;
  return { status: response.status, url: response.headers.get('location') ?? '', error };
}
const beginTus = (id: string, length: number | null) =>
  tus('POST', '/uploads', {
    'upload-metadata': `image ${Buffer.from(id).toString('base64')}`,
    ...(length === null ? { 'upload-defer-length': '1' } : { 'upload-length': `${length}` }),
  });
const append = (url: string, offset: number, body: Uint8Array, more: Record<string, string> = {}) =>
  tus(
    'PATCH',
    url,
    { 'content-type': 'application/offset+octet-stream', 'upload-offset': `${offset}`, ...more },
    body,
  );

/** A project that may have so many bytes. */
async function limited(bytesMax: number): Promise<Project> {
  const project = aProject(server);
  await project.limit({ bytes: bytesMax });
  return project;
}

describe('an upload', () => {
  test('of a known size is refused before a byte is read, and says by how much', async () => {
    const project = await limited(size - 1);
    const id = await project.image();
    const upload = beginUpload(admin, id, { length: size });
    upload.request.flushHeaders();
    const answer = await upload.answer;
    upload.request.destroy();
    expect(answer.status).toBe(413);
    expect(errorOf(answer)).toMatchObject({
      ...{ type: 'QUOTA_EXCEEDED', resource: 'image_size_total' },
      ...{ limit: size - 1, used: 0, requested: size },
    });
    expect(await project.used()).toEqual(nothing);
    expect(await findImage(admin, id)).toMatchObject({ status: 'QUEUED' });
  });

  test('of a known size has all of it from its first byte on, and what is stored after its last', async () => {
    const project = await limited(size);
    const id = await project.image();
    const upload = beginUpload(admin, id, { length: size });
    await send(upload, bytes.subarray(0, 10));
    await until(async () => (await project.used()).uploads === 1);
    expect(await project.used()).toEqual({ ...nothing, bytes: size, uploads: 1 });
    const other = await project.image();
    expect(await put(admin, other, bytes.subarray(0, 1))).toMatchObject({ status: 413 });
    upload.request.end(bytes.subarray(10));
    expect(await upload.answer).toMatchObject({ status: 204 });
    expect(await project.settled()).toEqual({ ...nothing, images: 2, bytes: size });
    expect(await put(admin, other, bytes.subarray(0, 1))).toMatchObject({ status: 413 });
    expect(await put(admin, other, bytes.subarray(0, 0))).toMatchObject({ status: 204 });
  });

  test('of an unknown size takes room in steps, and no more than there is', async () => {
    const project = await limited(3 * size);
    const id = await project.image();
    const upload = beginUpload(admin, id);
    await send(upload, bytes.subarray(0, 10));
    await until(async () => (await project.used()).bytes === 3 * size);
    upload.request.end();
    expect(await upload.answer).toMatchObject({ status: 204 });
    expect(await project.settled()).toEqual({ ...nothing, bytes: 10 });
    const other = await project.image();
    const answer = await putChunked(other, someBytes(3 * size - 9));
    expect([answer.status, errorOf(answer).resource]).toEqual([413, 'image_size_total']);
    expect(await project.settled()).toEqual({ ...nothing, images: 2, bytes: 10 });
    expect(await putChunked(other, someBytes(3 * size - 10))).toMatchObject({ status: 204 });
    expect(await project.settled()).toEqual({ ...nothing, images: 2, bytes: 3 * size });
    // Nothing is left: no more is begun.
    const third = beginUpload(admin, await project.image());
    third.request.flushHeaders();
    expect(await third.answer).toMatchObject({ status: 413 });
    third.request.destroy();
  });

  test.skipIf(long.skip)(`goes on beyond a step, and where no limit is${long.why}`, async () => {
    const project = aProject(server);
    await project.limit({ bytes: 65 * MiB });
    const id = await project.image();
    const upload = beginUpload(admin, id);
    await send(upload, bytes.subarray(0, 10));
    await until(async () => (await project.used()).bytes > 10);
    await project.limit({ bytes: null });
    upload.request.end(someBytes(66 * MiB));
    expect(await upload.answer).toMatchObject({ status: 204 });
    expect(await project.settled()).toEqual({ ...nothing, bytes: 66 * MiB + 10 });
    await remove(id);
  });

  test('that breaks off, lies about its digest or is deleted gives back what it had', async () => {
    const project = await limited(size);
    const id = await project.image();
    const upload = beginUpload(admin, id, { length: size });
    await send(upload, bytes.subarray(0, 100));
    await until(async () => (await project.used()).bytes === size);
    upload.reset();
    await until(async () => (await findImage(admin, id))?.status === 'QUEUED');
    expect(await project.settled()).toEqual(nothing);
    const lie = { 'content-md5': '0'.repeat(32), 'content-type': 'application/octet-stream' };
    const refused = await server.http(`/v2/images/${id}/file`, {
      ...{ method: 'PUT', token: admin.token, headers: lie, body: new Uint8Array(bytes) },
    });
    expect(refused.status).toBe(400);
    expect(await project.settled()).toEqual(nothing);
    const last = beginUpload(admin, id, { length: size });
    await send(last, bytes.subarray(0, 100));
    await until(async () => (await project.used()).bytes === size);
    await remove(id);
    // Its writer may still write: what it may write counts until it has heard of it.
    expect(await reap(server.app, { list: false })).toBeDefined();
    expect(await project.used()).toEqual({ images: 0, bytes: size, stagingBytes: 0, uploads: 1 });
    const next = await project.image();
    expect(await put(admin, next, bytes)).toMatchObject({ status: 413 });
    last.reset();
    expect(await project.settled()).toEqual(nothing);
    expect(await put(admin, next, bytes)).toMatchObject({ status: 204 });
  });

  test('finds the room of what was deleted just before', async () => {
    const project = await limited(size);
    for (let n = 0; n < 5; n++) {
      const id = await project.image();
      expect(await put(admin, id, bytes)).toMatchObject({ status: 204 });
      await remove(id);
    }
    expect(await project.settled()).toEqual({ ...nothing, images: 0 });
  });

  test('as a part of a GraphQL request is held to it as well', async () => {
    const project = await limited(size - 1);
    const id = await project.image();
    const form = new FormData();
    const query = `mutation ($file: Upload!) { uploadImage(input: { id: "${id}", file: $file }) {
      __typename ... on QuotaExceededError { resource limit used } } }`;
    form.set('operations', JSON.stringify({ query, variables: { file: null } }));
    form.set('map', '{"0": ["variables.file"]}');
    form.set('0', new Blob([new Uint8Array(bytes)]));
    const response = await server.http('/graphql', {
      method: 'POST',
      token: admin.token,
      headers: { 'x-vitrine-csrf': '1' },
      body: form,
    });
    const { data } = (await response.json()) as { data: { uploadImage: object } };
    expect(data.uploadImage).toEqual({
      ...{ __typename: 'QuotaExceededError', resource: 'image_size_total', limit: size - 1, used: size - 1 },
    });
    expect(await project.settled()).toEqual(nothing);
  });

  test('is refused as soon as its link is asked for, which reserves nothing', async () => {
    const project = await limited(size);
    const id = await project.image();
    const link = async (more: string) => {
      const text = `mutation { createUpload(input: { imageId: "${id}", ${more} }) { __typename } }`;
      return (await ask<{ createUpload: { __typename: string } }>(admin, text)).createUpload.__typename;
    };
    expect(await link(`size: ${size + 1}`)).toBe('QuotaExceededError');
    expect(await link(`size: ${size}`)).toBe('CreateUploadPayload');
    expect(await link(`size: ${size}, stage: true`)).toBe('CreateUploadPayload');
    expect(await project.used()).toEqual(nothing);
  });
});

test('a limit on uploads counts what is coming and what waits staged', async () => {
  const project = aProject(server);
  await project.limit({ uploads: 2 });
  const [one, two, three] = [await project.image(), await project.image(), await project.image()];
  const upload = beginUpload(admin, one, { length: size });
  await send(upload, bytes.subarray(0, 10));
  expect(await putChunked(two, bytes, 'stage')).toMatchObject({ status: 204 });
  expect(await project.used()).toMatchObject({ uploads: 2, stagingBytes: size });
  const refused = await put(admin, three, bytes);
  expect([refused.status, errorOf(refused)]).toMatchObject([
    413,
    { resource: 'image_count_uploading', limit: 2, used: 2, requested: 1 },
  ]);
  // It is among them already.
  expect(await ended(two, { method: { staged: true } })).toMatchObject({ status: 'SUCCESS' });
  expect(await put(admin, three, bytes)).toMatchObject({ status: 204 });
  upload.request.end(bytes.subarray(10));
  await upload.answer;
  expect(await project.settled()).toEqual({ images: 3, bytes: 3 * size, stagingBytes: 0, uploads: 0 });
});

test('a limit on images lets as many in, also of many at once, and every deletion makes room', async () => {
  const project = aProject(server);
  await project.limit({ images: 3 });
  const made = await Promise.allSettled(Array.from({ length: 8 }, () => project.image()));
  const ids = made.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  expect(ids).toHaveLength(3);
  const text = `mutation ($owner: String!) { createImage(input: { owner: $owner }) {
    ... on QuotaExceededError { code resource limit used requested } } }`;
  expect((await ask<{ createImage: object }>(admin, text, { owner: project.name })).createImage).toEqual({
    ...{ code: 'QUOTA_EXCEEDED', resource: 'image_count_total', limit: 3, used: 3, requested: 1 },
  });
  await remove(ids[0] as string);
  await mergeValueCounts(server.app.db);
  await project.image();
  expect(await project.used()).toMatchObject({ images: 3 });
});

test('uploads that begin at once never get more than there is together', async () => {
  const project = await limited(10 * size);
  const ids = await Promise.all(Array.from({ length: 16 }, () => project.image()));
  const answers = await Promise.all(
    ids.map((id, n) => (n % 2 === 0 ? put(admin, id, bytes) : putChunked(id, bytes))),
  );
  const stored = answers.filter(({ status }) => status === 204).length;
  expect(answers.every(({ status }) => status === 204 || status === 413)).toBe(true);
  expect(stored).toBeLessThanOrEqual(10);
  await mergeUsage(server.app.db);
  expect(await project.settled()).toMatchObject({ bytes: stored * size, uploads: 0 });
  // Steps had taken more than was needed; now there is room for just so many.
  const rest = ids.filter((_, n) => answers[n]?.status === 413);
  const again = await Promise.all(rest.map((id) => put(admin, id, bytes)));
  expect(again.filter(({ status }) => status === 204)).toHaveLength(10 - stored);
  expect(await project.settled()).toMatchObject({ bytes: 10 * size });
});

describe('a resumable upload', () => {
  test('is refused where it begins, and keeps what it has until it ends', async () => {
    const project = await limited(size);
    const id = await project.image();
    expect(await beginTus(id, size + 1)).toMatchObject({
      status: 413,
      error: { resource: 'image_size_total', used: 0, requested: size + 1 },
    });
    const { status, url } = await beginTus(id, size);
    expect(status).toBe(201);
    expect((await append(url, 0, bytes.subarray(0, 100))).status).toBe(204);
    expect(await project.used()).toEqual({ ...nothing, bytes: size, uploads: 1 });
    expect((await tus('DELETE', url, {})).status).toBe(204);
    expect(await project.settled()).toEqual(nothing);
    const again = await beginTus(id, size);
    expect((await append(again.url, 0, bytes)).status).toBe(204);
    expect(await project.settled()).toEqual({ ...nothing, bytes: size });
  });

  test('whose length comes later, or never was said in time, gets what there is', async () => {
    const project = await limited(size);
    const id = await project.image();
    const { url } = await beginTus(id, null);
    expect((await append(url, 0, bytes.subarray(0, 1000))).status).toBe(204);
    const tooLong = await append(url, 1000, bytes.subarray(1000), { 'upload-length': `${size + 1}` });
    expect(tooLong).toMatchObject({ status: 413, error: { resource: 'image_size_total', requested: 1 } });
    expect((await append(url, 1000, someBytes(size))).status).toBe(413);
    const { status } = await append(url, 1000, bytes.subarray(1000), { 'upload-length': `${size}` });
    expect(status).toBe(204);
    expect(await project.settled()).toEqual({ ...nothing, bytes: size });
  });

  test('that expires, or whose image is deleted, gives back what it had', async () => {
    const project = await limited(size);
    const [one, two] = [await project.image(), await project.image()];
    const { url } = await beginTus(one, size);
    await append(url, 0, bytes.subarray(0, 1000));
    const over = `now() - interval '1 second'`;
    await server.app.db.query(`update images set lease_until = ${over} where id = $1::uuid`, [one]);
    await server.app.db.query(`update uploads set expires_at = ${over} where image_id = $1::uuid`, [one]);
    expect(await project.settled()).toEqual({ ...nothing, images: 2 });
    await append((await beginTus(two, size)).url, 0, bytes.subarray(0, 1000));
    await remove(two);
    expect(await project.settled()).toEqual(nothing);
  });
});

describe('staged data', () => {
  test('counts in the staging area until it is imported, and then once for each copy', async () => {
    const project = aProject(server);
    await project.limit({ stagingBytes: size, bytes: 2 * size });
    const [one, two] = [await project.image(), await project.image()];
    expect(await putChunked(one, someBytes(size + 1), 'stage')).toMatchObject({ status: 413 });
    expect(await putChunked(one, bytes, 'stage')).toMatchObject({ status: 204 });
    expect(await project.settled()).toEqual({ images: 2, bytes: 0, stagingBytes: size, uploads: 1 });
    expect(errorOf(await putChunked(two, bytes, 'stage')).resource).toBe('image_stage_total');
    expect(await ended(one, { method: { staged: true }, allStores: true })).toMatchObject({
      status: 'SUCCESS',
    });
    expect(await project.settled()).toEqual({ images: 2, bytes: 2 * size, stagingBytes: 0, uploads: 0 });
    expect(await putChunked(two, bytes, 'stage')).toMatchObject({ status: 204 });
    expect(await importOf(two, { method: { staged: true } })).toMatchObject({
      ...{ __typename: 'QuotaExceededError', resource: 'image_size_total', used: 2 * size, requested: size },
    });
    await remove(two);
    expect(await project.settled()).toEqual({ ...nothing, bytes: 2 * size });
  });
});

describe('an import', () => {
  test('from the web fails where it does not fit, and leaves nothing', async () => {
    const project = await limited(2 * size - 1);
    const id = await project.image();
    const { status, message } = await ended(id, { ...download(), allStores: true });
    expect([status, message]).toEqual(['FAILURE', expect.stringContaining(`may have ${2 * size - 1} bytes`)]);
    expect(await project.settled()).toEqual(nothing);
    expect(await ended(id, download())).toMatchObject({ status: 'SUCCESS' });
    expect(await project.settled()).toEqual({ ...nothing, bytes: size });
  });

  test('that is unpacked counts what comes out of it', async () => {
    const project = await limited(size - 1);
    const id = await project.image({ containerFormat: 'COMPRESSED' });
    expect(await ended(id, download('/packed'))).toMatchObject({ status: 'FAILURE' });
    expect(await project.settled()).toEqual(nothing);
    await project.limit({ bytes: size });
    expect(await ended(id, download('/packed'))).toMatchObject({ status: 'SUCCESS' });
    expect(await project.settled()).toEqual({ ...nothing, bytes: size });
  });

  test('from another region is held to it', async () => {
    const project = await limited(size - 1);
    const id = await project.image();
    const method = { glanceDownload: { region: 'RegionTwo', imageId: region.put(bytes) } };
    expect(await ended(id, { method })).toMatchObject({ status: 'FAILURE' });
    expect(await project.settled()).toEqual(nothing);
    await project.limit({ bytes: size });
    expect(await ended(id, { method })).toMatchObject({ status: 'SUCCESS' });
    expect(await project.settled()).toEqual({ ...nothing, bytes: size });
  });

  test('of which one copy fails counts the others', async () => {
    const project = await limited(2 * size);
    const id = await project.image();
    rmSync(join(root, 'two'), { recursive: true });
    const input = { ...download(), allStores: true, allMustSucceed: false };
    expect(await ended(id, input)).toMatchObject({ status: 'SUCCESS' });
    mkdirSync(join(root, 'two'));
    expect(await project.settled()).toEqual({ ...nothing, bytes: size });
  });

  test('that makes one more copy needs room for it, which its deletion gives back', async () => {
    const project = await limited(2 * size - 1);
    const id = await project.image();
    await put(admin, id, bytes);
    const copy = { method: { copy: true }, stores: ['two'] };
    expect(await importOf(id, copy)).toMatchObject({
      resource: 'image_size_total',
      used: size,
      requested: size,
    });
    await project.limit({ bytes: 2 * size });
    expect(await ended(id, copy)).toMatchObject({ status: 'SUCCESS' });
    expect(await project.settled()).toEqual({ ...nothing, bytes: 2 * size });
    const text = `mutation { deleteImageCopy(input: { imageId: "${id}", store: "two" }) { __typename } }`;
    await ask(admin, text);
    expect(await project.settled()).toEqual({ ...nothing, bytes: size });
  });

  test('of an image that is deleted meanwhile gives back what it had', async () => {
    const project = await limited(2 * size);
    const id = await project.image();
    web.fail({ on: /slow/, how: 'hang' });
    await importOf(id, { ...download('/slow'), allStores: true });
    await until(async () => (await project.used()).uploads === 1 && web.seen.includes('GET /slow'));
    await remove(id);
    expect(await project.settled()).toEqual({ ...nothing, images: 0 });
    web.fail();
  });
});

test('a copy that is written anew needs no room, and counts once', async () => {
  const project = await limited(2 * size);
  const id = await project.image();
  await put(admin, id, bytes);
  await ended(id, { method: { copy: true }, stores: ['two'] });
  const [row] = await server.app.db.query<{ key: string }>(
    `select key from image_copies where image_id = $1::uuid and store = 'two'`,
    [id],
  );
  const file = (await filesBelow(join(root, 'two'))).find((path) => path.endsWith(row?.key ?? ''));
  truncateSync(file as string, 5);
  const outcomes: unknown[] = [];
  const report = (fault: object) => outcomes.push('outcome' in fault && fault.outcome);
  const { signal } = new AbortController();
  await fsck(server.app, { store: 'two', repair: true, report, signal, rate: byteRate(2 ** 30) });
  expect(outcomes).toContain('healed');
  expect(await project.settled()).toEqual({ ...nothing, bytes: 2 * size });
});

test('an image that is given to another project takes what it counts along, if there is room', async () => {
  const [from, to] = [await limited(size), await limited(size - 1)];
  const id = await from.image();
  await put(admin, id, bytes);
  expect(await mutate(admin, 'updateImage', { id, owner: to.name })).toMatchObject({
    code: 'QUOTA_EXCEEDED',
  });
  await to.limit({ bytes: size, images: 0 });
  expect(await mutate(admin, 'updateImage', { id, owner: to.name })).toMatchObject({
    code: 'QUOTA_EXCEEDED',
  });
  await to.limit({ images: 1 });
  await mutate(admin, 'updateImage', { id, owner: to.name });
  expect(await from.settled()).toEqual({ ...nothing, images: 0 });
  expect(await to.settled()).toEqual({ ...nothing, bytes: size });
  // In the middle of an upload, too: it goes on in what the new project has.
  const moving = await from.image();
  const upload = beginUpload(admin, moving);
  await send(upload, bytes.subarray(0, 10));
  await until(async () => (await from.used()).bytes > 0);
  await to.limit({ bytes: null, images: null });
  await mutate(admin, 'updateImage', { id: moving, owner: to.name });
  upload.request.end(someBytes(2 * size));
  expect(await upload.answer).toMatchObject({ status: 204 });
  expect(await from.settled()).toEqual({ ...nothing, images: 0 });
  expect(await to.settled()).toEqual({ ...nothing, images: 2, bytes: 3 * size + 10 });
});

test('a writer that fell silent is given up, with all that it had', async () => {
  const project = await limited(size);
  const id = await project.image();
  const upload = beginUpload(admin, id, { length: size });
  await send(upload, bytes.subarray(0, 10));
  await until(async () => (await project.used()).bytes === size);
  const over = `update images set lease_until = now() - interval '1 second' where id = $1::uuid`;
  await server.app.db.query(over, [id]);
  expect(await project.settled()).toEqual(nothing);
  upload.reset();
});

describe('a member', () => {
  const viewer = '{ viewer { quotas { resource unit limit used } } }';

  test('sees the quotas of the own project, of settings and of its own', async () => {
    const blue = { url: server.url, token: server.tokenOf('blue') };
    await ask(blue, 'mutation { createImage(input: { name: "one" }) { __typename } }');
    await ask(
      admin,
      `mutation { setQuota(input: { project: "blue", set: [{ resource: "image_size_total", limit: 7 }] }) {
        ... on SetQuotaPayload { before { limit } quotas { limit } } } }`,
    );
    const { viewer: seen } = await ask<{ viewer: object }>(blue, viewer);
    expect(seen).toEqual({
      quotas: [
        { resource: 'image_count_total', unit: 'COUNT', limit: 40, used: 1 },
        { resource: 'image_size_total', unit: 'BYTES', limit: 7, used: 0 },
        { resource: 'image_stage_total', unit: 'BYTES', limit: null, used: 0 },
        { resource: 'image_count_uploading', unit: 'COUNT', limit: null, used: 0 },
      ],
    });
  });

  test('neither reads the quotas of others nor sets any', async () => {
    const token = server.tokenOf('blue');
    const set =
      'mutation { setQuota(input: { project: "blue", unset: ["image_size_total"] }) { ... on Error { code } } }';
    expect((await server.raw(token, set)).data.setQuota.code).toBe('FORBIDDEN');
    const read = await server.raw(token, '{ quotas(project: "blue") { used } }');
    expect(read.errors[0]?.extensions.code).toBe('FORBIDDEN');
    const nobody = await server.raw(null, '{ quotas(project: "blue") { used } }');
    expect(nobody.errors[0]?.extensions.code).toBe('UNAUTHENTICATED');
  });
});

describe('an admin', () => {
  const set = async (input: object) => {
    const text = `mutation ($input: SetQuotaInput!) { setQuota(input: $input) {
      __typename ... on ValidationError { issues { path code suggestion } }
      ... on SetQuotaPayload { project before { resource limit } quotas { resource limit } } } }`;
    return (await server.raw(admin.token, text, { input })).data.setQuota;
  };

  test('sets limits, none included, and takes them away: told what was and is', async () => {
    const project = `project-${randomUUID()}`;
    const images = (limit: number | null) =>
      expect.arrayContaining([{ resource: 'image_count_total', limit }]);
    const one = (limit: number | null) => ({ project, set: [{ resource: 'image_count_total', limit }] });
    expect(await set(one(5))).toMatchObject({ project, before: images(40), quotas: images(5) });
    expect(await set(one(null))).toMatchObject({ before: images(5), quotas: images(null) });
    expect(await set(one(0))).toMatchObject({ before: images(null), quotas: images(0) });
    const unset = { project, unset: ['image_count_total'] };
    expect(await set(unset)).toMatchObject({ before: images(0), quotas: images(40) });
  });

  const resource = 'image_size_total';
  test.each([
    ['a huge limit', { set: [{ resource, limit: `${2n ** 60n}` }] }, ['set', '0', 'limit'], 'OUT_OF_RANGE'],
    [
      'an unknown resource',
      { set: [{ resource: 'image_size_totl', limit: 1 }] },
      ['set', '0', 'resource'],
      'UNKNOWN_RESOURCE',
    ],
    ['an unknown resource to unset', { unset: ['cores'] }, ['unset', '0'], 'UNKNOWN_RESOURCE'],
    ['one resource twice', { set: [{ resource, limit: 1 }], unset: [resource] }, ['set'], 'CONTRADICTION'],
    ['nothing', {}, ['set'], 'REQUIRED'],
    ['far too much', { unset: Array(1000).fill('x') }, ['set'], 'TOO_MANY'],
    ['no project', { project: '', unset: [resource] }, ['project'], 'EMPTY'],
    ['a project with a zero byte', { project: 'a\0b', unset: [resource] }, ['project'], expect.any(String)],
    ['a long project', { project: 'x'.repeat(300), unset: [resource] }, ['project'], 'TOO_LONG'],
  ])('is told what is wrong with %s', async (_what, input, path, code) => {
    const answer = await set({ project: 'any', ...input });
    expect(answer).toMatchObject({
      __typename: 'ValidationError',
      issues: [{ path: ['input', ...path], code }],
    });
  });

  test('is told that a limit is a whole number from 0', async () => {
    const text = `mutation ($limit: BigInt) {
      setQuota(input: { project: "any", set: [{ resource: "${resource}", limit: $limit }] }) { __typename } }`;
    for (const limit of [-1, 1.5, 'many']) {
      const { errors } = await server.raw(admin.token, text, { limit });
      expect(errors[0]?.extensions.code).toBe('BAD_USER_INPUT');
    }
  });

  test('reads of a project that nobody knows that it has nothing', async () => {
    const { quotas } = await ask<{ quotas: { used: number }[] }>(
      admin,
      '{ quotas(project: "nobody") { used } }',
    );
    expect(quotas.map(({ used }) => used)).toEqual([0, 0, 0, 0]);
  });
});

test('what is used is what the stores have', async () => {
  const { app } = server;
  for (const { id } of await app.db.query<{ id: string }>(
    `select id from images where status <> 'active'`,
    [],
  ))
    await remove(id);
  await until(async () => {
    await reap(app, { list: true, graceSeconds: 0 });
    return (await app.db.query('select 1 from stray_objects', [])).length === 0;
  });
  const [row] = await app.db.query<{ bytes: number }>(
    'select sum(bytes)::float8 as bytes from project_usage where not staged',
    [],
  );
  let stored = 0;
  for (const store of app.stores.writable) {
    if (!['one', 'two'].includes(store.id)) continue;
    for await (const key of store.keys()) stored += (await store.stat(key)).size;
  }
  expect(row?.bytes).toBe(stored);
});
