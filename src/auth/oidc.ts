/**
 * JWTs of an OpenID Connect issuer: signature, issuer, audience and times are looked at here, without asking anybody but
 * for the issuer's keys. Such a token is good until it expires; there is no revocation.
 */
import { decodeJwt, errors, type JWSHeaderParameters, type JWTPayload, jwtVerify } from 'jose';
import { UnauthenticatedError } from '../domain/errors.ts';
import { type ClaimNames, callerOfClaims } from './claims.ts';
import { type IssuerOptions, issuerKeys } from './issuer-keys.ts';
import type { IdentityWatch, TokenCheck } from './token-check.ts';

export interface OidcTokensOptions extends IssuerOptions {
  /** The token is for one of them. */
  audience: readonly string[];
  claims: ClaimNames;
  /** Never a symmetric one. */
  algorithms: readonly string[];
  /** By how much clocks may differ. */
  leewayMs: number;
}

export interface OidcTokens extends TokenCheck {
  /** Whether the issuer can be asked now. @throws UnavailableError what is wrong */
  probe(): Promise<void>;
}

export function oidcTokens(options: OidcTokensOptions, watch: IdentityWatch): OidcTokens {
  const { issuer, claims } = options;
  const keys = issuerKeys(options, watch);
  const rules = {
    issuer,
    audience: [...options.audience],
    algorithms: [...options.algorithms],
    clockTolerance: options.leewayMs / 1000,
    requiredClaims: ['exp'],
  };

  async function verified(token: string): Promise<JWTPayload> {
    try {
      const keyOf = (header: JWSHeaderParameters) => keys.keyOf(header);
      const { payload } = await jwtVerify(token, keyOf, rules);
      return payload;
    } catch (error) {
      throw error instanceof errors.JOSEError ? refusal(error) : error;
    }
  }

  return {
    async callerOf(token) {
      if (issuerOf(token) !== issuer) return null;
      return callerOfClaims(await verified(token), claims);
    },
    probe: () => keys.probe(),
  };
}

/** Whose token it says it is; null when it is no JWT. */
function issuerOf(token: string): string | null {
  if (!/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)) return null;
  try {
    return decodeJwt(token).iss ?? null;
  } catch {
    return null;
  }
}

/** The sentence for what its bearer can do something about; what is wrong with a forged one is not told. */
function refusal(error: errors.JOSEError): UnauthenticatedError {
  const why = whyOf(error);
  return new UnauthenticatedError(`The token ${why}; get a new one from the identity provider.`);
}

function whyOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'has expired';
  if (error instanceof errors.JOSEAlgNotAllowed)
    return 'is signed with an algorithm that is not allowed here';
  if (error instanceof errors.JWKSNoMatchingKey) return 'is signed with a key that the issuer does not have';
  if (!(error instanceof errors.JWTClaimValidationFailed))
    return 'is not well-formed, or not signed by its issuer';
  const { claim, reason } = error;
  if (reason === 'missing') return `has no claim ${claim}`;
  if (claim === 'aud') return 'is for another audience';
  return claim === 'nbf' ? 'is not good yet' : `has a claim ${claim} that is not right`;
}
