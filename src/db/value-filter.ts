/** Operators on one value as SQL. Each condition is false, or null, where there is no value. */
import type { NullableRangeFilter, NullableSetFilter, StringFilter } from '../search/image-filter.ts';
import type { Params, ParamType } from './params.ts';
import { likePatterns, pastPrefix } from './patterns.ts';

const signs = { lt: '<', lte: '<=', gt: '>', gte: '>=' } as const;

/**
 * A version compares by its key, whoever wrote it; 'version once' reads the operands once for all rows, which the planner
 * then knows nothing of.
 */
export type ValueType = ParamType | 'version' | 'version once';

/** `value` is SQL of that type. */
export function rangeConditions(
  value: string,
  type: ValueType,
  filter: NullableRangeFilter<unknown>,
  params: Params,
): string[] {
  const found = setConditions(value, type, filter, params);
  for (const [operator, sign] of Object.entries(signs)) {
    const operand = filter[operator as keyof typeof signs];
    if (operand !== undefined) found.push(`${value} ${sign} ${operandSql(operand, type, params)}`);
  }
  return found;
}

function operandSql(operand: unknown, type: ValueType, params: Params): string {
  if (type !== 'version' && type !== 'version once') return params.add(operand, type);
  const version = `(vitrine_version(${params.add(operand, 'text')}) collate "C")`;
  return type === 'version' ? version : `(select ${version})`;
}

function listSql(operands: unknown[], type: ValueType, params: Params): string {
  if (type !== 'version' && type !== 'version once') return params.add(operands, `${type}[]` as ParamType);
  return `array(select vitrine_version(v) collate "C" from unnest(${params.add(operands, 'text[]')}) v)`;
}

function setConditions(
  value: string,
  type: ValueType,
  filter: NullableSetFilter<unknown>,
  params: Params,
): string[] {
  const found: string[] = [];
  if (filter.eq !== undefined) found.push(`${value} = ${operandSql(filter.eq, type, params)}`);
  if (filter.ne !== undefined) found.push(`${value} <> ${operandSql(filter.ne, type, params)}`);
  if (filter.in) found.push(`${value} = any(${listSql(filter.in, type, params)})`);
  if (filter.notIn)
    found.push(`${value} is not null and ${value} <> all(${listSql(filter.notIn, type, params)})`);
  if (filter.isNull !== undefined) found.push(`${value} is ${filter.isNull ? '' : 'not '}null`);
  return found;
}

/** `value` is SQL for a text with the collation "C". */
export function textConditions(value: string, filter: StringFilter, params: Params): string[] {
  if (filter.ignoreCase) return anyCaseConditions(value, filter, params);
  const found = setConditions(value, 'text', filter, params);
  if (filter.startsWith !== undefined) found.push(...prefixConditions(value, filter.startsWith, params));
  for (const pattern of likePatterns({ ...filter, startsWith: undefined })) {
    found.push(`${value} like ${params.add(pattern, 'text')}`);
  }
  if (filter.matches !== undefined) found.push(`${value} ~ ${params.add(filter.matches, 'text')}`);
  return found;
}

function anyCaseConditions(value: string, filter: StringFilter, params: Params): string[] {
  const lower = (text: string) => `lower(${params.add(text, 'text')} collate "default")`;
  const list = (texts: string[]) =>
    `array(select lower(t collate "default") from unnest(${params.add(texts, 'text[]')}) t)`;
  const lowered = `lower(${value} collate "default")`;
  const found: string[] = [];
  if (filter.eq !== undefined) found.push(`${lowered} = ${lower(filter.eq)}`);
  if (filter.ne !== undefined) found.push(`${lowered} <> ${lower(filter.ne)}`);
  if (filter.in) found.push(`${lowered} = any(${list(filter.in)})`);
  if (filter.notIn) found.push(`${value} is not null and ${lowered} <> all(${list(filter.notIn)})`);
  for (const pattern of likePatterns(filter)) found.push(`${lowered} like ${lower(pattern)}`);
  if (filter.matches !== undefined) {
    found.push(`${value} collate "default" ~* ${params.add(filter.matches, 'text')}`);
  }
  if (filter.isNull !== undefined) found.push(`${value} is ${filter.isNull ? '' : 'not '}null`);
  return found;
}

/** A prefix as a range: in the order by code point a btree answers it whatever the plan. */
function prefixConditions(value: string, prefix: string, params: Params): string[] {
  if (prefix === '') return [`${value} is not null`];
  const found = [`${value} >= ${params.add(prefix, 'text')}`];
  const end = pastPrefix(prefix);
  if (end !== null) found.push(`${value} < ${params.add(end, 'text')}`);
  return found;
}
