/** What commands that look after bytes work with: the database, the stores and the actions, servers running or not. */
import { mkdir } from 'node:fs/promises';
import { pino } from 'pino';
import type { App } from '../actions/app.ts';
import type { Config } from '../config/config.ts';
import { openDatabaseServer } from '../db/address.ts';
import { migrate } from '../db/migrate.ts';
import { openApp, surroundingsOf } from '../server.ts';
import { openStores } from '../stores/all.ts';

/** Ctrl-C gives the signal; the embedded PostgreSQL is left properly all the same. */
export async function withApp<T>(
  config: Config,
  work: (app: App, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stopping = new AbortController();
  const stop = () => stopping.abort(new Error('Broken off; the same command goes on from here.'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  await mkdir(config.dataDir, { recursive: true });
  const database = await openDatabaseServer(config, () => {});
  try {
    await migrate(database.address);
    const stores = openStores(config.stores, await surroundingsOf(config));
    // What there is to tell, the command tells itself.
    const log = pino({ level: 'silent' });
    const { app, close } = await openApp(config, { address: database.address, stores, log });
    try {
      return await work(app, stopping.signal);
    } finally {
      await close();
    }
  } finally {
    await database.close();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
  }
}
