/** One attempt at an import: from its source into all its stores, then published; whoever works for the queue calls it. */

import { isOutage } from '../cloud/outage.ts';
import { failRun, type Imported, publishRun, putBackRun, type RunEnd } from '../db/import-ends.ts';
import { beginRun, type ImportRun } from '../db/imports.ts';
import type { Writing } from '../db/quotas.ts';
import { endHolds } from '../db/strays.ts';
import { ConflictError, UnavailableError } from '../domain/errors.ts';
import { importFailureOf } from '../domain/failure.ts';
import type { DigestAlgorithm } from '../domain/image.ts';
import { deathsMax, retryAfterSeconds } from '../domain/import.ts';
import { instantOf } from '../domain/instant.ts';
import { isWritable, type StoreWriter, type WritableStore } from '../stores/store.ts';
import type { SignatureCheck } from '../trust/signatures.ts';
import type { App } from './app.ts';
import { checkDigests, tooLarge } from './check-data.ts';
import { beginSignatureCheck, finishSignatureCheck, lookWith } from './check-signature.ts';
import { type Converting, converted } from './convert-source.ts';
import { fanOut } from './fan-out.ts';
import { newKey, patiently } from './hold-claim.ts';
import { type Hold, holdRun } from './hold-run.ts';
import { counting, type ImportSource, openSource } from './import-source.ts';
import { ingest } from './ingest.ts';
import { declaredBy, type Judge, judgeStream } from './judge-bytes.ts';
import { removeStray } from './reap.ts';
import { registerLocation } from './register-location.ts';
import { reserve, reserving } from './reserve.ts';
import { workFolderOf } from './sweep-conversions.ts';
import { isPacked, unpacked } from './unpack-source.ts';

/**
 * Never throws for what an import can fail of: that is on the task, on the image and in the log. `stopping` hands
 * the task to the next worker.
 */
export async function runImport(app: App, taskId: string, stopping: AbortSignal): Promise<void> {
  const run = await beginRun(app.db, taskId, newKey);
  if (!run) return;
  const log = app.log.child({ task: run.id, image: run.imageId, attempt: run.attempt });
  const hold = holdRun(app, run);
  const signal = AbortSignal.any([stopping, hold.signal]);
  try {
    requireGoingOn(run);
    await removeLeft(app, run);
    const { method } = run.order;
    const imported = await (method.name === 'location'
      ? registerLocation(app, run, { method, writing: writingOf(run), signal, hold })
      : bring(app, run, { signal, hold }));
    const end = await patiently(() => publishRun(app.db, run, imported));
    if (end === 'lost' || end === 'gone') await removeTargets(app, run);
    log.info({ method: method.name, size: imported.size, end }, 'an import ended');
  } catch (error) {
    // What was written goes only when the database says that it counts for nothing: a commit may have taken effect
    // although nobody heard of it.
    const end = (await hold.isLost())
      ? await endAsLost(app, run)
      : await endBadly(app, run, error, stopping.aborted);
    if (end !== 'published') await removeTargets(app, run);
  } finally {
    hold.stop();
  }
}

function requireGoingOn({ image, imageId, targets, deaths }: ImportRun): void {
  if (!image) throw new ConflictError('GONE', `Image ${imageId} was deleted before it was imported.`);
  if (targets.length === 0) {
    throw new ConflictError('BUSY', `No store is left that image ${imageId} was to be imported to.`);
  }
  if (deaths >= deathsMax) {
    throw new ConflictError(
      'BUSY',
      `The import was begun anew ${deathsMax} times, and each time its worker died.`,
    );
  }
}

