/**
 * Writes one object by multipart upload: one part is sent while the next one fills. An upload that is not completed
 * is invisible but for the listing of uploads, where the reaper finds it.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { ConflictError, UnavailableError } from '../../domain/errors.ts';
import { storeFailure } from '../failure.ts';
import type { PausableWriter, PausedWrite } from '../store.ts';
import type { Bucket, Upload } from './bucket.ts';
import { orNothing } from './failure.ts';
import { bytesOf, leastPartBytes, type Part, partOfUpload, partsMax, type Spool } from './parts.ts';

export interface S3Writing {
  store: string;
  bucket: Bucket;
  upload: Upload;
  spool: Spool;
  /** Of a write that goes on: the parts that are there, and their bytes. */
  before?: { parts: readonly CompletedPart[]; bytes: number };
}

/** What a paused write needs besides its tail. */
export interface S3Paused {
  uploadId: string;
  parts: CompletedPart[];
}

/** A part that is nearly there may arrive: aborted in mid-air it could turn up after the upload is gone. */
const landingMs = 5_000;

export function s3Writer({ store, bucket, upload, spool, before }: S3Writing): PausableWriter {
  const ending = new AbortController();
  const sent: CompletedPart[] = [...(before?.parts ?? [])];
  let count = sent.length;
  let size = before?.bytes ?? 0;
  let filling: Part | null = null;
  let sending: Promise<void> = Promise.resolve();
  let broken: unknown = null;
  let state: 'open' | 'completing' | 'committed' | 'paused' | 'cancelled' = 'open';
  let isForeign = false;
  let underWay: Promise<unknown> = Promise.resolve();
  let cancelling: Promise<void> | null = null;

  async function nextPart(): Promise<Part> {
    if (count === partsMax) {
      const message = `Store ${store} holds ${partsMax} parts in one object; the image is too large for it`;
      throw new UnavailableError(message, { store, reason: 'full' });
    }
    count++;
    const name = `${upload.key}-${upload.uploadId.replace(/[^\w-]/g, '').slice(0, 100)}`;
    try {
      return await partOfUpload(count, name, spool);
    } catch (error) {
      throw storeFailure(store, error);
    }
  }

  /** Waits for the part before, then begins to send this one. */
  async function send(part: Part): Promise<void> {
    const n = count;
    await sending;
    if (broken) throw broken;
    filling = null;
    sending = bucket
      .sendPart(upload, n, part, ending.signal)
      .then(
        (done) => void sent.push(done),
        (error) => {
          broken ??= error;
        },
      )
      .finally(() => part.free());
  }

  async function pour(chunk: Uint8Array): Promise<void> {
    if (broken) throw broken;
    for (let at = 0; at < chunk.length; ) {
      filling ??= await nextPart();
      const part = filling;
      at += await part.fill(chunk.subarray(at)).catch((error) => {
        throw storeFailure(store, error);
      });
      if (part.length === part.sizeBytes) await send(part);
    }
    size += chunk.length;
  }

  async function publish(): Promise<void> {
    if (filling) await send(filling);
    await sending;
    if (broken) throw broken;
    if (sent.length > 0) return bucket.complete(upload, sent, ending.signal);
    // There is no upload without parts. Whoever aborts it may publish: after remove(), nobody.
    await bucket.abort(upload);
    await bucket.putEmpty(upload.key, ending.signal);
  }

  async function commit(): Promise<void> {
    if (state !== 'open') throw new Error('commit after the end');
    state = 'completing';
    try {
      await publish();
      state = 'committed';
    } catch (error) {
      isForeign = error instanceof ConflictError;
      throw error;
    }
  }

  async function pause(): Promise<PausedWrite> {
    if (state !== 'open') throw new Error('pause after the end');
    state = 'paused';
    try {
      if (filling && filling.length >= leastPartBytes) await send(filling);
      await sending;
      if (broken) throw broken;
      const paused: S3Paused = { uploadId: upload.uploadId, parts: sent };
      return { offset: size, state: paused, tail: filling ? await bytesOf(filling) : new Uint8Array(0) };
    } finally {
      ending.abort(new Error('paused'));
      await sending;
      await dropFilling();
    }
  }

  async function dropFilling(): Promise<void> {
    const part = filling;
    filling = null;
    await part?.free();
  }

  /** A part whose last byte is gone may still arrive; its ETag tells it from that of whoever goes on. */
  async function leave(): Promise<void> {
    broken ??= new Error('left');
    ending.abort(broken);
    await Promise.allSettled([underWay, sending]);
    await dropFilling();
  }

  async function remains(mayBeThere: boolean): Promise<void> {
    broken ??= new Error('cancelled');
    const landed = new AbortController();
    const patience = sleep(landingMs, undefined, { signal: landed.signal }).catch(() => {});
    await Promise.race([Promise.allSettled([underWay, sending]), patience]);
    landed.abort();
    ending.abort(new Error('cancelled'));
    await Promise.allSettled([underWay, sending]);
    await dropFilling();
    await orNothing(bucket.abort(upload));
    if (mayBeThere && !isForeign) await bucket.remove(upload.key);
  }

  /** Remembers what runs, for a cancel that comes meanwhile. */
  function run<T>(work: Promise<T>): Promise<T> {
    underWay = work;
    return work;
  }

  return {
    async write(chunk) {
      if (state !== 'open') throw new Error('write after the end');
      return run(pour(chunk));
    },
    commit: () => run(commit()),
    pause: () => run(pause()),
    leave,
    cancel() {
      if (state === 'committed') return Promise.resolve();
      cancelling ??= remains(state === 'completing');
      state = 'cancelled';
      return cancelling;
    },
  };
}
