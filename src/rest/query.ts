/** Values of a query that several lists have: how many, in which direction, one of a few words. */
import type { Ask } from './operation.ts';
import { badRequest } from './problem.ts';

/** Of a name that comes several times the last counts. */
export const lastOf = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.at(-1) : value;

/** More than there may be is as many as there may be. @throws HttpError 400 not a whole number from 0 on */
export function limitIn({ limit }: Ask['query'], size: { default: number; max: number }): number {
  const text = lastOf(limit);
  if (text === undefined) return size.default;
  if (!/^\d+$/.test(text)) throw badRequest('limit is a whole number, from 0 on.');
  return Math.min(Number(text), size.max);
}

/** Null: nothing was said. @throws HttpError 400 another word */
export function choiceIn<T extends string>(
  query: Ask['query'],
  name: string,
  choices: readonly T[],
): T | null {
  const text = lastOf(query[name]);
  if (text === undefined) return null;
  const found = choices.find((one) => one === text);
  if (found !== undefined) return found;
  throw badRequest(`${name} is one of ${choices.join(', ')}.`);
}

/** Newest, or last in the alphabet, first when nothing is said. @throws HttpError 400 */
export const directionIn = (query: Ask['query']): 'asc' | 'desc' =>
  choiceIn(query, 'sort_dir', ['asc', 'desc'] as const) ?? 'desc';
