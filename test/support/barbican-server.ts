/**
 * As much of Barbican as reading the payload of a secret needs, over the wire and in memory, with a Keystone of its own:
 * for faults, counts and answers that a real one cannot be told to have.
 */
import { type KeystoneServer, keystoneServer, servicePassword } from './keystone-server.ts';
import { type WireServer, wireServer } from './wire-server.ts';

export interface Secret {
  payload: Buffer | string;
  /** As which it was stored: others are not acceptable. */
  type?: string;
  /** Whether the user of the service may not read it. */
  isForeign?: boolean;
}

export interface BarbicanServer extends WireServer {
  keystone: KeystoneServer;
  secrets: Map<string, Secret>;
  /** The sections of the settings that lead here, as YAML. */
  settings(timeout?: string): { barbican: string; keystone: string };
}

export async function barbicanServer(): Promise<BarbicanServer> {
  const keystone = await keystoneServer();
  const secrets = new Map<string, Secret>();
  const server = await wireServer({
    answer({ method, url, headers }) {
      if (!keystone.isOwn(String(headers['x-auth-token'])))
        return { status: 401, body: 'Authentication required' };
      const id = /^\/v1\/secrets\/([^/]+)\/payload$/.exec(url.pathname)?.[1] ?? '';
      const secret = method === 'GET' ? secrets.get(id) : undefined;
      if (!secret) return { status: 404, body: '{"code": 404, "title": "Not Found"}' };
      if (secret.isForeign) return { status: 403, body: '{"code": 403, "title": "Forbidden"}' };
      const type = secret.type ?? 'application/octet-stream';
      if (headers.accept !== type) return { status: 406, body: '{"code": 406, "title": "Not Acceptable"}' };
      return { status: 200, headers: { 'content-type': type }, body: secret.payload };
    },
  });
  const closeOwn = server.close;
  return Object.assign(server, {
    keystone,
    secrets,
    settings: (timeout = '10s') => ({
      barbican: `{ url: "${server.url}", timeout: ${timeout} }`,
      keystone: `{ url: "${keystone.url}/v3", username: vitrine, password: ${servicePassword}, project: service }`,
    }),
    async close() {
      await Promise.all([closeOwn(), keystone.close()]);
    },
  });
}
