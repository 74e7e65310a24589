/** Brings what searches rely on to what the settings say, in the background of a server. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseAddress } from '../db/client.ts';
import { ensureHotProperties } from '../db/hot-properties.ts';
import { ensureSearchText } from '../db/search-text.ts';
import type { Upkeep } from '../db/upkeep.ts';
import type { App } from './app.ts';

export interface SearchSettings {
  readonly hotProperties: readonly string[];
  readonly describingProperties: readonly string[];
}

const [firstRetryMs, lastRetryMs] = [30_000, 3_600_000];
const stopPatienceMs = 5_000;

/** Returns at once. What fails is logged and tried again later; `stop` breaks it off, for the next server to finish. */
export function prepareSearch(
  app: App,
  address: DatabaseAddress,
  { hotProperties, describingProperties }: SearchSettings,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const upkeep = { db: app.db, log: (message: string) => app.log.info(message), signal };
  const work = [
    () => ensureSearchText(address, { ...upkeep, names: describingProperties }),
    async () => {
      await ensureHotProperties(address, { ...upkeep, names: hotProperties });
      await app.search.hot.refresh();
    },
  ].map((task) => keepTrying(app, task, signal));
  return {
    async stop() {
      stopping.abort();
      // A database that does not answer is not waited for.
      await Promise.race([Promise.all(work), sleep(stopPatienceMs, undefined, { ref: false })]);
    },
  };
}

async function keepTrying(
  app: App,
  task: () => Promise<void>,
  signal: Required<Upkeep>['signal'],
): Promise<void> {
  for (let waitMs = firstRetryMs; !signal.aborted; waitMs = Math.min(2 * waitMs, lastRetryMs)) {
    try {
      return await task();
    } catch (error) {
      if (signal.aborted) return;
      app.log.warn({ err: error }, 'searches are not yet as the settings say');
    }
    await sleep(waitMs, undefined, { signal, ref: false }).catch(() => {});
  }
}
