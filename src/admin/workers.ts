/**
 * `vitrine serve` with VITRINE_WORKERS above 1: this process makes what is made once, starts the servers, which
 * share its port, starts one again that dies, and adds up their metrics. It serves nothing itself.
 */
import cluster, { type Worker } from 'node:cluster';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { AggregatorRegistry } from 'prom-client';
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
  if (config.auth.includes('tokens') && config.tokensFileIsOurs) await ensureTokensFile(config.tokensFile);
  const database = await openDatabaseServer(config, (message) => log.info(message));
  await migrate(database.address);
  const serving = new Set<Worker>();
  const answerMetrics = metricsOfAll(serving);
  const listening = Promise.withResolvers<AddressInfo>();
  let isStopping = false;

  function begin(): void {
    const worker = cluster.fork();
    worker.on('listening', (address) => {
      serving.add(worker);
      listening.resolve(address as unknown as AddressInfo);
    });
    worker.on('message', (message: unknown) => void answerMetrics(worker, message));
    worker.on('exit', (code, signal) => {
      serving.delete(worker);
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

/**
 * What a server and the process above it say to each other about metrics: a server asks for those of all, the
 * process above asks every server that listens for its own, and answers with the sum.
 */
type MetricsMessage =
  | { type: 'vitrine:metrics'; step: 'all?'; id: number }
  | { type: 'vitrine:metrics'; step: 'yours?'; id: number }
  | { type: 'vitrine:metrics'; step: 'mine'; id: number; metrics: object[] }
  | { type: 'vitrine:metrics'; step: 'all'; id: number; text: string };

/** A server that has not answered by then is left out: one that hangs does not hide the others. */
const metricsPatienceMs = 2_000;

const isMetricsMessage = (message: unknown): message is MetricsMessage =>
  typeof message === 'object' && message !== null && 'type' in message && message.type === 'vitrine:metrics';

/** In the process above: the metrics of the servers, added up. */
function metricsOfAll(listening: ReadonlySet<Worker>) {
  let count = 0;

  function metricsOf(worker: Worker): Promise<object[]> {
    const id = ++count;
    return new Promise((resolve) => {
      const done = (metrics: object[]) => {
        clearTimeout(timer);
        worker.off('message', hear);
        resolve(metrics);
      };
      const timer = setTimeout(() => done([]), metricsPatienceMs);
      const hear = (message: unknown) => {
        if (isMetricsMessage(message) && message.step === 'mine' && message.id === id) done(message.metrics);
      };
      worker.on('message', hear);
      tell(worker, { type: 'vitrine:metrics', step: 'yours?', id });
    });
  }

  return async (asking: Worker, message: unknown): Promise<void> => {
    if (!isMetricsMessage(message) || message.step !== 'all?') return;
    const found = await Promise.all([...listening].map(metricsOf));
    const text = await AggregatorRegistry.aggregate(found).metrics();
    tell(asking, { type: 'vitrine:metrics', step: 'all', id: message.id, text });
  };
}

function tell(worker: Worker, message: MetricsMessage): void {
  if (worker.isConnected()) worker.send(message);
}

/** In a server process: /metrics answers for all of them. */
export function shareMetrics(metrics: Metrics): void {
  const waiting = new Map<number, (text: string) => void>();
  let count = 0;
  const say = (message: MetricsMessage) => process.send?.(message);
  process.on('message', async (message) => {
    if (!isMetricsMessage(message)) return;
    if (message.step === 'yours?') {
      const own = await metrics.registry.getMetricsAsJSON();
      say({ type: 'vitrine:metrics', step: 'mine', id: message.id, metrics: own });
    } else if (message.step === 'all') {
      waiting.get(message.id)?.(message.text);
      waiting.delete(message.id);
    }
  });
  metrics.text = () =>
    new Promise((resolve) => {
      const id = ++count;
      waiting.set(id, resolve);
      say({ type: 'vitrine:metrics', step: 'all?', id });
    });
}
