/** The stores of this installation, opened once from the settings. A new driver adds its line in `openStore`. */
import { fileStore } from './file.ts';
import { memoryStore } from './memory.ts';
import { isWritable, type Store, type WritableStore } from './store.ts';

export type StoreConfig = { id: string; type: 'file'; path: string } | { id: string; type: 'memory' };

export interface Stores {
  readonly all: readonly Store[];
  /** Where bytes go when nobody says where. */
  readonly default: WritableStore;
  /** Null when the settings name no such store. */
  get(id: string): Store | null;
}

/** `configs` names at least one store that can be written to; the first of them is the default. */
export function openStores(configs: readonly StoreConfig[]): Stores {
  return storesOf(configs.map(openStore));
}

/** The same from stores that are open already. */
export function storesOf(all: readonly Store[]): Stores {
  const first = all.find(isWritable);
  if (!first) throw new Error('No store can be written to.');
  return { all, default: first, get: (id) => all.find((store) => store.id === id) ?? null };
}

function openStore(config: StoreConfig): Store {
  switch (config.type) {
    case 'file':
      return fileStore(config);
    case 'memory':
      return memoryStore(config);
  }
}
