/**
 * The server as the program starts it, with a file store that kills the process (SIGKILL, so that nothing is
 * cleaned up) at a step the test has named over the IPC channel. The sources know nothing of it.
 */
import { join } from 'node:path';
import { pino } from 'pino';
import { readConfig } from '../../src/config/config.ts';
import { startServer } from '../../src/server.ts';
import { storesOf } from '../../src/stores/all.ts';
import { fileStore } from '../../src/stores/file.ts';
import type { StoreWriter, WritableStore } from '../../src/stores/store.ts';

/** The `nth` call of this kind from now on, right before it does anything or right after it is done. */
export interface DieAt {
  call: 'create' | 'write' | 'commit' | 'cancel' | 'remove';
  nth: number;
  when: 'before' | 'after';
}

let order: DieAt | null = null;
let seen = 0;

async function guard<T>(call: DieAt['call'], work: () => Promise<T>): Promise<T> {
  const isHere = order?.call === call && ++seen === order.nth;
  if (isHere && order?.when === 'before') process.kill(process.pid, 'SIGKILL');
  const result = await work();
  if (isHere && order?.when === 'after') process.kill(process.pid, 'SIGKILL');
  return result;
}

function breakable(inner: WritableStore): WritableStore {
  const writerOf = (real: StoreWriter): StoreWriter => ({
    write: (chunk) => guard('write', () => real.write(chunk)),
    commit: () => guard('commit', () => real.commit()),
    cancel: () => guard('cancel', () => real.cancel()),
  });
  return {
    ...inner,
    create: (key, hint, signal) =>
      guard('create', async () => writerOf(await inner.create(key, hint, signal))),
    remove: (key) => guard('remove', () => inner.remove(key)),
  };
}

process.on('message', (message: DieAt) => {
  seen = 0;
  order = message;
  process.send?.('armed');
});
process.on('disconnect', () => process.exit(1)); // the test is gone

const config = readConfig(process.env, process.cwd());
const store = breakable(fileStore({ id: 'file', path: join(config.dataDir, 'images') }));
const server = await startServer(config, pino({ level: config.logLevel }), { stores: storesOf([store]) });
console.log(`GraphQL ${server.url}/graphql`);
