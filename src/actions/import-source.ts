/** Where the bytes of an import come from, by its method; each is read once, from its beginning, in every attempt. */
import type { ImportRun } from '../db/imports.ts';
import { NotFoundError, UnavailableError } from '../domain/errors.ts';
import type { DigestAlgorithm, Image } from '../domain/image.ts';
import type { ImportMethod, KnownDigest } from '../domain/import.ts';
import { fetchUrl } from '../stores/fetch-url.ts';
import type { App } from './app.ts';
import { openCopies } from './read-copies.ts';
import { takeOver } from './take-over.ts';

export interface ImportSource {
  bytes: AsyncIterable<Uint8Array>;
  /** Bytes that will come; null when nobody knows. */
  size: number | null;
  /** What the bytes must have. */
  expected: readonly KnownDigest[];
  /** What the source knows of the image beside its bytes. */
  change: Partial<Pick<Image, 'diskFormat' | 'containerFormat' | 'properties'>>;
  /** What is to be told of it although it worked. */
  note: string | null;
}

/** The same bytes; `moved` is told how many, chunk by chunk. */
export async function* counting(
  bytes: AsyncIterable<Uint8Array>,
  moved: (bytes: number) => void,
): AsyncIterable<Uint8Array> {
  for await (const chunk of bytes) {
    moved(chunk.length);
    yield chunk;
  }
}

/**
 * @throws ValidationError  URL_REFUSED
 * @throws UnavailableError the source does not answer, or has nothing
 */
export async function openSource(app: App, run: ImportRun, signal: AbortSignal): Promise<ImportSource> {
  const { method } = run.order;
  switch (method.name) {
    case 'glance-direct':
      return openStaged(app, run, signal);
    case 'web-download':
      return openUrl(app, method, signal);
    case 'copy-image':
      return openOwnCopies(app, run, signal);
    case 'glance-download':
      return openRemote(app, run, method, signal);
    case 'location':
      throw new Error('What stays where it is is no source.');
  }
}

async function openStaged(app: App, { staged }: ImportRun, signal: AbortSignal): Promise<ImportSource> {
  const store = staged && app.stores.get(staged.store);
  if (!staged || !store) {
    throw new UnavailableError(
      'The staged data is on another machine; set imports.staging to a store that all can reach.',
    );
  }
  const bytes = await store.read(staged.key, undefined, signal).catch((error) => {
    if (!(error instanceof NotFoundError)) throw error;
    throw new NotFoundError('The staging area no longer has these bytes; stage them again', { cause: error });
  });
  // A digest that was given is looked at when the bytes are staged.
  return { bytes, size: staged.size, expected: [], change: {}, note: null };
}

async function openUrl(
  app: App,
  { url, digest }: { url: string; digest: KnownDigest | null },
  signal: AbortSignal,
): Promise<ImportSource> {
  const { bytes, size } = await fetchUrl(app.egress, url, signal);
  return { bytes, size, expected: digest ? [digest] : [], change: {}, note: null };
}

async function openRemote(
  app: App,
  { order, image }: ImportRun,
  { region, imageId, serviceInterface }: Extract<ImportMethod, { name: 'glance-download' }>,
  signal: AbortSignal,
): Promise<ImportSource> {
  if (!app.imports.remoteImages) {
    throw new UnavailableError(
      'This worker knows of no other region; its settings need the section keystone.',
    );
  }
  const { project, isAdmin } = order;
  const asked = { region, imageId, serviceInterface, project, isAdmin };
  const { size, digests, properties, open } = await app.imports.remoteImages.find(asked, signal);
  const expected = (Object.entries(digests) as [DigestAlgorithm, string][]).map(([algorithm, value]) => ({
    algorithm,
    value,
  }));
  const { taken, note } = await takeOver(app, order, properties, image?.properties ?? {});
  return { bytes: await open(0, signal), size, expected, change: { properties: taken }, note };
}

/** What is copied has to be what was published. */
async function openOwnCopies(app: App, { image }: ImportRun, signal: AbortSignal): Promise<ImportSource> {
  if (!image) throw new Error('An image that is gone has no copies.');
  const copies = await openCopies(app, image);
  const bytes = await copies.read(null, signal);
  const known: Partial<Record<DigestAlgorithm, string>> = {
    ...image.digests,
    ...(image.checksum ? { md5: image.checksum } : {}),
  };
  const expected = (['md5', 'sha256', 'sha512'] as const).flatMap((algorithm) => {
    const value = known[algorithm];
    return value === undefined ? [] : [{ algorithm, value }];
  });
  return { bytes, size: image.size, expected, change: {}, note: null };
}
