/** Names of custom properties that are in use, for autocompletion. */
import { findPropertyNames } from '../db/image-facets.ts';
import type { Caller } from '../domain/caller.ts';
import { invalid } from '../domain/errors.ts';
import { listMax } from '../search/filter-check.ts';
import type { App } from './app.ts';
import { type AskedImages, askedScope } from './asked-images.ts';

export interface ListPropertyNames extends AskedImages {
  prefix: string;
  limit: number;
}

/**
 * Most frequent first, on the images that listImages would find.
 *
 * @throws ValidationError a limit out of range
 * @throws BadSearchError, TooCostlyError, TimeoutError as listImages
 */
export async function listPropertyNames(
  app: App,
  caller: Caller,
  input: ListPropertyNames,
): Promise<{ name: string; count: number }[]> {
  const { prefix, limit } = input;
  checkLimit(limit);
  if (prefix.includes('\0') || !prefix.isWellFormed()) return [];
  const { scope } = await askedScope(app, caller, input);
  return findPropertyNames(app, scope, { prefix, limit });
}

/** @throws ValidationError */
export function checkLimit(limit: number): void {
  if (limit >= 0 && limit <= listMax) return;
  throw invalid(['limit'], 'OUT_OF_RANGE', `limit is a number from 0 to ${listMax}.`);
}