/** Reads the source into every store. What was written for nothing is left to the caller. */
async function bring(
  app: App,
  run: ImportRun,
  { signal, hold }: { signal: AbortSignal; hold: Hold },
): Promise<Imported> {
  const found = await openSource(app, run, signal);
  requireWelcome(app, found);
  hold.expect(found.size);
  const counted = { ...found, bytes: counting(found.bytes, hold.moved) };
  // What is copied was judged when it came, and its digests say that it is the same.
  const isCopy = run.order.method.name === 'copy-image';
  const isUnpacked = !isCopy && isPacked(app, run.image);
  const given = isUnpacked ? unpacked(app, counted) : counted;
  const writing = writingOf(run);
  const signed = isCopy
    ? null
    : await orClose(found, beginSignatureCheck(app, run.imageId, given.change.properties));
  if (given.size !== null) await orClose(found, reserve(app, writing, { atLeast: given.size }));
  const conversion = isCopy
    ? null
    : await orClose(found, converted(app, given, convertingOf(app, run, { given, signal, hold })));
  try {
    const source = conversion ?? given;
    if (conversion) await reserve(app, writing, { atLeast: conversion.size });
    return await write(app, run, { source, isCopy, signed, signal });
  } finally {
    await conversion?.release().catch((error) => app.log.warn({ err: error, task: run.id }, unreleased));
  }
}

const unreleased = 'what a conversion left could not be removed; it goes with the next start';

function convertingOf(
  app: App,
  run: ImportRun,
  { given, signal, hold }: { given: ImportSource; signal: AbortSignal; hold: Hold },
): Converting {
  return {
    name: workFolderOf(run),
    declared: { ...declaredBy(run.image), ...given.change },
    reserve: reserving(app, writingOf(run), given.size ?? 0),
    signal,
    begun: ({ from, to }) => hold.say(`It is being converted from ${from} to ${to}.`),
  };
}

interface Writes {
  source: ImportSource;
  isCopy: boolean;
  signed: SignatureCheck | null;
  signal: AbortSignal;
}

/** Into every store, judged and whole. */
async function write(
  app: App,
  run: ImportRun,
  { source, isCopy, signed, signal }: Writes,
): Promise<Imported> {
  const { allMustSucceed } = run.order;
  const writers = await Promise.all(
    run.targets.map(({ store, key }) => beginObject(app, { store, key }, source, signal)),
  );
  const all = fanOut(writers, { allMustSucceed });
  const declared = { ...declaredBy(run.image), ...source.change };
  let judge: Judge | null = null;
  try {
    // Where a decoder breaks off depends on how its input was cut: whether it does counts for more than its first bytes.
    judge = isCopy ? null : judgeStream(app, declared, { isPatient: isPacked(app, run.image) });
    const wanted = new Set<DigestAlgorithm>(['md5', 'sha512', ...source.expected.map((e) => e.algorithm)]);
    const stored = await ingest(app.hashes, all, source.bytes, {
      algorithms: [...wanted],
      blocks: isCopy ? 'none' : 'sums',
      sizeLimit: app.limits.imageSizeMax,
      expectedSize: source.size,
      reserve: reserving(app, writingOf(run), source.size ?? 0),
      look: lookWith(judge, signed),
      signal,
    });
    checkDigests(stored, source.expected);
    const judged = { ...(await judge?.finish(declared)), ...finishSignatureCheck(signed) };
    await all.commit();
    return { ...stored, ...judged, ...outcomeOf(app, run, all.failures, source.note), change: source.change };
  } catch (error) {
    await all
      .cancel()
      .catch((cause) => app.log.warn({ err: cause, task: run.id }, 'a part could not be removed'));
    throw error;
  } finally {
    judge?.close();
  }
}

/** @throws QuotaExceededError before any byte is read, where the source says how many there are */
function requireWelcome(app: App, source: ImportSource): void {
  if (source.size === null || source.size <= app.limits.imageSizeMax) return;
  close(source);
  throw tooLarge(app, source.size);
}

/** A step before the source is read to its end. @throws what the step throws; nobody reads the source then */
async function orClose<T>(source: ImportSource, step: Promise<T>): Promise<T> {
  return step.catch((error) => {
    close(source);
    throw error;
  });
}

const close = ({ bytes }: ImportSource) => void bytes[Symbol.asyncIterator]().return?.();

const writingOf = ({ imageId, image, targets }: ImportRun): Writing => ({
  imageId,
  keys: targets.map(({ key }) => key),
  counts: 'bytes',
  project: image?.owner ?? null,
});

