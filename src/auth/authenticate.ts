/** From the headers of a request to who asks. */
import type { IncomingHttpHeaders } from 'node:http';
import { anonymous, type Caller } from '../domain/caller.ts';
import { UnauthenticatedError } from '../domain/errors.ts';
import type { TokenCheck } from './tokens.ts';

/**
 * The caller; anonymous when no token came.
 * @throws UnauthenticatedError a token came that nobody knows
 */
export type Authenticate = (headers: IncomingHttpHeaders) => Promise<Caller>;

export function authenticateWith(tokens: TokenCheck): Authenticate {
  return async (headers) => {
    const token = tokenIn(headers);
    if (token === null) return anonymous;
    const caller = await tokens.callerOf(token);
    if (!caller) throw new UnauthenticatedError('The token is not known or no longer good; get a new one.');
    return caller;
  };
}

/** X-Auth-Token, or Authorization: Bearer; null when neither came. @throws UnauthenticatedError both, differing */
function tokenIn(headers: IncomingHttpHeaders): string | null {
  const own = headers['x-auth-token'];
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1] ?? null;
  if (typeof own === 'string' && own !== '') {
    if (bearer !== null && bearer !== own) {
      throw new UnauthenticatedError(
        'X-Auth-Token and Authorization carry different tokens; send one of them.',
      );
    }
    return own;
  }
  return bearer;
}
