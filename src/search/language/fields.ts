/** The keys of the search language: base fields, by every name they are known by. What else is a property. */
import {
  containerFormats,
  diskFormats,
  imageKinds,
  imageStatuses,
  imageVisibilities,
} from '../../domain/image.ts';
import { signatureStates } from '../../domain/signature.ts';
import type { ImageFilter } from '../image-filter.ts';
import type { OrderField } from '../image-order.ts';

type Reading =
  | { type: 'id' | 'digest' | 'tags' | 'shared' | 'text' | 'has' | 'is' | 'sort' }
  | { type: 'words'; field: 'name' | 'owner' | 'store' }
  | {
      type: 'choice';
      field: 'kind' | 'status' | 'visibility' | 'diskFormat' | 'containerFormat' | 'signature';
      choices: readonly string[];
    }
  | { type: 'flag'; field: 'protected' | 'hidden' | 'failed' }
  | { type: 'bytes'; field: 'size' | 'virtualSize' }
  /** `unitBytes`: what a number without a unit counts. */
  | { type: 'whole'; field: 'minDisk' | 'minRam'; unitBytes: bigint }
  | { type: 'time'; field: 'createdAt' | 'updatedAt' };

/** How the values of a key are read, and what `has:` and `sort:` make of it. */
export type Field = Reading & { has?: ImageFilter; order?: OrderField };

const isSet = { isNull: false } as const;

/** Names first, as documented; then the other spellings of GraphQL and of the Image API v2. */
const table: [names: string[], field: Field][] = [
  [['id'], { type: 'id', order: 'id' }],
  [['name'], { type: 'words', field: 'name', order: 'name', has: { name: isSet } }],
  [['kind'], { type: 'choice', field: 'kind', choices: imageKinds }],
  [['status'], { type: 'choice', field: 'status', choices: imageStatuses, order: 'status' }],
  [['visibility'], { type: 'choice', field: 'visibility', choices: imageVisibilities, order: 'visibility' }],
  [['owner', 'project'], { type: 'words', field: 'owner', order: 'owner', has: { owner: isSet } }],
  [
    ['format', 'disk_format', 'diskformat'],
    {
      type: 'choice',
      field: 'diskFormat',
      choices: diskFormats,
      order: 'diskFormat',
      has: { diskFormat: isSet },
    },
  ],
  [
    ['container_format', 'containerformat'],
    {
      type: 'choice',
      field: 'containerFormat',
      choices: containerFormats,
      order: 'containerFormat',
      has: { containerFormat: isSet },
    },
  ],
  [['size'], { type: 'bytes', field: 'size', order: 'size', has: { size: isSet } }],
  [
    ['virtual_size', 'virtualsize'],
    { type: 'bytes', field: 'virtualSize', order: 'virtualSize', has: { virtualSize: isSet } },
  ],
  [['min_disk', 'mindisk'], { type: 'whole', field: 'minDisk', unitBytes: 2n ** 30n }],
  [['min_ram', 'minram'], { type: 'whole', field: 'minRam', unitBytes: 2n ** 20n }],
  [['digest', 'checksum', 'hash', 'os_hash_value'], { type: 'digest' }],
  [['protected'], { type: 'flag', field: 'protected' }],
  [['hidden', 'os_hidden'], { type: 'flag', field: 'hidden' }],
  [['failed'], { type: 'flag', field: 'failed' }],
  [
    ['signature'],
    { type: 'choice', field: 'signature', choices: signatureStates, has: { signature: isSet } },
  ],
  [['tag', 'tags'], { type: 'tags', has: { tags: { isEmpty: false } } }],
  [['store'], { type: 'words', field: 'store', has: { store: isSet } }],
  [['shared'], { type: 'shared', has: { sharedWith: {} } }],
  [['created', 'created_at', 'createdat'], { type: 'time', field: 'createdAt', order: 'createdAt' }],
  [['updated', 'updated_at', 'updatedat'], { type: 'time', field: 'updatedAt', order: 'updatedAt' }],
  [['text'], { type: 'text' }],
  [['has'], { type: 'has' }],
  [['is'], { type: 'is' }],
  [['sort'], { type: 'sort' }],
];

const byName = new Map(table.flatMap(([names, field]) => names.map((name) => [name, field] as const)));

/** The base field of this name, in any case; null when it is the name of a property. */
export function fieldNamed(name: string): Field | null {
  return byName.get(name.toLowerCase()) ?? null;
}

const documented = (holds: (field: Field) => boolean) =>
  table.flatMap(([[name], field]) => (name !== undefined && holds(field) ? [name] : []));

export const sortableNames = documented((field) => field.order !== undefined);
export const fieldsThatMayBeMissing = documented((field) => field.has !== undefined);
