/**
 * The audit log: an entry added in the transaction of its change, pages of it, and its old end let go of. The database
 * refuses everything else.
 */
import { sql } from 'drizzle-orm';
import {
  type AuditEntry,
  type AuditResult,
  bounded,
  imageObject,
  type NewAuditEntry,
  withoutSecretsOfText,
} from '../domain/audit.ts';
import type { Instant } from '../domain/image.ts';
import type { AuditFilter } from '../search/audit-filter.ts';
import type { KeyType, KeyValue } from '../search/cursor.ts';
import { type Database, type Statements, transaction } from './client.ts';
import { beyondSql, type Key, orderBySql } from './keyset.ts';
import { newParams, type Params } from './params.ts';
import { auditLog } from './tables.ts';

/**
 * Adds the entry of a change, in its transaction: neither is there without the other. Last in it, so that who waits for
 * the same row comes later in the log as well.
 *
 *   await recordChange(tx, { by: actorOf(caller), action: 'updateImage', object: imageObject(image), changes });
 */
export async function recordChange(tx: Statements, entry: NewAuditEntry): Promise<void> {
  await recordChanges(tx, [entry]);
}

/** The same for many at once. */
export async function recordChanges(tx: Statements, entries: readonly NewAuditEntry[]): Promise<void> {
  if (entries.length > 0) await tx.insert(auditLog).values(entries.map(rowOf));
}

function rowOf({ by, action, object, result, changes, message, times }: NewAuditEntry) {
  return {
    actorKind: by.kind,
    actorUser: by.user,
    actorProject: by.project,
    actorRoles: [...by.roles],
    actorRobot: by.robot ?? null,
    requestId: by.requestId,
    action,
    result,
    objectType: object.type,
    objectId: storable(object.id),
    objectName: storable(object.name ?? null),
    objectOwner: object.owner,
    changes: changes && bounded(changes),
    message: message == null ? null : withoutSecretsOfText(message),
    times,
  };
}

/** Also what somebody only asked for: it stands in indexes. */
const storable = (text: string | null) =>
  text === null ? null : text.slice(0, 255).toWellFormed().replaceAll('\0', '');

/** A change that the service makes to images in a statement of its own. */
export interface OwnChange {
  action: string;
  /** A CTE with a row for each change: image_id, and the columns of the expressions below. */
  from: string;
  /** SQL of text: the field that changed; of jsonb: what it was and is. */
  field: string;
  before: string;
  after: string;
}

/** The INSERT that records it, as one more CTE of the statement. */
export const recordOwnChangeSql = ({ action, from, field, before, after }: OwnChange) => `
  insert into audit_log (actor_kind, action, object_type, object_id, object_name, object_owner, changes)
  select 'service', '${action}', 'image', i.id::text, i.name, i.owner,
    jsonb_build_array(jsonb_build_object('field', ${field}, 'before', ${before}, 'after', ${after}))
  from ${from} join images i on i.id = ${from}.image_id`;

/** An image as the log speaks of it; null when there is none. */
export async function findImageObject(db: Database, id: string) {
  const text = 'select id, name, owner from images where id = $1::uuid';
  const [row] = await db.query<{ id: string; name: string | null; owner: string | null }>(text, [id]);
  return row ? imageObject(row) : null;
}

/** Which entries: those that match, of all, or of what belonged to a project. */
export interface AuditScope {
  readable: 'all' | { owner: string };
  where: AuditFilter;
}

export interface AuditPage {
  limit: number;
  /** Where it goes on, as the keys of the order have it; null at the end of the list. */
  from: readonly KeyValue[] | null;
  backward: boolean;
}

const keys: readonly Key[] = [
  { sql: 'a.at', type: 'instant', param: 'timestamptz', isNullable: false, descending: true },
  { sql: 'a.id', type: 'integer', param: 'bigint', isNullable: false, descending: true },
];
export const auditKeyTypes: readonly KeyType[] = keys.map(({ type }) => type);

