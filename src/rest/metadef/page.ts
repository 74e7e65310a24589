/** Pages of what is in one namespace: by name, or by time, going on after a name. */
import { NotFoundError } from '../../domain/errors.ts';
import { byCodePoint } from '../../domain/image.ts';
import { pageLink } from '../image/page-link.ts';
import type { Ask } from '../operation.ts';
import { choiceIn, directionIn, lastOf, limitIn } from '../query.ts';

interface Part {
  name: string;
  createdAt: string;
  updatedAt: string;
}

const sortKeys = { name: 'name', created_at: 'createdAt', updated_at: 'updatedAt' } as const;

/** All that there can be when nothing is said: clients of these lists do not look for a next page. */
const size = { default: 10_000, max: 10_000 };

/**
 * @throws HttpError     400 a limit, key or direction that is none
 * @throws NotFoundError nothing of the marker's name is there
 */
export function pageOf<T extends Part>(
  parts: readonly T[],
  query: Ask['query'],
  path: string,
): { items: T[]; links: { first: string; next?: string } } {
  const key =
    sortKeys[choiceIn(query, 'sort_key', Object.keys(sortKeys) as (keyof typeof sortKeys)[]) ?? 'created_at'];
  const sign = directionIn(query) === 'desc' ? -1 : 1;
  const sorted = parts.toSorted(
    (a, b) => sign * (byCodePoint(a[key], b[key]) || byCodePoint(a.name, b.name)),
  );
  const limit = limitIn(query, size);
  const marker = lastOf(query.marker);
  const at = marker === undefined ? -1 : sorted.findIndex(({ name }) => name === marker);
  if (marker !== undefined && at < 0) {
    throw new NotFoundError(`There is no ${JSON.stringify(marker.slice(0, 80))} to go on after.`);
  }
  const items = sorted.slice(at + 1, at + 1 + limit);
  const last = items.at(-1);
  const hasMore = last !== undefined && at + 1 + limit < sorted.length;
  const first = pageLink(path, query, null);
  return { items, links: { first, ...(hasMore && { next: pageLink(path, query, last.name) }) } };
}
