/**
 * Pages by the values of the last row seen: as cheap a million rows deep as at the start.
 *
 * Where the first key may be missing the list has two parts, the rows with it and then those without, and a page
 * is asked of each: in each of them no null is in the way of an index that has the keys in plain ascending order.
 */
import type { KeyType, KeyValue } from '../search/cursor.ts';
import type { ImageOrder, OrderField } from '../search/image-order.ts';
import type { Params, ParamType } from './params.ts';
import { propertyValueSql } from './property-value.ts';
import { relevanceSql } from './relevance.ts';

export interface Key {
  sql: string;
  type: KeyType;
  param: ParamType;
  isNullable: boolean;
  descending: boolean;
}

const text = (sql: string, isNullable: boolean) =>
  ({ sql, type: 'text', param: 'text', isNullable }) as const;
const bytes = (sql: string) => ({ sql, type: 'integer', param: 'bigint', isNullable: true }) as const;
const time = (sql: string) => ({ sql, type: 'instant', param: 'timestamptz', isNullable: false }) as const;

/** The column behind every field that images can be ordered by. */
const columns: Record<OrderField, Omit<Key, 'descending'>> = {
  createdAt: time('i.created_at'),
  updatedAt: time('i.updated_at'),
  name: text('i.name', true),
  size: bytes('i.size'),
  virtualSize: bytes('i.virtual_size'),
  status: text('i.status', false),
  visibility: text('i.visibility', false),
  owner: text('i.owner', true),
  diskFormat: text('i.disk_format', true),
  containerFormat: text('i.container_format', true),
  id: { sql: 'i.id', type: 'uuid', param: 'uuid', isNullable: false },
};

/** The types that a cursor of this order must hold. */
export function keyTypes(order: readonly ImageOrder[]): KeyType[] {
  return order.map((key) => {
    if (key.field === 'relevance') return 'integer';
    if (key.field !== 'property') return columns[key.field].type;
    return key.as === 'number' ? 'number' : 'text';
  });
}

/** What the keys of an order hang on besides itself. */
export interface KeyContext {
  params: Params;
  propertyName(name: string): string;
  /** What relevance is about. */
  words: readonly string[];
}

export function keysOf(order: readonly ImageOrder[], context: KeyContext): Key[] {
  return order.map((key) => ({ ...keyOf(key, context), descending: key.direction === 'desc' }));
}

function keyOf(key: ImageOrder, context: KeyContext): Omit<Key, 'descending'> {
  if (key.field === 'relevance') {
    const sql = relevanceSql(context.words, context.params);
    return { sql, type: 'integer', param: 'int', isNullable: false };
  }
  if (key.field !== 'property') return columns[key.field];
  const sql = propertyValueSql(context.propertyName(key.property), key.as);
  if (key.as === 'number') return { sql, type: 'number', param: 'float8', isNullable: true };
  return text(sql, true);
}

/** Where a page goes on. */
export interface Place {
  /** The values of the order's keys at a row; null at the end of the list. */
  from: readonly KeyValue[] | null;
  /** Towards the start of the list. */
  backward: boolean;
  /** That row itself too. */
  orAt?: boolean;
}

/** A piece of the list that an index has in one run; the pieces in the order in which they are read. */
export interface Part {
  where: string[];
  orderBy: string;
}

export function partsOf(keys: readonly Key[], place: Place, params: Params): Part[] {
  const [first, ...rest] = keys;
  if (!first?.isNullable) return [partOf(keys, place, params)];
  const { from, backward } = place;
  const parts: Part[] = [];
  const isNullAtFrom = from !== null && from[0] === null;
  // Forward the values come first and the nulls last.
  if (from === null || !isNullAtFrom || backward) {
    const within = isNullAtFrom ? { ...place, from: null } : place;
    const part = partOf([{ ...first, isNullable: false }, ...rest], within, params);
    parts.push({ ...part, where: [`${first.sql} is not null`, ...part.where] });
  }
  if (from === null || isNullAtFrom || !backward) {
    const within = isNullAtFrom ? { ...place, from: from.slice(1) } : { ...place, from: null };
    const { where, orderBy } = partOf(rest, within, params);
    // What is null all along stands in the order too: only the index that has it there is as good as this order.
    const [next] = rest;
    const direction = next && next.descending !== backward ? 'desc' : 'asc';
    parts.push({
      where: [`${first.sql} is null`, ...where],
      orderBy: `${first.sql} ${direction}, ${orderBy}`,
    });
  }
  return backward ? parts.reverse() : parts;
}

function partOf(keys: readonly Key[], place: Place, params: Params): Part {
  const orderBy = orderBySql(keys, place.backward);
  return { where: place.from ? [beyondSql(keys, { ...place, from: place.from }, params)] : [], orderBy };
}

/** ORDER BY; `backward` turns all of it around. Nulls come last forward, first backward. */
export function orderBySql(keys: readonly Key[], backward: boolean): string {
  return keys
    .map(({ sql, descending, isNullable }) => {
      const nulls = isNullable ? ` nulls ${backward ? 'first' : 'last'}` : '';
      return `${sql} ${descending !== backward ? 'desc' : 'asc'}${nulls}`;
    })
    .join(', ');
}

/** The rows strictly beyond a place in the order of the keys. */
export function beyondSql(
  keys: readonly Key[],
  { from, backward, orAt = false }: Place & { from: readonly KeyValue[] },
  params: Params,
): string {
  const steps = keys.map((key, i) => ({
    key,
    value: from[i] ?? null,
    isAscending: key.descending === backward,
  }));
  const row = rowCompare(steps, params, orAt);
  if (row) return row;

  // (a beyond) or (a same and b beyond) or ... : for mixed directions and for keys that may be null.
  const same: string[] = [];
  const ways: string[] = [];
  for (const [i, step] of steps.entries()) {
    const beyond = beyondKey(step, backward, params);
    if (beyond) ways.push([...same, beyond].join(' and '));
    // A value nobody compares with has no type that PostgreSQL could know.
    if (i < steps.length - 1 || orAt) same.push(sameKey(step, params));
  }
  if (orAt) ways.push(same.join(' and '));
  return `(${ways.map((way) => `(${way})`).join(' or ') || 'false'})`;
}

type Step = { key: Key; value: KeyValue; isAscending: boolean };

/** One row comparison, which an index answers directly: all keys in one direction and never null. */
function rowCompare(steps: Step[], params: Params, orAt: boolean): string | null {
  const isAscending = steps[0]?.isAscending;
  if (steps.some((s) => s.key.isNullable || s.isAscending !== isAscending)) return null;
  const columns = steps.map((s) => s.key.sql).join(', ');
  const row = steps.map((s) => params.add(s.value, s.key.param)).join(', ');
  return `(${columns}) ${isAscending ? '>' : '<'}${orAt ? '=' : ''} (${row})`;
}

function sameKey({ key, value }: Step, params: Params): string {
  return value === null ? `${key.sql} is null` : `${key.sql} = ${params.add(value, key.param)}`;
}

function beyondKey({ key, value, isAscending }: Step, backward: boolean, params: Params): string | null {
  if (value === null) return backward ? `${key.sql} is not null` : null;
  const compare = `${key.sql} ${isAscending ? '>' : '<'} ${params.add(value, key.param)}`;
  return key.isNullable && !backward ? `(${compare} or ${key.sql} is null)` : compare;
}
