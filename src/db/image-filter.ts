/**
 * The one place that turns an ImageFilter into SQL. Every condition is written so that a missing value makes it
 * false; under `not`, where NULL would matter, it is closed with `is true`.
 */
import type { Caller } from '../domain/caller.ts';
import { type Image, parseImageId } from '../domain/image.ts';
import type { MembersKnown } from '../domain/policy.ts';
import { wordsOf } from '../search/free-text.ts';
import type {
  ElementsFilter,
  ImageFilter,
  NullableRangeFilter,
  PropertyFilter,
  RangeFilter,
  SetFilter,
  SharedWithFilter,
  StringFilter,
  TagsFilter,
} from '../search/image-filter.ts';
import type { Params, ParamType } from './params.ts';
import { containsPattern, lowerCasedSql } from './patterns.ts';
import { propertyValueSql } from './property-value.ts';
import { signatureStateSql } from './signature-state.ts';
import { rangeConditions, textConditions } from './value-filter.ts';

/** What the meaning of a filter hangs on besides itself. */
export interface FilterContext {
  params: Params;
  caller: Caller;
  membersKnown: MembersKnown;
  /** Properties that free text may find images by, when these are not all that their text is made of; null: they are. */
  describing: readonly string[] | null;
  /** The name of a property as SQL: a literal where it has indexes of its own, otherwise a placeholder. */
  propertyName(name: string): string;
}

/** The condition on `images i` as SQL; `true` when the filters say nothing. All of them must hold. */
export function imageFilterSql(filters: readonly ImageFilter[], context: FilterContext): string {
  return all(filters.flatMap((filter) => conditions(filter, context)));
}

/**
 * The same for rows that are taken in the order in which they come. A condition on other tables is looked up for each
 * row: as a plain condition PostgreSQL may make a join of it, which has no order, and whether it does hangs on its
 * statistics. It makes none of what stands under `is true`.
 */
export function imageFilterInOrderSql(filters: readonly ImageFilter[], context: FilterContext): string {
  return all(filters.flatMap((filter) => conditions(filter, context)).map((part) => `(${part}) is true`));
}

const all = (parts: string[]) => (parts.length === 0 ? 'true' : parts.map((p) => `(${p})`).join(' and '));
const any = (parts: string[]) => (parts.length === 0 ? 'false' : parts.map((p) => `(${p})`).join(' or '));

function conditions(filter: ImageFilter, context: FilterContext): string[] {
  const { params } = context;
  const found: string[] = [];
  for (const part of filter.and ?? []) found.push(...conditions(part, context));
  if (filter.or) found.push(any(filter.or.map((part) => imageFilterSql([part], context))));
  if (filter.not) found.push(`not ((${imageFilterSql([filter.not], context)}) is true)`);
  if (filter.id) found.push(...idConditions(filter.id, params));
  if (filter.name) found.push(...nameConditions(filter.name, params));
  if (filter.owner) found.push(...textConditions('i.owner', filter.owner, params));
  if (filter.digest !== undefined) found.push(digestCondition(filter.digest, params));
  if (filter.tags) found.push(...tagsConditions(filter.tags, params));
  for (const property of filter.properties ?? []) found.push(...propertyConditions(property, context));
  if (filter.store) found.push(storeCondition(filter.store, params));
  if (filter.sharedWith) found.push(sharedCondition(filter.sharedWith, context));
  for (const word of wordsOf(filter.freeText ?? '')) found.push(freeWordCondition(word, context));
  if (filter.protected !== undefined) found.push(`i.protected = ${params.add(filter.protected, 'boolean')}`);
  if (filter.hidden !== undefined) found.push(`i.hidden = ${params.add(filter.hidden, 'boolean')}`);
  if (filter.failed !== undefined) found.push(`i.failure is ${filter.failed ? 'not ' : ''}null`);
  // Every operator but this one asks for a state: said so, PostgreSQL knows that an index has all of them.
  if (filter.signature && filter.signature.isNull !== true && hasOperators(filter.signature)) {
    found.push(`${signatureStateSql} is not null`);
  }
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
  signature: { column: signatureStateSql, type: 'text' },
} as const satisfies Partial<Record<keyof Image, { column: string; type: ParamType }>>;

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

/** Parts of words shorter than this have no trigram, and the index says nothing about them. */
const indexedLength = 3;

/** Beside what is asked stands what follows from it for the text that has an index where case is ignored. */
function nameConditions(filter: StringFilter, params: Params): string[] {
  const found = textConditions('i.name', filter, params);
  if (!filter.ignoreCase) return found;
  for (const part of [filter.eq, filter.contains, filter.startsWith, filter.endsWith]) {
    if (part === undefined || part.length < indexedLength || part.includes(partSeparator)) continue;
    found.push(wordCondition(part, params));
  }
  return found;
}

/** What keeps the parts of a search text apart: text with it is in none of them. */
const partSeparator = '\u001f';

function wordCondition(word: string, params: Params): string {
  if (word.includes(partSeparator)) return 'false';
  return `i.search_text like ${lowerCasedSql(containsPattern(word), params)}`;
}

/**
 * Of the text that has an index only that counts which is made of what the caller may read, and that may be made of
 * other properties than the settings now say.
 */
