/** A filter as the JSON of its GraphQL input: what a client can send back as it is. */
import type { ImageFilter } from '../../search/image-filter.ts';

const enums: ReadonlySet<string> = new Set([
  'kind',
  'status',
  'visibility',
  'diskFormat',
  'containerFormat',
  'signature',
] satisfies (keyof ImageFilter)[]);

export function filterJson(filter: ImageFilter): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(filter)) {
    if (key === 'and' || key === 'or') json[key] = (value as ImageFilter[]).map(filterJson);
    else if (key === 'not') json[key] = filterJson(value as ImageFilter);
    else if (enums.has(key)) json[key] = upperCased(value);
    else if (key === 'sharedWith' && filter.sharedWith?.status !== undefined) {
      json[key] = { ...filter.sharedWith, status: filter.sharedWith.status.toUpperCase() };
    } else json[key] = plain(value);
  }
  return json;
}

/** The operands of a choice, by their names in GraphQL. */
function upperCased(value: unknown): unknown {
  if (typeof value === 'string') return value.toUpperCase();
  if (Array.isArray(value)) return value.map(upperCased);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([operator, operand]) => [operator, upperCased(operand)]),
  );
}

/** What JSON has no number for goes as text, which BigInt takes too. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part)));
}
