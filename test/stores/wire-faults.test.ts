/** Object stores that are away, slow, full, that break off, lie and forget whom they trust: over the wire. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConflictError, NotFoundError, UnavailableError } from '../../src/domain/errors.ts';
import { openStores, type StoreConfig } from '../../src/stores/all.ts';
import { s3Store } from '../../src/stores/s3/s3.ts';
import type { StoreWriter, WritableStore } from '../../src/stores/store.ts';
import { swiftStore } from '../../src/stores/swift/swift.ts';
import { collect, someBytes } from '../support/bytes.ts';
import { freePort } from '../support/installation.ts';
import { storePassword } from '../support/planted.ts';
import { s3Server } from '../support/s3-server.ts';
import { only } from '../support/size.ts';
import { swiftServer } from '../support/swift-server.ts';
import type { WireServer } from '../support/wire-server.ts';
import { put, storeContract } from './contract.ts';

const staging = mkdtempSync(join(tmpdir(), 'vitrine-staging-'));
const egress = { schemes: [], ports: [], allow: [], deny: [], redirects: 0, timeoutMs: 1_000 };
const open: WireServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});
afterAll(() => rmSync(staging, { recursive: true, force: true }));

interface Remote extends WireServer {
  names(): string[];
}

const usual = {
  default: true,
  weight: 0,
  parallel: 8,
  connectTimeoutMs: 5_000,
  answerTimeoutMs: 10_000,
  idleTimeoutMs: 10_000,
};
/** For what hangs. */
const hurry = { connectTimeoutMs: 500, answerTimeoutMs: 300, idleTimeoutMs: 700 };
const swiftConfig = (url: string) => ({
  ...usual,
  id: 'far',
  type: 'swift' as const,
  authUrl: `${url}/v3`,
  username: 'u',
  password: storePassword,
  userDomain: 'Default',
  project: 'p',
  projectDomain: 'Default',
  region: 'RegionOne',
  interface: 'public' as const,
  container: 'images',
  largeObjectSize: 1_000_000,
  segmentSize: 2 ** 20,
});
const s3Config = (url: string) => ({
  ...usual,
  id: 'far',
  type: 's3' as const,
  endpoint: url,
  region: 'RegionOne',
  bucket: 'images',
  accessKeyId: 'k',
  secretAccessKey: storePassword,
  forcePathStyle: true,
});

async function started<T extends Remote>(make: () => Promise<T>): Promise<T> {
  const server = await make();
  open.push(server);
  return server;
}

/** As a server of ours has it: with everything that goes around a driver. */
const opened = (config: StoreConfig): WritableStore =>
  openStores([config], { spool: staging, staging: { store: config.id }, egress }).default;

/** Uploads and downloads by both of them are in test/flows/many-stores. */
const thorough = only({ from: 'ci' });

describe.skipIf(thorough.skip)(`on the wire${thorough.why}`, () => {
  storeContract('swift', async () => swiftStore(swiftConfig((await started(swiftServer)).url)));
  storeContract('s3', async () => s3Store({ ...s3Config((await started(s3Server)).url), staging }));
});

const kinds = [
  {
    name: 'swift',
    server: swiftServer as () => Promise<Remote>,
    config: swiftConfig as (url: string) => StoreConfig,
    /** The request that carries the bytes, and the one that makes them an object. */
    part: /^PUT .*\/0000000\d$/,
    publish: /multipart-manifest=put/,
    object: /ab\.1$/,
  },
  {
    name: 's3',
    server: s3Server as () => Promise<Remote>,
    config: s3Config as (url: string) => StoreConfig,
    part: /^PUT .*partNumber=/,
    publish: /^POST .*uploadId=/,
    object: /ab\.1(\?x-id=GetObject)?$/,
  },
];

/** The SDK waits long for an answer that does not come. */
const patient = only({ from: 'ci' });

/** What goes around a driver is the same for both. */
const some = thorough.skip ? kinds.slice(0, 1) : kinds;

