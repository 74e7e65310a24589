/** Hostile and honest images by every way in: one verdict, and nothing is kept of what is refused. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { filesBelow } from '../support/damage.ts';
import { type Sample, samples } from '../support/disks/corpus.ts';
import { vhdx } from '../support/disks/headers.ts';
import { type Access, ask, beginUpload, mutate, newImage, send } from '../support/images.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { sized } from '../support/size.ts';
import { until } from '../support/until.ts';
import { type WireServer, wireServer } from '../support/wire-server.ts';

let web: WireServer;
let server: TestServer;
let access: Access;
/** What the web server has. */
let body: Buffer = Buffer.alloc(0);

beforeAll(async () => {
  web = await wireServer({ answer: () => ({ status: 200, body }) });
  server = await aServer({ settings: `imports: { egress: { allow: ["${new URL(web.url).host}"] } }` });
  access = { url: server.url, token: server.tokenOf('blue') };
});
afterAll(async () => {
  await server.stop();
  await web.close();
});
beforeEach(() => {
  body = Buffer.alloc(0);
});

/** The answer to the request that brought the last byte; null where a task does it, which the image then tells of. */
type Answer = { status: number; text: string } | null;

const octets = { 'content-type': 'application/octet-stream' };

async function put(path: string, bytes: Buffer | AsyncIterable<Uint8Array>): Promise<Answer> {
  const response = await server.http(path, {
    method: 'PUT',
    token: access.token,
    headers: octets,
    body: (bytes instanceof Buffer ? new Uint8Array(bytes) : bytes) as BodyInit,
    duplex: 'half',
  });
  return { status: response.status, text: await response.text() };
}

