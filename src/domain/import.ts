/** Ways to bring bytes to an image other than sending them, and what is decided about them without looking at any. */
import { invalid, ValidationError } from './errors.ts';
import { limits, textIssues } from './fields.ts';
import { parseUrl } from './host-rule.ts';
import { type DigestAlgorithm, parseImageId } from './image.ts';
import { withoutSecretsOfUrl } from './task.ts';

/** As the settings and the Image API call them. */
export const importMethodNames = ['glance-direct', 'web-download', 'copy-image', 'glance-download'] as const;
export type ImportMethodName = (typeof importMethodNames)[number];

export interface KnownDigest {
  algorithm: DigestAlgorithm;
  /** Lower-case hex. */
  value: string;
}

export type ImportMethod =
  | { name: 'glance-direct' }
  | { name: 'web-download'; url: string; digest: KnownDigest | null }
  | { name: 'copy-image' }
  | {
      name: 'glance-download';
      region: string;
      imageId: string;
      serviceInterface: 'public' | 'internal' | 'admin';
    };

/** Bytes that stay where they are: a store that is only read has them from then on. */
export interface Registration {
  name: 'location';
  /** With nothing in it that could be a secret: it becomes a key, which messages and logs name. */
  url: string;
  digest: KnownDigest | null;
}

/** They are keys of objects, which are found by an index. */
const locationLength = 2048;

/**
 * `path` is where the input has it.
 * @throws ValidationError no URL of the web, too long, or one with what could be a secret
 */
export function registration(path: string[], text: string, digest: KnownDigest | null): Registration {
  const url = parseUrl(text);
  if (!url || !/^https?:$/.test(url.protocol)) {
    const message =
      'Only what a web server has can be registered: send a URL of http or https, or the bytes.';
    throw invalid(path, 'URL_REFUSED', message);
  }
  url.hash = '';
  if (withoutSecretsOfUrl(url.href) !== url.href) {
    const message =
      'A location is shown to others and named in logs: it holds no name, password, token or signature.';
    throw invalid(path, 'URL_REFUSED', message);
  }
  if (url.href.length > locationLength) {
    throw invalid(path, 'TOO_LONG', `A location has at most ${locationLength} characters.`);
  }
  return { name: 'location', url: url.href, digest };
}

/**
 * A download of that URL. `path` is where the input has it.
 * @throws ValidationError text that cannot be kept
 */
export function webDownload(path: string[], url: string, digest: KnownDigest | null): ImportMethod {
  requireText(path, 'The URL', url, limits.urlLength);
  // One that cannot be read is refused where all are, in the same words.
  return { name: 'web-download', url: parseUrl(url)?.href ?? url, digest };
}

const interfaces = ['public', 'internal', 'admin'] as const;

/** What another region is asked for, as it was said; each with its place in the input. */
export type GivenRemote = Record<
  'region' | 'imageId' | 'serviceInterface',
  { path: string[]; value: string }
>;

/** @throws ValidationError an id that is none, an interface that there is not, text that cannot be kept */
export function glanceDownload({ region, imageId, serviceInterface }: GivenRemote): ImportMethod {
  requireText(region.path, 'The region', region.value, limits.regionLength);
  const id = parseImageId(imageId.value);
  if (id === null) {
    throw invalid(imageId.path, 'NOT_A_UUID', `${imageId.path.at(-1)} is the UUID of an image there.`);
  }
  const found = interfaces.find((one) => one === serviceInterface.value);
  if (!found) {
    throw invalid(
      serviceInterface.path,
      'UNKNOWN_INTERFACE',
      `${serviceInterface.path.at(-1)} is ${interfaces.slice(0, -1).join(', ')} or ${interfaces.at(-1)}.`,
    );
  }
  return { name: 'glance-download', region: region.value, imageId: id, serviceInterface: found };
}

function requireText(...about: Parameters<typeof textIssues>): void {
  const issues = textIssues(...about);
  if (issues.length > 0) throw new ValidationError(issues);
}

/** What a task is to do, as it is kept until it is over. */
export interface ImportOrder {
  method: ImportMethod | Registration;
  /** Store.id of each copy to make. */
  stores: string[];
  /** One store that fails fails all. */
  allMustSucceed: boolean;
  /** Project and rights of who asked: what another service shows, and which properties may come along, is judged by them. */
  project: string | null;
  /** They may read every image here. */
  isAdmin: boolean;
  /** Not there on orders from before there were protected properties. */
  roles?: readonly string[];
}

/** The order as everybody who sees the task may read it. */
export type ShownOrder = Pick<ImportOrder, 'stores' | 'allMustSucceed'> & { method: ImportMethod };

export function shownOrder({ method, stores, allMustSucceed }: ShownOrder): ShownOrder {
  const shown = method.name === 'web-download' ? { ...method, url: withoutSecretsOfUrl(method.url) } : method;
  return { method: shown, stores, allMustSucceed };
}

/** So many workers may die at a task: it may be what kills them. */
export const deathsMax = 20;

/** Before the second attempt, the third ...; what fails once more after all of them has failed. */
const backoffSeconds = [1, 4, 10, 20];

/** How long to wait after the n-th failure, n from 1; null: it is over. */
export function retryAfterSeconds(mayPass: boolean, n: number): number | null {
  return mayPass ? (backoffSeconds[n - 1] ?? null) : null;
}

/**
 * Which of `writable` an import goes to. `asked` null: nobody said.
 * @throws ValidationError both stores and allStores; no stores; one twice is once
 */
export function targetsOf(
  writable: readonly string[],
  { asked, all, usual }: { asked: readonly string[] | null; all: boolean; usual: string },
): string[] {
  if (all && asked !== null) {
    throw invalid(['allStores'], 'CONFLICT', 'Say either which stores, or allStores, not both.');
  }
  if (all) return [...writable];
  if (asked === null) return [usual];
  if (asked.length === 0)
    throw invalid(['stores'], 'EMPTY', 'stores names at least one store, or is left out.');
  return [...new Set(asked)];
}

/** What any worker can do, and what only one can who reaches the staging area of that name. */
export const importQueue = 'import';
export const queueOfMachine = (stagingStore: string) => `import_${stagingStore}`;
