/** A page of what one of several parents has, where a statement finds those of all of them: one row more than asked for. */

export interface FoundPage<T> {
  items: T[];
  hasNext: boolean;
  hasPrevious: boolean;
}

/** `found` in the order of the list; `isMoreBehind`: something stands where the page begins, or before it. */
export function foundPage<T>(
  found: T[],
  { limit, backward, isMoreBehind }: { limit: number; backward: boolean; isMoreBehind: boolean },
): FoundPage<T> {
  const hasMore = found.length > limit;
  const items = hasMore ? (backward ? found.slice(1) : found.slice(0, limit)) : found;
  return {
    items,
    hasNext: backward ? isMoreBehind : hasMore,
    hasPrevious: backward ? hasMore : isMoreBehind,
  };
}
