/** What a change of a namespace leaves in the audit log: what is different in it, whatever made it so. */
import { recordChange } from '../../db/audit.ts';
import type { Statements } from '../../db/client.ts';
import { readNamespaceIn } from '../../db/metadef/contents.ts';
import { type Actor, changesOf } from '../../domain/audit.ts';
import type { NamedDefinition, NamespaceDocument } from '../../domain/metadef/metadef.ts';

export interface NamespaceAct {
  by: Actor;
  action: string;
  /** Null: `work` makes it. */
  id: string | null;
}

/**
 * Does `work`, which gives the id of the namespace, and records what became different by it, if anything did. Its row
 * is locked by then, or nobody else knows of it.
 */
export async function recordingNamespace(
  tx: Statements,
  { by, action, id }: NamespaceAct,
  work: () => Promise<string>,
): Promise<void> {
  const before = id === null ? null : await readNamespaceIn(tx, id);
  const known = await work();
  const after = await readNamespaceIn(tx, known);
  const changes = changesOf(before && fieldsOf(before), after && fieldsOf(after));
  const seen = before ?? after;
  if (changes.length === 0 || !seen) return;
  const object = { type: 'metadefNamespace', id: known, name: seen.namespace, owner: seen.owner } as const;
  await recordChange(tx, { by, action, object, changes });
}

/** Each part under its name. */
function fieldsOf({ namespace, displayName, description, visibility, owner, ...rest }: NamespaceDocument) {
  const { protected: isProtected, properties, objects, tags, resourceTypes } = rest;
  return {
    ...{ namespace, displayName, description, visibility, owner, protected: isProtected, tags },
    properties: byName(properties),
    objects: byName(objects.map(({ properties: _, ...object }) => object)),
    objectProperties: byName(
      objects.flatMap((object) =>
        object.properties.map((one) => ({ ...one, name: `${object.name}.${one.name}` })),
      ),
    ),
    resourceTypes: Object.fromEntries(resourceTypes.map(({ resourceType, ...one }) => [resourceType, one])),
  };
}

const byName = (items: readonly (Pick<NamedDefinition, 'name'> & object)[]) =>
  Object.fromEntries(items.map(({ name, ...rest }) => [name, rest]));
