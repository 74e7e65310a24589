/**
 * A session with Keystone v3: one token for all calls of a store, fetched when first needed, renewed before it runs
 * out and when the object store no longer accepts it. Calls that need one at the same time wait for the same.
 */
import { UnavailableError } from '../../domain/errors.ts';
import { call, drop, type Line, textOf } from '../http-call.ts';
import { connectionFailure, statusFailure } from '../http-failure.ts';

export interface KeystoneAccess {
  /** Ends in /v3. */
  authUrl: string;
  region?: string | undefined;
  interface: 'public' | 'internal' | 'admin';
  username?: string | undefined;
  password?: string | undefined;
  userDomain: string;
  project?: string | undefined;
  projectDomain: string;
  applicationCredentialId?: string | undefined;
  applicationCredentialSecret?: string | undefined;
}

export interface Grant {
  token: string;
  /** Of the account in the object store, without a slash at its end. */
  url: string;
}

export interface Session {
  grant(): Promise<Grant>;
  /** The grant is not accepted any more: the next one is another. */
  forget(grant: Grant): void;
}

export interface SessionOptions {
  store: string;
  access: KeystoneAccess;
  line: Line;
  now: () => number;
}

/** A token is not used in its last minute: what begins with it has to be over by then. */
const marginMs = 60_000;
/** Independent of the calls that wait for it, which come and go. */
const patienceMs = 30_000;

export function keystoneSession({ store, access, line, now }: SessionOptions): Session {
  let held: { grant: Promise<Grant>; token: string | null; until: number } | null = null;

  async function fetchGrant(): Promise<{ grant: Grant; until: number }> {
    const answer = await call({
      line,
      method: 'POST',
      url: `${access.authUrl}/auth/tokens`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth: authOf(access) }),
      signal: AbortSignal.timeout(patienceMs),
    });
    const status = answer.statusCode ?? 0;
    const token = answer.headers['x-subject-token'];
    if (status !== 201 || typeof token !== 'string') {
      drop(answer);
      throw statusFailure(store, status, { retryAfter: answer.headers['retry-after'] });
    }
    const { token: body } = JSON.parse(await textOf(answer)) as { token: TokenBody };
    const expires = new Date(body.expires_at).getTime();
    return { grant: { token, url: accountUrl(store, body, access) }, until: expires - marginMs };
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
        throw connectionFailure(store, error);
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

function accountUrl(store: string, { catalog = [] }: TokenBody, access: KeystoneAccess): string {
  const endpoints = catalog
    .filter(({ type }) => type === 'object-store')
    .flatMap((service) => service.endpoints);
  const found = endpoints.find(
    (endpoint) =>
      endpoint.interface === access.interface &&
      (access.region === undefined || (endpoint.region_id ?? endpoint.region) === access.region),
  );
  if (found) return found.url.replace(/\/+$/, '');
  const where = access.region === undefined ? '' : ` in region ${access.region}`;
  const message = `Store ${store} refused: Keystone's catalog has no ${access.interface} object-store endpoint${where}`;
  throw new UnavailableError(`${message}; set region and interface to one that it has`, { store });
}
