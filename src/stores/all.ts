/**
 * The stores of this installation, opened once from the settings: nothing is asked of them then, so that one that is
 * away keeps nobody from starting. A new driver adds its line in `driverOf`.
 */
import { turns } from '../cloud/turns.ts';
import { circuit } from './circuit.ts';
import { deadlines } from './deadlines.ts';
import { openEgress } from './egress/egress.ts';
import type { EgressSettings } from './egress/rules.ts';
import { fileStore } from './file.ts';
import { httpStore } from './http.ts';
import { limit } from './limit.ts';
import { withRetries } from './retries.ts';
import { type S3StoreOptions, s3Store } from './s3/s3.ts';
import { stagingStore } from './staging.ts';
import { isWritable, type Store, type WritableStore } from './store.ts';
import { type SwiftStoreOptions, swiftStore } from './swift/swift.ts';
import { type StoreWatch, watched } from './watch.ts';
import { inside, wrapStore } from './wrap.ts';

export type StoreConfig = {
  id: string;
  /** For people who choose a store. */
  description?: string | undefined;
  default: boolean;
  /** The heaviest copy is read first. */
  weight: number;
  /** Calls at once. */
  parallel: number;
  connectTimeoutMs: number;
  answerTimeoutMs: number;
  idleTimeoutMs: number;
} & (
  | { type: 'file'; paths: readonly { path: string; priority: number }[]; sparse: boolean }
  | ({ type: 'swift' } & SwiftStoreOptions)
  | ({ type: 's3' } & Omit<S3StoreOptions, 'staging'>)
  | { type: 'http' }
);

export interface Stores {
  readonly all: readonly Store[];
  /** Where bytes go when nobody says where. */
  readonly default: WritableStore;
  /** Where bytes wait for an import: one of `all`, or one of this machine alone, which users do not see. */
  readonly staging: WritableStore;
  /** Those of `all` that can be written to, and `staging`: where objects may have to be removed. */
  readonly writable: readonly WritableStore[];
  /** Null when the settings name no such store. */
  get(id: string): Store | null;
  /** 0 when the settings do not say. */
  weightOf(id: string): number;
  /** Null when the settings do not say. */
  descriptionOf(id: string): string | null;
}

export interface StoreSurroundings {
  /** A directory of this machine for what does not fit into memory. */
  spool: string;
  /** Where bytes wait for an import: a store of the settings, or a directory of this machine with a name of its own. */
  staging: { store: string } | { id: string; path: string };
  /** Whom a URL may lead to. */
  egress: EgressSettings;
  watch?: StoreWatch;
}

/** `configs` names at least one store that can be written to; that which says so, or the first, is the default. */
export function openStores(configs: readonly StoreConfig[], surroundings: StoreSurroundings): Stores {
  const weights = new Map(configs.map(({ id, weight }) => [id, weight]));
  const descriptions = new Map(configs.map(({ id, description }) => [id, description]));
  const usual = configs.find((config) => config.default)?.id;
  const all = configs.map((config) => openStore(config, surroundings));
  return storesOf(all, { usual, weights, descriptions, staging: stagingOf(all, surroundings) });
}

function stagingOf(all: readonly Store[], surroundings: StoreSurroundings): WritableStore | undefined {
  const { staging } = surroundings;
  if ('store' in staging) return all.filter(isWritable).find(({ id }) => id === staging.store);
  return stagingStore(staging);
}

export interface StoreRoles {
  /** Id of the default store; the first that can be written to. */
  usual?: string | undefined;
  weights?: ReadonlyMap<string, number>;
  descriptions?: ReadonlyMap<string, string | undefined>;
  /** The default store when nothing is said. */
  staging?: WritableStore | undefined;
}

/** The same from stores that are open already. */
export function storesOf(
  all: readonly Store[],
  { usual, weights, descriptions, staging }: StoreRoles = {},
): Stores {
  const writable = all.filter(isWritable);
  const chosen = writable.find((store) => store.id === usual) ?? writable[0];
  if (!chosen) throw new Error('No store can be written to.');
  const waiting = staging ?? chosen;
  const known = new Map<string, Store>([waiting, ...all].map((store) => [store.id, store]));
  return {
    all,
    default: chosen,
    staging: waiting,
    writable: writable.includes(waiting) ? writable : [...writable, waiting],
    get: (id) => known.get(id) ?? null,
    weightOf: (id) => weights?.get(id) ?? 0,
    descriptionOf: (id) => descriptions?.get(id) ?? null,
  };
}

/**
 *   retries -> counting -> circuit -> turns -> deadlines -> driver
 */
function openStore(config: StoreConfig, surroundings: StoreSurroundings): Store {
  const { watch } = surroundings;
  const { id, parallel, answerTimeoutMs: answerMs, idleTimeoutMs: idleMs } = config;
  const onChange = (isOpen: boolean) => watch?.circuitChanged(id, isOpen);
  const arounds = [
    ...(watch ? [watched(id, watch)] : []),
    circuit({ store: id, now: () => performance.now(), onChange }),
    limit(id, turns(parallel, answerMs)),
    deadlines(id, { answerMs, idleMs }),
  ];
  return withRetries(wrapStore(driverOf(config, surroundings), arounds.reduce(inside)));
}

function driverOf(config: StoreConfig, { spool, egress }: StoreSurroundings): Store {
  switch (config.type) {
    case 'file':
      return fileStore(config);
    case 'swift':
      return swiftStore(config);
    case 's3':
      return s3Store({ ...config, staging: spool });
    case 'http': {
      const { id, connectTimeoutMs: connectMs, answerTimeoutMs: answerMs } = config;
      return httpStore({ id, egress: openEgress(egress, { connectMs, answerMs }) });
    }
  }
}
