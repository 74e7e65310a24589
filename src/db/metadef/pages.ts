/** Pages of what is inside several namespaces or objects: one statement for all of them. */
import type { MetadefDefinition, MetadefObject, MetadefProperty } from '../../domain/metadef/metadef.ts';
import type { Database } from '../client.ts';
import { type FoundPage, foundPage } from '../found-page.ts';
import { newParams } from '../params.ts';

/** By name; `from` is the name where it goes on, null at the end of the list. */
export interface PartsPage {
  limit: number;
  from: string | null;
  backward: boolean;
}

/** What is paged: `p` are its rows, `parent` says whose. */
interface PartKind {
  table: string;
  columns: string;
  parent: string;
  where: string;
}

const times = 'p.created_at as "createdAt", p.updated_at as "updatedAt"';

export const propertyColumns = `p.id, p.namespace_id as "namespaceId", p.object_id as "objectId", p.name, p.definition, ${times}`;
export const objectColumns = `p.id, p.namespace_id as "namespaceId", p.name, p.description, p.required, ${times}`;

/** A row of these columns: what the definition says stands beside the name. */
export type PropertyRow = Omit<MetadefProperty, keyof MetadefDefinition> & { definition: MetadefDefinition };

export const propertyOf = ({ definition, ...row }: PropertyRow): MetadefProperty => ({
  ...definition,
  ...row,
});

const kinds = {
  namespaceProperties: {
    table: 'metadef_properties p',
    columns: propertyColumns,
    parent: 'p.namespace_id',
    where: 'p.object_id is null',
  },
  objectProperties: {
    table: 'metadef_properties p',
    columns: propertyColumns,
    parent: 'p.object_id',
    where: 'true',
  },
  namespaceObjects: {
    table: 'metadef_objects p',
    columns: objectColumns,
    parent: 'p.namespace_id',
    where: 'true',
  },
} as const satisfies Record<string, PartKind>;

export type PartsOf = keyof typeof kinds;
export type Part<K extends PartsOf> = K extends 'namespaceObjects' ? MetadefObject : MetadefProperty;

/** A page for each of the parents, in their order. */
export async function findParts<K extends PartsOf>(
  db: Database,
  kind: K,
  parents: readonly string[],
  { limit, from, backward }: PartsPage,
): Promise<FoundPage<Part<K>>[]> {
  const { table, columns, parent, where }: PartKind = kinds[kind];
  const params = newParams();
  const ids = params.add(parents, 'uuid[]');
  const beyond = from === null ? '' : `and p.name ${backward ? '<' : '>'} ${params.add(from, 'text')}`;
  const rows = await db.query<PartRow<K>>(
    `select parent.id as parent, found.* from unnest(${ids}) with ordinality as parent (id, n)
      cross join lateral (
        select ${columns} from ${table} where ${parent} = parent.id and ${where} ${beyond}
        order by p.name ${backward ? 'desc' : 'asc'} limit ${params.add(limit + 1, 'int')}
      ) as found order by parent.n, found.name`,
    params.values,
  );
  const behind = from === null ? new Set() : await parentsWithMore(db, kind, parents, { from, backward });
  const byParent = Map.groupBy(rows, (row) => row.parent);
  return parents.map((id) => {
    const found = (byParent.get(id) ?? []).map((row) => partOf<K>(row));
    return foundPage(found, { limit, backward, isMoreBehind: behind.has(id) });
  });
}

type PartRow<K extends PartsOf> = (K extends 'namespaceObjects' ? MetadefObject : PropertyRow) & {
  parent: string;
};

function partOf<K extends PartsOf>(row: PartRow<K>): Part<K> {
  return ('definition' in row ? propertyOf(row as PropertyRow) : row) as Part<K>;
}

/** Those with something at the place or behind it, seen in the direction read. */
async function parentsWithMore(
  db: Database,
  kind: PartsOf,
  parents: readonly string[],
  { from, backward }: { from: string; backward: boolean },
): Promise<Set<string>> {
  const { table, parent, where } = kinds[kind];
  const rows = await db.query<{ id: string }>(
    `select parent.id from unnest($1::uuid[]) as parent (id)
      where exists (select from ${table} where ${parent} = parent.id and ${where} and p.name ${backward ? '>=' : '<='} $2::text)`,
    [parents, from],
  );
  return new Set(rows.map((row) => row.id));
}

/** How many each of the parents has, in their order. */
export async function countParts(db: Database, kind: PartsOf, parents: readonly string[]): Promise<number[]> {
  const { table, parent, where } = kinds[kind];
  const rows = await db.query<{ id: string; n: number }>(
    `select ${parent} as id, count(*)::int as n from ${table} where ${parent} = any ($1::uuid[]) and ${where} group by 1`,
    [parents],
  );
  const counts = new Map(rows.map((row) => [row.id, row.n]));
  return parents.map((id) => counts.get(id) ?? 0);
}
