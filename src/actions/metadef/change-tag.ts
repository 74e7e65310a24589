/** One tag of a namespace added, renamed or removed. */
import { deleteTag, insertTag, renameTag } from '../../db/metadef/part-writes.ts';
import type { Caller } from '../../domain/caller.ts';
import { tagIssues } from '../../domain/metadef/fields.ts';
import type { MetadefNamespace } from '../../domain/metadef/metadef.ts';
import type { App } from '../app.ts';
import { changePart, findable, type PartName, requireNew, requirePart } from './change-part.ts';
import { requireUnprotected, type WhichNamespace } from './require-namespace.ts';

const partOf = (name: string): PartName => ({ what: 'Tag', name });

/**
 * Each returns the namespace as it stands then.
 *
 * @throws NotFoundError   the namespace or the tag is missing, or not to be seen
 * @throws ForbiddenError  the caller is no admin
 * @throws ValidationError a tag that cannot be one
 * @throws ConflictError   ALREADY_EXISTS, REVISION_MISMATCH; PROTECTED for a removal
 */
export async function addMetadefTag(
  app: App,
  caller: Caller,
  input: WhichNamespace & { tag: string },
): Promise<MetadefNamespace> {
  const part = partOf(input.tag);
  const { namespace } = await changePart(app, caller, {
    action: 'addMetadefTag',
    which: input,
    part,
    issues: tagIssues(['tag'], input.tag),
    work: async (tx, row) => requireNew(await insertTag(tx, row.id, input.tag), part),
  });
  return namespace;
}

export async function renameMetadefTag(
  app: App,
  caller: Caller,
  input: WhichNamespace & { tag: string; rename: string },
): Promise<MetadefNamespace> {
  const { namespace } = await changePart(app, caller, {
    action: 'renameMetadefTag',
    which: input,
    part: partOf(input.rename),
    issues: tagIssues(['rename'], input.rename),
    async work(tx, row) {
      const names = { name: findable(input.tag), rename: input.rename };
      return requirePart(await renameTag(tx, row.id, names), row, partOf(input.tag));
    },
  });
  return namespace;
}

export async function removeMetadefTag(
  app: App,
  caller: Caller,
  input: WhichNamespace & { tag: string },
): Promise<MetadefNamespace> {
  const part = partOf(input.tag);
  const { namespace } = await changePart(app, caller, {
    action: 'removeMetadefTag',
    which: input,
    part,
    issues: [],
    async work(tx, row) {
      requireUnprotected(row);
      return requirePart(await deleteTag(tx, row.id, findable(input.tag)), row, part);
    },
  });
  return namespace;
}
