/**
 * As much of Swift and Keystone as the driver speaks with, over the wire and in memory, for faults that a real one
 * cannot be told to have. Whether the driver is right about Swift itself is for the tests against a real one.
 */

import { createHash, randomBytes } from 'node:crypto';
import { storePassword } from './planted.ts';
import { type WireAnswer, type WireRequest, type WireServer, wireServer } from './wire-server.ts';

export interface SwiftServer extends WireServer {
  /** Names in the container, manifests and marks included. */
  names(): string[];
  /** It is gone, as if it had never been. */
  lose(name: string): void;
  /** No token that was given out is accepted any more. */
  revoke(): void;
}

interface Entry {
  body: Buffer;
  /** Of a manifest: the names of its segments. */
  segments: string[] | null;
}

const md5 = (body: Buffer) => createHash('md5').update(body).digest('hex');

export async function swiftServer(): Promise<SwiftServer> {
  const tokens = new Set<string>();
  const objects = new Map<string, Entry>();
  let hasContainer = false;
  const server = await wireServer({ refuse, answer });

  function refuse({ method, url, headers }: Omit<WireRequest, 'body'>): WireAnswer | null {
    if (url.pathname.startsWith('/v3')) return null;
    if (!tokens.has(String(headers['x-auth-token']))) return { status: 401 };
    const name = nameOf(url);
    if (!hasContainer && !(method === 'PUT' && name === '')) return { status: 404 };
    return method === 'PUT' && headers['if-none-match'] === '*' && objects.has(name) ? { status: 412 } : null;
  }

  const nameOf = (url: URL) => decodeURIComponent(url.pathname.split('/').slice(4).join('/'));

  function answer(request: WireRequest): WireAnswer {
    const { method, url } = request;
    if (url.pathname === '/v3/auth/tokens') return login(request);
    const name = nameOf(url);
    if (name === '') return container(method, url);
    if (method === 'PUT') return put(request, name);
    if (method === 'DELETE') return { status: objects.delete(name) ? 204 : 404 };
    const found = objects.get(name);
    return found ? read(request, found) : { status: 404 };
  }

  function login({ body }: WireRequest): WireAnswer {
    const { identity } = JSON.parse(body.toString()).auth;
    const secret = identity.password?.user.password ?? identity.application_credential?.secret;
    if (secret !== storePassword) return { status: 401 };
    const token = randomBytes(8).toString('hex');
    tokens.add(token);
    const endpoint = { interface: 'public', region_id: 'RegionOne', url: `${server.url}/v1/AUTH_x` };
    const catalog = [{ type: 'object-store', endpoints: [endpoint] }];
    const expires = new Date(Date.now() + 3_600_000).toISOString();
    return {
      status: 201,
      headers: { 'x-subject-token': token },
      body: JSON.stringify({ token: { expires_at: expires, catalog } }),
    };
  }

  function container(method: string, url: URL): WireAnswer {
    if (method === 'PUT') hasContainer = true;
    if (method !== 'GET') return { status: 204 };
    const [prefix, marker] = [url.searchParams.get('prefix') ?? '', url.searchParams.get('marker') ?? ''];
    const entries = new Set<string>();
    for (const name of [...objects.keys()].filter((one) => one.startsWith(prefix)).sort()) {
      const cut = url.searchParams.has('delimiter') ? name.indexOf('/', prefix.length) : -1;
      entries.add(cut < 0 ? name : name.slice(0, cut + 1));
    }
    const page = [...entries].sort().filter((name) => name > marker);
    return {
      status: 200,
      body: JSON.stringify(page.map((name) => ({ [name.endsWith('/') ? 'subdir' : 'name']: name }))),
    };
  }

  function put({ url, body }: WireRequest, name: string): WireAnswer {
    if (url.searchParams.get('multipart-manifest') !== 'put') {
      objects.set(name, { body, segments: null });
      return { status: 201, headers: { etag: md5(body) } };
    }
    const manifest = JSON.parse(body.toString()) as { path: string; etag: string }[];
    const segments = manifest.map(({ path }) => path.split('/').slice(2).join('/'));
    const isRight = segments.every(
      (segment, n) => md5(objects.get(segment)?.body ?? Buffer.alloc(0)) === manifest[n]?.etag,
    );
    if (!isRight) return { status: 400 };
    objects.set(name, { body: Buffer.alloc(0), segments });
    return { status: 201 };
  }

  function read({ method, url, headers }: WireRequest, { body, segments }: Entry): WireAnswer {
    if (segments && url.searchParams.get('multipart-manifest') === 'get') {
      return { status: 200, body: JSON.stringify(segments.map((name) => ({ name: `/images/${name}` }))) };
    }
    const whole = segments
      ? Buffer.concat(segments.map((name) => objects.get(name)?.body ?? Buffer.alloc(0)))
      : body;
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
    const part = start === undefined ? whole : whole.subarray(Number(start), Number(end) + 1);
    const large: Record<string, string> = segments ? { 'x-static-large-object': 'True' } : {};
    return {
      status: start === undefined ? 200 : 206,
      headers: { 'content-length': part.length, ...large },
      body: method === 'HEAD' ? '' : part,
    };
  }

  return Object.assign(server, {
    names: () => [...objects.keys()].sort(),
    lose: (name: string) => void objects.delete(name),
    revoke: () => tokens.clear(),
  });
}
