/** Filters of a list of images: `name=in:a,b`, `size_min=5`, `created_at=gte:...`, `tag=x`, `any_property=value`. */
import { parseDigest } from '../../domain/digest.ts';
import type { ImageFilter } from '../../search/image-filter.ts';
import { badRequest } from '../problem.ts';
import { isoFilter } from './list-times.ts';
import { readBoolean, readWords } from './list-words.ts';

/** What the values of one name ask for; where only one can be meant, the last is. */
type Reader = (name: string, values: readonly string[]) => ImageFilter[];

const last = (values: readonly string[]) => values.at(-1) ?? '';

/** `in:` and a list, or the value itself. What is no value of the field equals none. */
const words =
  (field: 'id' | 'name' | 'status' | 'diskFormat' | 'containerFormat'): Reader =>
  (name, values) => {
    const found = readWords(name, last(values));
    return [{ [field]: found.length === 1 ? { eq: found[0] } : { in: found } }];
  };

/** Nothing equals it: what a field cannot hold. */
const none: ImageFilter = { id: { in: [] } };

type NumberField = 'size' | 'virtualSize' | 'minDisk' | 'minRam';
/** What the columns hold. */
const largest: Record<NumberField, bigint> = {
  size: 2n ** 63n - 1n,
  virtualSize: 2n ** 63n - 1n,
  minDisk: 2n ** 31n - 1n,
  minRam: 2n ** 31n - 1n,
};

const number =
  (field: NumberField, operator: 'eq' | 'gte' | 'lte'): Reader =>
  (name, values) => {
    const text = last(values);
    if (!/^[+-]?\d{1,100}$/.test(text)) throw badRequest(`${name} is a whole number.`);
    const value = BigInt(text);
    // None of these is ever below 0.
    if (value < 0n) return operator === 'gte' ? [{ [field]: { gte: 0 } }] : [none];
    if (value > largest[field]) return operator === 'lte' ? [{ [field]: { gte: 0 } }] : [none];
    return [{ [field]: { [operator]: value } }];
  };

const numbers = (name: string, field: NumberField): [string, Reader][] => [
  [name, number(field, 'eq')],
  [`${name}_min`, number(field, 'gte')],
  [`${name}_max`, number(field, 'lte')],
];

/** A whole digest of that algorithm; its first digits are none. */
const digest =
  (algorithm: 'md5' | 'sha512'): Reader =>
  (_name, values) => {
    const found = parseDigest(algorithm, last(values));
    return [found ? { digest: found.value } : none];
  };

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['id', words('id')],
  ['name', words('name')],
  ['status', words('status')],
  ['disk_format', words('diskFormat')],
  ['container_format', words('containerFormat')],
  ['owner', (_name, values) => [{ owner: { eq: last(values) } }]],
  ['protected', (name, values) => [{ protected: readBoolean(name, last(values)) }]],
  ['checksum', digest('md5')],
  ['os_hash_value', digest('sha512')],
  ['os_hash_algo', (_name, values) => [last(values) === 'sha512' ? { size: { isNull: false } } : none]],
  ['created_at', (name, values) => values.map((value) => isoFilter(name, 'createdAt', value))],
  ['updated_at', (name, values) => values.map((value) => isoFilter(name, 'updatedAt', value))],
  ['tag', (_name, values) => [{ tags: { hasAll: [...values] } }]],
  ...numbers('size', 'size'),
  ...numbers('virtual_size', 'virtualSize'),
  ...numbers('min_disk', 'minDisk'),
  ...numbers('min_ram', 'minRam'),
]);

/** @throws HttpError 400 a value that is none for its name; a range of what has no numbers */
export function fieldFilter(name: string, values: readonly string[]): ImageFilter[] {
  const read = readers.get(name);
  if (read) return read(name, values);
  if (/_(min|max)$/.test(name)) {
    const ranges = [...readers.keys()].filter((known) => known.endsWith('_min')).join(', ');
    throw badRequest(
      `${JSON.stringify(name.slice(0, 255))} is no range; there are ${ranges}, and _max of each.`,
    );
  }
  return [{ properties: [{ name, text: { eq: last(values) } }] }];
}
