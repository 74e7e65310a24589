/** Disks that are converted while they are imported: what becomes of them, what is refused, what is left behind. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readlinkSync, utimesSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sweepConversions } from '../../src/actions/sweep-conversions.ts';
import { someBytes } from '../support/bytes.ts';
import { fill, MiB } from '../support/disks/fill.ts';
import { iso, qcow2 } from '../support/disks/headers.ts';
import { madeOf } from '../support/disks/made.ts';
import { type Access, ask, fetchBytes, mutate, newImage, put } from '../support/images.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { only } from '../support/size.ts';
import { until } from '../support/until.ts';

const needs = only({ from: 'ci', programs: ['qemu-img', 'prlimit', 'setpriv'] });
/** With bytes at its end and a hole in the middle. */
const disk = Buffer.concat([someBytes(MiB, 3), Buffer.alloc(2 * MiB), someBytes(MiB, 4)]);

/** What the web server has; one that is null comes slowly, and never whole. */
const files = new Map<string, Buffer | null>();
const web = createServer(({ url }, response) => {
  const body = files.get(url ?? '') ?? null;
  if (body) return void response.end(body);
  response.writeHead(200, { 'content-length': 10 * MiB });
  response.write(Buffer.alloc(MiB));
});
let webUrl: string;
let raw: TestServer;
let access: Access;

const settings = (convert: string) => `imports:
  egress: { allow: ["${new URL(webUrl).host}"] }
  convert: ${convert}
`;

interface Imported {
  id: string;
  status: string;
  diskFormat: string;
  containerFormat: string;
  size: number | null;
  virtualSize: number | null;
  checksum: string | null;
  failure: { code: string; message: string } | null;
  inspection: { formats: string[] } | null;
  copies: { id: string }[];
  tasks: { nodes: { message: string | null; status: string }[] };
}

async function imageOf(access: Access, id: string): Promise<Imported> {
  const text = `query ($id: ID!) { image(id: $id) {
    id status diskFormat containerFormat size virtualSize checksum failure { code message } inspection { formats }
    copies { id } tasks(first: 5) { nodes { message status } } } }`;
  return (await ask<{ image: Imported }>(access, text, { id })).image;
}

/** Registers it, and asks for the import. */
async function begin(
  access: Access,
  body: Buffer | null,
  { digest, ...declared }: { diskFormat?: string; containerFormat?: string; digest?: object } = {},
): Promise<string> {
  const path = `/${files.size}`;
  files.set(path, body);
  const id = await newImage(access, { diskFormat: 'QCOW2', ...declared });
  const method = { webDownload: { url: webUrl + path, ...(digest ? { digest } : {}) } };
  expect(await mutate(access, 'importImage', { id, method })).toMatchObject({
    __typename: 'ImportImagePayload',
  });
  return id;
}

const ended = (access: Access, id: string) =>
  until(async () => {
    const image = await imageOf(access, id);
    return image.status !== 'IMPORTING' && image;
  });
const bring = async (...asked: Parameters<typeof begin>) => ended(asked[0], await begin(...asked));

const work = (server: TestServer) => join(server.dataDir, 'converting');
const left = (server: TestServer) => readdirSync(work(server));
const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex');

