/** What is in namespaces, looked up: properties, objects, tags, associations, resource types. */
import type { Caller } from '../../domain/caller.ts';
import type {
  MetadefAssociation,
  MetadefObject,
  MetadefProperty,
  MetadefResourceType,
  MetadefTag,
} from '../../domain/metadef/metadef.ts';
import type { Database } from '../client.ts';
import { newParams } from '../params.ts';
import { visibleNamespaceSql } from './filter.ts';
import { objectColumns, type PropertyRow, propertyColumns, propertyOf } from './pages.ts';

/** A property that stands in a namespace itself, by both names. */
export interface PropertyKey {
  namespaceId: string;
  name: string;
}

/** Those that there are, in no order. */
export async function findPropertiesByName(
  db: Database,
  keys: readonly PropertyKey[],
): Promise<MetadefProperty[]> {
  const rows = await db.query<PropertyRow>(
    `select ${propertyColumns} from metadef_properties p
      join unnest($1::uuid[], $2::text[]) as asked (namespace_id, name)
        on p.namespace_id = asked.namespace_id and p.name = asked.name and p.object_id is null`,
    [keys.map((key) => key.namespaceId), keys.map((key) => key.name)],
  );
  return rows.map(propertyOf);
}

export async function findPropertiesById(db: Database, ids: readonly string[]): Promise<MetadefProperty[]> {
  const text = `select ${propertyColumns} from metadef_properties p where p.id = any ($1::uuid[])`;
  return (await db.query<PropertyRow>(text, [ids])).map(propertyOf);
}

export function findObjectsById(db: Database, ids: readonly string[]): Promise<MetadefObject[]> {
  return db.query(`select ${objectColumns} from metadef_objects p where p.id = any ($1::uuid[])`, [ids]);
}

/** Of these namespaces, by name. */
export function findTags(db: Database, namespaceIds: readonly string[]): Promise<MetadefTag[]> {
  return db.query(
    `select namespace_id as "namespaceId", name, created_at as "createdAt", updated_at as "updatedAt"
      from metadef_tags where namespace_id = any ($1::uuid[]) order by name`,
    [namespaceIds],
  );
}

/** Of these namespaces, by resource type. */
export function findAssociations(
  db: Database,
  namespaceIds: readonly string[],
): Promise<MetadefAssociation[]> {
  return db.query(
    `select namespace_id as "namespaceId", resource_type as "resourceType", prefix,
        properties_target as "propertiesTarget", created_at as "createdAt", updated_at as "updatedAt"
      from metadef_associations where namespace_id = any ($1::uuid[]) order by resource_type`,
    [namespaceIds],
  );
}

/**
 * Those of these names, or all: what came with the service, and what a namespace that the caller sees is for. By
 * name.
 */
export function findResourceTypes(
  db: Database,
  caller: Caller,
  names: readonly string[] | null,
): Promise<MetadefResourceType[]> {
  const params = newParams();
  const asked = names === null ? 'true' : `r.name = any (${params.add(names, 'text[]')})`;
  const text = `select r.name, r.protected, r.created_at as "createdAt", r.updated_at as "updatedAt"
    from metadef_resource_types r where ${asked} and (r.protected or exists (
      select from metadef_associations a join metadef_namespaces n on n.id = a.namespace_id
      where a.resource_type = r.name and ${visibleNamespaceSql(caller, params)}))
    order by r.name`;
  return db.query(text, params.values);
}
