/** The order of a list of images: `sort=name:asc,size`, or pairs of sort_key and sort_dir. */
import type { ImageOrder, OrderDirection, OrderField } from '../../search/image-order.ts';
import type { Ask } from '../operation.ts';
import { badRequest } from '../problem.ts';

const sortKeys: Record<string, OrderField> = {
  name: 'name',
  status: 'status',
  container_format: 'containerFormat',
  disk_format: 'diskFormat',
  size: 'size',
  id: 'id',
  created_at: 'createdAt',
  updated_at: 'updatedAt',
};

type Key = { field: OrderField; direction: OrderDirection };

/**
 * Newest first when nothing is said. Images that are equal by all keys come by time, then by id: in the direction of
 * the one that was given, or else newest first.
 * @throws HttpError 400 an unknown key or direction, both ways of saying it, more directions than keys
 */
export function readOrder(query: Ask['query']): ImageOrder[] {
  const { sort, sort_key: keys, sort_dir: directions } = query;
  if (sort !== undefined && (keys !== undefined || directions !== undefined)) {
    throw badRequest('Give sort, or sort_key and sort_dir, not both.');
  }
  const order = sort === undefined ? pairsOf(listOf(keys), listOf(directions)) : listOf(sort).flatMap(sortOf);
  const given = new Set(order.map(({ direction }) => direction));
  const direction = given.size === 1 ? (order[0]?.direction ?? 'desc') : 'desc';
  return order.some(({ field }) => field === 'createdAt')
    ? order
    : [...order, { field: 'createdAt', direction }];
}

const listOf = (value: string | string[] | undefined): string[] =>
  value === undefined ? [] : [value].flat();

function sortOf(text: string): Key[] {
  return text.split(',').map((part) => {
    const [key = '', direction, ...rest] = part.trim().split(':');
    if (rest.length > 0)
      throw badRequest(`${JSON.stringify(part.slice(0, 64))} is no key and direction, as name:asc.`);
    return keyOf(key, direction);
  });
}

function pairsOf(keys: readonly string[], directions: readonly string[]): Key[] {
  const named = keys.length > 0 ? keys : ['created_at'];
  if (directions.length > 1 && directions.length !== named.length) {
    throw badRequest('Give one sort_dir for all of sort_key, or one for each.');
  }
  return named.map((key, i) => keyOf(key, directions[i] ?? directions[0]));
}

function keyOf(key: string, direction: string | undefined): Key {
  const field = Object.hasOwn(sortKeys, key) ? sortKeys[key] : undefined;
  if (!field) throw badRequest(`A list is sorted by ${Object.keys(sortKeys).join(', ')}.`);
  if (direction !== undefined && direction !== 'asc' && direction !== 'desc') {
    throw badRequest('A direction is asc or desc.');
  }
  return { field, direction: direction ?? 'desc' };
}
