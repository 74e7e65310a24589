/** The rules for what users write on an image: text, tags, custom properties. Each reports every mistake it finds. */
import { QuotaExceededError, type ValidationIssue } from './errors.ts';
import { byCodePoint } from './image.ts';

/** Lengths count Unicode characters, sizes bytes of UTF-8. */
export const limits = {
  nameLength: 255,
  ownerLength: 255,
  tagLength: 255,
  tags: 128,
  properties: 128,
  propertyNameLength: 255,
  propertyValueBytes: 64 * 1024,
  allPropertyValuesBytes: 512 * 1024,
  members: 128,
  urlLength: 4096,
  regionLength: 255,
  /** GiB and MiB, as v2: a 32-bit number. */
  minimum: 2 ** 31 - 1,
} as const;

/** Names of the Image API v2 that no custom property may take. */
export const reservedPropertyNames: ReadonlySet<string> = new Set([
  'id',
  'name',
  'status',
  'visibility',
  'protected',
  'os_hidden',
  'checksum',
  'os_hash_algo',
  'os_hash_value',
  'owner',
  'size',
  'virtual_size',
  'container_format',
  'disk_format',
  'min_ram',
  'min_disk',
  'tags',
  'created_at',
  'updated_at',
  'self',
  'file',
  'schema',
  'stores',
  'locations',
  'direct_url',
  'location',
  'deleted',
  'deleted_at',
]);

export interface PropertyInput {
  name: string;
  value: string;
}

const lengthOf = (text: string) => {
  let length = 0;
  for (const _ of text) length++;
  return length;
};

/** What is wrong with a piece of text: too long for `max` characters, or not storable. */
export function textIssues(path: string[], what: string, text: string, max: number): ValidationIssue[] {
  const bad = unstorable(path, what, text);
  if (bad) return [bad];
  if (text.length <= max || lengthOf(text) <= max) return [];
  return [issue(path, 'TOO_LONG', `${what} is longer than ${max} characters.`)];
}

function unstorable(path: string[], what: string, text: string): ValidationIssue | null {
  if (text.includes('\0')) return issue(path, 'BAD_CHARACTER', `${what} has a NUL character; take it out.`);
  if (!text.isWellFormed()) {
    return issue(path, 'BAD_CHARACTER', `${what} has half a surrogate pair; send well-formed Unicode.`);
  }
  return null;
}

const issue = (path: string[], code: string, message: string): ValidationIssue => ({
  path,
  code,
  message,
  suggestion: null,
});

/** Issues of the id of a project at `path`: whether there is one only Keystone knows. */
export function projectIssues(path: string[], project: string): ValidationIssue[] {
  if (project === '') return [issue(path, 'EMPTY', 'A project is named by its id.')];
  return textIssues(path, 'The project', project, limits.ownerLength);
}

/** Issues of one tag at `path`. */
export function tagIssues(path: string[], tag: string): ValidationIssue[] {
  if (tag === '') return [issue(path, 'EMPTY', 'A tag cannot be empty.')];
  return textIssues(path, 'The tag', tag, limits.tagLength);
}

/** Issues of a list of tags at `path`; says nothing about how many there are. */
export function tagListIssues(path: string[], tags: readonly string[]): ValidationIssue[] {
  return tags.flatMap((tag, i) => tagIssues([...path, String(i)], tag));
}

/** Sorted by code point, each once. @throws QuotaExceededError more than an image can have */
export function normalTags(tags: Iterable<string>): string[] {
  const sorted = [...new Set(tags)].sort(byCodePoint);
  if (sorted.length > limits.tags) {
    throw new QuotaExceededError(
      { resource: 'tags', limit: limits.tags, used: 0, requested: sorted.length },
      `An image can have ${limits.tags} tags; these are ${sorted.length}.`,
    );
  }
  return sorted;
}

/** Issues of a property's name at `path`. */
export function propertyNameIssues(path: string[], name: string): ValidationIssue[] {
  if (name === '') return [issue(path, 'EMPTY', 'A property needs a name.')];
  if (reservedPropertyNames.has(name)) {
    return [
      issue(path, 'RESERVED_NAME', `${name} is a field of every image and cannot be a custom property.`),
    ];
  }
  if (name.startsWith('os_glance')) {
    return [issue(path, 'RESERVED_NAME', 'Property names that begin with os_glance belong to the service.')];
  }
  return textIssues(path, 'The property name', name, limits.propertyNameLength);
}

/** Issues of a list of properties at `path`: names, values, names given twice. */
export function propertyListIssues(path: string[], list: readonly PropertyInput[]): ValidationIssue[] {
  const seen = new Set<string>();
  return list.flatMap(({ name, value }, i) => {
    const at = [...path, String(i)];
    const found = propertyNameIssues([...at, 'name'], name);
    if (seen.has(name)) found.push(issue([...at, 'name'], 'DUPLICATE', `Property ${name} is given twice.`));
    seen.add(name);
    const bad = unstorable([...at, 'value'], `The value of ${name}`, value);
    if (bad) found.push(bad);
    else if (Buffer.byteLength(value) > limits.propertyValueBytes) {
      const message = `The value of ${name} is larger than ${limits.propertyValueBytes} bytes.`;
      found.push(issue([...at, 'value'], 'TOO_LONG', message));
    }
    return found;
  });
}

/** Those of `found` that an image can have beside its own: of names that it lacks, within all limits. */
export function propertiesBeside(
  own: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>>,
): Record<string, string> {
  let bytes = Object.values(own).reduce((sum, value) => sum + Buffer.byteLength(value), 0);
  let count = Object.keys(own).length;
  const added: Record<string, string> = {};
  for (const [name, value] of Object.entries(found)) {
    const size = Buffer.byteLength(value);
    if (Object.hasOwn(own, name) || propertyListIssues([], [{ name, value }]).length > 0) continue;
    if (count >= limits.properties || bytes + size > limits.allPropertyValuesBytes) continue;
    count++;
    bytes += size;
    added[name] = value;
  }
  return added;
}

/** One object of all properties. @throws QuotaExceededError too many, or too large together */
export function normalProperties(list: Iterable<readonly [string, string]>): Record<string, string> {
  const entries = [...new Map(list)];
  if (entries.length > limits.properties) {
    throw new QuotaExceededError(
      { resource: 'properties', limit: limits.properties, used: 0, requested: entries.length },
      `An image can have ${limits.properties} custom properties; these are ${entries.length}.`,
    );
  }
  const bytes = entries.reduce((sum, [, value]) => sum + Buffer.byteLength(value), 0);
  if (bytes > limits.allPropertyValuesBytes) {
    throw new QuotaExceededError(
      { resource: 'properties', limit: limits.allPropertyValuesBytes, used: 0, requested: bytes },
      `All property values of an image together can have ${limits.allPropertyValuesBytes} bytes; these have ${bytes}.`,
    );
  }
  return Object.fromEntries(entries);
}

/** Issues of minDisk (GiB) or minRam (MiB). */
export function minimumIssues(path: string[], what: string, value: number): ValidationIssue[] {
  if (Number.isInteger(value) && value >= 0 && value <= limits.minimum) return [];
  return [issue(path, 'OUT_OF_RANGE', `${what} is a whole number from 0 to ${limits.minimum}.`)];
}
