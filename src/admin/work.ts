/** `vitrine work`: does queued work, imports above all, on a machine that serves nothing. */
import type { Config } from '../config/config.ts';
import { startWorker } from '../server.ts';
import { openLog } from './log.ts';

/** Resolves when it was told to stop and has; what was under way is left to others. */
export async function work(config: Config): Promise<void> {
  const { log, flush } = openLog(config.logLevel);
  const stopAsked = Promise.withResolvers<NodeJS.Signals>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopAsked.resolve(signal));

  const worker = await startWorker(config, log);
  try {
    log.info({ imports: config.imports.parallel }, 'working');
    log.info({ signal: await stopAsked.promise }, 'stopping');
  } finally {
    await worker.stop();
    log.info('stopped');
    await flush();
  }
}