describe.each(some)('$name that fails', ({ name, server: make, config, part, publish, object }) => {
  const bytes = someBytes(3_000_000);
  let server: Remote;
  let store: WritableStore;
  beforeEach(async () => {
    server = await started(make);
    store = opened(config(server.url));
    await store.probe();
  });

  async function writing(): Promise<StoreWriter> {
    const writer = await store.create('ab.1', { size: null });
    for (let at = 0; at < bytes.length; at += 100_000)
      await writer.write(Buffer.from(bytes.subarray(at, at + 100_000)));
    return writer;
  }

  /** An upload that fails somewhere, is cancelled as the registry does it, and leaves nothing. */
  async function failing(): Promise<UnavailableError> {
    let writer: StoreWriter | null = null;
    const error = await (async () => {
      writer = await store.create('ab.1', { size: null });
      for (let at = 0; at < bytes.length; at += 100_000) {
        await writer.write(Buffer.from(bytes.subarray(at, at + 100_000)));
      }
      await writer.commit();
    })().then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(UnavailableError);
    expect((error as Error).message).toContain('Store far');
    expect((error as Error).message).not.toMatch(/127\.0\.0\.1|S3CR3T/);
    server.fail();
    // Where it takes longer than anybody waits, it goes on by itself.
    await (writer as StoreWriter | null)?.cancel().catch(() => {});
    await expect.poll(() => server.names(), { timeout: 10_000 }).toEqual([]);
    return error as UnavailableError;
  }

  async function expectWorks(): Promise<void> {
    await put(store, 'ab.1', bytes, 100_000);
    expect((await collect(await store.read('ab.1'))).equals(bytes)).toBe(true);
  }

  it('is away: refused at once, and left alone after a while', async () => {
    const port = await freePort();
    const nobody = opened(config(`http://127.0.0.1:${port}`));
    await expect(nobody.stat('ab.1')).rejects.toThrow('cannot be reached');
    await expect(nobody.stat('ab.1')).rejects.toThrow(UnavailableError);
    await expect(nobody.stat('ab.1')).rejects.toThrow('in a row');
    await expect(nobody.probe()).rejects.toThrow(UnavailableError);
  });

  it('answers 503 for a moment: tried again, as late as it wishes', async () => {
    server.fail({ on: part, times: 1, how: { status: 503, headers: { 'retry-after': '1' } } });
    const start = performance.now();
    await expectWorks();
    expect(performance.now() - start).toBeGreaterThan(900);
    await store.remove('ab.1');
    server.fail({ on: /^(PUT|POST|HEAD) /, times: 2, how: { status: 503 } }); // at the very beginning
    await expectWorks();
    await store.remove('ab.1');
    server.fail({ on: publish, times: 2, how: { status: 502 } });
    await (await writing()).commit();
    expect((await store.stat('ab.1')).size).toBe(bytes.length);
  });

  it('breaks off before it answers: tried again where that is safe', async () => {
    await put(store, 'ab.1', bytes, 100_000);
    for (const how of ['reset', { status: 500 }] as const) {
      server.fail({ on: object, times: 2, how });
      expect(await store.stat('ab.1')).toEqual({ size: bytes.length });
      server.fail({ on: object, times: 2, how });
      expect((await collect(await store.read('ab.1'))).length).toBe(bytes.length);
    }
  });

  it.each([
    ['500 for good', { status: 500 }],
    ['403', { status: 403 }],
    ['429 for longer than one waits', { status: 429, headers: { 'retry-after': '3600' } }],
  ])('answers %s: refused, and nothing is left', async (_name, how) => {
    server.fail({ on: part, how });
    expect((await failing()).reason).toBe('refused');
    server.fail({ on: publish, how });
    expect((await failing()).reason).toBe('refused');
    await expectWorks();
  });

  it.each([413, 507])('is full (%i): it says so, and nothing is left', async (status) => {
    server.fail({ on: part, skip: 1, how: { status } });
    if (store.type === 's3') server.fail({ on: part, how: { status } });
    expect((await failing()).reason).toBe('full');
    await expectWorks();
  });

  it('breaks off in the middle of the bytes: nothing is left', async () => {
    server.fail({ on: part, how: { resetAfter: 500_000 } });
    await failing();
    server.fail({ on: part, how: { statusAfter: 500_000, status: 503 } });
    await failing();
    await expectWorks();
  });

  const late = name === 's3' ? patient : { skip: false, why: '' };
  it.skipIf(late.skip)(`hangs: given up in time, and nothing is left${late.why}`, async () => {
    store = opened({ ...config(server.url), ...hurry });
    await store.probe();
    for (const on of [part, publish]) {
      server.fail({ on, how: 'hang' });
      const start = performance.now();
      await failing();
      expect(performance.now() - start).toBeLessThan(20_000);
    }
    server.fail({ on: object, how: 'hang' });
    await expect(store.stat('ab.1')).rejects.toMatchObject({ reason: 'timeout' });
    await expect(store.read('ab.1')).rejects.toMatchObject({ reason: 'timeout' });
    server.fail();
    store = opened(config(server.url));
    await expectWorks();
  });

  it('receives other bytes than were sent: refused, and nothing is left', async () => {
    server.fail({ on: part, how: 'spoil' });
    await failing();
    await expectWorks();
  });

  it('loses the answer to the publication: nothing is left, or it is whole', async () => {
    server.fail({ on: publish, how: 'lose answer' });
    const writer = await writing();
    const outcome = await writer.commit().then(
      () => 'there',
      (error: unknown) => error,
    );
    server.fail();
    if (outcome === 'there') return expect((await store.stat('ab.1')).size).toBe(bytes.length);
    expect([UnavailableError, ConflictError, NotFoundError]).toContain((outcome as Error).constructor);
    await writer.cancel();
    await store.remove('ab.1'); // as the row that gave up asks for
    expect(server.names()).toEqual([]);
  });

  it('cuts its answers short: gone on with, and never taken for whole', async () => {
    await put(store, 'ab.1', bytes, 100_000);
    server.fail({ on: object, times: 2, how: { cutAfter: 1_000_000 } });
    expect((await collect(await store.read('ab.1'))).equals(bytes)).toBe(true);
    const range = { start: 500_000, end: 2_500_000 };
    server.fail({ on: object, times: 2, how: { cutAfter: 700_000 } });
    expect((await collect(await store.read('ab.1', range))).equals(bytes.subarray(500_000, 2_500_001))).toBe(
      true,
    );
    server.fail({ on: object, how: { cutAfter: 0 } });
    await expect(collect(await store.read('ab.1'))).rejects.toThrow(UnavailableError);
  });

  it('removes what an upload left that nobody cancelled', async () => {
    await writing();
    expect(server.names().length).toBeGreaterThan(0);
    const keys: string[] = [];
    for await (const key of store.keys()) keys.push(key);
    expect(keys).toEqual(['ab.1']);
    await store.remove('ab.1');
    expect(server.names()).toEqual([]);
  });
});

