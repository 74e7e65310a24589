/** Signed images by every way in: what was signed is published and known to be, what was not is refused and gone. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestImage } from '../../src/actions/digest-image.ts';
import { byteRate } from '../../src/actions/slowly.ts';
import { asCa, type Issued, issue, type Properties, signed } from '../support/authority.ts';
import { someBytes } from '../support/bytes.ts';
import { filesBelow } from '../support/damage.ts';
import { type ImageService, imageService } from '../support/image-service.ts';
import { type Access, ask, mutate, newImage } from '../support/images.ts';
import { storePassword } from '../support/planted.ts';
import { rest } from '../support/rest.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { only, size } from '../support/size.ts';
import { until } from '../support/until.ts';
import { importBy, wayNames, waysIn } from '../support/ways-in.ts';
import { type WireServer, wireServer } from '../support/wire-server.ts';

const openssl = only({ programs: ['openssl'] });
const bytes = Buffer.from(someBytes(300_000));
const others = Buffer.from(someBytes(300_000, 2));

const folder = mkdtempSync(join(tmpdir(), 'vitrine-signed-'));
const certificate = randomUUID();
let signer: Issued;
let web: WireServer;
let region: ImageService;
let server: TestServer;
let access: Access;
/** What the web server has. */
let body: Buffer = bytes;

beforeAll(async () => {
  if (openssl.skip) return;
  const root = issue({ name: 'root' });
  const intermediate = issue({ name: 'intermediate', by: root, extensions: asCa });
  signer = issue({ name: 'builder', by: intermediate });
  for (const name of ['roots', 'images']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'roots', 'root.pem'), root.certificate);
  writeFileSync(join(folder, `${certificate}.pem`), signer.certificate + intermediate.certificate);
  web = await wireServer({ answer: () => ({ status: 200, body }) });
  region = await imageService();
  server = await aServer({
    settings: `
stores:
  - { id: disk, type: file, path: ${join(folder, 'images')}, default: true }
  - { id: web, type: http }
imports: { egress: { allow: ["${new URL(web.url).host}"] } }
keystone: { url: ${region.url}/v3, username: u, password: ${storePassword}, project: p }
signatures: { trustedRoots: ${join(folder, 'roots')}, certificates: ${folder} }
propertyProtection:
  - { name: ^img_, create: '@', read: [member], update: '@', delete: '@' }
  - { name: ., create: '@', read: '@', update: '@', delete: '@' }
`,
  });
  access = { url: server.url, token: server.tokenOf('blue') };
});
afterAll(async () => {
  await server?.stop();
  await web?.close();
  await region?.close();
  rmSync(folder, { recursive: true, force: true });
});

const ways = waysIn(() => ({
  server,
  access,
  publish(published) {
    body = published;
    return `${web.url}/image`;
  },
}));

const good = (of = bytes) => signed(signer, of, { id: certificate });
const listed = (properties: Properties) =>
  Object.entries(properties).map(([name, value]) => ({ name, value }));
const newSigned = (properties: Properties, more: object = {}) =>
  newImage(access, { properties: listed(properties), ...more });

// biome-ignore lint/suspicious/noExplicitAny: as wide as the test asks
async function imageOf(id: string, token = access.token): Promise<any> {
  const text = `query ($id: ID!) { image(id: $id) { status size failure { code message } copies { id }
    signature { state certificate keyType hashMethod subject fingerprint checkedAt } } }`;
  return (await ask<{ image: unknown }>({ ...access, token }, text, { id })).image;
}

async function found(where: string, token = access.token): Promise<string[]> {
  const text = `{ images(where: ${where}, first: 100) { nodes { id } } }`;
  const { images } = await ask<{ images: { nodes: { id: string }[] } }>({ ...access, token }, text);
  return images.nodes.map(({ id }) => id);
}

const valid = () => ({
  state: 'VALID',
  certificate,
  keyType: 'ECC_SECP384R1',
  hashMethod: 'SHA-256',
  subject: 'CN=builder',
  fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
  checkedAt: expect.stringMatching(/Z$/),
});
const unchecked = { state: 'UNCHECKED', subject: null, fingerprint: null, checkedAt: null };

const kept = () => filesBelow(join(folder, 'images'));

