/** Blocks of an image: known however its bytes came, compared before they are sent, told of to clients. */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { xxhash64 } from 'hash-wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestImage } from '../../src/actions/digest-image.ts';
import { type Finding, scrubBytes } from '../../src/actions/scrub.ts';
import { byteRate } from '../../src/actions/slowly.ts';
import { blockBytes } from '../../src/domain/blocks.ts';
import { isWritable, type WritableStore } from '../../src/stores/store.ts';
import { collect, someBytes } from '../support/bytes.ts';
import { type Access, mutate, newImage } from '../support/images.ts';
import { storePassword } from '../support/planted.ts';
import { type S3Server, s3Server } from '../support/s3-server.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { sized } from '../support/size.ts';
import { until } from '../support/until.ts';

const names = ['disk', 'disk2', 's3'] as const;
type Name = (typeof names)[number];

const root = mkdtempSync(join(tmpdir(), 'vitrine-blocks-'));
let s3: S3Server;
let server: TestServer;
let access: Access;
beforeAll(async () => {
  s3 = await s3Server();
  server = await aServer({
    settings: `
stores:
  - { id: disk, type: file, path: ${mkdtempSync(join(root, 'a-'))}, default: true, weight: 2 }
  - { id: disk2, type: file, path: ${mkdtempSync(join(root, 'b-'))} }
  - { id: s3, type: s3, endpoint: "${s3.url}", bucket: images, accessKeyId: k, secretAccessKey: "${storePassword}" }
scrub: { sizes: never, deep: never }
`,
  });
  access = { url: server.url, token: server.tokenOf('blue') };
});
afterAll(async () => {
  await server?.stop();
  await s3?.close();
  rmSync(root, { recursive: true, force: true });
});

const { signal } = new AbortController();
const rate = byteRate(2 ** 40);

async function uploaded(bytes: Uint8Array, stores: readonly Name[] = ['disk']): Promise<string> {
  const id = await newImage(access);
  const [store = 'disk', ...others] = stores;
  const headers = { 'content-type': 'application/octet-stream', 'x-image-meta-store': store };
  const body = new Uint8Array(bytes);
  const put = await server.http(`/v2/images/${id}/file`, {
    method: 'PUT',
    token: access.token,
    headers,
    body,
  });
  expect(put.status).toBe(204);
  for (const other of others) {
    const admin = { ...access, token: server.tokenOf('admin') };
    const input = { id, method: { copy: true }, stores: [other] };
    expect(await mutate(admin, 'importImage', input)).toMatchObject({ __typename: 'ImportImagePayload' });
    await until(async () => (await copiesOf(id)).find((copy) => copy.store === other)?.state === 'active');
  }
  return id;
}

interface CopyRow {
  store: Name;
  key: string;
  state: string;
  damage: { code: string; message: string } | null;
}
const copiesOf = (id: string) =>
  server.app.db.query<CopyRow>(
    'select store, key, state, damage from image_copies where image_id = $1::uuid order by store',
    [id],
  );

/** In place of the object of a copy one with other bytes, by the driver: as decay would. */
async function spoil(id: string, name: Name, change: (bytes: Buffer) => Buffer): Promise<void> {
  const copy = (await copiesOf(id)).find(({ store }) => store === name);
  const store = server.app.stores.get(name);
  if (!copy || !store || !isWritable(store)) throw new Error(`No copy in ${name}.`);
  const bytes = change(await collect(await store.read(copy.key)));
  await store.remove(copy.key);
  await write(store, copy.key, bytes);
}

async function write(store: WritableStore, key: string, bytes: Buffer): Promise<void> {
  const writer = await store.create(key, { size: bytes.length });
  await writer.write(bytes);
  await writer.commit();
}

function flipped(bytes: Buffer, at: number, bit = 0): Buffer {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ (1 << bit);
  return changed;
}

/** The status, and the bytes when they came to their end. */
async function fetched(id: string, range?: { start: number; end: number }) {
  const headers: Record<string, string> = range ? { range: `bytes=${range.start}-${range.end}` } : {};
  const answer = await server.http(`/v2/images/${id}/file`, { token: access.token, headers });
  const body = await answer.arrayBuffer().then(
    (bytes) => Buffer.from(bytes),
    () => null,
  );
  return { status: answer.status, body };
}

