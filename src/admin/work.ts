/** `vitrine work`: does queued work, imports above all, on a machine that serves nothing. */
import { mkdir } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import { openDatabaseServer } from '../db/address.ts';
import { migrate } from '../db/migrate.ts';
import { openApp, surroundingsOf } from '../server.ts';
import { openStores } from '../stores/all.ts';
import { startTasks } from '../tasks/runner.ts';
import { openLog } from './log.ts';

/** Resolves when it was told to stop and has; what was under way is left to others. */
export async function work(config: Config): Promise<void> {
  const { log, flush } = openLog(config.logLevel);
  const stopAsked = Promise.withResolvers<NodeJS.Signals>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopAsked.resolve(signal));

  await mkdir(config.dataDir, { recursive: true });
  const database = await openDatabaseServer(config, (message) => log.info(message));
  try {
    await migrate(database.address);
    const stores = openStores(config.stores, await surroundingsOf(config));
    const { app, close } = await openApp(config, { address: database.address, stores, log });
    try {
      const tasks = await startTasks(app, database.address, { imports: config.imports.parallel });
      log.info({ imports: config.imports.parallel }, 'working');
      log.info({ signal: await stopAsked.promise }, 'stopping');
      await tasks.stop();
    } finally {
      await close();
    }
  } finally {
    await database.close();
    log.info('stopped');
    await flush();
  }
}
