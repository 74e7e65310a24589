/** The values of a hand-written statement: collected while its text is put together, sent apart from it. */

export interface Params {
  readonly values: unknown[];
  /** Takes a value and gives the placeholder that stands for it, with its type: `$3::text`. */
  add(value: unknown, type: ParamType): string;
}

export type ParamType =
  | 'text'
  | 'text[]'
  | 'uuid'
  | 'uuid[]'
  | 'int'
  | 'int[]'
  | 'bigint'
  | 'bigint[]'
  | 'float8'
  | 'float8[]'
  | 'boolean'
  | 'timestamptz'
  | 'jsonb';

export function newParams(): Params {
  const values: unknown[] = [];
  return {
    values,
    add(value, type) {
      values.push(type === 'jsonb' ? JSON.stringify(value) : value);
      return `$${values.length}::${type}`;
    },
  };
}
