/** From the headers of a request to who asks. Headers that only a proxy could vouch for (X-User-Id, X-Roles ...) are not read. */
import type { IncomingHttpHeaders } from 'node:http';
import { anonymous, type Caller } from '../domain/caller.ts';
import { UnauthenticatedError } from '../domain/errors.ts';
import type { TokenCheck } from './token-check.ts';

/**
 * The caller; anonymous when no token came.
 * @throws UnauthenticatedError a token came that nobody knows, or that is no longer good
 * @throws UnavailableError     whoever would know it does not answer
 */
export type Authenticate = (headers: IncomingHttpHeaders) => Promise<Caller>;

/** Asks one after the other until one knows the token. `source`: where callers get one, for a sentence. */
export function authenticateWith(checks: readonly TokenCheck[], source: string | null = null): Authenticate {
  const from = source === null ? '' : ` from ${source}`;
  return async (headers) => {
    const token = tokenIn(headers);
    if (token === null) return anonymous;
    const beside = { serviceToken: textIn(headers, 'x-service-token') };
    for (const check of checks) {
      const caller = await check.callerOf(token, beside);
      if (caller) return caller;
    }
    throw new UnauthenticatedError(`The token is not known or no longer good; get a new one${from}.`);
  };
}

/** X-Auth-Token, or Authorization: Bearer; null when neither came. @throws UnauthenticatedError both, differing */
function tokenIn(headers: IncomingHttpHeaders): string | null {
  const own = textIn(headers, 'x-auth-token');
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1] ?? null;
  if (own !== null && bearer !== null && bearer !== own) {
    throw new UnauthenticatedError(
      'X-Auth-Token and Authorization carry different tokens; send one of them.',
    );
  }
  return own ?? bearer;
}

function textIn(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : null;
}
