/** Ways to bring bytes to an image other than sending them, and what is decided about them without looking at any. */
import { invalid } from './errors.ts';
import type { DigestAlgorithm } from './image.ts';
import { withoutSecretsOfUrl } from './task.ts';

/** As the settings and the Image API call them. */
export const importMethodNames = ['glance-direct', 'web-download', 'copy-image', 'glance-download'] as const;
export type ImportMethodName = (typeof importMethodNames)[number];

export interface KnownDigest {
  algorithm: DigestAlgorithm;
  /** Lower-case hex. */
  value: string;
}

export type ImportMethod =
  | { name: 'glance-direct' }
  | { name: 'web-download'; url: string; digest: KnownDigest | null }
  | { name: 'copy-image' }
  | {
      name: 'glance-download';
      region: string;
      imageId: string;
      serviceInterface: 'public' | 'internal' | 'admin';
    };

/** What a task is to do, as it is kept until it is over. */
export interface ImportOrder {
  method: ImportMethod;
  /** Store.id of each copy to make. */
  stores: string[];
  /** One store that fails fails all. */
  allMustSucceed: boolean;
  /** Project and rights of who asked: what another service shows, and which properties may come along, is judged by them. */
  project: string | null;
  /** They may read every image here. */
  isAdmin: boolean;
  /** Not there on orders from before there were protected properties. */
  roles?: readonly string[];
}

/** The order as everybody who sees the task may read it. */
export function shownOrder({ method, stores, allMustSucceed }: ImportOrder): Record<string, unknown> {
  const shown = method.name === 'web-download' ? { ...method, url: withoutSecretsOfUrl(method.url) } : method;
  return { method: shown, stores, allMustSucceed };
}

/** So many workers may die at a task: it may be what kills them. */
export const deathsMax = 20;

/** Before the second attempt, the third ...; what fails once more after all of them has failed. */
const backoffSeconds = [1, 4, 10, 20];

/** How long to wait after the n-th failure, n from 1; null: it is over. */
export function retryAfterSeconds(mayPass: boolean, n: number): number | null {
  return mayPass ? (backoffSeconds[n - 1] ?? null) : null;
}

/**
 * Which of `writable` an import goes to. `asked` null: nobody said.
 * @throws ValidationError both stores and allStores; no stores; one twice is once
 */
export function targetsOf(
  writable: readonly string[],
  { asked, all, usual }: { asked: readonly string[] | null; all: boolean; usual: string },
): string[] {
  if (all && asked !== null) {
    throw invalid(['allStores'], 'CONFLICT', 'Say either which stores, or allStores, not both.');
  }
  if (all) return [...writable];
  if (asked === null) return [usual];
  if (asked.length === 0)
    throw invalid(['stores'], 'EMPTY', 'stores names at least one store, or is left out.');
  return [...new Set(asked)];
}

/** What any worker can do, and what only one can who reaches the staging area of that name. */
export const importQueue = 'import';
export const queueOfMachine = (stagingStore: string) => `import_${stagingStore}`;
