/**
 * A ring of slots in shared memory between the thread that receives bytes and those that hash them. Slots are
 * not copied: the store writes from them too.
 *
 *   slots   | hashed, free | being hashed | being filled | free ... |
 *           ^ slowest thread              ^ push         ^ take waits here when all are taken: back-pressure
 */
import { blockBytes } from '../domain/blocks.ts';
import { UnavailableError } from '../domain/errors.ts';
import type { Algorithm, Digests } from './digests.ts';
import type { FromWorker, HashThread } from './hash-threads.ts';
import type { Hasher } from './hasher.ts';

export interface RingOptions {
  /** Different for every ring of a process. */
  job: number;
  memory: SharedArrayBuffer;
  slotBytes: number;
  /** Which algorithms run where. */
  lanes: Map<HashThread, Algorithm[]>;
  /** Called once, when no thread looks at the memory any more. */
  onFree: () => void;
}

export function hashRing({ job, memory, slotBytes, lanes, onFree }: RingOptions): Hasher {
  const threads = [...lanes.keys()];
  const slots = memory.byteLength / slotBytes;
  /** How many threads have still to read each slot. */
  const unread = new Array<number>(slots).fill(0);
  const found: Digests = {};
  let head = -1;
  let running = threads.length;
  let dead: UnavailableError | null = null;
  let phase: 'filling' | 'ending' | 'free' = 'filling';
  let wake = () => {};

  function ended(thread: HashThread): void {
    thread.forget(job);
    running -= 1;
    if (running > 0 || phase !== 'ending') return;
    phase = 'free';
    onFree();
  }

  function onMessage(thread: HashThread, message: FromWorker): void {
    if (message.kind === 'updated') {
      unread[message.start / slotBytes] = (unread[message.start / slotBytes] ?? 0) - 1;
    } else {
      Object.assign(found, message.digests);
      ended(thread);
    }
    wake();
  }

  function onDeath(thread: HashThread, cause: unknown): void {
    dead ??= new UnavailableError('A hashing thread stopped; send the bytes again', {}, { cause });
    ended(thread);
    wake();
  }

  async function until(condition: () => boolean): Promise<void> {
    while (!dead && !condition()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (dead) throw dead;
  }

  function end(kind: 'finish' | 'drop'): void {
    if (phase !== 'filling') return;
    phase = 'ending';
    for (const thread of threads) if (thread.alive) thread.post({ kind, job });
    if (running === 0) {
      phase = 'free';
      onFree();
    }
  }

  for (const [thread, algorithms] of lanes) {
    thread.run(job, {
      onMessage: (message) => onMessage(thread, message),
      onDeath: (cause) => onDeath(thread, cause),
    });
    thread.post({ kind: 'begin', job, memory, algorithms, blockBytes });
  }

  return {
    async take() {
      const slot = (head + 1) % slots;
      await until(() => unread[slot] === 0);
      head = slot;
      return new Uint8Array(memory, slot * slotBytes, slotBytes);
    },
    push(length) {
      unread[head] = running;
      for (const thread of threads) {
        if (thread.alive) thread.post({ kind: 'update', job, start: head * slotBytes, length });
      }
    },
    async finish() {
      end('finish');
      await until(() => running === 0);
      return found;
    },
    release: () => end('drop'),
  };
}