async function expectBytes(id: string, bytes: Buffer, range?: { start: number; end: number }) {
  const { status, body } = await fetched(id, range);
  expect([status, body?.equals(bytes)]).toEqual([range ? 206 : 200, true]);
}

interface Block {
  index: number;
  offset: number;
  size: number;
  sha256: string | null;
  xxh64: string;
}

async function blocksOf(id: string, page = 'first: 1000') {
  const { data, errors } = await server.raw(
    access.token,
    `query ($id: ID!) { image(id: $id) { blocks(${page}) {
      nodes { index offset size sha256 xxh64 } totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`,
    { id },
  );
  return { blocks: data?.image?.blocks ?? null, errors };
}

const expected = (bytes: Buffer, withDigests: boolean): Promise<Block[]> =>
  Promise.all(
    Array.from({ length: Math.ceil(bytes.length / blockBytes) }, async (_, index) => {
      const block = bytes.subarray(index * blockBytes, (index + 1) * blockBytes);
      const sha256 = withDigests ? createHash('sha256').update(block).digest('hex') : null;
      return {
        index,
        offset: index * blockBytes,
        size: block.length,
        sha256,
        xxh64: await xxhash64(block),
      };
    }),
  );

async function resumed(bytes: Buffer, cuts: readonly number[]): Promise<string> {
  const id = await newImage(access);
  const tus = { 'tus-resumable': '1.0.0', 'x-auth-token': access.token };
  const begun = await fetch(`${server.url}/uploads`, {
    method: 'POST',
    headers: {
      ...tus,
      'upload-length': `${bytes.length}`,
      'upload-metadata': `image ${Buffer.from(id).toString('base64')}`,
    },
  });
  const url = new URL(begun.headers.get('location') ?? '', server.url);
  const ends = [...cuts, bytes.length];
  for (const [n, end] of ends.entries()) {
    const start = ends[n - 1] ?? 0;
    const patch = await fetch(url, {
      method: 'PATCH',
      headers: {
        ...tus,
        'content-type': 'application/offset+octet-stream',
        'upload-offset': `${start}`,
      },
      body: new Uint8Array(bytes.subarray(start, end)),
    });
    expect(patch.status).toBe(204);
  }
  return id;
}

