/** Namespaces of metadata definitions: found, listed, counted, added, changed, removed. */
import { eq, inArray, sql } from 'drizzle-orm';
import type { Caller } from '../../domain/caller.ts';
import type { MetadefNamespace, NamespaceFields } from '../../domain/metadef/metadef.ts';
import type { KeyValue } from '../../search/cursor.ts';
import type { MetadefNamespaceFilter, MetadefNamespaceOrder } from '../../search/metadef-filter.ts';
import type { Database, Statements } from '../client.ts';
import { beyondSql, type Key, orderBySql } from '../keyset.ts';
import { newParams, type Params } from '../params.ts';
import { namespaceFilterSql, visibleNamespaceSql } from './filter.ts';
import { namespaces } from './tables.ts';

export const namespaceColumns = `n.id, n.namespace, n.display_name as "displayName", n.description, n.visibility,
  n.protected, n.owner, n.revision, n.created_at as "createdAt", n.updated_at as "updatedAt"`;

export type NamespaceRow = typeof namespaces.$inferSelect;

/** Those of these ids that the caller sees, in no order. */
export async function findNamespacesById(
  db: Database,
  caller: Caller,
  ids: readonly string[],
): Promise<MetadefNamespace[]> {
  const params = newParams();
  const text = `select ${namespaceColumns} from metadef_namespaces n
    where n.id = any(${params.add(ids, 'uuid[]')}) and ${visibleNamespaceSql(caller, params)}`;
  return db.query(text, params.values);
}

/** By name, whoever may see it; null when there is none. */
export async function findNamespace(db: Database, namespace: string): Promise<MetadefNamespace | null> {
  const [row] = await db.query<MetadefNamespace>(
    `select ${namespaceColumns} from metadef_namespaces n where n.namespace = $1::text`,
    [namespace],
  );
  return row ?? null;
}

/** Its row, locked until the transaction ends; null when there is none. */
export async function lockNamespace(tx: Statements, namespace: string): Promise<NamespaceRow | null> {
  const [row] = await tx.select().from(namespaces).where(eq(namespaces.namespace, namespace)).for('update');
  return row ?? null;
}

/** @throws a unique violation (23505) when the name is taken */
export async function insertNamespace(tx: Statements, fields: NamespaceFields): Promise<NamespaceRow> {
  const [row] = await tx.insert(namespaces).values(fields).returning();
  if (!row) throw new Error('A namespace was added and is not there.');
  return row;
}

/** Changes fields, or nothing but what is inside: the revision grows by one. @throws 23505 as insertNamespace */
export async function touchNamespace(
  tx: Statements,
  id: string,
  change: Partial<NamespaceFields> = {},
): Promise<void> {
  await tx
    .update(namespaces)
    .set({ ...change, revision: sql`${namespaces.revision} + 1`, updatedAt: sql`now()` })
    .where(inArray(namespaces.id, [id]));
}

/** With everything in it. */
export async function deleteNamespaceRow(tx: Statements, id: string): Promise<void> {
  await tx.delete(namespaces).where(eq(namespaces.id, id));
}

export interface NamespacePage {
  order: readonly MetadefNamespaceOrder[];
  limit: number;
  /** Values of the order's keys where it goes on; null at the end of the list. */
  from: readonly KeyValue[] | null;
  backward: boolean;
}

/** What is listed: by filters, for a caller. */
export interface NamespaceScope {
  caller: Caller;
  where: MetadefNamespaceFilter;
}

const columns: Record<MetadefNamespaceOrder['field'], Omit<Key, 'descending'>> = {
  namespace: { sql: 'n.namespace', type: 'text', param: 'text', isNullable: false },
  createdAt: { sql: 'n.created_at', type: 'instant', param: 'timestamptz', isNullable: false },
  updatedAt: { sql: 'n.updated_at', type: 'instant', param: 'timestamptz', isNullable: false },
};

const keysOf = (order: readonly MetadefNamespaceOrder[]): Key[] =>
  order.map(({ field, direction }) => ({ ...columns[field], descending: direction === 'desc' }));

export const namespaceKeyTypes = (order: readonly MetadefNamespaceOrder[]) =>
  order.map(({ field }) => columns[field].type);

/** In the order of the list, however it is read; and whether there is more beyond in the direction read. */
export async function findNamespacePage(
  db: Database,
  scope: NamespaceScope,
  page: NamespacePage,
): Promise<{ namespaces: MetadefNamespace[]; hasMore: boolean }> {
  const params = newParams();
  const keys = keysOf(page.order);
  const where = [scopeSql(scope, params)];
  if (page.from) where.push(beyondSql(keys, { ...page, from: page.from }, params));
  const text = `select ${namespaceColumns} from metadef_namespaces n where ${where.join(' and ')}
    order by ${orderBySql(keys, page.backward)} limit ${params.add(page.limit + 1, 'int')}`;
  const rows = await db.search<MetadefNamespace>(text, params.values);
  const hasMore = rows.length > page.limit;
  const found = rows.slice(0, page.limit);
  return { namespaces: page.backward ? found.reverse() : found, hasMore };
}

/** Whether a namespace of the scope stands at that place or beyond. */
export async function namespaceExistsBeyond(
  db: Database,
  scope: NamespaceScope,
  page: Pick<NamespacePage, 'order' | 'backward'> & { from: readonly KeyValue[] },
): Promise<boolean> {
  const params = newParams();
  const beyond = beyondSql(keysOf(page.order), { ...page, orAt: true }, params);
  const text = `select exists (select from metadef_namespaces n where ${scopeSql(scope, params)} and ${beyond}) as found`;
  const [row] = await db.search<{ found: boolean }>(text, params.values);
  return row?.found ?? false;
}

export async function countNamespaces(db: Database, scope: NamespaceScope): Promise<number> {
  const params = newParams();
  const text = `select count(*)::int as n from metadef_namespaces n where ${scopeSql(scope, params)}`;
  const [row] = await db.search<{ n: number }>(text, params.values);
  return row?.n ?? 0;
}

const scopeSql = ({ caller, where }: NamespaceScope, params: Params) =>
  `${visibleNamespaceSql(caller, params)} and ${namespaceFilterSql(where, params)}`;
