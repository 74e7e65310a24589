/** The ways in which tokens are known, as the settings name them. Those of here are asked first: they cost nobody anything. */
import { type KeystoneTokensOptions, keystoneTokens } from './keystone.ts';
import { type OidcTokensOptions, oidcTokens } from './oidc.ts';
import type { IdentityWatch, TokenCheck } from './token-check.ts';
import { ensureTokensFile, openTokensFile } from './tokens.ts';

type Method = 'tokens' | 'keystone' | 'oidc';

export interface MethodsOptions {
  /** At least one; with a section of the settings that each needs. */
  auth: readonly Method[];
  tokensFile: string;
  /** True: it is made when it is missing. */
  tokensFileIsOurs: boolean;
  policy: { roles: readonly string[] };
  keystone: (KeystoneTokensOptions & { publicUrl: string }) | null;
  oidc: OidcTokensOptions | null;
}

export interface Methods {
  /** Those that are known on this machine. */
  here: readonly TokenCheck[];
  /** Those that another service has to be asked about, or about whose keys. */
  elsewhere: readonly TokenCheck[];
  /** For WWW-Authenticate. */
  challenge: string;
  /** Where callers get a token, for a sentence; null when nothing is known of that. */
  source: string | null;
}

/**
 * Keystone and the issuer need not answer now; that they do not is told.
 * @throws TokensFileError the tokens file is missing or wrong
 */
export async function openMethods(options: MethodsOptions, watch: IdentityWatch): Promise<Methods> {
  const has = (method: Method) => options.auth.includes(method);
  if (has('tokens') && options.tokensFileIsOurs) await ensureTokensFile(options.tokensFile);
  const file = has('tokens')
    ? await openTokensFile(options.tokensFile, watch.warn, options.policy.roles)
    : null;
  const oidc = has('oidc') && options.oidc ? oidcTokens(options.oidc, watch) : null;
  const keystone = has('keystone') && options.keystone ? keystoneTokens(options.keystone, watch) : null;
  for (const service of [oidc, keystone]) service?.probe().catch(() => {}); // told through `watch`
  return {
    here: file ? [file] : [],
    elsewhere: [oidc, keystone].filter((check) => check !== null),
    ...towards(keystone && options.keystone, oidc && options.oidc),
  };
}

function towards(
  keystone: MethodsOptions['keystone'],
  oidc: MethodsOptions['oidc'],
): Pick<Methods, 'challenge' | 'source'> {
  const sources = [keystone && `Keystone at ${keystone.publicUrl}`, oidc?.issuer];
  return {
    // As keystonemiddleware says it: clients of OpenStack look for it.
    challenge: keystone ? `Keystone uri="${keystone.publicUrl}"` : 'Bearer realm="vitrine"',
    source: sources.filter((source) => Boolean(source)).join(' or ') || null,
  };
}
