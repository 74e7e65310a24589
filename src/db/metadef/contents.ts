/** Everything that is in namespaces, read and written whole: what is the same stays, with its id and its times. */
import { type SQL, sql } from 'drizzle-orm';
import { splitDefinition } from '../../domain/metadef/fields.ts';
import type {
  AssociationContent,
  MetadefDefinition,
  MetadefNamespace,
  NamedDefinition,
  NamespaceContent,
  ObjectContent,
} from '../../domain/metadef/metadef.ts';
import type { Database, Statements } from '../client.ts';
import { namespaceColumns } from './namespaces.ts';

/** What a write did to what was there. */
export interface Written {
  changed: boolean;
  /** Rows that are gone, each with what was in it. */
  removed: number;
}

/**
 * The lists that are given take the place of those that are there.
 * Properties are matched by name, those of objects by object and name.
 */
export async function writeContent(
  tx: Statements,
  namespaceId: string,
  { properties, objects, tags, resourceTypes }: Partial<NamespaceContent>,
): Promise<Written> {
  const writes: Statement[] = [];
  if (objects) writes.push(...objectWrites(namespaceId, objects));
  if (properties) {
    const rows = properties.map((property) => ({ object: null, ...splitDefinition(property) }));
    writes.push(...propertyWrites(namespaceId, { rows, of: sql`object_id is null` }));
  }
  if (tags) writes.push(...tagWrites(namespaceId, tags));
  if (resourceTypes) writes.push(...associationWrites(namespaceId, resourceTypes));
  return run(tx, writes);
}

/** The same for the properties of one object. */
export function writeObjectProperties(
  tx: Statements,
  object: { namespaceId: string; id: string; name: string },
  properties: readonly NamedDefinition[],
): Promise<Written> {
  const rows = properties.map((property) => ({ object: object.name, ...splitDefinition(property) }));
  return run(tx, propertyWrites(object.namespaceId, { rows, of: sql`p.object_id = ${object.id}` }));
}

async function run(tx: Statements, statements: readonly Statement[]): Promise<Written> {
  const written: Written = { changed: false, removed: 0 };
  for (const { does, text } of statements) {
    const count = (await tx.execute(text)).rowCount ?? 0;
    if (does === 'remove') written.removed += count;
    if (does !== 'prepare' && count > 0) written.changed = true;
  }
  return written;
}

interface Statement {
  /** Remove and write say what is different; what prepares is not part of the namespace. */
  does: 'remove' | 'write' | 'prepare';
  text: SQL;
}

const remove = (text: SQL): Statement => ({ does: 'remove', text });
const write = (text: SQL): Statement => ({ does: 'write', text });
const prepare = (text: SQL): Statement => ({ does: 'prepare', text });

const json = (value: unknown) => sql`${JSON.stringify(value)}::jsonb`;

function objectWrites(id: string, objects: readonly ObjectContent[]): Statement[] {
  const rows = objects.flatMap(({ name: object, properties }) =>
    properties.map((property) => ({ object, ...splitDefinition(property) })),
  );
  return [
    remove(sql`
      delete from metadef_objects where namespace_id = ${id}
        and name not in (select jsonb_array_elements_text(${json(objects.map(({ name }) => name))}))`),
    write(sql`
      insert into metadef_objects as o (namespace_id, name, description, required)
      select ${id}, item ->> 'name', item ->> 'description',
        array(select jsonb_array_elements_text(item -> 'required'))
      from jsonb_array_elements(${json(objects.map(({ properties: _, ...rest }) => rest))}) as item
      on conflict on constraint metadef_objects_name do update
        set description = excluded.description, required = excluded.required, updated_at = now()
        where (o.description, o.required) is distinct from (excluded.description, excluded.required)`),
    ...propertyWrites(id, { rows, of: sql`object_id is not null` }),
  ];
}

interface PropertyRows {
  rows: { object: string | null; name: string; definition: MetadefDefinition }[];
  /** Which of the namespace's properties these take the place of. */
  of: SQL;
}

function propertyWrites(id: string, { rows, of }: PropertyRows): Statement[] {
  const given = sql`
    select o.id as object_id, item ->> 'name' as name, item -> 'definition' as definition
    from jsonb_array_elements(${json(rows)}) as item
    left join metadef_objects o on o.namespace_id = ${id} and o.name = item ->> 'object'`;
  return [
    remove(sql`
      delete from metadef_properties p where p.namespace_id = ${id} and ${of} and not exists (
        select from (${given}) as g where g.name = p.name and g.object_id is not distinct from p.object_id)`),
    write(sql`
      insert into metadef_properties as p (namespace_id, object_id, name, definition)
      select ${id}, g.object_id, g.name, g.definition from (${given}) as g
      on conflict on constraint metadef_properties_name do update
        set definition = excluded.definition, updated_at = now()
        where p.definition is distinct from excluded.definition`),
  ];
}