describe('swift that forgets its tokens', () => {
  it('is given another one, between the segments of an upload too, and no byte is lost', async () => {
    const server = await started(swiftServer);
    const store = opened(swiftConfig(server.url));
    const bytes = someBytes(5_000_000);
    const writer = await store.create('ab.1', { size: null });
    for (let at = 0; at < bytes.length; at += 100_000) {
      await writer.write(Buffer.from(bytes.subarray(at, at + 100_000)));
      if (at % 1_000_000 === 0) server.revoke();
    }
    server.revoke();
    await writer.commit();
    server.revoke();
    expect(await store.stat('ab.1')).toEqual({ size: bytes.length });
    server.revoke();
    expect((await collect(await store.read('ab.1'))).equals(bytes)).toBe(true);
  });

  it('asks for one token, however many calls need it', async () => {
    const server = await started(swiftServer);
    const store = opened(swiftConfig(server.url));
    await Promise.all(Array.from({ length: 8 }, () => store.stat('ab.1').catch(() => {})));
    expect(server.seen.filter((line) => line.includes('/auth/tokens'))).toHaveLength(1);
  });

  it('is told of credentials that are not accepted, without the credentials', async () => {
    const server = await started(swiftServer);
    const store = opened({ ...swiftConfig(server.url), password: 'wrong-password' });
    const error = await store.stat('ab.1').catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject({ message: expect.stringContaining('does not accept the credentials') });
    expect(JSON.stringify(error)).not.toContain('wrong-password');
  });

  it('takes application credentials', async () => {
    const server = await started(swiftServer);
    const { username: _u, password: _p, project: _q, ...config } = swiftConfig(server.url);
    const store = opened({
      ...config,
      applicationCredentialId: 'id',
      applicationCredentialSecret: storePassword,
    });
    await put(store, 'ab.1', Buffer.from('x'));
    expect(await store.stat('ab.1')).toEqual({ size: 1 });
  });
});

