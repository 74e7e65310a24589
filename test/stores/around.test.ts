/** What goes around every driver: time, turns, attempts, and a store that is left alone. */
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { HttpStatus, isTransient } from '../../src/cloud/outage.ts';
import { turns } from '../../src/cloud/turns.ts';
import { NotFoundError, UnavailableError } from '../../src/domain/errors.ts';
import { circuit } from '../../src/stores/circuit.ts';
import { deadlines } from '../../src/stores/deadlines.ts';
import { storeFailure } from '../../src/stores/failure.ts';
import { limit } from '../../src/stores/limit.ts';
import { memoryStore } from '../../src/stores/memory.ts';
import { withRetries } from '../../src/stores/retries.ts';
import type { Store, WritableStore } from '../../src/stores/store.ts';
import { type CallOutcome, watched } from '../../src/stores/watch.ts';
import { inside, wrapStore } from '../../src/stores/wrap.ts';
import { collect, someBytes } from '../support/bytes.ts';
import { errno, faultStore } from '../support/fault-store.ts';
import { put, storeContract } from './contract.ts';

const usual = { answerMs: 1_000, idleMs: 1_000 };

function all(store: WritableStore): WritableStore {
  const arounds = [
    watched('mem', { called: () => {}, circuitChanged: () => {} }),
    circuit({ store: 'mem', now: () => performance.now() }),
    limit('mem', turns(4, 1_000)),
    deadlines('mem', usual),
  ];
  return withRetries(wrapStore(store, arounds.reduce(inside)));
}

storeContract('wrapped', async () => all(memoryStore({ id: 'mem' })));

it('does not give a store that is only read what it has not', () => {
  const { id, type, stat, read, probe } = memoryStore({ id: 'mem' });
  const store: Store = { id, type, stat, read, probe };
  expect('create' in withRetries(wrapStore(store, deadlines('mem', usual)))).toBe(false);
});

const refused = (code: string) => storeFailure('mem', errno(code)) as UnavailableError;
const answered = (status: number, retryAfter?: string) =>
  new UnavailableError('no', { store: 'mem' }, { cause: new HttpStatus(status, retryAfter) });

describe('deadlines', () => {
  const impatient = { answerMs: 50, idleMs: 50 };

  it.each(['stat', 'read', 'create', 'remove'] as const)('free the caller of a %s that hangs', async (at) => {
    const faulty = faultStore(memoryStore({ id: 'mem' }));
    const store = wrapStore<WritableStore>(faulty, deadlines('mem', impatient));
    faulty.fail({ at, how: 'hang' });
    const calls = {
      stat: () => store.stat('ab.1'),
      read: () => store.read('ab.1'),
      create: () => store.create('ab.1', { size: null }),
      remove: () => store.remove('ab.1'),
    };
    await expect(calls[at]()).rejects.toMatchObject({ reason: 'timeout', store: 'mem' });
    faulty.release();
    await sleep(10);
    const keys: string[] = [];
    for await (const key of store.keys()) keys.push(key);
    expect(keys).toEqual([]); // what was created too late was cancelled
  });

  it('do not count the time in which this process stood still', async () => {
    const path = fileURLToPath(import.meta.url);
    const slow: Store = {
      ...memoryStore({ id: 'mem' }),
      stat: async () => ({ size: (await stat(path)).size }),
    };
    const asked = wrapStore(slow, deadlines('mem', impatient)).stat('ab.1');
    const until = performance.now() + 300;
    while (performance.now() < until); // the answer comes meanwhile, and nobody hears it
    expect((await asked).size).toBeGreaterThan(0);
  });

  it('free the caller of a write, a commit and a cancel that hang', async () => {
    const faulty = faultStore(memoryStore({ id: 'mem' }));
    const store = wrapStore<WritableStore>(faulty, deadlines('mem', { answerMs: 20, idleMs: 50 }));
    for (const at of ['write', 'commit', 'cancel'] as const) {
      faulty.fail({ at, how: 'hang' });
      const writer = await store.create(`ab.${at}`, { size: null });
      const call = at === 'write' ? writer.write(someBytes(1)) : writer[at]();
      await expect(call).rejects.toMatchObject({ reason: 'timeout' });
      faulty.release();
      faulty.fail();
      await writer.cancel();
    }
  });

  it('free the reader of a body that stands still, and give it up', async () => {
    let left = 0;
    const still: Store = {
      ...memoryStore({ id: 'mem' }),
      read: async () => ({
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise(() => {}),
          return: async () => {
            left++;
            return { done: true as const, value: undefined };
          },
        }),
      }),
    };
    const store = wrapStore(still, deadlines('mem', impatient));
    await expect(collect(await store.read('ab.1'))).rejects.toMatchObject({ reason: 'timeout' });
    expect(left).toBe(1);
  });
});

