/** Entity tags of images: If-Match makes of the last writer who wins one who knows what is overwritten. */
import type { SeenImage } from '../../db/images.ts';
import { ConflictError } from '../../domain/errors.ts';

/** Changes with all that is shown: with the revision, which a write is held against, and with where the bytes are. */
export const etagOf = ({ revision, stores }: Pick<SeenImage, 'revision' | 'stores'>): string =>
  `"${revision}-${stores.join('+')}"`;

const etag = /^"(\d{1,10})-[^"]*"$/;

/**
 * The check that an If-Match asks for before a write; null: none was sent, or any revision will do.
 * @throws ConflictError REVISION_MISMATCH, when called with an image of none of its revisions
 */
export function requireMatch(
  ifMatch: string | undefined,
): ((image: Pick<SeenImage, 'id' | 'revision'>) => void) | null {
  if (ifMatch === undefined || ifMatch.trim() === '*') return null;
  const revisions = new Set(
    ifMatch.split(',').map((item) => Number(etag.exec(item.trim())?.[1] ?? Number.NaN)),
  );
  return ({ id, revision }) => {
    if (revisions.has(revision)) return;
    throw new ConflictError(
      'REVISION_MISMATCH',
      `Image ${id} is not the one of If-Match any more; read it again and decide anew.`,
      revision,
    );
  };
}
