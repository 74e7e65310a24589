/** Hostile and honest images by every way in: one verdict, and nothing is kept of what is refused. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { filesBelow } from '../support/damage.ts';
import { type Sample, samples } from '../support/disks/corpus.ts';
import { vhdx } from '../support/disks/headers.ts';
import { type Access, ask, beginUpload, newImage, send } from '../support/images.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { sized } from '../support/size.ts';
import { until } from '../support/until.ts';
import { wayNames, waysIn } from '../support/ways-in.ts';
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

const ways = waysIn(() => ({
  server,
  access,
  publish(bytes) {
    body = bytes;
    return `${web.url}/image`;
  },
}));

// biome-ignore lint/suspicious/noExplicitAny: as wide as the test asks
async function imageOf(id: string): Promise<any> {
  const text = `query ($id: ID!) { image(id: $id) {
    status size virtualSize failure { code message } copies { id } inspection { formats } } }`;
  return (await ask<{ image: unknown }>(access, text, { id })).image;
}

const kept = () =>
  filesBelow(server.config.dataDir).then((names) => names.filter((name) => /images|staging/.test(name)));

describe.each(wayNames)('%s', (way) => {
  const every = sized({ quick: 25, ci: 4, full: 1 });
  const offset = wayNames.indexOf(way);
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
    const answer = await ways[way](id, sample.bytes);
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
  await ways.staged(id, gzipSync(hostile.bytes));
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
      headers: { 'content-type': 'application/octet-stream' },
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
