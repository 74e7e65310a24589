/**
 * As much of an Image API v2 service, and of the Keystone whose catalog names it, as an import from another region
 * speaks with: over the wire and in memory, for faults and answers that a real one cannot be told to have.
 */

import { createHash, randomBytes } from 'node:crypto';
import { storePassword } from './planted.ts';
import { type WireAnswer, type WireRequest, type WireServer, wireServer } from './wire-server.ts';

export interface ImageService extends WireServer {
  /** Puts an image there, active, public and of these bytes unless `fields` say otherwise; gives its id. */
  put(bytes: Buffer, fields?: Record<string, unknown>): string;
  /** Shares an image with projects. */
  share(id: string, ...projects: string[]): void;
  /** No token that was given out is accepted any more. */
  revoke(): void;
  /** False: ranges are not known, and everything is sent. */
  knowsRanges: boolean;
}

const hash = (name: string, bytes: Buffer) => createHash(name).update(bytes).digest('hex');
const json = (body: unknown, status = 200): WireAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** `/v3` is Keystone, everything else the service: public in RegionTwo, internal in RegionOne, both at this address. */
export async function imageService(): Promise<ImageService> {
  const tokens = new Set<string>();
  const images = new Map<string, { fields: Record<string, unknown>; bytes: Buffer; members: string[] }>();
  const server = await wireServer({ refuse, answer });

  function refuse({ url, headers }: Omit<WireRequest, 'body'>): WireAnswer | null {
    if (url.pathname.startsWith('/v3')) return null;
    return tokens.has(String(headers['x-auth-token'])) ? null : { status: 401 };
  }

  function answer(request: WireRequest): WireAnswer {
    const { pathname } = request.url;
    if (pathname === '/v3/auth/tokens') return login(request);
    const [, id = '', rest = ''] = /^\/image\/v2\/images\/([^/]+)(\/.*)?$/.exec(pathname) ?? [];
    const image = images.get(id.toLowerCase());
    if (!image) return { status: 404 };
    if (rest === '') return json(image.fields);
    if (rest === '/members') {
      return json({ members: image.members.map((project) => ({ member_id: project, status: 'pending' })) });
    }
    return rest === '/file' ? file(request, image.bytes) : { status: 404 };
  }

  function login({ body }: WireRequest): WireAnswer {
    const { identity } = JSON.parse(body.toString()).auth;
    const secret = identity.password?.user.password ?? identity.application_credential?.secret;
    if (secret !== storePassword) return { status: 401 };
    const token = randomBytes(8).toString('hex');
    tokens.add(token);
    const at = (name: string, region: string, url: string) => ({ interface: name, region_id: region, url });
    const catalog = [
      { type: 'object-store', endpoints: [at('public', 'RegionSwift', `${server.url}/v1`)] },
      {
        type: 'image',
        endpoints: [
          at('public', 'RegionTwo', `${server.url}/image`),
          at('internal', 'RegionTwo', `${server.url}/image/v2/`),
          at('internal', 'RegionOne', `${server.url}/image/`),
          at('public', 'RegionGone', 'http://127.0.0.1:1'),
        ],
      },
    ];
    const expires = new Date(Date.now() + 3_600_000).toISOString();
    const answered = json({ token: { expires_at: expires, catalog } }, 201);
    return { ...answered, headers: { 'x-subject-token': token } };
  }

  function file({ headers }: WireRequest, bytes: Buffer): WireAnswer {
    if (bytes.length === 0) return { status: 204 };
    const [, start, end] = (service.knowsRanges && /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '')) || [];
    if (start === undefined) return { status: 200, body: bytes };
    return {
      status: 206,
      headers: { 'content-range': `bytes ${start}-${end}/${bytes.length}` },
      body: bytes.subarray(Number(start), Number(end) + 1),
    };
  }

  const service: ImageService = Object.assign(server, {
    knowsRanges: true,
    revoke: () => tokens.clear(),
    share(id: string, ...projects: string[]) {
      images.get(id)?.members.push(...projects);
    },
    put(bytes: Buffer, fields: Record<string, unknown> = {}) {
      const id = crypto.randomUUID();
      const usual = {
        id,
        name: 'far',
        status: 'active',
        visibility: 'public',
        owner: 'far-project',
        size: bytes.length,
        checksum: hash('md5', bytes),
        os_hash_algo: 'sha512',
        os_hash_value: hash('sha512', bytes),
        disk_format: 'qcow2',
        container_format: 'bare',
        min_disk: 2,
        min_ram: 512,
        tags: ['a'],
      };
      images.set(id, { fields: { ...usual, ...fields }, bytes, members: [] });
      return id;
    },
  });
  return service;
}
