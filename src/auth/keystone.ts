/**
 * Tokens of Keystone: each is validated with the service's own token, and what was found out is kept by its digest for
 * a short time, never beyond its expiry. A token that was revoked is noticed when that time is over.
 *
 *   token -> kept? -> one question at a time for each token -> GET /v3/auth/tokens -> Caller
 */
import { ask, jsonOf, notWhat } from '../cloud/ask.ts';
import { openLine } from '../cloud/http-call.ts';
import { serverFailure, statusFailure } from '../cloud/http-failure.ts';
import { type Grant, type KeystoneAccess, keystoneSession } from '../cloud/keystone.ts';
import { HttpStatus } from '../cloud/outage.ts';
import type { Caller } from '../domain/caller.ts';
import { UnavailableError } from '../domain/errors.ts';
import { careful } from './careful.ts';
import { type Finding, keptAnswers } from './kept-answers.ts';
import { type KeystoneToken, keystoneToken, saysUnknown } from './keystone-token.ts';
import { digestOf, type IdentityWatch, type TokenCheck } from './token-check.ts';

export interface KeystoneTokensOptions extends Omit<KeystoneAccess, 'authUrl'> {
  /** Ends in /v3. */
  url: string;
  connectTimeoutMs: number;
  /** For all that has to be asked about one token. */
  tokenTimeoutMs: number;
  /** How long an answer is kept. */
  tokenCacheMs: number;
  /** A service token with one of them makes an expired token of a user good. */
  serviceRoles: readonly string[];
}

export interface KeystoneTokens extends TokenCheck {
  /** Whether Keystone answers and lets us look at tokens: who we are there. @throws UnavailableError what is wrong */
  probe(): Promise<Caller>;
}

const server = { name: 'Keystone' };
/** Questions at once; Keystone has few processes. */
const atOnce = 16;
const goodMax = 10_000;
const badMax = 10_000;
/** A token that Keystone does not know yet, since its servers have not told each other, need not wait longer. */
const badKeepMs = 5_000;
/** Fernet, JWS and UUID tokens; what looks otherwise is not sent there. */
const looksLikeOne = /^[\w.~+/=-]{8,8192}$/;

export function keystoneTokens(options: KeystoneTokensOptions, watch: IdentityWatch): KeystoneTokens {
  const { url, tokenTimeoutMs, tokenCacheMs } = options;
  const line = openLine({ connectMs: options.connectTimeoutMs });
  const access = { ...options, authUrl: url };
  // Over before those who wait for it are: the next one begins a new login.
  const loginMs = tokenTimeoutMs * 0.9;
  const session = keystoneSession({ server, access, line, now: Date.now, loginMs });
  const carefully = careful({ server, name: 'keystone', atOnce, timeoutMs: tokenTimeoutMs, isAway, watch });
  const kept = keptAnswers<Caller>({ goodMax, badMax, now: () => performance.now() });
  const serviceRoles = new Set(options.serviceRoles.map((role) => role.toLowerCase()));

  function question(token: string, grant: Grant, { evenExpired, signal }: Asking) {
    return ask(server, {
      line,
      method: 'GET',
      url: `${url}/auth/tokens?nocatalog${evenExpired ? '&allow_expired=1' : ''}`,
      headers: { 'x-auth-token': grant.token, 'x-subject-token': token },
      signal,
    });
  }

  /** With a token of ours that is accepted. Null: Keystone knows no such token, or no longer. */
  async function validate(token: string, asking: Asking): Promise<KeystoneToken | null> {
    const grant = await session.grant();
    let reply = await question(token, grant, asking);
    if (reply.status === 401) {
      session.forget(grant);
      reply = await question(token, await session.grant(), asking);
    }
    const { status, headers } = reply;
    if (status === 404 && saysUnknown(reply.text)) return null;
    if (status !== 200) throw statusFailure(server, status, { retryAfter: headers['retry-after'] });
    const found = keystoneToken(jsonOf(server, reply, 'a token'));
    if (!found) throw notWhat(server, 'a token');
    return found;
  }

  async function find(token: string, evenExpired: boolean): Promise<Finding<Caller>> {
    const found = await carefully((signal) => validate(token, { evenExpired, signal }));
    if (!found) return { value: null, keepMs: Math.min(badKeepMs, tokenCacheMs) };
    const leftMs = found.expiresAt - Date.now();
    return { value: found.caller, keepMs: evenExpired ? tokenCacheMs : Math.min(tokenCacheMs, leftMs) };
  }

  const lookUp = (token: string, { evenExpired = false } = {}) =>
    kept.get(`${digestOf(token)}${evenExpired ? ' even expired' : ''}`, () => find(token, evenExpired));

  async function isOfService(token: string): Promise<boolean> {
    const service = looksLikeOne.test(token) ? await lookUp(token) : null;
    return service?.roles.some((role) => serviceRoles.has(role)) ?? false;
  }

  return {
    async callerOf(token, beside) {
      if (!looksLikeOne.test(token)) return null;
      const caller = await lookUp(token);
      const serviceToken = beside?.serviceToken ?? null;
      if (caller || serviceToken === null || !(await isOfService(serviceToken))) return caller;
      return lookUp(token, { evenExpired: true });
    },
    async probe() {
      const own = await carefully(async (signal) => {
        const { token } = await session.grant();
        const found = await validate(token, { evenExpired: false, signal });
        // One's own token everybody may look at; for those of others Keystone's policy wants one of these.
        if (found?.caller.isAdmin || found?.caller.roles.includes('service')) return found.caller;
        throw new UnavailableError(
          'Keystone gives us neither the role service nor admin, and without one it lets nobody look at tokens; grant it to the user of the section keystone.',
        );
      });
      if (!own) throw serverFailure(server, 'does not know the token that it has just given us');
      return own;
    },
  };
}

/**
 * Not any answer: Keystone may say 403 or 500 of a single odd token, and whoever has one must not keep others out. That
 * our own credentials are wrong (401) counts, since an account can be locked by trying again and again.
 */
function isAway({ cause }: UnavailableError): boolean {
  return !(cause instanceof HttpStatus) || [401, 429, 502, 503, 504].includes(cause.status);
}

interface Asking {
  /** A token that has expired is good as well, within Keystone's own window. */
  evenExpired: boolean;
  signal: AbortSignal;
}
