/**
 * As much of Keystone v3 as validation of tokens needs, over the wire and in memory: for faults, counts and answers that
 * a real one cannot be told to have. The service is `vitrine`, with the password `servicePassword`.
 */
import { planted } from './planted.ts';
import { type WireAnswer, type WireRequest, type WireServer, wireServer } from './wire-server.ts';

export interface IssuedToken {
  user?: string;
  project?: string;
  domain?: string;
  system?: boolean;
  roles?: string[];
  /** How long it is good. */
  ms?: number;
}

export interface KeystoneServer extends WireServer {
  /** Gives a token out. */
  issue(token?: IssuedToken): string;
  revoke(token: string): void;
  /** The service's own tokens are no longer accepted. */
  revokeOwn(): void;
  /** Whether it is a token of the service that is accepted. */
  isOwn(token: string): boolean;
  /** How many tokens it was asked about. */
  validations(): number;
  logins(): number;
}

export const servicePassword = planted('password');

interface Held {
  expiresAt: number;
  body: object;
}

const error = (code: number): WireAnswer => ({
  status: code,
  body: JSON.stringify({ error: { code, title: 'x', message: 'Could not recognize Fernet token' } }),
});

export async function keystoneServer(): Promise<KeystoneServer> {
  const issued = new Map<string, Held>();
  const own = new Set<string>();
  const aToken = () => `gAAAA-${planted('keystone')}`;

  function hold({ user = 'u', project, domain, system, roles = [], ms = 3_600_000 }: IssuedToken): string {
    const token = aToken();
    const expiresAt = Date.now() + ms;
    const body = {
      token: {
        methods: ['password'],
        user: { id: user, name: `${user}-name`, domain: { id: 'default' } },
        ...(project ? { project: { id: project, name: `${project}-name` } } : {}),
        ...(domain ? { domain: { id: domain } } : {}),
        ...(system ? { system: { all: true } } : {}),
        ...(project || domain || system ? { roles: roles.map((name) => ({ id: `id-${name}`, name })) } : {}),
        expires_at: new Date(expiresAt).toISOString().replace('Z', '000Z'),
      },
    };
    issued.set(token, { expiresAt, body });
    return token;
  }

  function login({ body }: WireRequest): WireAnswer {
    const { identity } = JSON.parse(body.toString()).auth;
    const secret = identity.password?.user.password ?? identity.application_credential?.secret;
    if (secret !== servicePassword) return error(401);
    const token = hold({ user: 'vitrine', project: 'service', roles: ['admin', 'service'] });
    own.add(token);
    const held = issued.get(token);
    return { status: 201, headers: { 'x-subject-token': token }, body: JSON.stringify(held?.body) };
  }

  function answer(request: WireRequest): WireAnswer {
    const { method, url, headers } = request;
    if (url.pathname !== '/v3/auth/tokens') return error(404);
    if (method === 'POST') return login(request);
    if (!own.has(String(headers['x-auth-token']))) return error(401);
    const held = issued.get(String(headers['x-subject-token']));
    const isGood = held && (held.expiresAt > Date.now() || url.searchParams.get('allow_expired') === '1');
    return isGood ? { status: 200, body: JSON.stringify(held.body) } : error(404);
  }

  const server = await wireServer({ answer });
  return Object.assign(server, {
    issue: (token: IssuedToken = {}) => hold({ project: 'blue', roles: ['member'], ...token }),
    revoke: (token: string) => void issued.delete(token),
    revokeOwn: () => own.clear(),
    isOwn: (token: string) => own.has(token),
    validations: () => server.seen.filter((what) => what.startsWith('GET ')).length,
    logins: () => server.seen.filter((what) => what.startsWith('POST ')).length,
  });
}
