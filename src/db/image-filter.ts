/**
 * The one place that turns an ImageFilter into SQL. Every condition is written so that a missing value makes it
 * false; under `not`, where NULL would matter, it is closed with `is true`.
 */
import { type Image, parseImageId } from '../domain/image.ts';
import type {
  ImageFilter,
  NullableRangeFilter,
  NullableSetFilter,
  PropertyFilter,
  SetFilter,
  StringFilter,
  TagsFilter,
} from '../search/image-filter.ts';
import type { Params, ParamType } from './params.ts';

/** The condition on `images i` as SQL; `true` when the filter says nothing. */
export function imageFilterSql(filter: ImageFilter, params: Params): string {
  return all(conditions(filter, params));
}

const all = (parts: string[]) => (parts.length === 0 ? 'true' : parts.map((p) => `(${p})`).join(' and '));
const any = (parts: string[]) => (parts.length === 0 ? 'false' : parts.map((p) => `(${p})`).join(' or '));

function conditions(filter: ImageFilter, params: Params): string[] {
  const found: string[] = [];
  for (const part of filter.and ?? []) found.push(...conditions(part, params));
  if (filter.or) found.push(any(filter.or.map((part) => imageFilterSql(part, params))));
  if (filter.not) found.push(`not ((${imageFilterSql(filter.not, params)}) is true)`);
  if (filter.id) found.push(...idConditions(filter.id, params));
  if (filter.name) found.push(...textConditions('i.name', filter.name, params));
  if (filter.owner) found.push(...textConditions('i.owner', filter.owner, params));
  if (filter.tags) found.push(...tagsConditions(filter.tags, params));
  for (const property of filter.properties ?? []) found.push(...propertyConditions(property, params));
  if (filter.protected !== undefined) found.push(`i.protected = ${params.add(filter.protected, 'boolean')}`);
  if (filter.hidden !== undefined) found.push(`i.hidden = ${params.add(filter.hidden, 'boolean')}`);
  for (const [field, { column, type }] of Object.entries(rangeColumns)) {
    const range = filter[field as keyof typeof rangeColumns];
    if (range) found.push(...rangeConditions(column, type, range as NullableRangeFilter<unknown>, params));
  }
  return found;
}

/** Fields that compare as they are, with the type of what they compare with. */
const rangeColumns = {
  kind: { column: 'i.kind', type: 'text' },
  status: { column: 'i.status', type: 'text' },
  visibility: { column: 'i.visibility', type: 'text' },
  diskFormat: { column: 'i.disk_format', type: 'text' },
  containerFormat: { column: 'i.container_format', type: 'text' },
  size: { column: 'i.size', type: 'bigint' },
  virtualSize: { column: 'i.virtual_size', type: 'bigint' },
  minDisk: { column: 'i.min_disk', type: 'int' },
  minRam: { column: 'i.min_ram', type: 'int' },
  createdAt: { column: 'i.created_at', type: 'timestamptz' },
  updatedAt: { column: 'i.updated_at', type: 'timestamptz' },
} as const satisfies Partial<Record<keyof Image, { column: string; type: ParamType }>>;

const signs = { lt: '<', lte: '<=', gt: '>', gte: '>=' } as const;

function rangeConditions(
  column: string,
  type: ParamType,
  filter: NullableRangeFilter<unknown>,
  params: Params,
): string[] {
  const found = setConditions(column, type, filter, params);
  for (const [operator, sign] of Object.entries(signs)) {
    const value = filter[operator as keyof typeof signs];
    if (value !== undefined) found.push(`${column} ${sign} ${params.add(value, type)}`);
  }
  return found;
}

function setConditions(
  column: string,
  type: ParamType,
  filter: NullableSetFilter<unknown>,
  params: Params,
): string[] {
  const found: string[] = [];
  const list = (values: unknown[]) => params.add(values, `${type}[]` as ParamType);
  if (filter.eq !== undefined) found.push(`${column} = ${params.add(filter.eq, type)}`);
  if (filter.ne !== undefined) found.push(`${column} <> ${params.add(filter.ne, type)}`);
  if (filter.in) found.push(`${column} = any(${list(filter.in)})`);
  if (filter.notIn) found.push(`${column} is not null and ${column} <> all(${list(filter.notIn)})`);
  if (filter.isNull !== undefined) found.push(`${column} is ${filter.isNull ? '' : 'not '}null`);
  return found;
}

/** Ids that are no UUID equal none; the rest compares as uuid. */
function idConditions(filter: SetFilter<string>, params: Params): string[] {
  const found: string[] = [];
  const known = (ids: string[]) =>
    params.add(
      ids.map(parseImageId).filter((id) => id !== null),
      'uuid[]',
    );
  if (filter.eq !== undefined) found.push(`i.id = any(${known([filter.eq])})`);
  if (filter.ne !== undefined) found.push(`i.id <> all(${known([filter.ne])})`);
  if (filter.in) found.push(`i.id = any(${known(filter.in)})`);
  if (filter.notIn) found.push(`i.id <> all(${known(filter.notIn)})`);
  return found;
}

