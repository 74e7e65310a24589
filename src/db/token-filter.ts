/** Which images a robot token is for, as SQL: for single images; lists have it as one of the filters of their scope. */
import { type SQL, sql } from 'drizzle-orm';
import type { Caller } from '../domain/caller.ts';
import { tokenFilter } from '../search/token-filter.ts';
import type { Statements } from './client.ts';
import { imageFilterSql } from './image-filter.ts';
import { newParams, type Params } from './params.ts';
import { hasPatterns } from './patterns.ts';

/** The condition on `images i`; `true` for a caller whose token is for all. */
export function tokenFilterSql(caller: Caller, params: Params): string {
  const filter = tokenFilter(caller);
  if (!filter || !caller.robot) return 'true';
  const propertyName = (name: string) => params.add(name, 'text');
  return `(${imageFilterSql([filter], { params, caller, propertyName, ...caller.robot.view })})`;
}

/** What the rest of a transaction that has met a regular expression may take for each statement, in milliseconds. */
const patternMs = '2000';

/** Whether it holds for an image as this transaction sees it. */
export async function isInTokenFilter(tx: Statements, caller: Caller, id: string): Promise<boolean> {
  const filter = tokenFilter(caller);
  if (!filter) return true;
  // A regular expression may take any time, and others wait for the row, and for this connection.
  if (hasPatterns([filter]))
    await tx.execute(sql`select set_config('statement_timeout', ${patternMs}, true)`);
  const params = newParams();
  const text = `select from images i where i.id = ${params.add(id, 'uuid')} and ${tokenFilterSql(caller, params)}`;
  const { rowCount } = await tx.execute(bound(text, params.values));
  return rowCount === 1;
}

/** A statement with placeholders, and its values, as drizzle takes them. */
function bound(text: string, values: readonly unknown[]): SQL {
  const parts = text.split(/\$(\d+)/);
  return sql.join(
    parts.map((part, n) => (n % 2 === 0 ? sql.raw(part) : sql`${sql.param(values[Number(part) - 1])}`)),
  );
}
