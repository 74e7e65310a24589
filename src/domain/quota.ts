/** Quotas: what a project may have, in numbers; what it has is counted elsewhere. */
import { didYouMean } from './did-you-mean.ts';
import { invalid, QuotaExceededError } from './errors.ts';

/** How much of each there is. Sizes in bytes. */
export interface Amounts {
  /** Images, whatever their state. */
  images: number;
  /** Stored, or reserved by what is being stored: the size of an image once for each of its copies. */
  bytes: number;
  /** In the staging area. */
  stagingBytes: number;
  /** Images whose data is coming, or waits staged for an import. */
  uploads: number;
}
export type AmountName = keyof Amounts;

/** Null: as much as there is room for. */
export type Limits = { readonly [K in AmountName]: number | null };

/** A project and what it may have; without a project nothing is counted. */
export interface Allowance {
  readonly project: string | null;
  readonly limits: Limits;
}

export const unlimited: Limits = Object.freeze({
  images: null,
  bytes: null,
  stagingBytes: null,
  uploads: null,
});

export type QuotaResource =
  | 'image_size_total'
  | 'image_stage_total'
  | 'image_count_total'
  | 'image_count_uploading';

/** In the order in which they are shown: the names of settings, and those that clients and Keystone know. */
export const quotas = [
  { name: 'images', resource: 'image_count_total', unit: 'COUNT', words: 'images' },
  { name: 'bytes', resource: 'image_size_total', unit: 'BYTES', words: 'bytes of images' },
  { name: 'stagingBytes', resource: 'image_stage_total', unit: 'BYTES', words: 'bytes in the staging area' },
  { name: 'uploads', resource: 'image_count_uploading', unit: 'COUNT', words: 'uploads and imports at once' },
] as const satisfies readonly {
  name: AmountName;
  resource: QuotaResource;
  unit: 'BYTES' | 'COUNT';
  words: string;
}[];

/** What a project may have of one thing, and has. */
export interface Quota {
  resource: QuotaResource;
  unit: 'BYTES' | 'COUNT';
  limit: number | null;
  used: number;
}

export function quotasOf(limits: Limits, used: Amounts): Quota[] {
  return quotas.map(({ name, resource, unit }) => ({
    resource,
    unit,
    limit: limits[name],
    used: used[name],
  }));
}

/** @throws ValidationError at `path`: there is no such resource */
export function requireResource(path: string[], given: string): QuotaResource {
  const known = quotas.map(({ resource }) => resource);
  const found = known.find((one) => one === given);
  if (found) return found;
  const shown = JSON.stringify(given.slice(0, 64));
  const message = `There is no quota ${shown}; there are ${known.join(', ')}.`;
  throw invalid(path, 'UNKNOWN_RESOURCE', message, didYouMean(given.slice(0, 64), known));
}

/** A limit as it may be set: null is none. @throws ValidationError at `path`: it is too large to be counted to */
export function requireLimit(path: string[], limit: number | bigint | null): number | null {
  if (typeof limit !== 'bigint') return limit;
  const message = `A limit is at most ${Number.MAX_SAFE_INTEGER}, not ${limit}; for no limit say null.`;
  throw invalid(path, 'OUT_OF_RANGE', message);
}

/** Whether there is a limit on anything that is wanted. */
export function isLimited({ project, limits }: Allowance, wanted: Partial<Amounts>): boolean {
  return project !== null && quotas.some(({ name }) => wanted[name] && limits[name] !== null);
}

/** @throws QuotaExceededError more than is left of one of them */
export function requireRoom({ limits }: Allowance, used: Amounts, wanted: Partial<Amounts>): void {
  for (const { name, resource, words } of quotas) {
    const limit = limits[name];
    const requested = wanted[name] ?? 0;
    if (limit === null || requested === 0 || used[name] + requested <= limit) continue;
    const message = `The project may have ${limit} ${words}; it has ${used[name]}, and ${requested} more were asked for. Delete what is not needed, or ask an admin for a higher quota.`;
    throw new QuotaExceededError({ resource, limit, used: used[name], requested }, message);
  }
}
