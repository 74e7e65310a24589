/** The calls of one bucket that the store needs, each in the words of the contract, over the SDK's client. */

import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  type CreateBucketCommandInput,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { UnavailableError } from '../../domain/errors.ts';
import { retried } from '../retries.ts';
import { isNotForUs, isUnknownHere, nameOf, orNothing, s3Failure } from './failure.ts';
import type { Part } from './parts.ts';

export interface Upload {
  key: string;
  uploadId: string;
}

export interface BucketOptions {
  store: string;
  client: S3Client;
  bucket: string;
  region: string;
}

export type Bucket = ReturnType<typeof s3Bucket>;

type Signal = AbortSignal | undefined;

const abortsMax = 4;
const betweenAbortsMs = 250;

export function s3Bucket({ store, client, bucket: Bucket, region }: BucketOptions) {
  /** False once the server said that it knows no If-None-Match here. */
  let isConditional = true;

  /** One attempt; `key` for what is not there. */
  async function once<T>(key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw s3Failure(store, key, error);
    }
  }

  const asked = <T>(key: string, work: () => Promise<T>, signal?: Signal): Promise<T> =>
    retried(() => once(key, work), signal);

  /** With the condition that nothing is there, where that is known. */
  async function onlyIfNew<T>(
    key: string,
    work: (condition: { IfNoneMatch?: '*' }) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    try {
      return await asked(key, () => work(isConditional ? { IfNoneMatch: '*' } : {}), signal);
    } catch (error) {
      if (!isConditional || !isUnknownHere(error)) throw error;
      isConditional = false;
      return asked(key, () => work({}), signal);
    }
  }

  async function makeBucket(signal: Signal): Promise<void> {
    const where = region === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint: region } };
    const command = new CreateBucketCommand({ Bucket, ...where } as CreateBucketCommandInput);
    try {
      await once('', () => client.send(command, { abortSignal: signal }));
    } catch (error) {
      if (nameOf(error) !== 'BucketAlreadyOwnedByYou') throw error; // another process was first
    }
  }

  async function* uploads(prefix: string, signal?: Signal): AsyncGenerator<Upload> {
    let place: { KeyMarker?: string; UploadIdMarker?: string } = {};
    for (;;) {
      const command = new ListMultipartUploadsCommand({
        Bucket,
        ...(prefix && { Prefix: prefix }),
        ...place,
      });
      const page = await orNothing(asked('', () => client.send(command, { abortSignal: signal }), signal));
      for (const { Key, UploadId } of page?.Uploads ?? []) {
        if (Key && UploadId) yield { key: Key, uploadId: UploadId };
      }
      if (!page?.IsTruncated || !page.NextKeyMarker) return;
      place = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker ?? '' };
    }
  }

  /** False also where nobody may tell: a bucket whose credentials cannot list parts is emptied all the same. */
  async function hasParts({ key: Key, uploadId: UploadId }: Upload): Promise<boolean> {
    const command = new ListPartsCommand({ Bucket, Key, UploadId, MaxParts: 1 });
    const page = await orNothing(asked(Key, () => client.send(command))).catch((error) => {
      if (isNotForUs(error)) return null;
      throw error;
    });
    return (page?.Parts ?? []).length > 0;
  }

  return {
    /** Bytes. @throws NotFoundError */
    async size(Key: string, signal?: Signal): Promise<number> {
      const head = await once(Key, () =>
        client.send(new HeadObjectCommand({ Bucket, Key }), { abortSignal: signal }),
      );
      return head.ContentLength ?? 0;
    },

    async get(Key: string, Range: string | undefined, signal?: Signal): Promise<Readable> {
      const command = new GetObjectCommand({ Bucket, Key, ...(Range && { Range }) });
      const answer = await once(Key, () => client.send(command, { abortSignal: signal }));
      return answer.Body as Readable;
    },

    async probe(signal?: Signal): Promise<void> {
      await orNothing(
        once('', () => client.send(new HeadBucketCommand({ Bucket }), { abortSignal: signal })),
      );
    },

    /** Makes the bucket where it is missing. */
    async begin(Key: string, signal?: Signal): Promise<Upload> {
      const create = () =>
        asked(Key, () =>
          client.send(new CreateMultipartUploadCommand({ Bucket, Key }), { abortSignal: signal }),
        );
      const made = await orNothing(create());
      if (made?.UploadId) return { key: Key, uploadId: made.UploadId };
      await makeBucket(signal);
      return { key: Key, uploadId: (await create()).UploadId ?? '' };
    },

    /** Sent again after a failure that may pass. */
    async sendPart(
      { key: Key, uploadId: UploadId }: Upload,
      PartNumber: number,
      part: Part,
      signal: AbortSignal,
    ) {
      const send = () => {
        const Body = part.body();
        const about = { ContentLength: part.length, ContentMD5: part.md5() };
        const command = new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ...about });
        return client.send(command, { abortSignal: signal });
      };
      const { ETag } = await asked(Key, send, signal);
      return { PartNumber, ETag } as CompletedPart;
    },

    async complete(
      { key: Key, uploadId: UploadId }: Upload,
      Parts: CompletedPart[],
      signal: AbortSignal,
    ): Promise<void> {
      await onlyIfNew(
        Key,
        (condition) =>
          client.send(
            new CompleteMultipartUploadCommand({
              Bucket,
              Key,
              UploadId,
              MultipartUpload: { Parts },
              ...condition,
            }),
            { abortSignal: signal },
          ),
        signal,
      );
    },

    /**
     * A part that was on its way may arrive afterwards and stay (S3 API, AbortMultipartUpload): then once more.
     * @throws NotFoundError there is no such upload, or no longer
     * @throws UnavailableError parts are still there
     */
    async abort(upload: Upload): Promise<void> {
      const { key: Key, uploadId: UploadId } = upload;
      const abort = () =>
        asked(Key, () => client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })));
      await abort();
      for (let n = 1; await hasParts(upload); n++) {
        if (n === abortsMax)
          throw new UnavailableError(`Store ${store} keeps parts of what was given up`, { store });
        await orNothing(abort());
        await sleep(betweenAbortsMs * n);
      }
    },

    async putEmpty(Key: string, signal: AbortSignal): Promise<void> {
      const Body = Buffer.alloc(0);
      const put = (condition: { IfNoneMatch?: '*' }) =>
        client.send(new PutObjectCommand({ Bucket, Key, Body, ...condition }), { abortSignal: signal });
      await onlyIfNew(Key, put, signal);
    },

    /** Succeeds when it is gone already. */
    async remove(Key: string): Promise<void> {
      await orNothing(asked(Key, () => client.send(new DeleteObjectCommand({ Bucket, Key }))));
    },

    uploads,

    async *keys(signal?: Signal): AsyncGenerator<string> {
      let ContinuationToken: string | undefined;
      do {
        const command = new ListObjectsV2Command({ Bucket, ...(ContinuationToken && { ContinuationToken }) });
        const page = await orNothing(asked('', () => client.send(command, { abortSignal: signal }), signal));
        for (const { Key } of page?.Contents ?? []) if (Key) yield Key;
        ContinuationToken = page?.IsTruncated ? page.NextContinuationToken : undefined;
      } while (ContinuationToken);
    },
  };
}
