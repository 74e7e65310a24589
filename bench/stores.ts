/**
 * How fast bytes go into object stores, as ratios to the stores' own clients in the same run: the driver alone, from
 * the same file, and a whole upload through the server, which also hashes. And what memory an upload takes.
 */
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CreateBucketCommand, DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { s3Store } from '../src/stores/s3/s3.ts';
import type { WritableStore } from '../src/stores/store.ts';
import { swiftStore } from '../src/stores/swift/swift.ts';
import { targetOf } from './support/transfer-target.ts';
import type { Vitrine } from './support/vitrine.ts';
import {
  makePayload,
  median,
  megabytes,
  type Payload,
  put,
  report,
  residentBytes,
  seconds,
  uploads,
} from './transfer.ts';

const run = promisify(execFile);
const mebibyte = 2 ** 20;
const chunkBytes = mebibyte;
const goal = 0.7;
const memoryGoalMib = 24;
const atOnce = 8;

/** Where the services are, as test/services/up.sh prints it. */
export interface StoreServices {
  authUrl: string;
  password: string;
  endpoint: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** Null: the environment does not say. */
export function storeServices(): StoreServices | null {
  const env = process.env;
  if (!env.TEST_SWIFT_AUTH_URL) return null;
  return {
    authUrl: env.TEST_SWIFT_AUTH_URL,
    password: env.TEST_PASSWORD ?? '',
    endpoint: env.TEST_S3_ENDPOINT ?? '',
    accessKeyId: env.TEST_S3_ACCESS_KEY_ID ?? '',
    secretAccessKey: env.TEST_S3_SECRET_ACCESS_KEY ?? '',
  };
}

/** Of a server that keeps bytes in both. */
export function settingsOf({
  authUrl,
  password,
  endpoint,
  accessKeyId,
  secretAccessKey,
}: StoreServices): string {
  const swift = {
    id: 'swift',
    type: 'swift',
    authUrl,
    username: 'demo',
    password,
    project: 'demo',
    container: 'bench',
  };
  const s3 = {
    id: 's3',
    type: 's3',
    endpoint,
    region: 'RegionOne',
    bucket: 'bench-s3',
    accessKeyId,
    secretAccessKey,
  };
  return JSON.stringify({ stores: [swift, s3] }); // JSON is YAML
}

export interface MeasuringStores {
  mebibytes: number;
  rounds: number;
  dataDir: string;
}

interface Side {
  name: 'swift' | 's3';
  client: string;
  store: WritableStore;
  /** The store's own client puts the file there. */
  theirs(payload: Payload): Promise<unknown>;
  /** And takes it away, outside of what is measured. */
  theirsAway(): Promise<unknown>;
}

export async function measureStores(
  vitrine: Vitrine,
  services: StoreServices,
  { mebibytes, rounds, dataDir }: MeasuringStores,
): Promise<void> {
  const payload = makePayload(join(dataDir, 'payload'), mebibytes * mebibyte);
  const portion = makePayload(join(dataDir, 'portion'), Math.max(mebibyte, (mebibytes * mebibyte) / 4));
  const sides = [swiftSide(services), await s3Side(services, dataDir)];
  // Memory first: of a server that has just started.
  const fresh = residentBytes(vitrine.pid);
  for (const side of sides) await measureMemory(vitrine, side.name, { portion, rounds, fresh });
  for (const side of sides) await measureSpeed(vitrine, side, payload, rounds);
}

async function measureSpeed(vitrine: Vitrine, side: Side, payload: Payload, rounds: number): Promise<void> {
  const speeds: { theirs: number; driver: number; server: number }[] = [];
  for (let round = 0; round <= rounds; round++) {
    const theirs = payload.sizeBytes / (await seconds(() => side.theirs(payload)));
    await side.theirsAway();
    const driver = payload.sizeBytes / (await seconds(() => fill(side.store, `bench.${round}`, payload)));
    await side.store.remove(`bench.${round}`);
    const server = await uploads(targetOf(vitrine, side.name), payload, 1);
    if (round > 0) speeds.push({ theirs, driver, server }); // the first one warms everything
  }
  const speed = (of: (one: (typeof speeds)[number]) => number) => megabytes(median(speeds.map(of)));
  const theirs = `${side.client} ${speed((one) => one.theirs)}`;
  report(
    `into ${side.name}: the driver / ${side.client}`,
    speeds.map((one) => one.driver / one.theirs),
    goal,
    `${speed((one) => one.driver)}, ${theirs}`,
  );
  report(
    `into ${side.name}: an upload, hashed / ${side.client}`,
    speeds.map((one) => one.server / one.theirs),
    goal,
    `${speed((one) => one.server)}, ${theirs}`,
  );
}

/** As the registry writes: of unknown size, in two buffers by turns. */
async function fill(store: WritableStore, key: string, { path }: Payload): Promise<void> {
  const writer = await store.create(key, { size: null });
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes })) await writer.write(chunk);
  await writer.commit();
}

