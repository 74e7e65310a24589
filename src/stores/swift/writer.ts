/**
 * Writes one object of Swift: as it is when it is known to be small enough, else in segments that a manifest holds
 * together (static large objects). Nothing is kept here but the chunk that is under way; of a write that may be
 * paused also the first bytes of a segment, since what was streamed and is too little for one cannot be kept there.
 */
import { createHash } from 'node:crypto';
import { HttpStatus } from '../../cloud/outage.ts';
import { UnavailableError } from '../../domain/errors.ts';
import { alreadyThere, nothingUnder } from '../failure.ts';
import type { PausableWriter, PausedWrite } from '../store.ts';
import type { Container } from './account.ts';
import { gathering } from './gathering.ts';
import { namesIn, partOf, removeAll, segmentOf, segmentsOf } from './layout.ts';
import { beginSegment, type Segment } from './segment.ts';

/** What a manifest holds at most (Swift's default, max_manifest_segments). */
const segmentsMax = 1_000;

/** A segment that is there. */
interface Kept {
  name: string;
  etag: string;
  size: number;
}

/** What a paused write needs besides its tail. */
export interface SwiftPaused {
  segmentSize: number;
  kept: Kept[];
}

/** A pause makes no smaller segment. */
const leastSegmentBytes = 5 * 2 ** 20;

export interface SwiftWriting {
  container: Container;
  key: string;
  /** Bytes of each segment but the last; null: one object. */
  segmentSize: number | null;
  /** It may be paused: with the segments that are there already. */
  pausable?: { kept: readonly Kept[] } | undefined;
}

