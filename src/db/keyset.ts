/** Pages by the values of the last row seen: as cheap a million rows deep as at the start. */

import type { KeyType, KeyValue } from '../search/cursor.ts';
import type { ImageOrder, OrderField } from '../search/image-order.ts';
import type { Params, ParamType } from './params.ts';

interface Key {
  column: string;
  type: KeyType;
  param: ParamType;
  nullable: boolean;
}

const text = (column: string, nullable: boolean): Key => ({ column, type: 'text', param: 'text', nullable });
const bytes = (column: string): Key => ({ column, type: 'number', param: 'bigint', nullable: true });
const time = (column: string): Key => ({ column, type: 'instant', param: 'timestamptz', nullable: false });

/** The column behind every field that images can be ordered by. */
const keys: Record<OrderField, Key> = {
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
  id: { column: 'i.id', type: 'uuid', param: 'uuid', nullable: false },
};

/** The types that a cursor of this order must hold. */
export function keyTypes(order: readonly ImageOrder[]): KeyType[] {
  return order.map((o) => keys[o.field].type);
}

/** ORDER BY; `backward` turns all of it around. Nulls come last forward, first backward. */
export function orderBySql(order: readonly ImageOrder[], backward: boolean): string {
  return order
    .map(({ field, direction }) => {
      const descending = (direction === 'desc') !== backward;
      return `${keys[field].column} ${descending ? 'desc' : 'asc'} nulls ${backward ? 'first' : 'last'}`;
    })
    .join(', ');
}

/**
 * The rows strictly after the one with these values in the order; before it when `backward`. With `orAt` that
 * row itself too.
 */
export function beyondSql(
  order: readonly ImageOrder[],
  values: readonly KeyValue[],
  params: Params,
  { backward, orAt = false }: { backward: boolean; orAt?: boolean },
): string {
  const steps = order.map((o, i) => ({
    key: keys[o.field],
    value: values[i] ?? null,
    ascending: (o.direction === 'asc') !== backward,
  }));
  const row = rowCompare(steps, params, orAt);
  if (row) return row;

  // (a beyond) or (a same and b beyond) or ... : for mixed directions and for keys that may be null.
  const same: string[] = [];
  const ways: string[] = [];
  for (const [i, { key, value, ascending }] of steps.entries()) {
    const beyond = beyondKey(key, value, ascending, backward, params);
    if (beyond) ways.push([...same, beyond].join(' and '));
    // A value nobody compares with has no type that PostgreSQL could know.
    if (i < steps.length - 1 || orAt)
      same.push(value === null ? `${key.column} is null` : `${key.column} = ${params.add(value, key.param)}`);
  }
  if (orAt) ways.push(same.join(' and '));
  return `(${ways.map((way) => `(${way})`).join(' or ') || 'false'})${indexStart(steps, params, backward)}`;
}

type Step = { key: Key; value: KeyValue; ascending: boolean };

/** One row comparison, which an index answers directly: all keys in one direction and never null. */
function rowCompare(steps: Step[], params: Params, orAt: boolean): string | null {
  const ascending = steps[0]?.ascending;
  if (steps.some((s) => s.key.nullable || s.ascending !== ascending)) return null;
  const columns = steps.map((s) => s.key.column).join(', ');
  const row = steps.map((s) => params.add(s.value, s.key.param)).join(', ');
  return `(${columns}) ${ascending ? '>' : '<'}${orAt ? '=' : ''} (${row})`;
}

function beyondKey(
  key: Key,
  value: KeyValue,
  ascending: boolean,
  backward: boolean,
  params: Params,
): string | null {
  if (value === null) return backward ? `${key.column} is not null` : null;
  const compare = `${key.column} ${ascending ? '>' : '<'} ${params.add(value, key.param)}`;
  return key.nullable && !backward ? `(${compare} or ${key.column} is null)` : compare;
}

/** The first key alone, once more: implied by the rest, but it lets an index begin where the page begins. */
function indexStart([first]: Step[], params: Params, backward: boolean): string {
  if (!first || first.value === null) return backward || !first ? '' : ` and ${first.key.column} is null`;
  const compare = `${first.key.column} ${first.ascending ? '>=' : '<='} ${params.add(first.value, first.key.param)}`;
  return first.key.nullable && !backward
    ? ` and (${compare} or ${first.key.column} is null)`
    : ` and ${compare}`;
}