describe('the blocks of an image', () => {
  test.each([1, 511, blockBytes - 1, blockBytes, blockBytes + 1, 3 * blockBytes + 7])(
    'are known of %i bytes when they are published, and their SHA-256 when they were read in the background',
    async (length) => {
      const bytes = someBytes(length, length);
      const id = await uploaded(bytes);
      expect((await blocksOf(id)).blocks).toMatchObject({ nodes: await expected(bytes, false) });
      await digestImage(server.app, id, { rate, signal });
      expect((await blocksOf(id)).blocks).toMatchObject({ nodes: await expected(bytes, true) });
    },
  );

  test('are the same of an upload that came in pieces', async () => {
    const bytes = someBytes(3 * blockBytes + 7);
    const id = await resumed(bytes, [1, 700_000, blockBytes, 2 * blockBytes + 3]);
    expect((await blocksOf(id)).blocks).toMatchObject({ nodes: await expected(bytes, false) });
  });

  test('are none without bytes, and of an image whose bytes nobody has read yet', async () => {
    expect(await blocksOf(await newImage(access))).toEqual({ blocks: null, errors: [] });
    expect(await blocksOf(await uploaded(Buffer.alloc(0)))).toEqual({ blocks: null, errors: [] });
    const bytes = someBytes(blockBytes + 1);
    const id = await uploaded(bytes);
    await server.app.db.query('delete from image_blocks where image_id = $1::uuid', [id]);
    expect(await blocksOf(id)).toEqual({ blocks: null, errors: [] });
    await expectBytes(id, bytes);
    await digestImage(server.app, id, { rate, signal });
    expect((await blocksOf(id)).blocks).toMatchObject({ nodes: await expected(bytes, true) });
  });

  test('are paged both ways, over the rows that they are kept in, and end where the image does', async () => {
    const count = sized({ quick: 1_030, ci: 1_030, full: 5_000 });
    const size = (count - 1) * blockBytes + 5;
    const [sums, digests] = [randomBytes(count * 8), randomBytes(count * 32)];
    const id = await uploaded(someBytes(9));
    await server.app.db.query('update images set size = $2::bigint where id = $1::uuid', [id, size]);
    await server.app.db.query('delete from image_blocks where image_id = $1::uuid', [id]);
    for (let part = 0; part * 1024 < count; part++) {
      await server.app.db.query('insert into image_blocks values ($1::uuid, $2, $3::bytea, $4::bytea)', [
        id,
        part,
        sums.subarray(part * 8192, (part + 1) * 8192),
        digests.subarray(part * 32768, (part + 1) * 32768),
      ]);
    }
    const all: Block[] = [];
    for (let after: string | null = null; ; ) {
      const { blocks } = await blocksOf(id, `first: 300${after ? `, after: "${after}"` : ''}`);
      expect(blocks.totalCount).toBe(count);
      all.push(...blocks.nodes);
      if (!blocks.pageInfo.hasNextPage) break;
      after = blocks.pageInfo.endCursor;
    }
    expect(all.map(({ index }) => index)).toEqual(Array.from({ length: count }, (_, n) => n));
    expect(all.map(({ xxh64 }) => xxh64).join('')).toBe(sums.toString('hex'));
    expect(all.map(({ sha256 }) => sha256).join('')).toBe(digests.toString('hex'));
    expect(all.at(-1)?.size).toBe(5);
    const back = (await blocksOf(id, 'last: 10')).blocks;
    expect(back).toMatchObject({
      nodes: all.slice(-10),
      pageInfo: { hasNextPage: false, hasPreviousPage: true },
    });
    const before = (await blocksOf(id, `last: 10, before: "${back.pageInfo.startCursor}"`)).blocks;
    expect(before.nodes).toEqual(all.slice(-20, -10));
    const end = (await blocksOf(id, `first: 10, after: "${back.pageInfo.endCursor}"`)).blocks;
    expect(end).toMatchObject({ nodes: [], pageInfo: { hasNextPage: false, hasPreviousPage: true } });
    expect((await blocksOf(id, 'first: 0')).blocks).toMatchObject({ nodes: [], totalCount: count });
    await server.app.db.query('delete from images where id = $1::uuid', [id]);
  });

  test.each(['first: -1', 'first: 1001', 'after: "x"', 'first: 1, last: 1'])(
    'asked for by %s are refused by rule',
    async (page) => {
      const { errors } = await blocksOf(await uploaded(someBytes(10)), page);
      expect(errors[0]?.extensions.code).toBe(page.startsWith('after') ? 'BAD_CURSOR' : 'BAD_USER_INPUT');
    },
  );

  test('go with their image', async () => {
    const id = await uploaded(someBytes(10));
    await mutate(access, 'deleteImage', { id });
    const text = 'select 1 from image_blocks where image_id = $1::uuid';
    expect(await server.app.db.query(text, [id])).toEqual([]);
  });
});

describe('a range', () => {
  test('of any length and place is what was published, out of every kind of store', async () => {
    const bytes = someBytes(3 * blockBytes + 7);
    for (const name of names) {
      const id = await uploaded(bytes, [name]);
      const more = sized({
        quick: [],
        ci: [1, blockBytes + 1, 2 * blockBytes],
        full: [1, blockBytes + 1, 2 * blockBytes],
      });
      const edges = [0, blockBytes - 1, blockBytes, bytes.length - 1, ...more];
      for (const start of edges) {
        for (const end of edges.filter((edge) => edge >= start)) {
          await expectBytes(id, bytes.subarray(start, end + 1), { start, end });
        }
      }
      await mutate(access, 'deleteImage', { id });
    }
  });

  test('beside a bad block is served; one that touches it is not, nor is the whole, and it is marked', async () => {
    const bytes = someBytes(3 * blockBytes);
    const id = await uploaded(bytes);
    await spoil(id, 'disk', (stored) => flipped(stored, blockBytes + 5));
    const first = { start: 10, end: blockBytes - 1 };
    await expectBytes(id, bytes.subarray(10, blockBytes), first);
    expect((await copiesOf(id))[0]?.state).toBe('active');
    // One byte of the block that is not even the bad one; nothing was sent, so that it is told.
    expect((await fetched(id, { start: 2 * blockBytes - 1, end: 2 * blockBytes })).status).toBe(410);
    expect((await copiesOf(id))[0]).toMatchObject({ state: 'failed', damage: { code: 'OTHER_BYTES' } });
    expect((await fetched(id)).status).toBe(410);
  });

  test('comes from another copy when the first has a bad block, without a seam', async () => {
    const bytes = someBytes(3 * blockBytes + 7);
    const id = await uploaded(bytes, ['disk', 'disk2']);
    await spoil(id, 'disk', (stored) => flipped(stored, 2 * blockBytes + 1, 7));
    await expectBytes(id, bytes);
    expect((await copiesOf(id)).map(({ store, state }) => [store, state])).toEqual([
      ['disk', 'failed'],
      ['disk2', 'active'],
    ]);
  });
});

