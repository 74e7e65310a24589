/**
 * Which versions of the API there are, and the documents that say so. A minor version is advertised when what it adds
 * is in the table of resources: clients decide by the list what they may call.
 */
import { type Answer, type Ask, ok, type Resource } from './operation.ts';

/** Minor version -> a path that it brought. Where it brought none, one that it changed. */
const broughtBy: Record<number, string> = {
  0: '/images',
  1: '/images/:id/members',
  2: '/metadefs/namespaces',
  3: '/images/:id/actions/deactivate',
  4: '/images',
  5: '/images',
  6: '/info/import',
  7: '/images',
  8: '/info/stores',
  9: '/info/stores',
  10: '/stores/:store/:id',
  11: '/images/:id/import',
  12: '/images/:id/tasks',
  13: '/info/stores/detail',
  // 14 and 16 are the cache API: there is no cache.
  15: '/info/usage',
  17: '/images/:id/locations',
};

/** The minor versions of which everything is there, newest first. */
export function versionsThere(paths: readonly string[]): number[] {
  const there = new Set(paths);
  return Object.entries(broughtBy)
    .filter(([, path]) => there.has(path))
    .map(([minor]) => Number(minor))
    .sort((a, b) => b - a);
}

const asked = /^\/v(\d+)(?:\.(\d+))?(?=[/?]|$)/;
const askedByType = /application\/vnd\.openstack\.images-v2(?:\.\d+)?\b/;

/**
 * The URL below /v2 that this one means: `/v2.7/images` is `/v2/images`, and so is `/images` with the media type of a
 * version. A version that there is not leads to the choice of those that there are.
 */
export function unversionedUrl(url: string, accept: string | undefined, versions: readonly number[]): string {
  // Nearly all: no pattern is looked for.
  if (url.startsWith('/v2/')) return url;
  const [prefix, major, minor] = asked.exec(url) ?? [];
  if (prefix !== undefined) {
    const isThere = major === '2' && (minor === undefined || versions.includes(Number(minor)));
    return isThere ? `/v2${url.slice(prefix.length)}` : '/';
  }
  return url.length > 1 && askedByType.test(accept ?? '') ? `/v2${url}` : url;
}

/** What is outside of a version: the choice, which is asked for before there is a token. */
export function rootResources(versions: readonly number[]): Resource[] {
  const document = ({ baseUrl }: Ask) => ({
    versions: versions.map((minor, n) => ({
      id: `v2.${minor}`,
      status: n === 0 ? 'CURRENT' : 'SUPPORTED',
      links: [{ rel: 'self', href: `${baseUrl}/v2/` }],
    })),
  });
  const choice = { isOpen: true, run: (ask: Ask): Answer => ({ status: 300, body: document(ask) }) };
  const list = { isOpen: true, run: (ask: Ask): Answer => ok(document(ask)) };
  return [
    ...['/', '/v2', '/v2/'].map((path) => ({ path, operations: { GET: choice } })),
    ...['/versions', '/versions/'].map((path) => ({ path, operations: { GET: list } })),
  ];
}
