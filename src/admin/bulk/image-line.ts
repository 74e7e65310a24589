/**
 * One line of an import: an image in the shape that GET /v2/images/{id} answers, from whichever service, old ones
 * included. What a line says is kept where the database and the API can hold it; what they cannot hold makes the
 * line a bad one, with the reason.
 *
 *   status saving, uploading, importing   queued: whoever was sending the bytes sends them elsewhere
 *   status deleted                        no image: its id is kept from ever coming again
 *   properties that are null              left out
 *   properties os_glance_*                left out: notes of the other service to itself
 *   numbers and booleans in properties    as they are written, as text
 */

import type { Tombstone } from '../../db/load-batch.ts';
import type { LoadedImage } from '../../db/load-rows.ts';
import { parseDigest } from '../../domain/digest.ts';
import {
  limits,
  propertyNameIssues,
  reservedPropertyNames,
  tagIssues,
  textIssues,
} from '../../domain/fields.ts';
import {
  containerFormats,
  diskFormats,
  type Instant,
  imageStatuses,
  imageVisibilities,
  kindOf,
  memberStatuses,
  parseImageId,
  sortByCodePoint,
} from '../../domain/image.ts';
import { parseInstant } from '../../domain/instant.ts';

/** Why a line cannot be loaded, as a sentence. */
export class BadLineError extends Error {}

export type ImageLine = { image: LoadedImage } | { tombstone: Tombstone };

type Json = Record<string, unknown>;

/** Longer ones are no image: `allPropertyValuesBytes`, escaped, and everything else. */
export const lineBytesMax = 16 * 2 ** 20;

/** `now` is for images that do not say when they were made. @throws BadLineError */
export function readImageLine(text: string, now: Instant): ImageLine {
  const json = parseObject(text);
  const id = idOf(json.id);
  const owner = textOf(json, 'owner', limits.ownerLength);
  const createdAt = instantOf(json, 'created_at') ?? now;
  const updatedAt = instantOf(json, 'updated_at') ?? createdAt;
  const status = wordOf(json, 'status', imageStatuses) ?? missing('status');
  if (status === 'deleted') {
    return { tombstone: { id, owner, deletedAt: instantOf(json, 'deleted_at') ?? updatedAt } };
  }
  const isUnfinished = status === 'saving' || status === 'uploading' || status === 'importing';
  const diskFormat = wordOf(json, 'disk_format', diskFormats);
  const properties = propertiesOf(json, text);
  const image: LoadedImage = {
    id,
    name: textOf(json, 'name', limits.nameLength),
    status: isUnfinished ? 'queued' : status,
    visibility: wordOf(json, 'visibility', imageVisibilities) ?? missing('visibility'),
    owner,
    kind: kindOf({ diskFormat, properties }),
    diskFormat,
    containerFormat: wordOf(json, 'container_format', containerFormats),
    size: wholeOf(json, 'size', Number.MAX_SAFE_INTEGER),
    virtualSize: wholeOf(json, 'virtual_size', Number.MAX_SAFE_INTEGER),
    minDisk: wholeOf(json, 'min_disk', limits.minimum) ?? 0,
    minRam: wholeOf(json, 'min_ram', limits.minimum) ?? 0,
    checksum: checksumOf(json),
    digests: digestsOf(json),
    protected: booleanOf(json, 'protected'),
    hidden: booleanOf(json, 'os_hidden'),
    tags: tagsOf(json.tags),
    properties,
    createdAt,
    updatedAt,
    members: membersOf(json.members, updatedAt),
  };
  if (isUnfinished) Object.assign(image, { size: null, virtualSize: null, checksum: null, digests: {} });
  return { image };
}

function fail(reason: string): never {
  throw new BadLineError(reason);
}

const missing = (field: string): never => fail(`${field} is missing.`);
const isMissing = (value: unknown): value is null | undefined => value === undefined || value === null;

function parseObject(text: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    fail(`Not JSON: ${(error as Error).message}.`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) fail('Not a JSON object.');
  return value as Json;
}

const bareUuid = /^[0-9a-f]{32}$/i;

/** Of any case, with its dashes or without them. */
function idOf(value: unknown): string {
  if (isMissing(value)) return missing('id');
  if (typeof value !== 'string') return fail('id is not text.');
  const text = bareUuid.test(value) ? value.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') : value;
  return parseImageId(text) ?? fail(`id ${shown(value)} is not a UUID.`);
}

const shown = (value: unknown) => {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
};

function textOf(json: Json, field: string, max: number): string | null {
  const value = json[field];
  if (isMissing(value)) return null;
  if (typeof value !== 'string') return fail(`${field} is not text.`);
  check(textIssues([], field, value, max));
  return value;
}

function check(issues: readonly { message: string }[]): void {
  if (issues[0]) fail(issues[0].message);
}

/** One of the words, in any case. */
function wordOf<Word extends string>(json: Json, field: string, words: readonly Word[]): Word | null {
  const value = json[field];
  if (isMissing(value)) return null;
  if (typeof value !== 'string') return fail(`${field} is not text.`);
  if (words.includes(value as Word)) return value as Word;
  const word = words.find((one) => one === value.toLowerCase());
  return word ?? fail(`${field} ${shown(value)} is none of ${words.join(', ')}.`);
}

function wholeOf(json: Json, field: string, max: number): number | null {
  const value = json[field];
  if (isMissing(value)) return null;
  const number = typeof value === 'string' && /^[0-9]{1,16}$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= max) return number;
  return fail(`${field} ${shown(value)} is not a whole number from 0 to ${max}.`);
}