function freeWordCondition(word: string, { params, describing }: FilterContext): string {
  const indexed = wordCondition(word, params);
  if (describing === null) return indexed;
  const separator = params.add(partSeparator, 'text');
  const values = describing.map((name) => `i.properties ->> ${params.add(name, 'text')}`);
  const parts = ['i.name', `array_to_string(i.tags, ${separator})`, ...values].join(', ');
  const text = `(lower(concat_ws(${separator}, ${parts}) collate "default") collate "C")`;
  return `${indexed} and ${text} like ${lowerCasedSql(containsPattern(word), params)}`;
}

function digestCondition(prefix: string, params: Params): string {
  const pattern = params.add(`${prefix}%`, 'text');
  return `i.checksum like ${pattern}
    or exists (select from jsonb_each_text(i.digests) as d where d.value like ${pattern})`;
}

function storeCondition(filter: StringFilter, params: Params): string {
  const named = all(textConditions('c.store', filter, params));
  return `exists (select from image_copies c where c.image_id = i.id and c.state = 'active' and ${named})`;
}

/** What is shared with others is seen as knownMembers in `domain/policy` has it. */
function sharedCondition(
  { project, status }: SharedWithFilter,
  { params, caller, membersKnown }: FilterContext,
): string {
  const member = project ?? caller.project;
  if (member === null) return 'false';
  const isOwn = membersKnown === 'all' || member === caller.project;
  if (!isOwn && (caller.project === null || membersKnown === 'none')) return 'false';
  return `i.visibility = 'shared'
    and exists (select from image_members m where m.image_id = i.id and m.project = ${params.add(member, 'text')}${
      status === undefined ? '' : ` and m.status = ${params.add(status, 'text')}`
    })${isOwn ? '' : ` and i.owner = ${params.add(caller.project, 'text')}`}`;
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
export const indexedAlternatives = 20;

function propertyConditions(filter: PropertyFilter, context: FilterContext): string[] {
  const { name, exists, text, number, version, boolean, elements, values } = filter;
  const { params } = context;
  const has = () => `i.properties ? ${params.add(name, 'text')}`;
  if (exists === false) return [`not ${has()}`];
  const found: string[] = [];
  if (exists) found.push(has());
  if (text) found.push(...propertyTextConditions(name, text, params));
  if (number) found.push(...readConditions(name, 'number', number, context));
  if (version) found.push(...readConditions(name, 'version', version, context));
  if (boolean !== undefined) {
    const read = `vitrine_boolean(i.properties ->> ${params.add(name, 'text')})`;
    found.push(`${read} = ${params.add(boolean, 'boolean')}`);
  }
  if (elements) found.push(has(), ...elementsConditions(name, elements, params));
  if (values) {
    found.push(`i.properties ->> ${params.add(name, 'text')} = any(${params.add(values, 'text[]')})`);
  }
  return found.length > 0 ? found : [has()];
}

/** Whole elements of the value read as a list; a missing value has none and holds nothing. */
function elementsConditions(name: string, filter: ElementsFilter, params: Params): string[] {
  const { has, hasAll = [], hasAny, hasNone } = filter;
  const all = has === undefined ? hasAll : [has, ...hasAll];
  const elements = () => `vitrine_elements(i.properties ->> ${params.add(name, 'text')})`;
  const found = all.length > 0 ? [`${elements()} @> ${params.add(all, 'text[]')}`] : [];
  if (hasAny) found.push(`${elements()} && ${params.add(hasAny, 'text[]')}`);
  if (hasNone) found.push(`not ${elements()} && ${params.add(hasNone, 'text[]')}`);
  return found;
}

/** A view that asks nothing still asks for a value that can be read so. */
function readConditions(
  name: string,
  as: 'number' | 'version',
  filter: RangeFilter<unknown>,
  { params, propertyName }: FilterContext,
): string[] {
  const value = propertyValueSql(propertyName(name), as);
  if (!hasOperators(filter)) return [`${value} is not null`];
  return rangeConditions(value, as === 'number' ? 'float8' : 'version', filter, params);
}

function propertyTextConditions(name: string, text: StringFilter, params: Params): string[] {
  const has = () => `i.properties ? ${params.add(name, 'text')}`;
  const { eq, in: list, isNull, ignoreCase, ...rest } = text;
  const asks = hasOperators({ eq, in: list, ...rest });
  if (isNull === true) return [`not ${has()}`, ...(asks ? ['false'] : [])];
  const column = () => `(i.properties ->> ${params.add(name, 'text')} collate "C")`;
  const found: string[] = isNull === false || !asks ? [has()] : [];
  if (!asks) return found;
  if (ignoreCase) return [...found, ...textConditions(column(), { ...text, isNull: undefined }, params)];
  const equals = (value: string) => `i.properties @> ${params.add({ [name]: value }, 'jsonb')}`;
  if (eq !== undefined) found.push(equals(eq));
  if (list && list.length <= indexedAlternatives) found.push(any(list.map(equals)));
  else if (list) found.push(...textConditions(column(), { in: list }, params));
  if (hasOperators(rest)) found.push(...textConditions(column(), rest, params));
  return found;
}

function hasOperators(filter: object): boolean {
  return Object.values(filter).some((value) => value !== undefined);
}