async function* inPieces(bytes: Buffer, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function resume(id: string, bytes: Buffer): Promise<Answer> {
  const tus = { 'tus-resumable': '1.0.0' };
  const begun = await server.http('/uploads', {
    method: 'POST',
    token: access.token,
    headers: {
      ...tus,
      'upload-length': `${bytes.length}`,
      'upload-metadata': `image ${Buffer.from(id).toString('base64')}`,
    },
  });
  const path = new URL(begun.headers.get('location') ?? '', server.url).pathname;
  const half = Math.ceil(bytes.length / 2);
  let last: Answer = { status: begun.status, text: await begun.text() };
  for (const [offset, part] of [
    [0, bytes.subarray(0, half)],
    [half, bytes.subarray(half)],
  ] as const) {
    if (part.length === 0) continue;
    const response = await server.http(path, {
      method: 'PATCH',
      token: access.token,
      headers: { ...tus, 'content-type': 'application/offset+octet-stream', 'upload-offset': `${offset}` },
      body: new Uint8Array(part),
    });
    last = { status: response.status, text: await response.text() };
  }
  return last;
}

async function importBy(id: string, method: object): Promise<Answer> {
  expect(await mutate(access, 'importImage', { id, method })).toMatchObject({
    __typename: 'ImportImagePayload',
  });
  await until(async () => (await imageOf(id)).status !== 'IMPORTING');
  return null;
}

const ways: Record<string, (id: string, sample: Sample) => Promise<Answer>> = {
  'at once': (id, { bytes }) => put(`/v2/images/${id}/file`, bytes),
  'in pieces': (id, { bytes }) => put(`/v2/images/${id}/file`, inPieces(bytes, 513)),
  resumed: (id, { bytes }) => resume(id, bytes),
  async staged(id, { bytes }) {
    await put(`/v2/images/${id}/stage`, bytes);
    return importBy(id, { staged: true });
  },
  downloaded(id, { bytes }) {
    body = bytes;
    return importBy(id, { webDownload: { url: `${web.url}/image` } });
  },
};

// biome-ignore lint/suspicious/noExplicitAny: as wide as the test asks
async function imageOf(id: string): Promise<any> {
  const text = `query ($id: ID!) { image(id: $id) {
    status size virtualSize failure { code message } copies { id } inspection { formats } } }`;
  return (await ask<{ image: unknown }>(access, text, { id })).image;
}

const kept = () =>
  filesBelow(server.config.dataDir).then((names) => names.filter((name) => /images|staging/.test(name)));

describe.each(Object.keys(ways))('%s', (way) => {
  const every = sized({ quick: 9, ci: 4, full: 1 });
  const offset = Object.keys(ways).indexOf(way);
  // What is compressed is unpacked by an import, and then another image.
  const isImport = way === 'staged' || way === 'downloaded';
  const fit = samples.filter(({ containerFormat }) => !isImport || containerFormat !== 'compressed');
  const some = fit.filter((_, n) => n % every === offset % every);

  test.each(some)('$name, as $diskFormat', async (sample) => {
    const before = await kept();
    const { diskFormat, containerFormat, refused } = sample;
    const id = await newImage(access, {
      diskFormat: diskFormat.toUpperCase(),
      containerFormat: containerFormat.toUpperCase(),
    });
    const answer = await ways[way]?.(id, sample);
    const image = await imageOf(id);
    if (!refused) {
      expect(image).toMatchObject({ status: 'ACTIVE', failure: null, size: sample.bytes.length });
      expect(image.virtualSize).toBe(sample.virtualSize);
      expect(image.inspection).not.toBeNull();
      return;
    }
    if (answer) {
      expect(answer.status).toBe(415);
      expect(JSON.parse(answer.text).error.message).toMatch(refused.says);
    }
    expect(image).toMatchObject({
      status: 'QUEUED',
      size: null,
      copies: [],
      failure: { code: refused.code },
    });
    expect(image.failure.message).toMatch(refused.says);
    expect(image.inspection).toBeNull();
    await until(async () => (await kept()).length <= before.length);
  });
});

test('what an import unpacks is judged by what is in it', async () => {
  const hostile = samples.find(({ name }) => name === 'qcow2 with a backing file') as Sample;
  const id = await newImage(access, { diskFormat: 'QCOW2', containerFormat: 'COMPRESSED' });
  await ways.staged?.(id, { ...hostile, bytes: gzipSync(hostile.bytes) });
  expect(await imageOf(id)).toMatchObject({ status: 'QUEUED', failure: { code: 'unsafe_image' } });
});

test('what is certain by the first bytes is told before the rest comes', async () => {
  const hostile = samples.find(({ name }) => name === 'qcow2 with a backing file') as Sample;
  const id = await newImage(access, { diskFormat: 'QCOW2' });
  const upload = beginUpload(access, id, { length: 2 ** 30 });
  await send(upload, hostile.bytes.subarray(0, 65_536));
  const { status, body: told } = await upload.answer;
  expect(status).toBe(415);
  expect(JSON.parse(told).error.message).toMatch(hostile.refused?.says as RegExp);
  upload.reset();
  await until(async () => (await imageOf(id)).status === 'QUEUED');
  expect((await imageOf(id)).failure).toMatchObject({ code: 'unsafe_image' });
});

test('as many are looked at as there is memory for; who comes then is told to come again', async () => {
  const { captures, unpacking } = server.app.inspecting;
  const refused = async (diskFormat: string, containerFormat: string, bytes: Buffer) => {
    const id = await newImage(access, { diskFormat, containerFormat });
    const response = await server.http(`/v2/images/${id}/file`, {
      method: 'PUT',
      token: access.token,
      headers: octets,
      body: new Uint8Array(bytes),
    });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await imageOf(id)).toMatchObject({ status: 'QUEUED', failure: { code: 'UNAVAILABLE' } });
  };
  const [before, all] = [captures.taken, 64 * 2 ** 20 - captures.taken];
  captures.take(all);
  await refused('RAW', 'BARE', Buffer.from('a'));
  captures.give(all);
  // Room for the head, and none for what has to be waited for.
  captures.take(all - 80 * 1024);
  await refused('VHDX', 'BARE', vhdx());
  captures.give(all - 80 * 1024);
  unpacking.take(2 ** 30);
  await refused('RAW', 'COMPRESSED', gzipSync(Buffer.from('a')));
  unpacking.give(2 ** 30);
  await until(() => captures.taken === before && unpacking.taken === 0);

  const id = await newImage(access, { containerFormat: 'COMPRESSED' });
  const cut = beginUpload(access, id, { length: 1000 });
  await send(cut, gzipSync(Buffer.alloc(1000)));
  await until(() => unpacking.taken === 2 ** 20);
  cut.reset();
  await until(() => captures.taken === before && unpacking.taken === 0);
});