function tagWrites(id: string, tags: readonly string[]): Statement[] {
  return [
    remove(sql`
      delete from metadef_tags where namespace_id = ${id}
        and name not in (select jsonb_array_elements_text(${json(tags)}))`),
    write(sql`
      insert into metadef_tags (namespace_id, name) select ${id}, jsonb_array_elements_text(${json(tags)})
      on conflict do nothing`),
  ];
}

function associationWrites(id: string, list: readonly AssociationContent[]): Statement[] {
  const given = sql`
    select item ->> 'resourceType' as type, item ->> 'prefix' as prefix, item ->> 'propertiesTarget' as target
    from jsonb_array_elements(${json(list)}) as item`;
  return [
    prepare(sql`
      insert into metadef_resource_types (name) select g.type from (${given}) as g order by g.type
      on conflict do nothing`),
    remove(sql`
      delete from metadef_associations where namespace_id = ${id}
        and resource_type not in (select g.type from (${given}) as g)`),
    write(sql`
      insert into metadef_associations as a (namespace_id, resource_type, prefix, properties_target)
      select ${id}, g.type, g.prefix, g.target from (${given}) as g
      on conflict (namespace_id, resource_type) do update
        set prefix = excluded.prefix, properties_target = excluded.properties_target, updated_at = now()
        where (a.prefix, a.properties_target) is distinct from (excluded.prefix, excluded.properties_target)`),
  ];
}

/**
 * Adds those that are not there. Before a namespace is: its trigger takes a lock that all wait for, and whoever adds
 * types after it would wait for one who adds them before.
 */
export async function addResourceTypes(
  tx: Statements,
  associations: readonly AssociationContent[] = [],
): Promise<void> {
  if (associations.length === 0) return;
  await tx.execute(sql`
    insert into metadef_resource_types (name)
    select distinct jsonb_array_elements_text(${json(associations.map((one) => one.resourceType))}) order by 1
    on conflict do nothing`);
}

/** Resource types that come with the service, whether they are there or not. */
export async function protectResourceTypes(tx: Statements, names: readonly string[]): Promise<void> {
  await tx.execute(sql`
    insert into metadef_resource_types (name, protected)
    select distinct jsonb_array_elements_text(${json(names)}), true order by 1
    on conflict (name) do update set protected = true`);
}

/** A namespace with all that is in it. */
export type WholeNamespace = MetadefNamespace & NamespaceContent;

interface WholeRow extends MetadefNamespace {
  properties: { object: string | null; name: string; definition: MetadefDefinition }[] | null;
  objects: Omit<ObjectContent, 'properties'>[] | null;
  tags: string[] | null;
  resourceTypes: AssociationContent[] | null;
}

const contentColumns = `
      (select jsonb_agg(jsonb_build_object('object', o.name, 'name', p.name, 'definition', p.definition) order by p.name)
        from metadef_properties p left join metadef_objects o on o.id = p.object_id
        where p.namespace_id = n.id) as properties,
      (select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
          'name', o.name, 'description', o.description, 'required', o.required)) order by o.name)
        from metadef_objects o where o.namespace_id = n.id) as objects,
      (select jsonb_agg(t.name order by t.name) from metadef_tags t where t.namespace_id = n.id) as tags,
      (select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('resourceType', a.resource_type,
          'prefix', a.prefix, 'propertiesTarget', a.properties_target)) order by a.resource_type)
        from metadef_associations a where a.namespace_id = n.id) as "resourceTypes"`;

/** One as a transaction sees it; null when there is none. Of its times nothing is to be believed. */
export async function readNamespaceIn(tx: Statements, id: string): Promise<WholeNamespace | null> {
  const { rows } = await tx.execute<WholeRow & Record<string, unknown>>(
    sql`select ${sql.raw(namespaceColumns)}, ${sql.raw(contentColumns)} from metadef_namespaces n where n.id = ${id}`,
  );
  return rows[0] ? wholeOf(rows[0]) : null;
}

/** Those of these names, whoever may see them; null: all. By name, what is in them too. */
export async function readNamespaces(
  db: Database,
  names: readonly string[] | null = null,
): Promise<WholeNamespace[]> {
  const rows = await db.query<WholeRow>(
    `select ${namespaceColumns}, ${contentColumns}
    from metadef_namespaces n ${names === null ? '' : 'where n.namespace = any ($1::text[])'} order by n.namespace`,
    names === null ? [] : [names],
  );
  return rows.map(wholeOf);
}

function wholeOf({ properties, objects, tags, resourceTypes, ...namespace }: WholeRow): WholeNamespace {
  const named = Map.groupBy(properties ?? [], ({ object }) => object);
  const inside = (object: string | null) =>
    (named.get(object) ?? []).map(({ name, definition }) => ({ name, ...definition }));
  return {
    ...namespace,
    properties: inside(null),
    objects: (objects ?? []).map((object) => ({ ...object, properties: inside(object.name) })),
    tags: tags ?? [],
    resourceTypes: resourceTypes ?? [],
  };
}