function booleanOf(json: Json, field: string): boolean {
  const value = json[field];
  if (value === true || value === false) return value;
  if (isMissing(value)) return false;
  if (typeof value === 'string' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  return fail(`${field} ${shown(value)} is not true or false.`);
}

/** Most times by far, which are what they are without a look at the calendar. */
const plainInstant =
  /^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{6})?Z$/;

/** Without an offset: in UTC, as old services write it. */
function instantOf(json: Json, field: string): Instant | null {
  const value = json[field];
  if (isMissing(value)) return null;
  if (typeof value !== 'string') return fail(`${field} is not text.`);
  if (plainInstant.test(value)) return value.length === 20 ? `${value.slice(0, 19)}.000000Z` : value;
  return parseInstant(value) ?? parseInstant(`${value}Z`) ?? fail(`${field} ${shown(value)} is not a time.`);
}

function checksumOf(json: Json): string | null {
  const value = json.checksum;
  if (isMissing(value) || value === '') return null;
  const digest = typeof value === 'string' ? parseDigest('md5', value) : null;
  return digest?.value ?? fail(`checksum ${shown(value)} is not an MD5 in hex.`);
}

/** `os_hash_*`, and `digests` of our own exports, for images that have several. */
function digestsOf(json: Json): Record<string, string> {
  const digests: Record<string, string> = {};
  const { os_hash_algo: algorithm, os_hash_value: value, digests: more } = json;
  if (!isMissing(algorithm) && !isMissing(value)) addDigest(digests, algorithm, value);
  if (isObject(more)) for (const [name, hex] of Object.entries(more)) addDigest(digests, name, hex);
  return digests;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Those that we compute have their length; services may be set to others. */
function addDigest(digests: Record<string, string>, algorithm: unknown, value: unknown): void {
  if (typeof algorithm !== 'string' || typeof value !== 'string') {
    throw new BadLineError('os_hash_* is not text.');
  }
  const known = parseDigest(algorithm, value);
  if (known) {
    digests[known.algorithm] = known.value;
    return;
  }
  const name = algorithm.toLowerCase();
  const isOurs = /^(md5|sha-?256|sha-?512)$/.test(name);
  if (isOurs || !/^[a-z0-9][a-z0-9_-]{0,63}$/.test(name) || !/^([0-9a-f]{2}){1,128}$/i.test(value)) {
    throw new BadLineError(`os_hash_value ${shown(value)} is not a ${algorithm} in hex.`);
  }
  digests[name] = value.toLowerCase();
}

function tagsOf(value: unknown): string[] {
  if (isMissing(value)) return [];
  if (!Array.isArray(value)) return fail('tags is not a list.');
  for (const tag of value) {
    if (typeof tag !== 'string') return fail(`The tag ${shown(tag)} is not text.`);
    check(tagIssues([], tag));
  }
  return sortByCodePoint([...new Set(value as string[])]);
}

/** In an answer of the API, and no properties; `members`, `properties` and `digests` only when they are no text. */
const isField = (name: string, value: unknown): boolean =>
  reservedPropertyNames.has(name) ||
  ((name === 'members' || name === 'properties' || name === 'digests') && typeof value === 'object');

/** Flat beside the fields; in `properties` stand those whose names this format needs itself. */
function propertiesOf(json: Json, text: string): Record<string, string> {
  const properties: Record<string, string> = {};
  let bytes = 0;
  const add = (name: string, value: unknown) => {
    if (isMissing(value) || name.startsWith('os_glance')) return;
    check(propertyNameIssues([], name));
    const written = typeof value === 'string' ? value : scalarOf(name, value, text);
    check(textIssues([], `The value of ${name}`, written, limits.propertyValueBytes));
    bytes += written.length * 3 > limits.propertyValueBytes ? bytesOf(name, written) : written.length;
    if (name === '__proto__') Object.defineProperty(properties, name, { value: written, enumerable: true });
    else properties[name] = written;
  };
  for (const name of Object.keys(json)) if (!isField(name, json[name])) add(name, json[name]);
  if (isObject(json.properties))
    for (const [name, value] of Object.entries(json.properties)) add(name, value);
  if (bytes > limits.allPropertyValuesBytes) {
    fail(`The values of all properties are larger than ${limits.allPropertyValuesBytes} bytes.`);
  }
  return properties;
}

function bytesOf(name: string, value: string): number {
  const bytes = Buffer.byteLength(value);
  if (bytes <= limits.propertyValueBytes) return bytes;
  return fail(`The value of ${name} is larger than ${limits.propertyValueBytes} bytes.`);
}

/** The digits of a number as they stand in the line: 22.10 is a version, and not 22.1. */
function scalarOf(name: string, value: unknown, text: string): string {
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'number') return fail(`The value of ${name} is not text.`);
  let written = String(value);
  JSON.parse(text, (key, parsed, context?: { source?: string }) => {
    if (key === name && typeof parsed === 'number') written = context?.source ?? written;
    return parsed;
  });
  return written;
}

function membersOf(value: unknown, updatedAt: Instant): LoadedImage['members'] {
  if (!Array.isArray(value)) return [];
  const members = new Map<string, LoadedImage['members'][number]>();
  for (const one of value) {
    if (!isObject(one)) return fail(`The member ${shown(one)} is not an object.`);
    const project = textOf(one, isMissing(one.member) ? 'member_id' : 'member', limits.ownerLength);
    if (!project) return fail('A member has no project.');
    const createdAt = instantOf(one, 'created_at') ?? updatedAt;
    members.set(project, {
      project,
      status: wordOf(one, 'status', memberStatuses) ?? 'pending',
      createdAt,
      updatedAt: instantOf(one, 'updated_at') ?? createdAt,
    });
  }
  return [...members.values()];
}
