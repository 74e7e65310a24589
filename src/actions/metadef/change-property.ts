/** One property of a namespace, or of an object in it, added, changed or removed. */
import type { Statements } from '../../db/client.ts';
import type { NamespaceRow } from '../../db/metadef/namespaces.ts';
import {
  deleteProperty,
  findObjectRow,
  insertProperty,
  type ObjectRow,
  updateObject,
  updateProperty,
} from '../../db/metadef/part-writes.ts';
import { findPropertiesById } from '../../db/metadef/parts.ts';
import type { Caller } from '../../domain/caller.ts';
import { type DefinitionInput, definitionIssues, definitionOf } from '../../domain/metadef/fields.ts';
import type { MetadefNamespace, MetadefProperty } from '../../domain/metadef/metadef.ts';
import type { App } from '../app.ts';
import { changePart, findable, type PartName, requireNew, requirePart } from './change-part.ts';
import { requireUnprotected, type WhichNamespace } from './require-namespace.ts';

/** `object` names the object that the property stands in; left out, it stands in the namespace itself. */
interface WhichPlace extends WhichNamespace {
  object?: string | null;
}

export interface ChangedProperty {
  namespace: MetadefNamespace;
  property: MetadefProperty;
}

const partOf = (name: string): PartName => ({ what: 'Property', name });

/**
 * Returns the new property.
 *
 * @throws NotFoundError   the namespace or the object is missing, or not to be seen
 * @throws ForbiddenError  the caller is no admin
 * @throws ValidationError every mistake of the definition at once
 * @throws ConflictError   ALREADY_EXISTS, REVISION_MISMATCH
 */
export async function addMetadefProperty(
  app: App,
  caller: Caller,
  input: WhichPlace & { property: DefinitionInput },
): Promise<ChangedProperty> {
  const part = partOf(input.property.name);
  const changed = await changePart(app, caller, {
    action: 'addMetadefProperty',
    which: input,
    part,
    issues: definitionIssues(['property'], input.property),
    async work(tx, row) {
      const place = placeIn(row, await requireObject(tx, row, input.object));
      return requireNew(await insertProperty(tx, place, definitionOf(input.property)), part);
    },
  });
  return readProperty(app, { ...changed, name: input.property.name });
}

/**
 * Returns the property with its new definition, which takes the place of the old one; another name renames it.
 * @throws as addMetadefProperty; NotFoundError also for the property
 */
export async function updateMetadefProperty(
  app: App,
  caller: Caller,
  input: WhichPlace & { name: string; property: DefinitionInput },
): Promise<ChangedProperty> {
  const { name, property } = input;
  const changed = await changePart(app, caller, {
    action: 'updateMetadefProperty',
    which: input,
    part: partOf(property.name),
    issues: definitionIssues(['property'], property),
    async work(tx, row) {
      const object = await requireObject(tx, row, input.object);
      const at = { place: placeIn(row, object), name: findable(name) };
      const id = requirePart(await updateProperty(tx, at, definitionOf(property)), row, partOf(name));
      await keepRequired(tx, object, (one) => (one === name ? [property.name] : [one]));
      return id;
    },
  });
  return readProperty(app, { ...changed, name: property.name });
}

/**
 * Returns the id of the property that is gone; an object that required it no longer does.
 * @throws as updateMetadefProperty; ConflictError PROTECTED
 */
export async function removeMetadefProperty(
  app: App,
  caller: Caller,
  input: WhichPlace & { name: string },
): Promise<{ namespace: MetadefNamespace; id: string }> {
  const { name } = input;
  const { namespace, result } = await changePart(app, caller, {
    action: 'removeMetadefProperty',
    which: input,
    part: partOf(name),
    issues: [],
    async work(tx, row) {
      requireUnprotected(row);
      const object = await requireObject(tx, row, input.object);
      const id = requirePart(
        await deleteProperty(tx, placeIn(row, object), findable(name)),
        row,
        partOf(name),
      );
      await keepRequired(tx, object, (one) => (one === name ? [] : [one]));
      return id;
    },
  });
  return { namespace, id: result };
}

async function requireObject(
  tx: Statements,
  row: NamespaceRow,
  name: string | null | undefined,
): Promise<ObjectRow | null> {
  if (name == null) return null;
  return requirePart(await findObjectRow(tx, row.id, findable(name)), row, { what: 'Object', name });
}

const placeIn = (row: NamespaceRow, object: ObjectRow | null) => ({
  namespaceId: row.id,
  objectId: object?.id ?? null,
});

/** What an object requires follows the names of its properties. */
async function keepRequired(
  tx: Statements,
  object: ObjectRow | null,
  becomes: (name: string) => string[],
): Promise<void> {
  if (!object) return;
  const required = object.required.flatMap(becomes);
  if (required.join('\0') !== object.required.join('\0')) await updateObject(tx, object.id, { required });
}

/** As it stands now; somebody else may have removed it again. */
async function readProperty(
  app: App,
  { namespace, result: id, name }: { namespace: MetadefNamespace; result: string; name: string },
): Promise<ChangedProperty> {
  const [property] = await findPropertiesById(app.db, [id]);
  return { namespace, property: requirePart(property, namespace, partOf(name)) };
}
