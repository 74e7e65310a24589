/** Takes a robot token away for ever. */
import { transaction } from '../db/client.ts';
import { deleteToken, lockToken } from '../db/tokens.ts';
import type { Caller } from '../domain/caller.ts';
import { NotFoundError } from '../domain/errors.ts';
import { parseImageId } from '../domain/image.ts';
import { canSeeToken, requirePerson, type Token } from '../domain/token.ts';
import type { App } from './app.ts';
import { requireToken, requireWriter } from './require-image.ts';

/**
 * Returns the token that is gone. Requests that were let in with it end as they would have; all servers refuse new ones
 * within two seconds.
 *
 * @throws NotFoundError  missing, or not the caller's to see
 * @throws ForbiddenError the caller is a robot
 */
export async function revokeToken(app: App, caller: Caller, input: { id: string }): Promise<Token> {
  requireToken(caller);
  requireWriter(caller);
  requirePerson(caller);
  const id = parseImageId(input.id.replace(/^Token:/, ''));
  return transaction(app.db, async (tx) => {
    const token = id === null ? null : await lockToken(tx, id);
    if (!token || !canSeeToken(caller, token)) {
      // Not quoted: it may be the secret that somebody gave by mistake.
      throw new NotFoundError('There is no such token; give its id, which a list has, and not its secret.');
    }
    await deleteToken(tx, token.id);
    return token;
  });
}