interface MeasuringMemory {
  portion: Payload;
  rounds: number;
  /** Bytes of memory before any upload. */
  fresh: number;
}

async function measureMemory(
  vitrine: Vitrine,
  store: string,
  { portion, rounds, fresh }: MeasuringMemory,
): Promise<void> {
  const target = targetOf(vitrine, store);
  for (let round = 0; round < rounds; round++) {
    const idle = residentBytes(vitrine.pid);
    let peak = idle;
    let running = true;
    const watching = (async () => {
      for (; running; await sleep(20)) peak = Math.max(peak, residentBytes(vitrine.pid));
    })();
    const ids = await Promise.all(Array.from({ length: atOnce }, () => target.newId()));
    await Promise.all(ids.map((id) => put(target, id, portion)));
    running = false;
    await watching;
    for (const id of ids) await target.remove(id);
    const mib = (n: number) => (n / mebibyte).toFixed(1);
    const each = `${mib((peak - idle) / atOnce)} MiB each over ${mib(idle)} idle (goal ${memoryGoalMib})`;
    console.log(
      `${atOnce} uploads into ${store} at once: ${each}, ${mib((peak - fresh) / atOnce)} over just started`,
    );
  }
}

const patience = { connectTimeoutMs: 5_000 };

function swiftSide({ authUrl, password }: StoreServices): Side {
  const project = {
    userDomain: 'Default',
    project: 'demo',
    projectDomain: 'Default',
    interface: 'public' as const,
  };
  const limits = { largeObjectSize: 5 * 2 ** 30, segmentSize: 2 * 2 ** 30 };
  const access = { id: 'swift', authUrl, username: 'demo', password, container: 'bench' };
  const env = {
    ...process.env,
    OS_AUTH_URL: authUrl,
    OS_USERNAME: 'demo',
    OS_PASSWORD: password,
    OS_PROJECT_NAME: 'demo',
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
    OS_IDENTITY_API_VERSION: '3',
  };
  const swift = (...args: string[]) => run('/usr/bin/python3', ['/usr/bin/swift', ...args], { env });
  return {
    name: 'swift',
    client: 'python-swiftclient',
    store: swiftStore({ ...access, ...project, ...limits, ...patience }),
    theirs: ({ path }) => swift('upload', 'bench-client', path, '--object-name', 'payload'),
    theirsAway: () => swift('delete', 'bench-client', 'payload'),
  };
}

async function s3Side(services: StoreServices, dataDir: string): Promise<Side> {
  const { endpoint, accessKeyId, secretAccessKey } = services;
  const shared = { endpoint, region: 'RegionOne', forcePathStyle: true };
  const client = new S3Client({
    ...shared,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED', // the server knows no aws-chunked
  });
  const Bucket = 'bench-client-s3';
  await client.send(new CreateBucketCommand({ Bucket })).catch(() => {}); // it is there already
  const staging = join(dataDir, 'staging');
  const keys = { bucket: 'bench-s3', accessKeyId, secretAccessKey, staging };
  return {
    name: 's3',
    client: 'lib-storage',
    store: s3Store({ id: 's3', ...shared, ...keys, ...patience }),
    theirs: ({ path }) =>
      new Upload({ client, params: { Bucket, Key: 'payload', Body: createReadStream(path) } }).done(),
    theirsAway: () => client.send(new DeleteObjectCommand({ Bucket, Key: 'payload' })),
  };
}
