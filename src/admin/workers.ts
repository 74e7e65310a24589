/**
 * `vitrine serve` with VITRINE_WORKERS above 1: this process makes what is made once, starts the servers, which
 * share its port, starts one again that dies, and adds up their metrics. It serves nothing itself.
 */
import cluster, { type Worker } from 'node:cluster';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { AggregatorRegistry, type RegistryContentType } from 'prom-client';
import { ensureTokensFile } from '../auth/tokens.ts';
import type { Config } from '../config/config.ts';
import { openDatabaseServer } from '../db/address.ts';
import { migrate } from '../db/migrate.ts';
import type { Metrics } from '../http/metrics.ts';

/** How long after the death of a server another one takes its place. */
const replaceAfterMs = 1_000;

export interface RunningWorkers {
  readonly address: AddressInfo;
  readonly databaseIsEmbedded: boolean;
  /** Each finishes what it has begun, as long as it may. */
  stop(signal: NodeJS.Signals): Promise<void>;
}

/** Resolves when the first server listens. @throws what keeps it from starting */
export async function startWorkers(config: Config, log: Logger): Promise<RunningWorkers> {
  if (config.tokensFileIsOurs) await ensureTokensFile(config.tokensFile);
  const database = await openDatabaseServer(config, (message) => log.info(message));
  await migrate(database.address);
  const totals = new AggregatorRegistry();
  const listening = Promise.withResolvers<AddressInfo>();
  let isStopping = false;

  function begin(): void {
    const worker = cluster.fork();
    worker.on('listening', (address) => listening.resolve(address as unknown as AddressInfo));
    worker.on('message', (message: unknown) => void answerMetrics(worker, message, totals));
    worker.on('exit', (code, signal) => {
      if (isStopping) return;
      log.error(
        { worker: worker.process.pid, code, signal },
        'a server process died; another one takes its place',
      );
      listening.reject(new Error('A server process could not start; its own words are above.'));
      setTimeout(() => !isStopping && begin(), replaceAfterMs);
    });
  }

  async function stop(signal: NodeJS.Signals): Promise<void> {
    isStopping = true;
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    await Promise.all(workers.map((worker) => ended(worker, signal)));
    await database.close();
  }

  for (let i = 0; i < config.workers; i++) begin();
  try {
    const address = await listening.promise;
    return { address, databaseIsEmbedded: database.isEmbedded, stop };
  } catch (error) {
    await stop('SIGTERM');
    throw error;
  }
}

function ended(worker: Worker, signal: NodeJS.Signals): Promise<void> {
  if (worker.isDead()) return Promise.resolve();
  return new Promise((resolve) => {
    worker.once('exit', () => resolve());
    worker.process.kill(signal);
  });
}

/** What a server and the process above it say to each other about metrics. */
interface MetricsMessage {
  type: 'vitrine:metrics';
  id: number;
  /** The answer. */
  text?: string;
}

const isMetricsMessage = (message: unknown): message is MetricsMessage =>
  typeof message === 'object' && message !== null && 'type' in message && message.type === 'vitrine:metrics';

async function answerMetrics(
  worker: Worker,
  message: unknown,
  totals: AggregatorRegistry<RegistryContentType>,
): Promise<void> {
  if (!isMetricsMessage(message)) return;
  const text = await totals.clusterMetrics().catch(() => '');
  if (worker.isConnected()) worker.send({ ...message, text });
}

/** In a server process: /metrics answers for all of them. */
export function shareMetrics(metrics: Metrics): void {
  AggregatorRegistry.setRegistries([metrics.registry]);
  new AggregatorRegistry(); // listens for the questions of the process above
  const waiting = new Map<number, (text: string) => void>();
  let count = 0;
  process.on('message', (message) => {
    if (!isMetricsMessage(message)) return;
    waiting.get(message.id)?.(message.text ?? '');
    waiting.delete(message.id);
  });
  metrics.text = () =>
    new Promise((resolve) => {
      const id = ++count;
      waiting.set(id, resolve);
      process.send?.({ type: 'vitrine:metrics', id } satisfies MetricsMessage);
    });
}
