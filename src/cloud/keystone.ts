/**
 * A session with Keystone v3: one token for all calls to a service, fetched when first needed, renewed before it runs
 * out and when the service no longer accepts it. Calls that need one at the same time wait for the same.
 */
import { ask, jsonOf } from './ask.ts';
import type { Line } from './http-call.ts';
import { connectionFailure, type Server, statusFailure } from './http-failure.ts';

export interface KeystoneAccess {
  /** Ends in /v3. */
  authUrl: string;
  username?: string | undefined;
  password?: string | undefined;
  userDomain: string;
  project?: string | undefined;
  projectDomain: string;
  applicationCredentialId?: string | undefined;
  applicationCredentialSecret?: string | undefined;
  /** For the whole system, in place of the project. */
  isForSystem?: boolean | undefined;
}

export type EndpointInterface = 'public' | 'internal' | 'admin';

export interface Endpoint {
  /** Of its service: image, object-store. */
  type: string;
  interface: string;
  region: string | null;
  /** Without a slash at its end. */
  url: string;
}

export interface Grant {
  token: string;
  /** What the catalog has. */
  endpoints: readonly Endpoint[];
}

export interface Session {
  grant(): Promise<Grant>;
  /** The grant is not accepted any more: the next one is another. */
  forget(grant: Grant): void;
}

export interface SessionOptions {
  /** As failures name it. */
  server: Server;
  access: KeystoneAccess;
  line: Line;
  now: () => number;
  loginMs?: number;
}

/** A token is not used in its last minute: what begins with it has to be over by then. */
const marginMs = 60_000;
/** How long a login may take: independent of the calls that wait for it, which come and go. */
const usualLoginMs = 30_000;

export function keystoneSession({
  server,
  access,
  line,
  now,
  loginMs = usualLoginMs,
}: SessionOptions): Session {
  let held: { grant: Promise<Grant>; token: string | null; until: number } | null = null;

  async function fetchGrant(): Promise<{ grant: Grant; until: number }> {
    const answer = await ask(server, {
      line,
      method: 'POST',
      url: `${access.authUrl}/auth/tokens`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth: authOf(access) }),
      signal: AbortSignal.timeout(loginMs),
    });
    const { status, headers } = answer;
    const token = headers['x-subject-token'];
    if (status !== 201 || typeof token !== 'string') {
      throw statusFailure(server, status, { retryAfter: headers['retry-after'] });
    }
    const { token: body } = jsonOf(server, answer, 'a token') as { token: TokenBody };
    const expires = new Date(body.expires_at).getTime();
    return { grant: { token, endpoints: endpointsOf(body) }, until: expires - marginMs };
  }

  function renew(): Promise<Grant> {
    const fetching = fetchGrant();
    const grant = fetching.then((fetched) => fetched.grant);
    const renewed = { grant, token: null as string | null, until: Number.POSITIVE_INFINITY };
    held = renewed;
    fetching.then(
      (fetched) => Object.assign(renewed, { token: fetched.grant.token, until: fetched.until }),
      () => {
        if (held === renewed) held = null;
      },
    );
    return renewed.grant;
  }

  return {
    async grant() {
      try {
        return await (held && held.until > now() ? held.grant : renew());
      } catch (error) {
        throw connectionFailure(server, error);
      }
    },
    forget(old) {
      if (held?.token === old.token) held = null;
    },
  };
}

/** What Keystone wants to read: the Identity API v3, "Password authentication" and "Application credential". */
function authOf(access: KeystoneAccess): object {
  const { applicationCredentialId: id, applicationCredentialSecret: secret } = access;
  if (id !== undefined) {
    return { identity: { methods: ['application_credential'], application_credential: { id, secret } } };
  }
  const domain = (name: string) => (name === 'default' ? { id: name } : { name });
  const user = { name: access.username, domain: domain(access.userDomain), password: access.password };
  if (access.isForSystem) {
    return { identity: { methods: ['password'], password: { user } }, scope: { system: { all: true } } };
  }
  const project = { name: access.project, domain: domain(access.projectDomain) };
  return { identity: { methods: ['password'], password: { user } }, scope: { project } };
}

interface TokenBody {
  expires_at: string;
  catalog?: {
    type: string;
    endpoints: { interface: string; region?: string; region_id?: string; url: string }[];
  }[];
}

function endpointsOf({ catalog = [] }: TokenBody): Endpoint[] {
  return catalog.flatMap(({ type, endpoints }) =>
    endpoints.map(({ interface: name, region, region_id, url }) => ({
      type,
      interface: name,
      region: region_id ?? region ?? null,
      url: url.replace(/\/+$/, ''),
    })),
  );
}
