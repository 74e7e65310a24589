/** The step that most actions on metadata definitions begin with: the namespace, seen and allowed. */
import type { Statements } from '../../db/client.ts';
import { findNamespace, lockNamespace, type NamespaceRow } from '../../db/metadef/namespaces.ts';
import type { Caller } from '../../domain/caller.ts';
import { ConflictError, ForbiddenError, NotFoundError } from '../../domain/errors.ts';
import type { MetadefNamespace } from '../../domain/metadef/metadef.ts';
import { canSeeNamespace, mayManageMetadefs, type Policy } from '../../domain/policy.ts';
import type { App } from '../app.ts';
import { requireToken, requireWriter } from '../require-image.ts';

/** A name as messages have it. */
export const quoted = (name: string) => JSON.stringify(name.slice(0, 80).toWellFormed());

/** Text that nothing in the database can be called. */
export const isStorable = (text: string) => !text.includes('\0') && text.isWellFormed();

const noNamespace = (name: string) => new NotFoundError(`No namespace ${quoted(name)} was found.`);

/** Null when it is missing or not to be seen. */
export async function findMetadefNamespace(
  app: App,
  caller: Caller,
  name: string,
): Promise<MetadefNamespace | null> {
  requireToken(caller);
  const found = isStorable(name) ? await findNamespace(app.db, name) : null;
  return found && canSeeNamespace(caller, found) ? found : null;
}

/** @throws NotFoundError missing, or not to be seen */
export async function requireMetadefNamespace(
  app: App,
  caller: Caller,
  name: string,
): Promise<MetadefNamespace> {
  const found = await findMetadefNamespace(app, caller, name);
  if (!found) throw noNamespace(name);
  return found;
}

/**
 * The namespace as it stands after a change, whether or not the one who made it sees it.
 * @throws NotFoundError it was removed meanwhile
 */
export async function namespaceAfterChange(app: App, name: string): Promise<MetadefNamespace> {
  const found = await findNamespace(app.db, name);
  if (!found) throw noNamespace(name);
  return found;
}

/** @throws ForbiddenError the caller writes no definitions */
export function requireManager(policy: Policy, caller: Caller): void {
  requireToken(caller);
  requireWriter(caller);
  if (mayManageMetadefs(policy, caller)) return;
  throw new ForbiddenError('Only an admin changes metadata definitions; ask one.');
}

export interface WhichNamespace {
  namespace: string;
  ifRevision?: number | null;
}

/**
 * The namespace's row, locked until the transaction ends.
 * @throws NotFoundError  missing, or not to be seen
 * @throws ForbiddenError seen, but the caller writes no definitions
 * @throws ConflictError  REVISION_MISMATCH
 */
export async function requireLockedNamespace(
  tx: Statements,
  caller: Caller,
  { namespace, ifRevision, policy }: WhichNamespace & { policy: Policy },
): Promise<NamespaceRow> {
  requireToken(caller);
  const row = isStorable(namespace) ? await lockNamespace(tx, namespace) : null;
  if (!row || !canSeeNamespace(caller, row)) throw noNamespace(namespace);
  requireManager(policy, caller);
  if (ifRevision != null && ifRevision !== row.revision) {
    const message = `Namespace ${row.namespace} is at revision ${row.revision}, not ${ifRevision}; read it again and decide anew.`;
    throw new ConflictError('REVISION_MISMATCH', message, row.revision);
  }
  return row;
}

/** @throws ConflictError PROTECTED: neither the namespace nor anything in it can be removed */
export function requireUnprotected(row: Pick<NamespaceRow, 'namespace' | 'protected'>): void {
  if (!row.protected) return;
  throw new ConflictError(
    'PROTECTED',
    `Namespace ${row.namespace} is protected, and so is all that is in it; set protected to false first.`,
  );
}

export const nameTaken = (what: string, name: string) =>
  new ConflictError(
    'ALREADY_EXISTS',
    `${what} ${quoted(name)} exists already; take another name, or change that one.`,
  );
