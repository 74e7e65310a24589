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

export interface ImageOrder {
  field: OrderField;
  direction: OrderDirection;
}

export const newestFirst: readonly ImageOrder[] = [{ field: 'createdAt', direction: 'desc' }];

/**
 * The order as it is carried out: each field once (its first mention decides), and id at the end in the
 * direction of the key before it, so that an index can serve both.
 */
export function totalOrder(order: readonly ImageOrder[]): ImageOrder[] {
  const keys: ImageOrder[] = [];
  for (const key of order.length > 0 ? order : newestFirst) {
    if (!keys.some((k) => k.field === key.field)) keys.push(key);
    if (key.field === 'id') return keys;
  }
  return [...keys, { field: 'id', direction: keys.at(-1)?.direction ?? 'desc' }];
}

/** The order as one line of text: what a cursor is bound to. */
export function orderName(order: readonly ImageOrder[]): string {
  return order.map((k) => `${k.direction === 'desc' ? '-' : ''}${k.field}`).join(',');
}
