/** A source whose bytes are compressed, as the bytes that they stand for. */
import { decompress } from '../bytes/decompress/decompress.ts';
import { digestSet } from '../bytes/digests.ts';
import type { App } from './app.ts';
import { checkDigests } from './check-data.ts';
import type { ImportSource } from './import-source.ts';

/** Whether bytes that come are to be unpacked: those of a copy never are, since they are of what is there. */
export const isPacked = (app: App, image: { containerFormat: string | null } | null) =>
  app.imports.decompress.enabled && image?.containerFormat === 'compressed';

/**
 * The image becomes `bare` with it. What the bytes must have is what was published of the compressed file, so that it
 * is looked at before they are unpacked.
 */
export function unpacked(app: App, source: ImportSource): ImportSource {
  const { ratioMax } = app.imports.decompress;
  const bytes = decompress(checked(source), { ratioMax, sizeMax: app.limits.imageSizeMax });
  return {
    bytes,
    size: null,
    expected: [],
    change: { ...source.change, containerFormat: 'bare' },
    note: source.note,
  };
}

/** @throws ValidationError DIGEST_MISMATCH, at the end */
async function* checked({ bytes, expected }: ImportSource): AsyncIterable<Uint8Array> {
  const digests = digestSet(expected.map(({ algorithm }) => algorithm));
  for await (const chunk of bytes) {
    digests.update(chunk);
    yield chunk;
  }
  checkDigests({ digests: digests.finish() }, expected);
}
