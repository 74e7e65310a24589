/** A page of the audit log, newest first: all of it for an admin, for others what is about objects of their project. */
import { type AuditScope, auditExistsBeyond, auditKeyTypes, countAudit, findAuditPage } from '../db/audit.ts';
import type { AuditEntry } from '../domain/audit.ts';
import type { Caller } from '../domain/caller.ts';
import { ForbiddenError } from '../domain/errors.ts';
import { auditReadBy } from '../domain/policy.ts';
import type { AuditFilter } from '../search/audit-filter.ts';
import { makeCursor, readCursor } from '../search/cursor.ts';
import type { App } from './app.ts';
import { type PageInput, readPage } from './list-images.ts';
import { requireToken } from './require-image.ts';

export interface ListAudit {
  where: AuditFilter;
  page: PageInput;
}

/** What costs a statement of its own is a function: asked only when somebody wants to know. */
export interface AuditList {
  entries: AuditEntry[];
  cursorOf(entry: AuditEntry): string;
  hasNextPage(): Promise<boolean>;
  hasPreviousPage(): Promise<boolean>;
  totalCount(): Promise<number>;
}

const cursorScope = 'auditLog';

/**
 * @throws ForbiddenError  the caller has no role, or no project, or a token that is for certain images only
 * @throws ValidationError a page size out of range, both directions at once
 * @throws BadCursorError  the cursor is of another list, or not ours
 * @throws TimeoutError    the filter finds too little in too much; say from and until
 */
export async function listAudit(
  app: App,
  caller: Caller,
  { where, page: input }: ListAudit,
): Promise<AuditList> {
  requireToken(caller);
  const readable = auditReadBy(app.policy, caller);
  if (readable === 'none') {
    throw new ForbiddenError(
      caller.robot?.imageFilter
        ? 'This token is for certain images only, and the audit log tells of all; ask with another one.'
        : 'Reading the audit log needs the role reader in a project.',
    );
  }
  const scope: AuditScope = { readable, where };
  const { limit, cursor, backward } = readPage(input);
  const from = cursor === null ? null : readCursor(cursor, cursorScope, auditKeyTypes);
  const { entries, hasMore } = await findAuditPage(app.db, scope, { limit, from, backward });
  // Against the direction read there is more when anything stands at the cursor or behind it.
  const moreBehind = async () =>
    from !== null && auditExistsBeyond(app.db, scope, { from, backward: !backward });
  return {
    entries,
    cursorOf: ({ at, id }) => makeCursor(cursorScope, [at, id]),
    hasNextPage: async () => (backward ? moreBehind() : hasMore),
    hasPreviousPage: async () => (backward ? hasMore : moreBehind()),
    totalCount: () => countAudit(app.db, scope),
  };
}