export function swiftWriter({ container, key, segmentSize, pausable }: SwiftWriting): PausableWriter {
  const { store } = container;
  const ending = new AbortController();
  const kept: Kept[] = [...(pausable?.kept ?? [])];
  /** The beginning of the next segment, as long as it is too small for one. */
  const small = gathering();
  const least = pausable && segmentSize !== null ? Math.min(leastSegmentBytes, segmentSize) : 0;
  let segment: Segment | null = null;
  let left = segmentSize ?? Number.POSITIVE_INFINITY;
  let state: 'open' | 'committing' | 'committed' | 'paused' | 'left' | 'cancelled' = 'open';
  /** An object is there that is not ours. */
  let isForeign = false;
  let underWay: Promise<unknown> = Promise.resolve();
  let cancelling: Promise<void> | null = null;

  const nameNow = () => (segmentSize === null ? key : segmentOf(key, kept.length + 1));

  async function current(): Promise<Segment> {
    if (segment) return segment;
    if (kept.length === segmentsMax) throw tooLarge();
    const headers = segmentSize === null ? { 'if-none-match': '*' } : {};
    segment = await beginSegment({ container, name: nameNow(), headers, signal: ending.signal });
    return segment;
  }

  function tooLarge(): UnavailableError {
    const message = `Store ${store} holds ${segmentsMax} segments of ${segmentSize} bytes in one object; announce the size, or set a larger segmentSize`;
    return new UnavailableError(message, { store, reason: 'full' });
  }

  /** Sends what is gathered, or keeps `part` with it where that is still too small. */
  async function pass(part: Uint8Array): Promise<void> {
    if (!segment && small.length + part.length < least) return small.add(part);
    const to = await current();
    if (small.length > 0) await to.write(small.take());
    await to.write(part);
  }

  async function finishSegment(): Promise<void> {
    if (small.length > 0) {
      const to = await current();
      await to.write(small.take());
    }
    if (!segment) return;
    const done = await segment.finish();
    segment = null;
    kept.push({ name: segmentOf(key, kept.length + 1), ...done });
    left = segmentSize ?? left;
  }

  async function pour(chunk: Uint8Array): Promise<void> {
    if (chunk.length === 0) return segment?.write(chunk);
    for (let at = 0; at < chunk.length; ) {
      if (left === 0) await finishSegment();
      const part = chunk.subarray(at, at + Math.min(left, chunk.length - at));
      await pass(part);
      left -= part.length;
      at += part.length;
    }
  }

  /**
   * Whoever takes the mark away may publish: after remove(), nobody. When the answer to a first attempt was lost, the
   * segments decide: a manifest of segments that are gone is not accepted.
   */
  async function takeMark(): Promise<void> {
    const call = { method: 'DELETE', name: partOf(key), also: [404], signal: ending.signal };
    const { status, attempts } = await container.tried(call);
    if (status === 404 && (attempts === 1 || segmentSize === null)) throw nothingUnder(store, key);
  }

  async function pause(): Promise<PausedWrite> {
    if (state !== 'open') throw new Error('pause after the end');
    state = 'paused';
    try {
      if (!pausable || segmentSize === null) throw new Error('pause of a write that was not begun for it');
      if (segment) await finishSegment();
      const paused: SwiftPaused = { segmentSize, kept };
      const offset = kept.reduce((sum, { size }) => sum + size, small.length);
      return { offset, state: paused, tail: small.take() };
    } finally {
      ending.abort(new Error('paused'));
      segment?.destroy();
    }
  }

  /** Segments of what came after a pause and was taken back. */
  async function removeSurplus(): Promise<void> {
    const names = new Set([partOf(key), ...kept.map(({ name }) => name)]);
    const surplus: string[] = [];
    for await (const name of namesIn(container, { prefix: `${key}/` })) {
      if (!names.has(name)) surplus.push(name);
    }
    await removeAll(container, surplus);
  }

  async function publish(): Promise<void> {
    if (segmentSize === null) {
      const whole = await current();
      await takeMark();
      await whole.finish();
      return;
    }
    if (pausable && !(await hasMark())) return goOn(pausable.kept);
    await finishSegment();
    // Before the mark is taken: what fails until then can be tried again.
    if (pausable) await removeSurplus();
    await takeMark();
    const put = await putManifest(kept);
    if (put.status !== 412) return;
    isForeign = put.attempts === 1 || (await segmentsOf(container, key))[0] !== kept[0]?.name;
    if (isForeign) throw alreadyThere(store, key);
  }

  async function hasMark(): Promise<boolean> {
    const call = { method: 'HEAD', name: partOf(key), also: [404], signal: ending.signal };
    return (await container.tried(call)).status !== 404;
  }

  /**
   * Whoever took the mark was killed before its manifest was there, or the write was removed: Swift takes a manifest
   * only when every segment is there as it says. So nothing is written anew for it, the last segment neither.
   */
  async function goOn(before: readonly Kept[]): Promise<void> {
    const tail = small.take();
    const last = { name: nameNow(), etag: createHash('md5').update(tail).digest('hex'), size: tail.length };
    const all = tail.length > 0 ? [...kept, last] : kept;
    const isMore = segment !== null || kept.length > before.length; // written since: who knows for whom
    if (isMore || all.length === 0) throw nothingUnder(store, key);
    const { status } = await putManifest(all, [400]);
    isForeign = status === 412; // or of one who finished it before: not ours to remove
    if (isForeign) throw alreadyThere(store, key);
    if (status === 400) throw nothingUnder(store, key);
  }

  async function putManifest(segments: readonly Kept[], also: readonly number[] = []) {
    const manifest = segments.map(({ name, etag, size }) => ({
      path: `/${container.name}/${name}`,
      etag,
      size_bytes: size,
    }));
    // A manifest without segments is not allowed.
    const large = { query: { 'multipart-manifest': 'put' }, body: JSON.stringify(manifest) };
    const what = segments.length > 0 ? large : { body: '' };
    const headers = { 'if-none-match': '*' };
    const asked = { method: 'PUT', name: key, headers, also: [412, ...also], signal: ending.signal };
    return container.tried({ ...asked, ...what });
  }

  async function commit(): Promise<void> {
    if (state !== 'open') throw new Error('commit after the end');
    state = 'committing';
    try {
      await publish();
      state = 'committed';
    } catch (error) {
      isForeign ||= error instanceof UnavailableError && isTaken(error.cause);
      throw isForeign ? alreadyThere(store, key) : error;
    }
  }

  async function remains(): Promise<void> {
    ending.abort(new Error('cancelled'));
    segment?.destroy();
    await underWay.catch(() => {});
    const names = new Set([...kept.map(({ name }) => name), nameNow(), key, partOf(key)]);
    if (isForeign) names.delete(key);
    await removeAll(container, names);
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
    async leave() {
      if (state === 'open') state = 'left';
      ending.abort(new Error('left'));
      segment?.destroy();
      await underWay.catch(() => {});
      small.take();
    },
    cancel() {
      if (state === 'committed') return Promise.resolve();
      state = 'cancelled';
      cancelling ??= remains();
      return cancelling;
    },
  };
}

/** 412: If-None-Match, RFC 9110 13.1.2. */
const isTaken = (cause: unknown) => cause instanceof HttpStatus && cause.status === 412;
