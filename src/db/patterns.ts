/** Patterns that PostgreSQL compares with: what is taken as it is, and what is a pattern of the user's own. */
import { invalid } from '../domain/errors.ts';
import type { ImageFilter, StringFilter } from '../search/image-filter.ts';
import type { Database } from './client.ts';
import { sqlState } from './failure.ts';
import type { Params } from './params.ts';

const literal = (text: string) => text.replace(/[\\%_]/g, '\\$&');

/** For LIKE: has this text somewhere. */
export const containsPattern = (text: string) => `%${literal(text)}%`;

/** In lower case as search texts are, and compared as they are: with another collation no index would serve it. */
export function lowerCasedSql(text: string, params: Params): string {
  return `(lower(${params.add(text, 'text')} collate "default") collate "C")`;
}

/** LIKE patterns for contains, startsWith and endsWith, with their text taken as it is. */
export function likePatterns(filter: StringFilter): string[] {
  const found: string[] = [];
  if (filter.contains !== undefined) found.push(containsPattern(filter.contains));
  if (filter.startsWith !== undefined) found.push(`${literal(filter.startsWith)}%`);
  if (filter.endsWith !== undefined) found.push(`%${literal(filter.endsWith)}`);
  return found;
}

/** The first text, by code point, after all that begin with `prefix`; null when there is none. */
export function pastPrefix(prefix: string): string | null {
  const points = Array.from(prefix, (c) => c.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue;
    return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
  }
  return null;
}

/**
 * Asks PostgreSQL whether the regular expressions in a filter are any, before a query runs with them. Some take it
 * long to read: `who` waits for that. `path` is where the filter stands.
 * @throws ValidationError BAD_PATTERN with the first that is none
 * @throws TimeoutError    one takes too long to read
 */
export async function checkPatterns(
  db: Database,
  who: string,
  filter: object,
  path: string[] = ['where'],
): Promise<void> {
  for (const { pattern, at } of patternsIn(filter, path)) {
    try {
      await db.search('select $1::text ~ $2::text', ['', pattern], { costlyFor: who });
    } catch (error) {
      if (sqlState(error) !== '2201B') throw error;
      const reason = (error as Error).message.replace(/^invalid regular expression: /, '');
      throw invalid(at, 'BAD_PATTERN', `${JSON.stringify(pattern)} is not a regular expression: ${reason}.`);
    }
  }
}

/** Whether images are compared with a regular expression, which may take any time. */
export const hasPatterns = (filters: readonly ImageFilter[]) => patternsIn(filters, []).length > 0;

function patternsIn(value: unknown, path: string[]): { pattern: string; at: string[] }[] {
  if (Array.isArray(value)) return value.flatMap((item, i) => patternsIn(item, [...path, String(i)]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const at = [...path, key];
    return key === 'matches' && typeof inner === 'string' ? [{ pattern: inner, at }] : patternsIn(inner, at);
  });
}
