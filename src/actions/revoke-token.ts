/** Takes a robot token away for ever. */
import { recordChange } from '../db/audit.ts';
import { transaction } from '../db/client.ts';
import { deleteToken, lockToken } from '../db/tokens.ts';
import { type Actor, actorOf, changesOf, tokenObject } from '../domain/audit.ts';
import type { Caller } from '../domain/caller.ts';
import { ForbiddenError, NotFoundError } from '../domain/errors.ts';
import { canSeeToken, mayRevokeToken } from '../domain/policy.ts';
import { requirePerson, type Token, tokenFields, tokenKey } from '../domain/token.ts';
import type { App } from './app.ts';
import { requireToken, requireWriter } from './require-image.ts';

/**
 * Returns the token that is gone. Requests that were let in with it end as they would have; all servers refuse new ones
 * within two seconds.
 *
 * @throws NotFoundError  missing, or not the caller's to see
 * @throws ForbiddenError seen, but not for this caller to revoke; or the caller is a robot
 */
export async function revokeToken(
  app: App,
  caller: Caller,
  input: { id: string; by?: Actor },
): Promise<Token> {
  requireToken(caller);
  requireWriter(caller);
  requirePerson(caller);
  const id = tokenKey(input.id);
  return transaction(app.db, async (tx) => {
    const token = id === null ? null : await lockToken(tx, id);
    if (!token || !canSeeToken(app.policy, caller, token)) {
      // Not quoted: it may be the secret that somebody gave by mistake.
      throw new NotFoundError('There is no such token; give its id, which a list has, and not its secret.');
    }
    if (!mayRevokeToken(app.policy, caller, token)) {
      const roles = caller.roles.join(', ') || 'none';
      throw new ForbiddenError(`You may not revoke this token (roles: ${roles}); ask its maker or an admin.`);
    }
    await deleteToken(tx, token.id);
    await recordChange(tx, {
      by: input.by ?? actorOf(caller),
      action: 'revokeToken',
      object: tokenObject(token),
      changes: changesOf(tokenFields(token), null),
    });
    return token;
  });
}