describe('turns', () => {
  it('let so many calls in at once, first come, first served, and leave no trace of those who left', async () => {
    const queue = turns(2, 50);
    await queue.enter();
    await queue.enter();
    await expect(queue.enter()).rejects.toThrow();
    await expect(queue.enter(AbortSignal.timeout(5))).rejects.toThrow();
    const order: number[] = [];
    const waiting = [1, 2, 3].map((n) => queue.enter().then(() => order.push(n)));
    for (const _ of waiting) queue.leave();
    await Promise.all(waiting);
    expect(order).toEqual([1, 2, 3]);
    queue.leave();
    queue.leave();
    await queue.enter();
    await queue.enter();
    await expect(queue.enter()).rejects.toThrow();
  });

  it('say that a store is busy', async () => {
    const faulty = faultStore(memoryStore({ id: 'mem' }));
    const store = wrapStore<WritableStore>(faulty, limit('mem', turns(1, 20)));
    await put(store, 'ab.1', someBytes(1));
    faulty.fail({ at: 'stat', nth: 1, how: 'hang' });
    const first = store.stat('ab.1');
    await expect(store.stat('ab.1')).rejects.toThrow('Store mem is busy');
    await store.probe(); // asks whether anything works, and does not wait
    faulty.release();
    await first;
    expect(await store.stat('ab.1')).toEqual({ size: 1 });
  });
});

