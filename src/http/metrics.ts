/** Numbers for Prometheus. Labels are routes, statuses and stores, never images, names or projects. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  registry: Registry;
  /** All of it as Prometheus reads it; of all server processes where there are several. */
  text(): Promise<string>;
  /** Seconds, by route, method and status. */
  requests: Histogram<'method' | 'route' | 'status'>;
  /** Bytes of images, by direction. */
  transferred: Counter<'direction'>;
  /** Transfers under way, by direction. */
  transfers: Gauge<'direction'>;
  /** Seconds, by store, call and outcome. */
  storeCalls: Histogram<'store' | 'call' | 'outcome'>;
  /** Seconds, by service and outcome: known, unknown, failed. */
  identityCalls: Histogram<'service' | 'outcome'>;
  /** 1 while a store is left alone because it failed several times in a row. */
  storesLeftAlone: Gauge<'store'>;
  /** Requests that were one too many, by the name of the limit. */
  refusals: Counter<'limit'>;
  /** Promises that failed with nobody to hear it: each is a bug. */
  unheardFailures: Counter;
}

/** A database that does not answer must not keep the other numbers back: its last ones stand. */
const countPatienceMs = 1_000;

/** How many copies are damaged, counted whenever somebody asks: the same number on every server. */
export function meterDamage(
  { registry }: Metrics,
  count: () => Promise<{ store: string; copies: number }[]>,
): void {
  new Gauge({
    name: 'vitrine_damaged_copies',
    help: 'Copies that are known to be damaged, by store.',
    labelNames: ['store'],
    registers: [registry],
    aggregator: 'max',
    async collect() {
      const late = sleep(countPatienceMs, null, { ref: false });
      const counts = await Promise.race([count().catch(() => null), late]);
      if (!counts) return;
      this.reset();
      for (const { store, copies } of counts) this.set({ store }, copies);
    },
  });
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    text: () => registry.metrics(),
    requests: new Histogram({
      name: 'vitrine_http_request_seconds',
      help: 'How long requests took, until the answer was sent.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
      registers,
    }),
    transferred: new Counter({
      name: 'vitrine_transferred_bytes_total',
      help: 'Bytes of images that came in and went out.',
      labelNames: ['direction'],
      registers,
    }),
    transfers: new Gauge({
      name: 'vitrine_transfers',
      help: 'Uploads and downloads under way.',
      labelNames: ['direction'],
      registers,
    }),
    storeCalls: new Histogram({
      name: 'vitrine_store_call_seconds',
      help: 'How long calls of stores took; outcome failed is the fault of the store.',
      labelNames: ['store', 'call', 'outcome'],
      buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60],
      registers,
    }),
    identityCalls: new Histogram({
      name: 'vitrine_identity_call_seconds',
      help: 'How long Keystone and the issuer of JWTs were asked about tokens and keys; outcome failed is their fault.',
      labelNames: ['service', 'outcome'],
      buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10],
      registers,
    }),
    storesLeftAlone: new Gauge({
      name: 'vitrine_store_left_alone',
      help: 'Whether a store is not asked for a while because it failed several times in a row.',
      labelNames: ['store'],
      registers,
    }),
    refusals: new Counter({
      name: 'vitrine_refused_requests_total',
      help: 'Requests that were refused because a project or an address had too many, by limit.',
      labelNames: ['limit'],
      registers,
    }),
    unheardFailures: new Counter({
      name: 'vitrine_unheard_failures_total',
      help: 'Failures that no request reported: each is a bug.',
      registers,
    }),
  };
}
