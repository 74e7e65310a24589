/** One object of a namespace added, changed or removed, with the properties in it. */
import { writeObjectProperties } from '../../db/metadef/contents.ts';
import { deleteObject, findObjectRow, insertObject, updateObject } from '../../db/metadef/part-writes.ts';
import { findObjectsById } from '../../db/metadef/parts.ts';
import type { Caller } from '../../domain/caller.ts';
import { type ObjectInput, objectIssues, objectOf } from '../../domain/metadef/fields.ts';
import type { MetadefNamespace, MetadefObject } from '../../domain/metadef/metadef.ts';
import type { App } from '../app.ts';
import { changePart, findable, type PartName, requireNew, requirePart } from './change-part.ts';
import { requireUnprotected, type WhichNamespace } from './require-namespace.ts';

export interface ChangedObject {
  namespace: MetadefNamespace;
  object: MetadefObject;
}

const partOf = (name: string): PartName => ({ what: 'Object', name });

/**
 * Returns the new object.
 *
 * @throws NotFoundError   the namespace is missing, or not to be seen
 * @throws ForbiddenError  the caller is no admin
 * @throws ValidationError every mistake at once
 * @throws ConflictError   ALREADY_EXISTS, REVISION_MISMATCH
 */
export async function addMetadefObject(
  app: App,
  caller: Caller,
  input: WhichNamespace & { object: ObjectInput },
): Promise<ChangedObject> {
  const part = partOf(input.object.name);
  const changed = await changePart(app, caller, {
    action: 'addMetadefObject',
    which: input,
    part,
    issues: objectIssues(['object'], input.object),
    async work(tx, row) {
      const { properties, ...fields } = fieldsOf(input.object);
      const id = requireNew(await insertObject(tx, row.id, fields), part);
      await writeObjectProperties(tx, { namespaceId: row.id, id, name: fields.name }, properties);
      return id;
    },
  });
  return readObject(app, { ...changed, name: input.object.name });
}

/**
 * Returns the object as it is said anew: what is left out goes, its properties too; another name renames it.
 * @throws as addMetadefObject; NotFoundError also for the object; ConflictError PROTECTED: a property would go
 */
export async function updateMetadefObject(
  app: App,
  caller: Caller,
  input: WhichNamespace & { name: string; object: ObjectInput },
): Promise<ChangedObject> {
  const changed = await changePart(app, caller, {
    action: 'updateMetadefObject',
    which: input,
    part: partOf(input.object.name),
    issues: objectIssues(['object'], input.object),
    async work(tx, row) {
      const { properties, ...fields } = fieldsOf(input.object);
      const found = await findObjectRow(tx, row.id, findable(input.name));
      const { id } = requirePart(found, row, partOf(input.name));
      await updateObject(tx, id, fields);
      const written = await writeObjectProperties(
        tx,
        { namespaceId: row.id, id, name: fields.name },
        properties,
      );
      if (written.removed > 0) requireUnprotected(row);
      return id;
    },
  });
  return readObject(app, { ...changed, name: input.object.name });
}

/**
 * Returns the id of the object that is gone.
 * @throws as updateMetadefObject
 */
export async function removeMetadefObject(
  app: App,
  caller: Caller,
  input: WhichNamespace & { name: string },
): Promise<{ namespace: MetadefNamespace; id: string }> {
  const part = partOf(input.name);
  const { namespace, result } = await changePart(app, caller, {
    action: 'removeMetadefObject',
    which: input,
    part,
    issues: [],
    async work(tx, row) {
      requireUnprotected(row);
      return requirePart(await deleteObject(tx, row.id, findable(input.name)), row, part);
    },
  });
  return { namespace, id: result };
}

function fieldsOf(input: ObjectInput) {
  const { description = null, ...rest } = objectOf(input);
  return { ...rest, description };
}

/** As it stands now; somebody else may have removed it again. */
async function readObject(
  app: App,
  { namespace, result: id, name }: { namespace: MetadefNamespace; result: string; name: string },
): Promise<ChangedObject> {
  const [object] = await findObjectsById(app.db, [id]);
  return { namespace, object: requirePart(object, namespace, partOf(name)) };
}
