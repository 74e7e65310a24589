/**
 * The server as the program starts it, with a file store in which a test can stop the upload of an image, or the
 * removal of its bytes, at a certain step for good. When all that shall be are stopped, the test kills the process
 * (SIGKILL, so that nothing is cleaned up). The sources know nothing of it.
 */
import { join } from 'node:path';
import { pino } from 'pino';
import { readConfig } from '../../src/config/config.ts';
import { startServer } from '../../src/server.ts';
import { storesOf } from '../../src/stores/all.ts';
import { fileStore } from '../../src/stores/file.ts';
import type { PausableWriter, WritableStore } from '../../src/stores/store.ts';

/** Right before or after the nth call of this kind for an image. */
export interface Step {
  image: string;
  call: 'create' | 'resume' | 'write' | 'commit' | 'pause' | 'remove';
  nth: number;
  when: 'before' | 'after';
}

/** From the test: stop there. To the test: the step is noted; it is reached. */
export type Order = { stopAt: Step };
export type Report = { noted: Step } | { reached: Step };

const steps: Step[] = [];
const counts = new Map<string, number>();
const forGood = new Promise<never>(() => {});
const report = (message: Report) => process.send?.(message);

async function guard<T>(call: Step['call'], key: string, work: () => Promise<T>): Promise<T> {
  const name = `${call} ${key}`;
  const nth = (counts.get(name) ?? 0) + 1;
  counts.set(name, nth);
  const step = steps.find((one) => one.call === call && one.nth === nth && key.startsWith(one.image));
  const stopWhen = async (when: Step['when']) => {
    if (step?.when !== when) return;
    report({ reached: step });
    await forGood;
  };
  await stopWhen('before');
  const result = await work();
  await stopWhen('after');
  return result;
}

function breakable(inner: WritableStore): WritableStore {
  const writerOf = (key: string, real: PausableWriter): PausableWriter => ({
    write: (chunk) => guard('write', key, () => real.write(chunk)),
    commit: () => guard('commit', key, () => real.commit()),
    pause: () => guard('pause', key, () => real.pause()),
    leave: () => real.leave(),
    cancel: () => real.cancel(),
  });
  return {
    ...inner,
    create: (key, hint, signal) =>
      guard('create', key, async () => writerOf(key, await inner.create(key, hint, signal))),
    resume: (key, paused, signal) =>
      guard('resume', key, async () => writerOf(key, await inner.resume(key, paused, signal))),
    remove: (key) => guard('remove', key, () => inner.remove(key)),
  };
}

process.on('message', ({ stopAt }: Order) => {
  steps.push(stopAt);
  report({ noted: stopAt });
});
process.on('disconnect', () => process.exit(1)); // the test is gone

const config = readConfig(process.env, process.cwd());
const store = breakable(
  fileStore({ id: 'file', paths: [{ path: join(config.dataDir, 'images'), priority: 0 }] }),
);
const server = await startServer(config, pino({ level: config.logLevel }), { stores: storesOf([store]) });
console.log(`GraphQL ${server.url}/graphql`);
