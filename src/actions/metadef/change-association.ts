/** That a namespace is for a type of resources: said, said otherwise, taken back. */
import { deleteAssociation, insertAssociation, updateAssociation } from '../../db/metadef/part-writes.ts';
import type { Caller } from '../../domain/caller.ts';
import { type AssociationInput, associationIssues, associationOf } from '../../domain/metadef/fields.ts';
import type { MetadefNamespace } from '../../domain/metadef/metadef.ts';
import type { App } from '../app.ts';
import { changePart, findable, type PartName, requireNew, requirePart } from './change-part.ts';
import { requireUnprotected, type WhichNamespace } from './require-namespace.ts';

const partOf = (name: string): PartName => ({ what: 'Resource type', name });

/**
 * Each returns the namespace as it stands then.
 *
 * @throws NotFoundError   the namespace or the association is missing, or not to be seen
 * @throws ForbiddenError  the caller is no admin
 * @throws ValidationError names that cannot be ones
 * @throws ConflictError   ALREADY_EXISTS, REVISION_MISMATCH; PROTECTED for a removal
 */
export async function addMetadefAssociation(
  app: App,
  caller: Caller,
  input: WhichNamespace & AssociationInput,
): Promise<MetadefNamespace> {
  const part = partOf(input.resourceType);
  const { namespace } = await changePart(app, caller, {
    action: 'addMetadefResourceTypeAssociation',
    which: input,
    part,
    issues: associationIssues([], input),
    work: async (tx, row) => requireNew(await insertAssociation(tx, row.id, associationOf(input)), part),
  });
  return namespace;
}

/** Prefix and target anew: what is left out goes. */
export async function updateMetadefAssociation(
  app: App,
  caller: Caller,
  input: WhichNamespace & AssociationInput,
): Promise<MetadefNamespace> {
  const part = partOf(input.resourceType);
  const { namespace } = await changePart(app, caller, {
    action: 'updateMetadefResourceTypeAssociation',
    which: input,
    part,
    issues: associationIssues([], input),
    work: async (tx, row) =>
      requirePart(await updateAssociation(tx, row.id, associationOf(input)), row, part),
  });
  return namespace;
}

export async function removeMetadefAssociation(
  app: App,
  caller: Caller,
  input: WhichNamespace & { resourceType: string },
): Promise<MetadefNamespace> {
  const part = partOf(input.resourceType);
  const { namespace } = await changePart(app, caller, {
    action: 'removeMetadefResourceTypeAssociation',
    which: input,
    part,
    issues: [],
    async work(tx, row) {
      requireUnprotected(row);
      return requirePart(await deleteAssociation(tx, row.id, findable(input.resourceType)), row, part);
    },
  });
  return namespace;
}
