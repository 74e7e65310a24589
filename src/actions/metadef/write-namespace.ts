/** Creates, changes and deletes a namespace of metadata definitions with what is in it: all of it or nothing. */
import { transaction } from '../../db/client.ts';
import { sqlState } from '../../db/failure.ts';
import { addResourceTypes, writeContent } from '../../db/metadef/contents.ts';
import {
  deleteNamespaceRow,
  insertNamespace,
  type NamespaceRow,
  touchNamespace,
} from '../../db/metadef/namespaces.ts';
import { actorOf } from '../../domain/audit.ts';
import type { Caller } from '../../domain/caller.ts';
import { ConflictError, ValidationError, type ValidationIssue } from '../../domain/errors.ts';
import { type ContentInput, contentIssues, contentOf, namespaceIssues } from '../../domain/metadef/fields.ts';
import type { MetadefNamespace, MetadefVisibility, NamespaceFields } from '../../domain/metadef/metadef.ts';
import type { App } from '../app.ts';
import { recordingNamespace } from './record-namespace.ts';
import {
  namespaceAfterChange,
  nameTaken,
  requireLockedNamespace,
  requireManager,
  requireUnprotected,
  type WhichNamespace,
} from './require-namespace.ts';

/** What is left out gets its default. */
export interface CreateMetadefNamespace extends ContentInput {
  namespace: string;
  displayName?: string | null;
  description?: string | null;
  visibility?: MetadefVisibility | null;
  protected?: boolean | null;
  owner?: string | null;
}

/**
 * Returns the new namespace, at revision 1.
 *
 * @throws ForbiddenError  the caller is no admin
 * @throws ValidationError every mistake of the input at once
 * @throws ConflictError   ALREADY_EXISTS
 */
export async function createMetadefNamespace(
  app: App,
  caller: Caller,
  input: CreateMetadefNamespace,
): Promise<MetadefNamespace> {
  requireManager(app.policy, caller);
  refuse([...namespaceIssues(input), ...contentIssues(input)]);
  const fields: NamespaceFields = {
    namespace: input.namespace,
    displayName: input.displayName ?? null,
    description: input.description ?? null,
    visibility: input.visibility ?? 'private',
    protected: input.protected ?? false,
    owner: input.owner ?? caller.project,
  };
  await unlessTaken(fields.namespace, () =>
    transaction(app.db, async (tx) => {
      const content = contentOf(input);
      await addResourceTypes(tx, content.resourceTypes);
      const act = { by: actorOf(caller), action: 'createMetadefNamespace', id: null };
      await recordingNamespace(tx, act, async () => {
        const { id } = await insertNamespace(tx, fields);
        await writeContent(tx, id, content);
        return id;
      });
    }),
  );
  return namespaceAfterChange(app, fields.namespace);
}

/** Left out stays; null clears displayName and description. Each list given takes the place of the one there. */
export interface UpdateMetadefNamespace extends WhichNamespace, ContentInput {
  rename?: string | null;
  displayName?: string | null;
  description?: string | null;
  visibility?: MetadefVisibility | null;
  protected?: boolean | null;
  owner?: string | null;
}

/**
 * Returns the changed namespace; its revision grew by one, unless nothing was different.
 *
 * @throws NotFoundError   missing, or not to be seen
 * @throws ForbiddenError  the caller is no admin
 * @throws ValidationError every mistake of the input at once
 * @throws ConflictError   REVISION_MISMATCH; ALREADY_EXISTS: the new name; PROTECTED: a list leaves something out
 */
export async function updateMetadefNamespace(
  app: App,
  caller: Caller,
  input: UpdateMetadefNamespace,
): Promise<MetadefNamespace> {
  const name = input.rename ?? input.namespace;
  await unlessTaken(name, () =>
    transaction(app.db, async (tx) => {
      const row = await requireLockedNamespace(tx, caller, { ...input, policy: app.policy });
      refuse(updateIssues(input));
      const change = changedFields(row, input);
      const act = { by: actorOf(caller), action: 'updateMetadefNamespace', id: row.id };
      await recordingNamespace(tx, act, async () => {
        const written = await writeContent(tx, row.id, contentOf(input));
        if (written.removed > 0) requireUnprotected({ ...row, ...change });
        if (written.changed || Object.keys(change).length > 0) await touchNamespace(tx, row.id, change);
        return row.id;
      });
    }),
  );
  return namespaceAfterChange(app, name);
}

const notNull = [
  'rename',
  'visibility',
  'protected',
  'owner',
  'properties',
  'objects',
  'tags',
  'resourceTypes',
] as const satisfies (keyof UpdateMetadefNamespace)[];

function updateIssues(input: UpdateMetadefNamespace): ValidationIssue[] {
  const missing = notNull.flatMap((field) => {
    const message = `${field} cannot be null; leave it out to keep it.`;
    return input[field] === null ? [{ path: [field], code: 'REQUIRED', message, suggestion: null }] : [];
  });
  const { namespace: _, rename, ...rest } = input;
  const renamed = namespaceIssues({ namespace: rename }).map((issue) => ({ ...issue, path: ['rename'] }));
  return [...missing, ...renamed, ...namespaceIssues(rest), ...contentIssues(input)];
}

/** Only what is really different. */
function changedFields(row: NamespaceRow, input: UpdateMetadefNamespace): Partial<NamespaceFields> {
  const asked: Partial<NamespaceFields> = {
    namespace: input.rename ?? row.namespace,
    displayName: input.displayName === undefined ? row.displayName : input.displayName,
    description: input.description === undefined ? row.description : input.description,
    visibility: input.visibility ?? row.visibility,
    protected: input.protected ?? row.protected,
    owner: input.owner ?? row.owner,
  };
  const entries = Object.entries(asked).filter(
    ([field, value]) => row[field as keyof NamespaceFields] !== value,
  );
  return Object.fromEntries(entries);
}

/**
 * Removes a namespace with everything in it. Returns what it was.
 *
 * @throws NotFoundError, ForbiddenError as updateMetadefNamespace
 * @throws ConflictError PROTECTED, REVISION_MISMATCH
 */
export async function deleteMetadefNamespace(
  app: App,
  caller: Caller,
  input: WhichNamespace,
): Promise<{ id: string }> {
  return transaction(app.db, async (tx) => {
    const row = await requireLockedNamespace(tx, caller, { ...input, policy: app.policy });
    requireUnprotected(row);
    const act = { by: actorOf(caller), action: 'deleteMetadefNamespace', id: row.id };
    await recordingNamespace(tx, act, async () => {
      await deleteNamespaceRow(tx, row.id);
      return row.id;
    });
    return { id: row.id };
  });
}

function refuse(issues: ValidationIssue[]): void {
  if (issues.length > 0) throw new ValidationError(issues);
}

/** @throws ConflictError ALREADY_EXISTS for a unique violation of a namespace's name */
async function unlessTaken<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ConflictError) && sqlState(error) === '23505') throw nameTaken('Namespace', name);
    throw error;
  }
}
