/** Keeps objects in one bucket of any service that speaks S3; the bucket is made when it is first needed. */
import { mkdir } from 'node:fs/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { openLine } from '../../cloud/http-call.ts';
import { connectionFailure } from '../../cloud/http-failure.ts';
import { buffers } from '../buffers.ts';
import { alreadyThere, storeFailure } from '../failure.ts';
import { bodyOf } from '../http-body.ts';
import { checkKey, isKey } from '../key.ts';
import { retried } from '../retries.ts';
import type { WritableStore } from '../store.ts';
import { s3Bucket } from './bucket.ts';
import { orNothing } from './failure.ts';
import { firstPartBytes, type Spool, usualPartsBeforeGrowth } from './parts.ts';
import { type S3Paused, s3Writer } from './writer.ts';

export interface S3StoreOptions {
  id: string;
  endpoint: string;
  region: string;
  bucket: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** The bucket stands in the path and not in the name of the host. */
  forcePathStyle: boolean;
  connectTimeoutMs: number;
  /** A directory for parts that are too large for memory; made when it is needed. */
  staging: string;
  /** Parts of one size, before they are twice as large. */
  partsBeforeGrowth?: number;
}

const idleParts = 4;

export function s3Store(options: S3StoreOptions): WritableStore {
  const { id, staging } = options;
  const bucket = s3Bucket({
    store: id,
    client: clientOf(options),
    bucket: options.bucket,
    region: options.region,
  });
  const spool: Spool = {
    pool: buffers(firstPartBytes, idleParts, Buffer.allocUnsafeSlow),
    staging,
    partsBeforeGrowth: options.partsBeforeGrowth ?? usualPartsBeforeGrowth,
  };

  async function isTaken(key: string, signal: AbortSignal | undefined): Promise<boolean> {
    if ((await orNothing(retried(() => bucket.size(key, signal), signal))) !== null) return true;
    for await (const upload of bucket.uploads(key, signal)) if (upload.key === key) return true;
    return false;
  }

  async function prepareStaging(): Promise<void> {
    await mkdir(staging, { recursive: true, mode: 0o700 }).catch((error) => {
      throw storeFailure(id, error);
    });
  }

  return {
    id,
    type: 's3',

    async stat(key, signal) {
      signal?.throwIfAborted();
      checkKey(key);
      return { size: await bucket.size(key, signal) };
    },

    async read(key, range, signal) {
      signal?.throwIfAborted();
      checkKey(key);
      const stream = await bucket.get(key, range && `bytes=${range.start}-${range.end}`, signal);
      return bodyOf({ stream, signal, failure: (error) => connectionFailure(id, error) });
    },

    async probe(signal) {
      signal?.throwIfAborted();
      await bucket.probe(signal);
    },

    async create(key, _hint, signal) {
      signal?.throwIfAborted();
      checkKey(key);
      if (await isTaken(key, signal)) throw alreadyThere(id, key);
      await prepareStaging();
      const upload = await bucket.begin(key, signal);
      return s3Writer({ store: id, bucket, upload, spool });
    },

    async resume(key, { state, offset, tail }, signal) {
      signal?.throwIfAborted();
      checkKey(key);
      await prepareStaging();
      const { uploadId, parts } = state as S3Paused;
      const before = { parts, bytes: offset - tail.length };
      const writer = s3Writer({ store: id, bucket, upload: { key, uploadId }, spool, before });
      await writer.write(tail);
      return writer;
    },

    async remove(key) {
      checkKey(key);
      for await (const upload of bucket.uploads(key))
        if (upload.key === key) await orNothing(bucket.abort(upload));
      await bucket.remove(key);
    },

    async *keys(signal) {
      signal?.throwIfAborted();
      const unfinished = new Set<string>();
      for await (const { key } of bucket.uploads('', signal)) if (isKey(key)) unfinished.add(key);
      yield* unfinished;
      for await (const key of bucket.keys(signal)) {
        signal?.throwIfAborted();
        if (isKey(key) && !unfinished.has(key)) yield key;
      }
    },
  };
}

function clientOf({ endpoint, region, forcePathStyle, connectTimeoutMs, ...keys }: S3StoreOptions): S3Client {
  const { agents } = openLine({ connectMs: connectTimeoutMs });
  return new S3Client({
    endpoint,
    region,
    forcePathStyle,
    credentials: { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey },
    requestHandler: {
      httpAgent: agents['http:'],
      httpsAgent: agents['https:'],
      connectionTimeout: connectTimeoutMs,
    },
    maxAttempts: 1, // retries are ours, for all drivers alike
    // Parts carry Content-MD5. The SDK's own checksums come in a trailer that not every server understands.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    followRegionRedirects: false,
    logger: silent,
  });
}

/** What there is to say is said by errors; the SDK would write to the console. */
const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