type Row = Omit<AuditEntry, 'by' | 'object'> & {
  by: Omit<AuditEntry['by'], 'roles'>;
  roles: string[];
  object: AuditEntry['object'];
};

const columns = `a.id, a.at, a.action, a.result, a.changes, a.message, a.times, a.actor_roles as roles,
  jsonb_build_object('kind', a.actor_kind, 'user', a.actor_user, 'project', a.actor_project,
    'robot', a.actor_robot, 'requestId', a.request_id) as by,
  jsonb_build_object('type', a.object_type, 'id', a.object_id, 'name', a.object_name, 'owner', a.object_owner) as object`;

/** Newest first, however it is read; and whether there is more beyond in the direction read. */
export async function findAuditPage(
  db: Database,
  scope: AuditScope,
  page: AuditPage,
): Promise<{ entries: AuditEntry[]; hasMore: boolean }> {
  const params = newParams();
  const where = [scopeSql(scope, params)];
  if (page.from) where.push(beyondSql(keys, { ...page, from: page.from }, params));
  const text = `select ${columns} from audit_log a where ${where.join(' and ')}
    order by ${orderBySql(keys, page.backward)} limit ${params.add(page.limit + 1, 'int')}`;
  const rows = await db.search<Row>(text, params.values);
  const hasMore = rows.length > page.limit;
  const entries = rows
    .slice(0, page.limit)
    .map(({ roles, by, ...row }) => ({ ...row, by: { ...by, roles } }));
  return { entries: page.backward ? entries.reverse() : entries, hasMore };
}

/** Whether an entry of the scope stands at that place or beyond. */
export async function auditExistsBeyond(
  db: Database,
  scope: AuditScope,
  page: Pick<AuditPage, 'backward'> & { from: readonly KeyValue[] },
): Promise<boolean> {
  const params = newParams();
  const beyond = beyondSql(keys, { ...page, orAt: true }, params);
  const text = `select exists (select from audit_log a where ${scopeSql(scope, params)} and ${beyond}) as found`;
  const [row] = await db.search<{ found: boolean }>(text, params.values);
  return row?.found ?? false;
}

export async function countAudit(db: Database, scope: AuditScope): Promise<number> {
  const params = newParams();
  const text = `select count(*)::int as n from audit_log a where ${scopeSql(scope, params)}`;
  const [row] = await db.search<{ n: number }>(text, params.values);
  return row?.n ?? 0;
}

function scopeSql({ readable, where }: AuditScope, params: Params): string {
  const found = readable === 'all' ? [] : [`a.object_owner = ${params.add(readable.owner, 'text')}`];
  const equal = {
    'a.object_type': where.objectType,
    'a.object_id': where.objectId,
    'a.actor_user': where.user,
    'a.actor_project': where.project,
    'a.result': where.result satisfies AuditResult | undefined,
    'a.request_id': where.requestId,
  };
  for (const [column, value] of Object.entries(equal)) {
    if (value !== undefined) found.push(`${column} = ${params.add(value, 'text')}`);
  }
  if (where.actions) found.push(`a.action = any(${params.add(where.actions, 'text[]')})`);
  if (where.from !== undefined) found.push(`a.at >= ${params.add(where.from, 'timestamptz')}`);
  if (where.until !== undefined) found.push(`a.at < ${params.add(where.until, 'timestamptz')}`);
  return found.join(' and ') || 'true';
}

/** Lets go of entries older than so many days, `limit` at most. Returns how many there were. */
export async function forgetAudit(
  db: Database,
  { days, limit }: { days: number; limit: number },
): Promise<number> {
  return transaction(db, async (tx) => {
    const { rows } = await tx.execute<{ before: Instant }>(sql`
      select set_config('vitrine.audit_before', (now() - make_interval(days => ${days}))::text, true) as before`);
    const gone = await tx.execute(sql`
      delete from audit_log where id in (
        select id from audit_log where at < ${rows[0]?.before}::timestamptz order by at, id limit ${limit})`);
    return gone.rowCount ?? 0;
  });
}