describe.skipIf(needs.skip)(`where images are converted to raw${needs.why}`, () => {
  beforeAll(async () => {
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    webUrl = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
    raw = await aServer({ settings: settings('{ to: raw, cpu: 3s }') });
    access = { url: raw.url, token: raw.tokenOf('blue') };
  });
  afterAll(async () => {
    await raw?.stop();
    web.closeAllConnections();
    await new Promise((resolve) => web.close(resolve));
  });

  test('the image becomes what was asked for, with size, digests and virtual size of the result', async () => {
    const { bytes } = madeOf(disk, 'qcow2');
    const digest = { algorithm: 'sha256', value: createHash('sha256').update(bytes).digest('hex') };
    const image = await bring(access, bytes, { digest });
    expect(image).toMatchObject({
      status: 'ACTIVE',
      diskFormat: 'RAW',
      size: disk.length,
      virtualSize: disk.length,
      checksum: md5(disk),
      failure: null,
      inspection: { formats: [] },
      tasks: { nodes: [{ status: 'SUCCESS', message: 'Converted from qcow2 to raw.' }] },
    });
    expect(Buffer.compare(await fetchBytes(access, image.id), disk)).toBe(0);
    expect(left(raw)).toEqual([]);
    expect(raw.logged.join('')).toMatch(/Images are converted to raw; qemu-img runs /);
  });

  test.each([
    ['VMDK', 'vmdk', 'subformat=streamOptimized'],
    ['VMDK', 'vmdk', 'subformat=monolithicSparse'],
    ['VHD', 'vpc', 'subformat=dynamic,force_size=on'],
    ['VHD', 'vpc', 'subformat=fixed,force_size=on'],
    ['VHDX', 'vhdx', ''],
    ['VDI', 'vdi', ''],
  ])('%s (%s %s) is read as what it is', async (diskFormat, driver, options) => {
    const image = await bring(access, madeOf(disk, driver, options).bytes, { diskFormat });
    expect(image).toMatchObject({
      status: 'ACTIVE',
      diskFormat: 'RAW',
      size: disk.length,
      checksum: md5(disk),
      failure: null,
    });
  });

  test('what is compressed is unpacked first, and what is staged is converted too', async () => {
    const { bytes } = madeOf(disk, 'qcow2', '', ['-c']);
    const packed = await bring(access, gzipSync(bytes), { containerFormat: 'COMPRESSED' });
    expect(packed).toMatchObject({ status: 'ACTIVE', diskFormat: 'RAW', containerFormat: 'BARE' });
    expect(packed.checksum).toBe(md5(disk));

    const id = await newImage(access, { diskFormat: 'QCOW2' });
    await raw.http(`/v2/images/${id}/stage`, {
      method: 'PUT',
      token: access.token,
      headers: { 'content-type': 'application/octet-stream' },
      body: new Uint8Array(bytes),
    });
    await mutate(access, 'importImage', { id, method: { staged: true } });
    expect(await ended(access, id)).toMatchObject({
      status: 'ACTIVE',
      diskFormat: 'RAW',
      checksum: md5(disk),
    });
  });

  test('discs, what is raw already, what is in an archive and what is uploaded stay what they are', async () => {
    expect(await bring(access, iso(), { diskFormat: 'ISO' })).toMatchObject({
      status: 'ACTIVE',
      diskFormat: 'ISO',
    });
    const same = await bring(access, disk, { diskFormat: 'RAW' });
    expect(same).toMatchObject({
      status: 'ACTIVE',
      checksum: md5(disk),
      tasks: { nodes: [{ message: null }] },
    });
    const id = await newImage(access, { diskFormat: 'QCOW2' });
    const { bytes } = madeOf(disk, 'qcow2');
    expect(await put(access, id, bytes)).toMatchObject({ status: 204 });
    expect(await imageOf(access, id)).toMatchObject({ diskFormat: 'QCOW2', checksum: md5(bytes) });
  });

  test('clients can ask what becomes of disks', async () => {
    const { service } = await ask<{ service: object }>(access, '{ service { importConvertsTo } }');
    expect(service).toEqual({ importConvertsTo: 'RAW' });
    const info = await raw.http('/v2/info/import', { token: access.token });
    expect(await info.text()).toMatch(/Disks \(qcow2, vmdk, vhd, vhdx, vdi\) are converted to raw/);
  });

  test('what is refused says why, names no path, and leaves nothing', async () => {
    const { bytes } = madeOf(disk, 'qcow2');
    const hostile = qcow2({ 8: { be64: 0x200n }, 16: { be32: 11 }, 512: '/etc/passwd' });
    // A table of clusters that does not begin with one.
    const damaged = fill(Buffer.from(bytes), { [bytes.readUInt32BE(44)]: { be64: 0x8000_0000_0004_0200n } });
    const hiding = madeOf(qcow2(), 'qcow2').bytes;
    const encrypted = madeOf(disk, 'qcow2', 'encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10', [
      '--object',
      'secret,id=s,data=hush',
    ]).bytes;
    const digest = { algorithm: 'sha256', value: '0'.repeat(64) };
    const refused: [Buffer, string, RegExp, object?][] = [
      [hostile, 'unsafe_image', /backing file/],
      [disk, 'format_mismatch', /says to be qcow2/],
      [bytes, 'DIGEST_MISMATCH', /send them again/, { digest }],
      [damaged, 'CONVERSION_FAILED', /from qcow2 to raw: it is damaged/],
      [hiding, 'format_mismatch', /says to be raw, but its bytes are qcow2/],
      [encrypted, 'CONVERSION_FAILED', /it is encrypted/],
      [qcow2({ 24: { be64: 2n << 40n } }), 'QUOTA_EXCEEDED', /1099511627776 bytes/],
    ];
    for (const [body, code, says, more] of refused) {
      const image = await bring(access, body, more);
      expect(image).toMatchObject({ status: 'QUEUED', diskFormat: 'QCOW2', failure: { code }, copies: [] });
      expect(image.failure?.message).toMatch(says);
      expect(image.failure?.message).not.toMatch(/\/tmp|converting|source|target/);
    }
    expect(left(raw)).toEqual([]);
    expect(raw.logged.join('')).toMatch(/qemu-img could not convert an image/);
  });

  test('a conversion that takes long dies with its image, or when its time is over', async () => {
    // 512 GiB of one and the same cluster.
    const long = qcow2({ 24: { be64: 1n << 39n }, 36: { be32: 1024 } });
    const flagged = 1n << 63n;
    for (let n = 0; n < 1024; n++) long.writeBigUInt64BE(flagged | 0x40000n, 0x30000 + n * 8);
    const table = Buffer.alloc(65_536);
    for (let n = 0; n < 8192; n++) table.writeBigUInt64BE(flagged | 0x50000n, n * 8);
    const bomb = Buffer.concat([long, table, Buffer.alloc(65_536)]);
    const runs = () =>
      readdirSync('/proc').filter((pid) => {
        try {
          return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(work(raw));
        } catch {
          return false; // it has ended meanwhile
        }
      });

    const id = await begin(access, bomb);
    await until(async () =>
      /being converted from qcow2 to raw/.test((await imageOf(access, id)).tasks.nodes[0]?.message ?? ''),
    );
    await until(() => runs().length > 0);
    await mutate(access, 'deleteImage', { id });
    await until(() => runs().length === 0 && left(raw).length === 0);

    const image = await bring(access, bomb);
    expect(image).toMatchObject({ status: 'QUEUED', failure: { code: 'CONVERSION_FAILED' } });
    expect(image.failure?.message).toMatch(/more than 3 s of a processor/);
    expect([runs(), left(raw)]).toEqual([[], []]);
  });

  test('what killed processes have left goes, what is under way stays, and goes with its image', async () => {
    const id = await begin(access, null);
    const [ours = ''] = await until(() => left(raw).length > 0 && left(raw));
    mkdirSync(join(work(raw), `${crypto.randomUUID()}.1`));
    mkdirSync(
      join(
        work(raw),
        ours.replace(/\d+$/, (attempt) => `${Number(attempt) - 1}`),
      ),
    );
    mkdirSync(join(work(raw), 'probe-now'));
    mkdirSync(join(work(raw), 'probe-long-ago'));
    utimesSync(join(work(raw), 'probe-long-ago'), 0, 0);
    await sweepConversions(raw.app);
    expect(left(raw).sort()).toEqual([ours, 'probe-now'].sort());

    await mutate(access, 'deleteImage', { id });
    await until(() => !left(raw).includes(ours));
  });
});

