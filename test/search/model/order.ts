/** The order of a list: keys by weight, what has no value last in both directions, id in the end. */
import { type ModelImage, microsOf, propertyOf } from './catalog.ts';
import { compareText, numberIn } from './values.ts';
import { compareVersions, isVersion } from './version.ts';

export interface Order {
  field: string;
  /** Left out: DESC. */
  direction?: 'ASC' | 'DESC';
  property?: string;
  /** Left out: TEXT. */
  as?: 'TEXT' | 'NUMBER' | 'VERSION';
}

const newestFirst: Order[] = [{ field: 'CREATED_AT', direction: 'DESC' }];

/** Never 0 for two images. Without keys the newest come first. */
export function compare(a: ModelImage, b: ModelImage, orderBy: readonly Order[]): number {
  const keys = orderBy.length > 0 ? orderBy : newestFirst;
  for (const key of [...keys, { field: 'ID', direction: keys.at(-1)?.direction }]) {
    const sign = key.direction === 'ASC' ? 1 : -1;
    const [left, right] = [keyOf(a, key), keyOf(b, key)];
    if (left === null && right === null) continue;
    if (left === null) return 1;
    if (right === null) return -1;
    const difference =
      key.as === 'VERSION' ? (compareVersions(`${left}`, `${right}`) ?? 0) : compareValues(left, right);
    if (difference !== 0) return sign * difference;
  }
  return 0;
}

function compareValues(a: string | number, b: string | number): number {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Null for what comes last. */
function keyOf(image: ModelImage, { field, property = '', as = 'TEXT' }: Order): string | number | null {
  switch (field) {
    case 'CREATED_AT':
      return microsOf(image.createdAt);
    case 'UPDATED_AT':
      return microsOf(image.updatedAt);
    case 'NAME':
      return image.name;
    case 'SIZE':
      return image.size;
    case 'VIRTUAL_SIZE':
      return image.virtualSize;
    case 'STATUS':
      return image.status;
    case 'VISIBILITY':
      return image.visibility;
    case 'OWNER':
      return image.owner;
    case 'DISK_FORMAT':
      return image.diskFormat;
    case 'CONTAINER_FORMAT':
      return image.containerFormat;
    case 'ID':
      return image.id;
    case 'PROPERTY':
      return readAs(propertyOf(image, property) ?? null, as);
    default:
      throw new Error(`No order by ${field}.`);
  }
}

function readAs(value: string | null, as: Order['as']): string | number | null {
  if (value === null || as === 'TEXT') return value;
  if (as === 'NUMBER') return numberIn(value);
  return isVersion(value) ? value : null;
}
