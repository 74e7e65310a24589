/**
 * Decides where the digests of a stream are computed: in other threads when there are cores for them, a ring is
 * free and the stream is long enough to pay for the hand-over; otherwise on the caller's thread.
 */
import type { Algorithm } from './digests.ts';
import { hashRing } from './hash-ring.ts';
import { type HashThread, hashThread } from './hash-threads.ts';
import { type BufferSource, type Hasher, inlineHasher, pages } from './hasher.ts';

/** Has a lifetime: closed with the server. Its threads start with the first long stream. */
export interface HashPool {
  /** `expectedSize` in bytes, null when it is not known. The caller releases the hasher, whatever happens. */
  begin(algorithms: readonly Algorithm[], expectedSize: number | null): Promise<Hasher>;
  /** Ends the threads; streams still on them fail. */
  close(): Promise<void>;
}

const mebibyte = 1024 * 1024;
/** Shorter streams are hashed sooner than handed over. */
const worthwhileBytes = 8 * mebibyte;
/** Longer rings were not faster; more of them only take memory. Together 16 MiB. */
const rings = 4;
const slots = 4;
const slotBytes = mebibyte;
/** One digest of one stream at a time keeps a core busy; two streams of two digests do with four. */
const mostThreads = 4;
/** Of an inline hasher's buffers, each half a mebibyte. */
const idleBuffers = 8;

/** `cores` as os.availableParallelism() says; with one, everything is hashed on the caller's thread. */
export function hashPool({ cores }: { cores: number }): HashPool {
  const spare: Uint8Array[] = [];
  const memories: SharedArrayBuffer[] = [];
  let threads: HashThread[] = [];
  let ringsAlive = 0;
  let jobs = 0;
  let closed = false;

  const halves: BufferSource = {
    take: () => spare.pop() ?? new Uint8Array(pages(slotBytes / 2)),
    give: (buffer) => {
      if (spare.length < idleBuffers) spare.push(buffer);
    },
  };

  /** The thread with the least to do, which is a new one when all are busy and there is a core for it. */
  function leastBusy(given: Map<HashThread, Algorithm[]>): HashThread {
    const load = (one: HashThread) => one.jobs + (given.get(one)?.length ?? 0);
    threads = threads.filter((one) => one.alive);
    const [first] = threads.toSorted((a, b) => load(a) - load(b));
    if (first && (load(first) === 0 || threads.length >= Math.min(cores, mostThreads))) return first;
    const fresh = hashThread();
    threads.push(fresh);
    return fresh;
  }

  function share(algorithms: readonly Algorithm[]): Map<HashThread, Algorithm[]> {
    const lanes = new Map<HashThread, Algorithm[]>();
    for (const algorithm of new Set(algorithms)) {
      const on = leastBusy(lanes);
      lanes.set(on, [...(lanes.get(on) ?? []), algorithm]);
    }
    return lanes;
  }

  /** Null when the threads cannot be had: the stream does not fail for that. */
  async function ring(algorithms: readonly Algorithm[]): Promise<Hasher | null> {
    const lanes = share(algorithms);
    await Promise.all([...lanes.keys()].map((one) => one.ready));
    if (closed || [...lanes.keys()].some((one) => !one.alive)) return null;
    const memory = memories.pop() ?? pages(slots * slotBytes);
    const onFree = () => {
      memories.push(memory);
      ringsAlive -= 1;
    };
    return hashRing({ job: jobs++, memory, slotBytes, lanes, onFree });
  }

  return {
    async begin(algorithms, expectedSize) {
      const long = expectedSize === null || expectedSize > worthwhileBytes;
      if (closed || cores < 2 || !long || algorithms.length === 0 || ringsAlive >= rings) {
        return inlineHasher(algorithms, halves);
      }
      ringsAlive += 1;
      const found = await ring(algorithms);
      if (!found) ringsAlive -= 1;
      return found ?? inlineHasher(algorithms, halves);
    },
    async close() {
      closed = true;
      await Promise.all(threads.map((one) => one.close()));
    },
  };
}