describe.skipIf(openssl.skip)(`signed images${openssl.why}`, () => {
  const some = wayNames.filter((way) => size !== 'quick' || way === 'at once' || way === 'resumed');
  describe.each(some)('%s', (way) => {
    test('what was signed is published, and found as such', async () => {
      const id = await newSigned(good());
      expect(await imageOf(id)).toMatchObject({ status: 'QUEUED', signature: unchecked });
      await ways[way](id, bytes);
      expect(await imageOf(id)).toMatchObject({ status: 'ACTIVE', failure: null, signature: valid() });
      expect(await found('{signature: {eq: VALID}}')).toContain(id);
    });

    test('other bytes are refused, and nothing of them stays', async () => {
      const before = await kept();
      const id = await newSigned(good());
      const answer = await ways[way](id, others);
      if (answer) expect(answer.status).toBe(400);
      const image = await imageOf(id);
      expect(image).toMatchObject({ status: 'QUEUED', size: null, copies: [], signature: unchecked });
      expect(image.failure).toMatchObject({ code: 'signature_invalid' });
      expect(image.failure.message).toContain('not those that were signed');
      await until(async () => (await kept()).length <= before.length);
    });

    test('what no bytes can make good is refused', async () => {
      const id = await newSigned({ ...good(), img_signature_hash_method: 'SHA-1' });
      const answer = await ways[way](id, bytes);
      if (answer)
        expect(answer).toMatchObject({ status: 400, text: expect.stringContaining('SHA-512; it is') });
      expect(await imageOf(id)).toMatchObject({ status: 'QUEUED', failure: { code: 'signature_invalid' } });
    });
  });

  test('what is unpacked on its way is signed as it is published', async () => {
    const id = await newSigned(good(), { containerFormat: 'COMPRESSED' });
    await ways.staged(id, gzipSync(bytes));
    expect(await imageOf(id)).toMatchObject({ status: 'ACTIVE', signature: valid() });
    const packed = gzipSync(bytes);
    const wrong = await newSigned(good(packed), { containerFormat: 'COMPRESSED' });
    await ways.staged(wrong, packed);
    expect(await imageOf(wrong)).toMatchObject({ status: 'QUEUED', failure: { code: 'signature_invalid' } });
  });

  test('what another region has is checked as well', async () => {
    for (const [remote, status] of [
      [bytes, 'ACTIVE'],
      [others, 'QUEUED'],
    ] as const) {
      const imageId = region.put(remote, { disk_format: 'raw' });
      const id = await newSigned(good());
      await importBy(access, id, { glanceDownload: { region: 'RegionTwo', imageId } });
      expect(await imageOf(id)).toMatchObject({ status });
    }
  });

  describe('of a location', () => {
    async function registered(properties: Properties, published: Buffer, hashed: boolean): Promise<string> {
      const id = await newSigned(properties);
      body = published;
      const sha512 = createHash('sha512').update(published).digest('hex');
      const validation = hashed ? { validation_data: { os_hash_algo: 'sha512', os_hash_value: sha512 } } : {};
      const json = { url: `${web.url}/image`, ...validation };
      expect((await rest(server, `POST /v2/images/${id}/locations`, { json })).status).toBe(202);
      await until(
        async () =>
          !['QUEUED', 'IMPORTING'].includes((await imageOf(id)).status) || (await imageOf(id)).failure,
      );
      return id;
    }
    const read = (id: string) =>
      digestImage(server.app, id, { rate: byteRate(10 ** 9), signal: new AbortController().signal });

    test('bytes whose hash is said are checked before they are published', async () => {
      expect(await imageOf(await registered(good(), bytes, true))).toMatchObject({
        status: 'ACTIVE',
        signature: valid(),
      });
      expect(await imageOf(await registered(good(), others, true))).toMatchObject({
        status: 'QUEUED',
        failure: { code: 'signature_invalid' },
      });
    });

    test('others when they are read: what was not signed is not given out any more', async () => {
      const id = await registered(good(), bytes, false);
      await read(id);
      expect(await imageOf(id)).toMatchObject({ status: 'ACTIVE', signature: valid() });
      const wrong = await registered(good(), others, false);
      await read(wrong);
      expect(await imageOf(wrong)).toMatchObject({ signature: unchecked });
      const answer = await rest(server, `GET /v2/images/${wrong}/file`);
      expect(answer.status).toBeGreaterThanOrEqual(400);
    });
  });

  test('what was checked is no longer known once its properties are others, and is again when they are back', async () => {
    const properties = good();
    const id = await newSigned(properties);
    await ways['at once'](id, bytes);
    const set = (name: string, value: string) =>
      mutate(access, 'updateImage', { id, setProperties: [{ name, value }] });
    for (const name of Object.keys(properties)) {
      await set(name, 'x');
      expect(await imageOf(id)).toMatchObject({ signature: unchecked });
      expect(await found('{signature: {eq: VALID}}')).not.toContain(id);
      await set(name, properties[name] ?? '');
      expect(await imageOf(id)).toMatchObject({ signature: valid() });
    }
    await mutate(access, 'updateImage', { id, removeProperties: Object.keys(properties) });
    expect(await imageOf(id)).toMatchObject({ signature: null });
    expect(await found('{signature: {isNull: true}}')).toContain(id);
  });

  test('properties that come after the bytes are not checked', async () => {
    const id = await newImage(access);
    await ways['at once'](id, bytes);
    await mutate(access, 'updateImage', { id, setProperties: listed(good()) });
    expect(await imageOf(id)).toMatchObject({ status: 'ACTIVE', signature: unchecked });
    expect(await found('{signature: {in: [UNCHECKED]}, status: {eq: ACTIVE}}')).toContain(id);
  });

  test('properties that change while the bytes come are not what was checked', async () => {
    const id = await newSigned(good());
    async function* slowly() {
      yield bytes.subarray(0, 100_000);
      await until(async () => (await imageOf(id)).status === 'SAVING');
      await mutate(access, 'updateImage', { id, setProperties: [{ name: 'img_signature', value: 'x' }] });
      yield bytes.subarray(100_000);
    }
    await server.http(`/v2/images/${id}/file`, {
      method: 'PUT',
      token: access.token,
      headers: { 'content-type': 'application/octet-stream' },
      body: slowly() as unknown as BodyInit,
      duplex: 'half',
    });
    expect(await imageOf(id)).toMatchObject({ status: 'ACTIVE', signature: unchecked });
  });

  test('who may not read the properties sees no signature, and cannot find it', async () => {
    const id = await newSigned(good());
    await ways['at once'](id, bytes);
    const reader = server.tokenOf('blue', 'reader');
    expect(await imageOf(id, reader)).toMatchObject({ status: 'ACTIVE', signature: null });
    for (const where of [
      '{signature: {eq: VALID}}',
      '{signature: {isNull: false}}',
      '{not: {signature: {isNull: true}}}',
    ]) {
      expect(await found(where)).toContain(id);
      expect(await found(where, reader)).toEqual([]);
    }
    expect(await found('{signature: {isNull: true}}', reader)).toContain(id);
    expect(await found('{signature: {}}', reader)).toContain(id);
  });

  test('whose caller may not read the properties is checked all the same', async () => {
    const id = await newSigned(good());
    const token = server.tokenOf('admin'); // has not the role member
    const answer = await server.http(`/v2/images/${id}/file`, {
      method: 'PUT',
      token,
      headers: { 'content-type': 'application/octet-stream' },
      body: new Uint8Array(others),
    });
    expect(answer.status).toBe(400);
  });

  test('the search language knows signatures', async () => {
    const id = await newSigned(good());
    await ways['at once'](id, bytes);
    const text = 'query ($search: String!) { images(search: $search, first: 100) { nodes { id } } }';
    for (const [search, isThere] of [
      ['signature:valid', true],
      ['has:signature', true],
      ['signature:unchecked', false],
    ] as const) {
      const { images } = await ask<{ images: { nodes: { id: string }[] } }>(access, text, { search });
      expect(images.nodes.some((one) => one.id === id)).toBe(isThere);
    }
  });

  test('a copy in another store is not checked again, and stays what it is', async () => {
    const id = await newSigned(good());
    await ways['at once'](id, bytes);
    rmSync(join(folder, `${certificate}.pem`));
    // There is no other store to write to: reading all of it anew asks for no certificate either.
    await digestImage(server.app, id, { rate: byteRate(10 ** 9), signal: new AbortController().signal });
    expect(await imageOf(id)).toMatchObject({ status: 'ACTIVE', signature: valid() });
  });
});

test('where no roots are trusted nothing is checked, and nothing said to be good', async () => {
  const plain = await aServer();
  try {
    const blue = { url: plain.url, token: plain.tokenOf('blue') };
    const properties = listed({ img_signature: 'x', img_signature_hash_method: 'MD5' });
    const id = await newImage(blue, { properties });
    const headers = { 'content-type': 'application/octet-stream' };
    const answer = await plain.http(`/v2/images/${id}/file`, {
      method: 'PUT',
      token: blue.token,
      headers,
      body: new Uint8Array(bytes),
    });
    expect(answer.status).toBe(204);
    const text = 'query ($id: ID!) { image(id: $id) { signature { state hashMethod keyType } } }';
    expect(await ask(blue, text, { id })).toEqual({
      image: { signature: { state: 'UNCHECKED', hashMethod: 'MD5', keyType: null } },
    });
  } finally {
    await plain.stop();
  }
});
