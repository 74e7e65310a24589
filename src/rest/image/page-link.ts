/** Links from a page to the first and to the next one. */
import type { Ask } from '../operation.ts';

/**
 * The same question, relative to the service as clients expect it, going on after the thing named `marker`; null: from
 * the start.
 */
export function pageLink(path: string, query: Ask['query'], marker: string | null): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (name !== 'marker') for (const one of [value].flat()) params.append(name, one);
  }
  if (marker !== null) params.append('marker', marker);
  return params.size === 0 ? path : `${path}?${params}`;
}
