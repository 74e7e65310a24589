/** The fields of an image as clients write them: which there are, what they hold, and what nobody may write. */
import { z } from 'zod';
import type { CreateImage } from '../../actions/create-image.ts';
import type { PropertyInput } from '../../domain/fields.ts';
import { containerFormats, diskFormats, imageVisibilities } from '../../domain/image.ts';
import { requireObject, requireShape } from '../json.ts';
import { badRequest, notWritable } from '../problem.ts';

type Written = Omit<CreateImage, 'id' | 'properties'>;

/** Base field in /v2 -> what it is inside, and what it can hold. Bounds are the actions' to check. */
const written: Record<string, { field: keyof Written; shape: z.ZodType }> = {
  name: { field: 'name', shape: z.string().nullable() },
  visibility: { field: 'visibility', shape: z.enum(imageVisibilities) },
  protected: { field: 'protected', shape: z.boolean() },
  os_hidden: { field: 'hidden', shape: z.boolean() },
  owner: { field: 'owner', shape: z.string().nullable() },
  container_format: { field: 'containerFormat', shape: z.enum(containerFormats).nullable() },
  disk_format: { field: 'diskFormat', shape: z.enum(diskFormats).nullable() },
  min_ram: { field: 'minRam', shape: z.number() },
  min_disk: { field: 'minDisk', shape: z.number() },
  tags: { field: 'tags', shape: z.array(z.string()) },
};

/** What the service alone writes. */
const readOnly = new Set([
  'id',
  'status',
  'checksum',
  'os_hash_algo',
  'os_hash_value',
  'size',
  'virtual_size',
  'created_at',
  'updated_at',
  'direct_url',
  'self',
  'file',
  'schema',
  'stores',
]);

const reserved = new Set(['location', 'locations', 'deleted', 'deleted_at']);

/** @throws HttpError 403 the field is read-only, or its name is the service's */
export function requireWritable(name: string): void {
  if (readOnly.has(name)) throw notWritable(`Attribute ${name} is read-only.`);
  if (reserved.has(name) || name.startsWith('os_glance')) {
    throw notWritable(`Attribute ${name.slice(0, 255)} is reserved.`);
  }
}

/** What is written by a field's name and value in /v2: a base field, or else a custom property. */
export type WrittenField = { base: keyof Written; value: unknown } | { base: null; property: PropertyInput };

export const isBase = (name: string) => Object.hasOwn(written, name);

/** @throws HttpError 400 the value is none for this field; 403 as requireWritable */
export function readField(name: string, value: unknown): WrittenField {
  requireWritable(name);
  const base = Object.hasOwn(written, name) ? written[name] : undefined;
  if (base) return { base: base.field, value: requireShape(base.shape, value, [name]) };
  if (typeof value === 'string') return { base: null, property: { name, value } };
  throw badRequest(`${name.slice(0, 255)}: a custom property is a string.`);
}

/** A new image. @throws HttpError as readField; 400 no object, or an id that is no text */
export function readImage(json: unknown): CreateImage {
  const { id, ...fields } = requireObject(json);
  const image: CreateImage = {};
  if (id !== undefined) image.id = requireShape(z.string(), id, ['id']);
  const properties: PropertyInput[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const field = readField(name, value);
    if (field.base === null) properties.push(field.property);
    else Object.assign(image, { [field.base]: field.value });
  }
  return { ...image, properties };
}