describe('swift whose caller is killed between the mark and the manifest', () => {
  const bytes = someBytes(2 * 2 ** 20 + 100_000);

  /** Paused with all bytes, of which the last are no segment yet, and then finished in vain. */
  async function killed() {
    const server = await started(swiftServer);
    const store = opened(swiftConfig(server.url));
    const first = await store.create('ab.1', { size: bytes.length, pausable: true });
    for (let at = 0; at < bytes.length; at += 100_000) await first.write(bytes.subarray(at, at + 100_000));
    let paused = await first.pause();
    expect([paused.offset, paused.tail.length]).toEqual([bytes.length, 100_000]);
    paused = JSON.parse(JSON.stringify(paused), (key, value) =>
      key === 'tail' ? Buffer.from(value) : value,
    );
    server.fail({ on: /multipart-manifest=put/, how: { status: 403 } });
    await expect((await store.resume('ab.1', paused)).commit()).rejects.toThrow(UnavailableError);
    server.fail();
    expect(server.names()).toEqual(['ab.1/00000001', 'ab.1/00000002', 'ab.1/00000003']);
    server.seen.length = 0;
    return { server, store, finish: async () => (await store.resume('ab.1', paused)).commit() };
  }

  it('is finished by the next one, who makes no segment anew', async () => {
    const { server, store, finish } = await killed();
    await finish();
    expect((await collect(await store.read('ab.1'))).equals(bytes)).toBe(true);
    expect(server.seen.filter((line) => /^(PUT|DELETE) .*ab\.1\//.test(line))).toEqual([]);
    await expect(finish()).rejects.toThrow(ConflictError);
    expect(await store.stat('ab.1')).toEqual({ size: bytes.length });
    await store.remove('ab.1');
    expect(server.names()).toEqual([]);
  });

  it.each(['ab.1/00000001', 'ab.1/00000003'])('is lost where %s is gone too', async (name) => {
    const { server, store, finish } = await killed();
    server.lose(name);
    await expect(finish()).rejects.toThrow(NotFoundError);
    expect(server.names()).toHaveLength(2);
    await expect(store.stat('ab.1')).rejects.toThrow(NotFoundError);
  });
});

it('swift keeps what comes byte by byte in as much memory as there are bytes', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const used = () => {
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const store = swiftStore({ ...swiftConfig((await started(swiftServer)).url), segmentSize: 2 ** 23 });
  const bytes = someBytes(200_000);
  const writer = await store.create('ab.1', { size: null, pausable: true });
  const before = used();
  for (let at = 0; at < bytes.length; at++) await writer.write(bytes.subarray(at, at + 1));
  expect(used() - before).toBeLessThan(4_000_000);
  const { tail } = await writer.pause();
  expect(bytes.equals(tail)).toBe(true);
});

describe('s3 whose part arrives after the upload was given up', () => {
  it.each(['cancel', 'remove'] as const)('is asked again, until nothing is left: %s', async (how) => {
    const server = await started(s3Server);
    const store = opened(s3Config(server.url));
    const writer = await store.create('ab.1', { size: null });
    await writer.write(someBytes(100_000));
    server.partsOnTheirWay(2);
    await (how === 'cancel' ? writer.cancel() : store.remove('ab.1'));
    expect(server.names()).toEqual([]);
  });

  it('does not mind when it may not ask for parts', async () => {
    const server = await started(s3Server);
    const store = opened(s3Config(server.url));
    await store.create('ab.1', { size: null });
    server.fail({ on: /^GET .*uploadId=/, how: { status: 403 } });
    await store.remove('ab.1');
    expect(server.names()).toEqual([]);
  });

  it('says so when parts stay, so that it is tried again', async () => {
    const server = await started(s3Server);
    const store = opened(s3Config(server.url));
    await store.create('ab.1', { size: null });
    server.partsOnTheirWay(99);
    await expect(store.remove('ab.1')).rejects.toThrow(UnavailableError);
  });
});

describe('s3 with parts that are larger than memory has room for', () => {
  it('spools them, and leaves no file', async () => {
    const server = await started(s3Server);
    const store = s3Store({ ...s3Config(server.url), staging, partsBeforeGrowth: 1 });
    const bytes = someBytes(30_000_000);
    await put(store, 'ab.1', bytes, 700_001);
    expect(server.seen.filter((line) => line.includes('partNumber='))).toHaveLength(3);
    expect((await collect(await store.read('ab.1'))).equals(bytes)).toBe(true);
    server.fail({ on: /partNumber=2/, times: 1, how: { resetAfter: 3_000_000 } });
    await put(store, 'ab.2', bytes, 700_001);
    expect((await collect(await store.read('ab.2'))).equals(bytes)).toBe(true);
    const writer = await store.create('ab.3', { size: null });
    await writer.write(bytes);
    await writer.cancel();
    expect(readdirSync(staging)).toEqual([]);
    expect(server.names()).toEqual(['ab.1', 'ab.2']);
  });
});
