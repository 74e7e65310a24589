/**
 * The keys that an OpenID Connect issuer signs with, found by discovery. They are looked at again every few minutes, and
 * when a token names one that is not known; while the issuer is away, those that are known go on.
 */
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWSHeaderParameters } from 'jose';
import { ask, jsonOf, notWhat } from '../cloud/ask.ts';
import { type Line, openLine } from '../cloud/http-call.ts';
import { serverFailure, statusFailure } from '../cloud/http-failure.ts';
import { careful } from './careful.ts';
import type { IdentityWatch } from './token-check.ts';

export interface IssuerOptions {
  /** As the tokens name it; https, or on this machine. */
  issuer: string;
  connectTimeoutMs: number;
  /** For discovery and keys together. */
  answerTimeoutMs: number;
}

type KeySet = ReturnType<typeof createLocalJWKSet>;
export type Key = Awaited<ReturnType<KeySet>>;

interface Known {
  keyOf: KeySet;
  /** When they came, in milliseconds of performance.now(). */
  at: number;
}

export interface IssuerKeys {
  /** @throws UnavailableError the issuer does not answer; errors.JWKSNoMatchingKey it has no such key */
  keyOf(header: JWSHeaderParameters): Promise<Key>;
  /** Whether the issuer can be asked now. @throws UnavailableError what is wrong */
  probe(): Promise<void>;
}

/** After this long the keys are looked at again, beside the request that finds them old. */
const freshMs = 5 * 60_000;
/** And after this long before it. */
const oldMs = 60 * 60_000;
/** Tokens that name unknown keys have them looked at no more often than this. */
const pauseMs = 1_000;

const server = { name: 'The identity provider' };

export function issuerKeys(options: IssuerOptions, watch: IdentityWatch): IssuerKeys {
  const line = openLine({ connectMs: options.connectTimeoutMs });
  const { answerTimeoutMs: timeoutMs } = options;
  const carefully = careful({ server, name: 'oidc', atOnce: 1, timeoutMs, watch });
  let known: Known | null = null;
  let loading: Promise<Known> | null = null;

  async function fetched(): Promise<Known> {
    const keys = await carefully((signal) => fetchKeys(options.issuer, line, signal));
    return { keyOf: createLocalJWKSet(keys as JSONWebKeySet), at: performance.now() };
  }

  function load(): Promise<Known> {
    loading ??= fetched()
      .then((found) => {
        known = found;
        return found;
      })
      .finally(() => {
        loading = null;
      });
    return loading;
  }

  const ageOf = ({ at }: Known) => performance.now() - at;

  async function current(): Promise<Known> {
    if (known === null) return load();
    const mayBeOld = known;
    if (ageOf(mayBeOld) > oldMs) return load().catch(() => mayBeOld);
    if (ageOf(mayBeOld) > freshMs) load().catch(() => {}); // told already
    return mayBeOld;
  }

  return {
    async keyOf(header) {
      const keys = await current();
      try {
        return await keys.keyOf(header);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || ageOf(keys) < pauseMs) throw error;
        return (await load()).keyOf(header);
      }
    },
    async probe() {
      await load();
    },
  };
}

/** OpenID Connect Discovery 1.0, 4; the keys have to come as safely as the issuer's own address. */
async function fetchKeys(issuer: string, line: Line, signal: AbortSignal): Promise<JSONWebKeySet> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const about = (await fetchJson(url, line, signal)) as { issuer?: unknown; jwks_uri?: unknown } | null;
  if (about?.issuer !== issuer) {
    throw refused('calls itself otherwise in its discovery document than oidc.issuer does');
  }
  const { jwks_uri: keysUrl } = about;
  const isUrl = typeof keysUrl === 'string' && URL.canParse(keysUrl);
  if (!isUrl || !isSafe(new URL(keysUrl), new URL(issuer))) {
    throw refused('has its keys at no https address');
  }
  const keys = (await fetchJson(keysUrl, line, signal)) as { keys?: unknown } | null;
  if (!Array.isArray(keys?.keys)) throw notWhat(server, 'a set of keys');
  return keys as JSONWebKeySet;
}

const isSafe = (url: URL, issuer: URL) => url.protocol === 'https:' || url.protocol === issuer.protocol;

async function fetchJson(url: string, line: Line, signal: AbortSignal): Promise<unknown> {
  const reply = await ask(server, {
    line,
    method: 'GET',
    url,
    headers: { accept: 'application/json' },
    signal,
  });
  if (reply.status !== 200) {
    throw statusFailure(server, reply.status, { retryAfter: reply.headers['retry-after'] });
  }
  return jsonOf(server, reply, 'JSON');
}

const refused = (what: string) => serverFailure(server, what);
