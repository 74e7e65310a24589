/** In what order images come: keys by weight, id last. Nulls come last in both directions. */
import type { Image } from '../domain/image.ts';

export type OrderDirection = 'asc' | 'desc';

/** Fields of the image itself that a list can be ordered by. */
export const orderFields = [
  'createdAt',
  'updatedAt',
  'name',
  'size',
  'virtualSize',
  'status',
  'visibility',
  'owner',
  'diskFormat',
  'containerFormat',
  'id',
] as const satisfies readonly (keyof Image)[];
export type OrderField = (typeof orderFields)[number];

/** How the values of a property are read to put them in order. */
export type PropertyOrder = 'text' | 'number' | 'version';

/** A key of an order: a field; a property, read in one of three ways; or how well the words of a search fit. */
export type ImageOrder = { direction: OrderDirection } & (
  | { field: OrderField }
  | { field: 'property'; property: string; as: PropertyOrder }
  | { field: 'relevance' }
);

export const newestFirst: readonly ImageOrder[] = [{ field: 'createdAt', direction: 'desc' }];

/** More keys than this say nothing new, and each costs. */
export const orderKeysMax = 8;

/**
 * The order as it is carried out: each key once (its first mention decides), and id at the end in the direction
 * of the key before it, so that an index can serve both. Relevance only counts where words are looked for.
 */
export function totalOrder(order: readonly ImageOrder[], { hasWords }: { hasWords: boolean }): ImageOrder[] {
  const meant = order.filter((key) => key.field !== 'relevance' || hasWords);
  const keys: ImageOrder[] = [];
  for (const key of meant.length > 0 ? meant : newestFirst) {
    if (!keys.some((known) => keyName(known) === keyName(key))) keys.push(key);
    if (key.field === 'id') return keys;
  }
  return [...keys, { field: 'id', direction: keys.at(-1)?.direction ?? 'desc' }];
}

/** The order as one line of text: what a cursor is bound to. */
export function orderName(order: readonly ImageOrder[]): string {
  return order.map((key) => `${key.direction === 'desc' ? '-' : ''}${keyName(key)}`).join(',');
}

const keyName = (key: ImageOrder) =>
  key.field === 'property' ? `${key.as}(${JSON.stringify(key.property)})` : key.field;