describe('retries', () => {
  async function failing(...errors: unknown[]) {
    const inner = memoryStore({ id: 'mem' });
    await put(inner, 'ab.1', someBytes(200_000));
    let calls = 0;
    const stat: Store['stat'] = (key) => {
      const error = errors[calls++];
      return error ? Promise.reject(error) : inner.stat(key);
    };
    return { store: withRetries({ ...inner, stat }), calls: () => calls };
  }

  it.each([
    refused('ECONNREFUSED'),
    refused('ECONNRESET'),
    refused('ESTALE'),
    answered(503),
    answered(500, '0'),
  ])('mend %s', async (error) => {
    const { store, calls } = await failing(error, error);
    expect(await store.stat('ab.1')).toEqual({ size: 200_000 });
    expect(calls()).toBe(3);
  });

  it('end after three attempts', async () => {
    const { store, calls } = await failing(...Array(9).fill(answered(503)));
    await expect(store.stat('ab.1')).rejects.toThrow(UnavailableError);
    expect(calls()).toBe(3);
  });

  it.each([
    refused('EACCES'),
    refused('ENOSPC'),
    answered(403),
    answered(507),
    answered(503, '60'),
    new NotFoundError('no'),
  ])('do not try %s again', async (error) => {
    const { store, calls } = await failing(error);
    await expect(store.stat('ab.1')).rejects.toBe(error);
    expect(calls()).toBe(1);
  });

  it('wait as long as they are asked to', async () => {
    const { store } = await failing(answered(503, '1'));
    const start = performance.now();
    await store.stat('ab.1');
    expect(performance.now() - start).toBeGreaterThan(990);
  });

  it('end with the signal', async () => {
    const { store } = await failing(...Array(9).fill(answered(503, '4')));
    const start = performance.now();
    await expect(store.stat('ab.1', AbortSignal.timeout(20))).rejects.toThrow();
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  /** A store whose readings break off after so many bytes each, with or without a range. */
  async function breaking(bytes: Buffer, after: number) {
    const inner = memoryStore({ id: 'mem' });
    await put(inner, 'ab.1', bytes);
    let opened = 0;
    const read: Store['read'] = async (key, range, signal) => {
      opened++;
      const chunks = await inner.read(key, range, signal);
      return (async function* () {
        let given = 0;
        for await (const chunk of chunks) {
          if (given >= after) throw refused('ECONNRESET');
          const part = chunk.subarray(0, after - given);
          given += part.length;
          yield part;
        }
      })();
    };
    return { store: withRetries({ ...inner, read }), opened: () => opened };
  }

  it.each([undefined, { start: 10, end: 150_000 }])(
    'go on with a reading where it broke off: %o',
    async (range) => {
      const bytes = someBytes(200_000);
      const { store, opened } = await breaking(bytes, 40_001);
      const found = await collect(await store.read('ab.1', range));
      expect(found.equals(range ? bytes.subarray(range.start, range.end + 1) : bytes)).toBe(true);
      expect(opened()).toBeGreaterThan(3);
    },
  );

  it('give a reading up that no longer goes on', async () => {
    const { store, opened } = await breaking(someBytes(200_000), 0);
    await expect(collect(await store.read('ab.1'))).rejects.toThrow(UnavailableError);
    expect(opened()).toBe(3);
  });
});

describe('a circuit', () => {
  it('leaves a store alone that failed five times, tries one call after a while, and closes when it works', async () => {
    let now = 0;
    const changes: boolean[] = [];
    const faulty = faultStore(memoryStore({ id: 'mem' }));
    const around = circuit({ store: 'mem', now: () => now, onChange: (isOpen) => changes.push(isOpen) });
    const store = wrapStore<WritableStore>(faulty, around);
    await put(store, 'ab.1', someBytes(5));
    const ask = () => store.stat('ab.1');

    faulty.fail({ at: 'stat', how: 'ESTALE' });
    for (let i = 0; i < 5; i++) await expect(ask()).rejects.toThrow('ESTALE');
    expect(faulty.calls('stat')).toBe(5);
    for (let i = 0; i < 5; i++) await expect(ask()).rejects.toThrow('it is asked again in 1 s');
    expect(faulty.calls('stat')).toBe(5);
    now += 1_001;
    await expect(ask()).rejects.toThrow('ESTALE');
    await expect(ask()).rejects.toThrow('it is asked again in 2 s');
    expect(faulty.calls('stat')).toBe(6);
    faulty.fail();
    now += 2_001;
    expect(await ask()).toEqual({ size: 5 });
    expect(await ask()).toEqual({ size: 5 });
    expect(changes).toEqual([true, false]);
  });

  it('is closed by a probe, and does not mind what is only refused or missing', async () => {
    const faulty = faultStore(memoryStore({ id: 'mem' }));
    const store = wrapStore<WritableStore>(faulty, circuit({ store: 'mem', now: () => 0 }));
    for (let i = 0; i < 10; i++) await expect(store.stat('ab.1')).rejects.toThrow(NotFoundError);
    faulty.fail({ at: 'stat', how: 'EACCES' });
    for (let i = 0; i < 10; i++) await expect(store.stat('ab.1')).rejects.toThrow('EACCES');
    faulty.fail({ at: 'stat', how: 'ESTALE' });
    for (let i = 0; i < 5; i++) await expect(store.stat('ab.1')).rejects.toThrow('ESTALE');
    await expect(store.stat('ab.1')).rejects.toThrow('in a row');
    await store.probe();
    await expect(store.stat('ab.1')).rejects.toThrow('ESTALE');
  });
});

it('tells of every call how it went', async () => {
  const told: [string, CallOutcome][] = [];
  const faulty = faultStore(memoryStore({ id: 'mem' }));
  const watch = {
    called: (_store: string, call: string, outcome: CallOutcome) => told.push([call, outcome]),
    circuitChanged: () => {},
  };
  const store = wrapStore<WritableStore>(faulty, watched('mem', watch));
  await put(store, 'ab.1', someBytes(5));
  await collect(await store.read('ab.1'));
  await store.stat('ab.2').catch(() => {});
  await store.stat('ab.1', AbortSignal.abort()).catch(() => {});
  faulty.fail({ at: 'stat', how: 'EIO' });
  await store.stat('ab.1').catch(() => {});
  expect(told).toEqual([
    ['create', 'ok'],
    ['commit', 'ok'],
    ['read', 'ok'],
    ['stat', 'ok'],
    ['stat', 'ended'],
    ['stat', 'failed'],
  ]);
});

it('knows what may pass', () => {
  expect([408, 429, 500, 502, 503, 504].every((status) => isTransient(answered(status)))).toBe(true);
  expect([400, 401, 403, 413, 501, 507].some((status) => isTransient(answered(status)))).toBe(false);
  expect(isTransient(new Error('no'))).toBe(false);
});