/** What becomes of stored bytes. */
const decays: Record<string, (stored: Buffer) => Buffer> = {
  'a flipped bit': (stored) => flipped(stored, randomInt(stored.length), randomInt(8)),
  'a cut': (stored) => stored.subarray(0, randomInt(stored.length)),
  'a lost sector': (stored) => {
    const at = randomInt(stored.length);
    return Buffer.concat([stored.subarray(0, at), stored.subarray(at).fill(0, 0, 512)]);
  },
  'bytes more': (stored) => Buffer.concat([stored, randomBytes(1 + randomInt(100))]),
};

test.each(['disk', 's3'] as const)(
  'every decay in %s is found: no download of it ends as if it were whole, and one scrub marks it',
  async (name) => {
    // A scrub reads all there are.
    await server.app.db.query('delete from images', []);
    const rounds = sized({ quick: 1, ci: 12, full: 125 });
    for (const [what, decay] of Object.entries(decays)) {
      for (let n = 0; n < rounds; n++) {
        const bytes = randomBytes(1 + randomInt(sized({ quick: 2, ci: 3, full: 4 }) * blockBytes));
        const [read, scrubbed] = [await uploaded(bytes, [name]), await uploaded(bytes, [name])];
        const spoilt: Record<string, Buffer> = {};
        for (const id of [read, scrubbed]) {
          await spoil(id, name, (stored) => {
            spoilt[id] = decay(stored);
            return spoilt[id];
          });
        }
        const { status, body } = await fetched(read);
        const isSame = spoilt[read]?.equals(bytes) ?? false; // a sector of zeros may have been one
        expect([what, isSame ? 'same' : status === 200 ? body : null]).toEqual([
          what,
          isSame ? 'same' : null,
        ]);
        const found: Finding[] = [];
        const all = { rate, signal, store: null, isUnattended: false, limit: 1000, olderThanSeconds: 0 };
        await scrubBytes(server.app, { ...all, others: true, report: (one) => found.push(one) });
        for (const id of [read, scrubbed]) {
          if (spoilt[id]?.equals(bytes)) continue;
          const [copy] = await copiesOf(id);
          expect([what, copy?.state]).toEqual([what, 'failed']);
          if (copy?.damage?.code !== 'OTHER_BYTES') continue;
          const at = bytes.findIndex((byte, index) => byte !== spoilt[id]?.[index]);
          const block = Math.floor(at / blockBytes) * blockBytes;
          expect(found.find(({ image }) => image === id)?.message).toContain(`the bytes ${block} to `);
        }
        for (const id of [read, scrubbed]) await mutate(access, 'deleteImage', { id });
      }
    }
  },
  sized({ quick: 90_000, ci: 240_000, full: 3_600_000 }),
);

test('a scrub heals a block out of another copy, and sums that were lost are made anew', async () => {
  const bytes = someBytes(2 * blockBytes + 9);
  const id = await uploaded(bytes, ['disk', 'disk2']);
  await spoil(id, 'disk', (stored) => flipped(stored, blockBytes));
  await server.app.db.query('update image_blocks set sums = $2::bytea where image_id = $1::uuid', [
    id,
    randomBytes(24),
  ]);
  const found: Finding[] = [];
  const all = { rate, signal, store: null, isUnattended: false, limit: 1000, olderThanSeconds: 0 };
  await scrubBytes(server.app, { ...all, others: true, report: (one) => found.push(one) });
  expect(found.filter(({ image }) => image === id).map(({ outcome }) => outcome)).toEqual(['healed']);
  expect((await blocksOf(id)).blocks).toMatchObject({ nodes: await expected(bytes, true) });
  await expectBytes(id, bytes);
});
