/** What every resolver is handed: made once for each request. */
import type { App } from '../actions/app.ts';
import type { Caller } from '../domain/caller.ts';
import { createLoaders, type Loaders } from './loaders.ts';
import type { Purse } from './purse.ts';

export interface GraphContext {
  readonly app: App;
  readonly caller: Caller;
  readonly requestId: string;
  /** Address of the service as this client knows it, without a slash at its end. */
  readonly baseUrl: string;
  /** What the request pays with. */
  readonly purse: Purse;
  /** Ends with the request. */
  readonly signal: AbortSignal | null;
  readonly loaders: Loaders;
}

/** What a door knows of a request before anything is resolved. */
export type RequestFacts = Omit<GraphContext, 'loaders' | 'app'>;

export function createContext(app: App, facts: RequestFacts): GraphContext {
  return { app, ...facts, loaders: createLoaders(app, facts.caller) };
}
