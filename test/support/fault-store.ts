/**
 * A store that fails as told. What it throws is what a driver would throw for the same errno, since both use the
 * same table; everything else is done by the store inside.
 */
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { storeFailure } from '../../src/stores/failure.ts';
import type { PausableWriter, WritableStore } from '../../src/stores/store.ts';

export interface Fault {
  at: 'create' | 'resume' | 'write' | 'commit' | 'pause' | 'leave' | 'cancel' | 'read' | 'stat' | 'remove';
  /** Which call of this kind, from 1, counted over the whole store; every one when left out. */
  nth?: number;
  /** ENOSPC, EROFS, EIO ...; 'hang' waits for release() and then goes on as if nothing had been. */
  how: 'hang' | 'ENOSPC' | 'EDQUOT' | 'EROFS' | 'EACCES' | 'EIO' | 'ESTALE' | 'EMFILE';
}

export interface FaultStore extends WritableStore {
  /** From now on; replaces what was told before. Counting starts anew. */
  fail(...faults: Fault[]): void;
  /** Lets everything that hangs go on. */
  release(): void;
  /** How many calls of a kind there were since the last fail(). */
  calls(at: Fault['at']): number;
}

export function faultStore(inner: WritableStore): FaultStore {
  let faults: Fault[] = [];
  let counts: Partial<Record<Fault['at'], number>> = {};
  let hanging: (() => void)[] = [];

  async function step(at: Fault['at']): Promise<void> {
    const n = (counts[at] ?? 0) + 1;
    counts[at] = n;
    for (const fault of faults.filter((one) => one.at === at && (one.nth ?? n) === n)) {
      if (fault.how === 'hang') await new Promise<void>((resolve) => hanging.push(resolve));
      else throw storeFailure(inner.id, errno(fault.how));
    }
  }

  function writer(real: PausableWriter): PausableWriter {
    return {
      write: (chunk) => step('write').then(() => real.write(chunk)),
      commit: () => step('commit').then(() => real.commit()),
      pause: () => step('pause').then(() => real.pause()),
      leave: () => step('leave').then(() => real.leave()),
      cancel: () => step('cancel').then(() => real.cancel()),
    };
  }

  return {
    id: inner.id,
    type: inner.type,
    stat: (key, signal) => step('stat').then(() => inner.stat(key, signal)),
    read: (key, range, signal) => step('read').then(() => inner.read(key, range, signal)),
    probe: (signal) => inner.probe(signal),
    create: (key, hint, signal) =>
      step('create').then(async () => writer(await inner.create(key, hint, signal))),
    resume: (key, paused, signal) =>
      step('resume').then(async () => writer(await inner.resume(key, paused, signal))),
    remove: (key) => step('remove').then(() => inner.remove(key)),
    keys: (signal) => inner.keys(signal),
    fail(...next) {
      faults = next;
      counts = {};
    },
    release() {
      for (const go of hanging) go();
      hanging = [];
    },
    calls: (at) => counts[at] ?? 0,
  };
}

/**
 * An error as node:fs makes it, a path on the host included: the path must not come out anywhere. Codes that libuv
 * does not know (EDQUOT, ESTALE) have only their number.
 */
export function errno(name: string): Error {
  const number = -((constants.errno as Record<string, number>)[name] ?? 4095);
  const isKnown = getSystemErrorMap().has(number) || number === -4095;
  const code = isKnown ? name : `Unknown system error ${number}`;
  const message = `${code}: made by a test, open '/host/path/of/the/store'`;
  return Object.assign(new Error(message), { code, errno: number, path: '/host/path/of/the/store' });
}
