/** What changes of single parts of a namespace share: the namespace locked, the part written, the revision grown. */
import { type Statements, transaction } from '../../db/client.ts';
import { sqlState } from '../../db/failure.ts';
import { type NamespaceRow, touchNamespace } from '../../db/metadef/namespaces.ts';
import { actorOf } from '../../domain/audit.ts';
import type { Caller } from '../../domain/caller.ts';
import { NotFoundError, ValidationError, type ValidationIssue } from '../../domain/errors.ts';
import type { MetadefNamespace } from '../../domain/metadef/metadef.ts';
import type { App } from '../app.ts';
import { recordingNamespace } from './record-namespace.ts';
import {
  isStorable,
  namespaceAfterChange,
  nameTaken,
  quoted,
  requireLockedNamespace,
  type WhichNamespace,
} from './require-namespace.ts';

/** A part as messages call it. */
export interface PartName {
  what: 'Property' | 'Object' | 'Tag' | 'Resource type';
  name: string;
}

export interface PartChange<T> {
  /** The mutation. */
  action: string;
  which: WhichNamespace;
  /** The part as it is called after the change: what a clash of names is about. */
  part: PartName;
  issues: ValidationIssue[];
  work(tx: Statements, row: NamespaceRow): Promise<T>;
}

/**
 * The namespace as it stands after the change, with what `work` gave.
 *
 * @throws NotFoundError, ForbiddenError, ConflictError as requireLockedNamespace
 * @throws ValidationError the issues, when there are any
 * @throws ConflictError   ALREADY_EXISTS: another part has that name
 */
export async function changePart<T>(
  app: App,
  caller: Caller,
  { action, which, part, issues, work }: PartChange<T>,
): Promise<{ namespace: MetadefNamespace; result: T }> {
  try {
    const result = await transaction(app.db, async (tx) => {
      const row = await requireLockedNamespace(tx, caller, { ...which, policy: app.policy });
      if (issues.length > 0) throw new ValidationError(issues);
      let done: T | undefined;
      await recordingNamespace(tx, { by: actorOf(caller), action, id: row.id }, async () => {
        done = await work(tx, row);
        await touchNamespace(tx, row.id);
        return row.id;
      });
      return done as T;
    });
    return { namespace: await namespaceAfterChange(app, which.namespace), result };
  } catch (error) {
    if (sqlState(error) === '23505') throw nameTaken(part.what, part.name);
    throw error;
  }
}

/** @throws ConflictError ALREADY_EXISTS nothing was added, since one of that name is there */
export function requireNew<T>(added: T | null | false, { what, name }: PartName): T {
  if (added === null || added === false) throw nameTaken(what, name);
  return added;
}

/** @throws NotFoundError there is none of that name in the namespace */
export function requirePart<T>(
  found: T | null | undefined | false,
  { namespace }: Pick<NamespaceRow, 'namespace'>,
  { what, name }: PartName,
): T {
  if (found !== null && found !== undefined && found !== false) return found;
  throw new NotFoundError(`${what} ${quoted(name)} was not found in namespace ${namespace}.`);
}

/** A name to look a part up by: one that nothing can be called finds nothing. */
export const findable = (name: string) => (isStorable(name) ? name : '');
