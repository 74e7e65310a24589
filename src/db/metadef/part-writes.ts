/** One part of a namespace added, changed or removed. Null or false: there is none, or one of that name is there. */
import { and, eq, isNull, type SQL, sql } from 'drizzle-orm';
import { splitDefinition } from '../../domain/metadef/fields.ts';
import type { AssociationContent, NamedDefinition } from '../../domain/metadef/metadef.ts';
import type { Statements } from '../client.ts';
import { associations, objects, properties, resourceTypes, tags } from './tables.ts';

/** Where a property stands: in a namespace, or in one of its objects. */
export interface PropertyPlace {
  namespaceId: string;
  objectId: string | null;
}

const isAt = ({ namespaceId, objectId }: PropertyPlace, name: string) =>
  and(
    eq(properties.namespaceId, namespaceId),
    objectId === null ? isNull(properties.objectId) : eq(properties.objectId, objectId),
    eq(properties.name, name),
  );

const firstId = (rows: { id: string }[]) => rows[0]?.id ?? null;

/** Its id. */
export async function insertProperty(
  tx: Statements,
  place: PropertyPlace,
  property: NamedDefinition,
): Promise<string | null> {
  const row = { ...place, ...splitDefinition(property) };
  return firstId(
    await tx.insert(properties).values(row).onConflictDoNothing().returning({ id: properties.id }),
  );
}

/** Its id. @throws 23505 when it is renamed and another has that name */
export async function updateProperty(
  tx: Statements,
  { place, name }: { place: PropertyPlace; name: string },
  property: NamedDefinition,
): Promise<string | null> {
  const change = { ...splitDefinition(property), updatedAt: sql`now()` };
  return firstId(
    await tx.update(properties).set(change).where(isAt(place, name)).returning({ id: properties.id }),
  );
}

/** The id that it had. */
export async function deleteProperty(
  tx: Statements,
  place: PropertyPlace,
  name: string,
): Promise<string | null> {
  return firstId(await tx.delete(properties).where(isAt(place, name)).returning({ id: properties.id }));
}

const isObject = (namespaceId: string, name: string) =>
  and(eq(objects.namespaceId, namespaceId), eq(objects.name, name));

export type ObjectRow = typeof objects.$inferSelect;

export async function findObjectRow(
  tx: Statements,
  namespaceId: string,
  name: string,
): Promise<ObjectRow | null> {
  const [row] = await tx.select().from(objects).where(isObject(namespaceId, name));
  return row ?? null;
}

export interface ObjectFields {
  name: string;
  description: string | null;
  required: string[];
}

/** Its id. */
export async function insertObject(
  tx: Statements,
  namespaceId: string,
  fields: ObjectFields,
): Promise<string | null> {
  const row = { namespaceId, ...fields };
  return firstId(await tx.insert(objects).values(row).onConflictDoNothing().returning({ id: objects.id }));
}

/** @throws 23505 when it is renamed and another has that name */
export async function updateObject(tx: Statements, id: string, fields: Partial<ObjectFields>): Promise<void> {
  await tx
    .update(objects)
    .set({ ...fields, updatedAt: sql`now()` })
    .where(eq(objects.id, id));
}

/** The id that it had; its properties are gone too. */
export async function deleteObject(
  tx: Statements,
  namespaceId: string,
  name: string,
): Promise<string | null> {
  return firstId(await tx.delete(objects).where(isObject(namespaceId, name)).returning({ id: objects.id }));
}

const isTag = (namespaceId: string, name: string): SQL | undefined =>
  and(eq(tags.namespaceId, namespaceId), eq(tags.name, name));

export async function insertTag(tx: Statements, namespaceId: string, name: string): Promise<boolean> {
  const rows = await tx.insert(tags).values({ namespaceId, name }).onConflictDoNothing().returning();
  return rows.length > 0;
}

/** @throws 23505 when there is a tag of the new name */
export async function renameTag(
  tx: Statements,
  namespaceId: string,
  { name, rename }: { name: string; rename: string },
): Promise<boolean> {
  const change = { name: rename, updatedAt: sql`now()` };
  const rows = await tx.update(tags).set(change).where(isTag(namespaceId, name)).returning();
  return rows.length > 0;
}

export async function deleteTag(tx: Statements, namespaceId: string, name: string): Promise<boolean> {
  const rows = await tx.delete(tags).where(isTag(namespaceId, name)).returning();
  return rows.length > 0;
}

const isFor = (namespaceId: string, resourceType: string) =>
  and(eq(associations.namespaceId, namespaceId), eq(associations.resourceType, resourceType));

/** A resource type that is new comes with it. */
export async function insertAssociation(
  tx: Statements,
  namespaceId: string,
  association: AssociationContent,
): Promise<boolean> {
  await tx.insert(resourceTypes).values({ name: association.resourceType }).onConflictDoNothing();
  const row = { namespaceId, ...association };
  const rows = await tx.insert(associations).values(row).onConflictDoNothing().returning();
  return rows.length > 0;
}

export async function updateAssociation(
  tx: Statements,
  namespaceId: string,
  { resourceType, prefix = '', propertiesTarget = '' }: AssociationContent,
): Promise<boolean> {
  const change = {
    prefix: prefix || null,
    propertiesTarget: propertiesTarget || null,
    updatedAt: sql`now()`,
  };
  const rows = await tx.update(associations).set(change).where(isFor(namespaceId, resourceType)).returning();
  return rows.length > 0;
}

export async function deleteAssociation(
  tx: Statements,
  namespaceId: string,
  resourceType: string,
): Promise<boolean> {
  const rows = await tx.delete(associations).where(isFor(namespaceId, resourceType)).returning();
  return rows.length > 0;
}