describe.skipIf(needs.skip)(`where limits are narrow${needs.why}`, () => {
  test('to qcow2, within the time there is', async () => {
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    webUrl = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
    const server = await aServer({
      settings: settings('{ to: qcow2, from: [raw, vdi], time: 10s }'),
      env: { VITRINE_IMAGE_SIZE_MAX: '5 MiB' },
    });
    try {
      const blue = { url: server.url, token: server.tokenOf('blue') };
      const image = await bring(blue, disk, { diskFormat: 'RAW' });
      expect(image).toMatchObject({ status: 'ACTIVE', diskFormat: 'QCOW2', virtualSize: disk.length });
      expect(image.inspection?.formats).toEqual(['QCOW2']);
      expect(await bring(blue, madeOf(disk, 'vmdk').bytes, { diskFormat: 'VMDK' })).toMatchObject({
        diskFormat: 'VMDK',
      });
      const full = await bring(blue, someBytes(5 * MiB), { diskFormat: 'RAW' });
      expect(full).toMatchObject({ status: 'QUEUED', failure: { code: 'QUOTA_EXCEEDED' } });
      expect(left(server)).toEqual([]);
    } finally {
      await server.stop();
      web.closeAllConnections();
      await new Promise((resolve) => web.close(resolve));
    }
  });
});
