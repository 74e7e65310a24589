/** A file of the host whose secret appears in no output, whatever image names it, by whichever way it comes. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imagesNaming, type Naming } from '../support/disks/naming.ts';
import { type Access, ask, mutate, newImage } from '../support/images.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { only, sized } from '../support/size.ts';
import { until } from '../support/until.ts';
import { type WireServer, wireServer } from '../support/wire-server.ts';

const needs = only({ from: 'ci', programs: ['qemu-img', 'prlimit', 'setpriv'] });
const root = mkdtempSync(join(tmpdir(), 'vitrine-canary-'));
const secret = `canary-${randomBytes(24).toString('hex')}`;
const path = join(root, 'canary');
const control = `control-${randomBytes(24).toString('hex')}`;
const images = imagesNaming(path);

let web: WireServer;

beforeAll(async () => {
  // Larger than what the images say to need of it, and for everybody to read.
  writeFileSync(path, `${secret}\n`.repeat(60_000), { mode: 0o644 });
  web = await wireServer({
    answer: ({ url }) => ({
      status: 200,
      body: images[Number(url.pathname.slice(1))]?.bytes ?? Buffer.alloc(0),
    }),
  });
});
afterAll(async () => {
  await web.close();
  rmSync(root, { recursive: true, force: true });
});

test.skipIf(needs.skip)(`qemu-img alone would follow these images${needs.why}`, () => {
  const leaking = images
    .filter(({ containerFormat }) => containerFormat === 'bare')
    .filter(({ bytes }) => {
      const [source, target] = [join(root, 'source'), join(root, 'target')];
      writeFileSync(source, bytes);
      spawnSync('qemu-img', ['convert', '-O', 'raw', source, target], { stdio: 'ignore' });
      const isThere = existsSync(target) && readFileSync(target, 'latin1').includes(secret);
      rmSync(source, { force: true });
      rmSync(target, { force: true });
      return isThere;
    })
    .map(({ name }) => name);
  expect(leaking).toEqual(
    expect.arrayContaining([
      'a backing file',
      'a backing file as json:',
      'a backing file, as raw',
      'a flat VMDK',
    ]),
  );
});

describe.skipIf(needs.skip).each([
  ['with the settings as they come', '{ to: raw }', ''],
  [
    'with all that is let through, to raw',
    '{ to: raw }',
    'formats: { requireMatch: false, rawMayHide: true }',
  ],
  [
    'with all that is let through, to qcow2',
    '{ to: qcow2 }',
    'formats: { requireMatch: false, rawMayHide: true }',
  ],
])(`%s${needs.why}`, (_name, convert, formats) => {
  let server: TestServer;
  let blue: Access;
  let admin: Access;
  /** Whatever the service said. */
  const heard: string[] = [];

  beforeAll(async () => {
    server = await aServer({
      settings: `stores:
  - { id: one, type: file, path: ${mkdtempSync(join(root, 'one-'))}, default: true }
  - { id: two, type: file, path: ${mkdtempSync(join(root, 'two-'))} }
imports:
  egress: { allow: ["${new URL(web.url).host}"] }
  convert: ${convert}
locations: { showMultiple: true, showDirectUrl: true }
${formats}`,
    });
    blue = { url: server.url, token: server.tokenOf('blue') };
    admin = { url: server.url, token: server.tokenOf('admin') };
  });
  afterAll(() => server?.stop());

  async function send(path: string, bytes: Buffer, method = 'PUT', headers: Record<string, string> = {}) {
    const response = await server.http(path, {
      method,
      token: blue.token,
      headers: { 'content-type': 'application/octet-stream', ...headers },
      body: new Uint8Array(bytes),
    });
    heard.push(JSON.stringify([...response.headers]), await response.text());
    return response;
  }

  const tus = { 'tus-resumable': '1.0.0', 'content-type': 'application/offset+octet-stream' };
  const importing = async (access: Access, id: string, input: object) => {
    heard.push(JSON.stringify(await mutate(access, 'importImage', { id, ...input })));
  };
  const ways: Record<string, (id: string, image: Naming, n: number) => Promise<unknown>> = {
    upload: (id, { bytes }) => send(`/v2/images/${id}/file`, bytes),
    async resumed(id, { bytes }) {
      const metadata = `image ${Buffer.from(id).toString('base64')}`;
      const about = { ...tus, 'upload-length': `${bytes.length}`, 'upload-metadata': metadata };
      const begun = await send('/uploads', Buffer.alloc(0), 'POST', about);
      const { pathname } = new URL(begun.headers.get('location') ?? '', server.url);
      await send(pathname, bytes, 'PATCH', { ...tus, 'upload-offset': '0' });
    },
    async staged(id, { bytes }) {
      await send(`/v2/images/${id}/stage`, bytes);
      await importing(blue, id, { method: { staged: true } });
    },
    downloaded: (id, _image, n) =>
      importing(blue, id, { method: { webDownload: { url: `${web.url}/${n}` } } }),
    // No image at all: the host's own file, by URLs that name it.
    async 'a URL'(id) {
      await importing(blue, id, { method: { webDownload: { url: `file://${path}` } } });
      const locations = JSON.stringify([
        { op: 'add', path: '/locations/-', value: { url: `file://${path}`, metadata: {} } },
      ]);
      await send(`/v2/images/${id}`, Buffer.from(locations), 'PATCH', {
        'content-type': 'application/openstack-images-v2.1-json-patch',
      });
    },
  };

  /** Of every image: what is said of it, and its bytes, from each store. */
  async function everythingOf(ids: readonly string[]): Promise<string[]> {
    const all: string[] = [];
    for (const id of ids) {
      const text = `query ($id: ID!) { image(id: $id) { id name status diskFormat virtualSize failure { code message }
        inspection { formats variant encryption compat creator } properties { name value }
        copies { store { name } state } tasks(first: 9) { nodes { message input result } } } }`;
      all.push(JSON.stringify(await ask(admin, text, { id })));
      for (const [at, token] of [
        [`/v2/images/${id}`, blue.token],
        [`/v2/images/${id}/file`, blue.token],
        [`/v2/images/${id}/locations`, admin.token],
        [`/v2/images/${id}/tasks`, blue.token],
      ] as const) {
        const response = await server.http(at, { token });
        all.push(Buffer.from(await response.arrayBuffer()).toString('latin1'));
      }
    }
    return all;
  }

  const filesBelow = (folder: string) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => file !== path);

  test('what is published, said, logged and stored does not have it', async () => {
    const ids: string[] = [];
    const every = sized({ quick: 5, ci: 5, full: 1 });
    for (const [turn, way] of Object.keys(ways).entries()) {
      // Several at once, as they would come.
      const left = images.map((image, n) => ({ image, n })).filter(({ n }) => (n + turn) % every === 0);
      const work = async () => {
        for (let next = left.shift(); next; next = left.shift()) {
          const { diskFormat, containerFormat } = next.image;
          const declared = {
            diskFormat: diskFormat.toUpperCase(),
            containerFormat: containerFormat.toUpperCase(),
          };
          const properties = [{ name: 'description', value: `json:{"file.filename":"${path}"}` }];
          const id = await newImage(blue, { ...declared, name: path, properties });
          ids.push(id);
          await ways[way]?.(id, next.image, next.n);
        }
      };
      await Promise.all([work(), work(), work()]);
    }
    // What would be found if it were there.
    const plain = await newImage(blue);
    await send(`/v2/images/${plain}/file`, Buffer.from(control));
    ids.push(plain);
    const statusOf = async (id: string) =>
      (
        await ask<{ image: { status: string } }>(admin, 'query ($id: ID!) { image(id: $id) { status } }', {
          id,
        })
      ).image.status;
    for (const id of ids) await until(async () => (await statusOf(id)) !== 'IMPORTING');

    const active: string[] = [];
    for (const id of ids) if ((await statusOf(id)) === 'ACTIVE') active.push(id);
    for (const id of active) await importing(admin, id, { method: { copy: true }, stores: ['two'] });
    for (const id of active) {
      const text = 'query ($id: ID!) { image(id: $id) { tasks(first: 9) { nodes { status } } } }';
      await until(async () => {
        const { image } = await ask<{ image: { tasks: { nodes: { status: string }[] } } }>(admin, text, {
          id,
        });
        return image.tasks.nodes.every(({ status }) => ['SUCCESS', 'FAILURE'].includes(status));
      });
    }

    const said = [...heard, ...server.logged, ...(await everythingOf(ids))];
    const stored = [...filesBelow(root), ...filesBelow(server.dataDir)].map((file) =>
      readFileSync(file, 'latin1'),
    );
    for (const [where, texts] of Object.entries({ said, stored })) {
      expect(
        texts.filter((text) => text.includes(secret)),
        where,
      ).toEqual([]);
      expect(
        texts.some((text) => text.includes(control)),
        where,
      ).toBe(true);
    }
    expect(active.length).toBeGreaterThan(1);
  }, 300_000);
});