/** A writer that fails at its first byte where the store refuses to begin: whether that matters is decided there. */
async function beginObject(
  app: App,
  { store: id, key }: { store: string; key: string },
  { size }: ImportSource,
  signal: AbortSignal,
): Promise<StoreWriter> {
  try {
    return await requireTarget(app, id).create(key, { size }, signal);
  } catch (error) {
    const refuse = () => Promise.reject(error);
    return { write: refuse, commit: refuse, cancel: async () => {} };
  }
}

function requireTarget(app: App, id: string): WritableStore {
  const store = app.stores.get(id);
  if (store && isWritable(store)) return store;
  throw new UnavailableError(`This worker has no store ${id} that can be written to; another one may.`);
}

function outcomeOf(
  app: App,
  run: ImportRun,
  failures: ReadonlyMap<number, unknown>,
  note: ImportSource['note'],
) {
  const at = instantOf(app.now());
  const failed = Object.fromEntries(
    [...failures].map(([n, error]) => [run.targets[n]?.store, importFailureOf(error, run.id, at)]),
  ) as Imported['failed'];
  for (const [n, error] of failures) {
    app.log.error(
      { err: error, task: run.id, store: run.targets[n]?.store },
      'an import failed for one store',
    );
  }
  const written = run.targets.filter((_, n) => !failures.has(n)).map(({ id }) => id);
  const names = Object.keys(failed);
  const sentences = [names.length > 0 ? `Not copied to ${names.join(', ')}.` : null, note];
  return { written, failed, message: sentences.filter(Boolean).join(' ') || null };
}

/** Whether another attempt may end otherwise. A URL says nothing of what is behind it: it is always tried again. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof UnavailableError)) return false;
  return error.store === null || isOutage(error);
}

/** What this attempt alone can have written: nobody else knows these keys, so that nobody waits for them. */
async function removeTargets(app: App, { targets }: ImportRun): Promise<void> {
  for (const { store: id, key } of targets) {
    const store = app.stores.get(id);
    if (!store || !isWritable(store)) continue;
    await store
      .remove(key)
      .catch((error) => app.log.warn({ err: error, store: id, key }, 'an object could not be removed'));
  }
  await endHolds(
    app.db,
    targets.map(({ key }) => key),
  ).catch((error) => app.log.warn({ err: error }, 'objects of a deleted image wait for the reaper'));
}

/** What attempts before have written, so that it does not count beside what this one writes. */
async function removeLeft(app: App, { left }: ImportRun): Promise<void> {
  for (const object of left) {
    const store = app.stores.get(object.store);
    if (store && isWritable(store)) await removeStray(app, store, object);
  }
}

/** Another worker is at it, or the image is gone: then there is nothing to try again. */
async function endAsLost(app: App, run: ImportRun): Promise<RunEnd> {
  const gone = new ConflictError('GONE', `Image ${run.imageId} was deleted while it was imported.`);
  const failure = importFailureOf(gone, run.id, instantOf(app.now()));
  const end = await patiently(() => failRun(app.db, run, failure));
  const about = { task: run.id, image: run.imageId, attempt: run.attempt, end };
  app.log.warn(about, end === 'done' ? 'an image was deleted while it was imported' : takenOver);
  return end;
}

const takenOver = 'an import was taken over by another worker';

/** Again after a while, at once by another worker, or never: by the kind of failure. */
async function endBadly(app: App, run: ImportRun, error: unknown, isStopping: boolean): Promise<RunEnd> {
  const failure = importFailureOf(error, run.id, instantOf(app.now()));
  const seconds = isStopping ? 0 : retryAfterSeconds(mayPass(error), run.failures + 1);
  const about = { task: run.id, image: run.imageId, attempt: run.attempt, code: failure.code };
  if (seconds === null) {
    app.log.error({ err: error, ...about }, 'an import failed');
    return patiently(() => failRun(app.db, run, failure));
  }
  if (isStopping) app.log.info(about, 'an import is left to another worker');
  else app.log.warn({ err: error, ...about, seconds }, 'an import is tried again');
  const message = isStopping
    ? null
    : `${failure.message.replace(/\.?$/, '.')} It is tried again in ${seconds} s.`;
  return patiently(() => putBackRun(app.db, run, { seconds, message, failed: !isStopping }));
}