function textConditions(value: string, filter: StringFilter, params: Params): string[] {
  const found: string[] = [];
  if (filter.ignoreCase) {
    const lower = (text: string) => `lower(${params.add(text, 'text')} collate "default")`;
    const list = (texts: string[]) =>
      `array(select lower(t collate "default") from unnest(${params.add(texts, 'text[]')}) t)`;
    const lowered = `lower(${value} collate "default")`;
    if (filter.eq !== undefined) found.push(`${lowered} = ${lower(filter.eq)}`);
    if (filter.ne !== undefined) found.push(`${lowered} <> ${lower(filter.ne)}`);
    if (filter.in) found.push(`${lowered} = any(${list(filter.in)})`);
    if (filter.notIn) found.push(`${value} is not null and ${lowered} <> all(${list(filter.notIn)})`);
    for (const pattern of patterns(filter)) found.push(`${lowered} like ${lower(pattern)}`);
    if (filter.isNull !== undefined) found.push(`${value} is ${filter.isNull ? '' : 'not '}null`);
    return found;
  }
  found.push(...setConditions(value, 'text', filter, params));
  if (filter.startsWith) found.push(...prefixConditions(value, filter.startsWith, params));
  for (const pattern of patterns({ ...filter, startsWith: undefined })) {
    found.push(`${value} like ${params.add(pattern, 'text')}`);
  }
  if (filter.startsWith === '') found.push(`${value} is not null`);
  return found;
}

/** LIKE patterns for contains, startsWith and endsWith, with their text taken as it is. */
function patterns(filter: StringFilter): string[] {
  const literal = (text: string) => text.replace(/[\\%_]/g, '\\$&');
  const found: string[] = [];
  if (filter.contains !== undefined) found.push(`%${literal(filter.contains)}%`);
  if (filter.startsWith !== undefined) found.push(`${literal(filter.startsWith)}%`);
  if (filter.endsWith !== undefined) found.push(`%${literal(filter.endsWith)}`);
  return found;
}

/** A prefix as a range: in the order by code point a btree answers it whatever the plan. */
function prefixConditions(value: string, prefix: string, params: Params): string[] {
  const found = [`${value} >= ${params.add(prefix, 'text')}`];
  const end = afterPrefix(prefix);
  if (end !== null) found.push(`${value} < ${params.add(end, 'text')}`);
  return found;
}

/** The first text after all that begin with `prefix`; null when there is none. */
function afterPrefix(prefix: string): string | null {
  const points = Array.from(prefix, (c) => c.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue;
    return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
  }
  return null;
}

function tagsConditions(filter: TagsFilter, params: Params): string[] {
  const found: string[] = [];
  const list = (tags: string[]) => params.add(tags, 'text[]');
  if (filter.has !== undefined) found.push(`i.tags @> ${list([filter.has])}`);
  if (filter.hasAll) found.push(`i.tags @> ${list(filter.hasAll)}`);
  if (filter.hasAny) found.push(`i.tags && ${list(filter.hasAny)}`);
  if (filter.hasNone) found.push(`not (i.tags && ${list(filter.hasNone)})`);
  if (filter.isEmpty !== undefined) found.push(`i.tags ${filter.isEmpty ? '=' : '<>'} '{}'`);
  return found;
}

/** More alternatives than this are compared one by one: the index is asked once for each. */
const indexedAlternatives = 20;

function propertyConditions({ name, exists, text }: PropertyFilter, params: Params): string[] {
  const has = () => `i.properties ? ${params.add(name, 'text')}`;
  if (exists === false) return [`not ${has()}`];
  if (!text) return [has()];
  const { eq, in: list, isNull, ...rest } = text;
  if (isNull === true) return [`not ${has()}`, ...(hasOperators({ eq, in: list, ...rest }) ? ['false'] : [])];
  const equals = (value: string) => `i.properties @> ${params.add({ [name]: value }, 'jsonb')}`;
  const found: string[] = exists || isNull === false ? [has()] : [];
  const column = () => `(i.properties ->> ${params.add(name, 'text')})`;
  if (text.ignoreCase) return [...found, ...textConditions(column(), { ...text, isNull: undefined }, params)];
  if (eq !== undefined) found.push(equals(eq));
  if (list && list.length <= indexedAlternatives) found.push(any(list.map(equals)));
  else if (list) found.push(...textConditions(column(), { in: list }, params));
  if (hasOperators(rest)) found.push(...textConditions(column(), rest, params));
  return found.length > 0 ? found : [has()];
}

function hasOperators({ ignoreCase: _, ...operators }: StringFilter): boolean {
  return Object.values(operators).some((value) => value !== undefined);
}
