/** Where bytes are to go: what the request says, within what its link fixes. */
import { HttpError } from '../http/problem.ts';

/**
 * Store.id; null: nobody said.
 * @throws HttpError 400 the header names another store than the link was made for
 */
export function askedStore(header: string | undefined, link: string | undefined): string | null {
  if (header !== undefined && link !== undefined && header !== link) {
    throw new HttpError(
      400,
      'STORE_MISMATCH',
      `The link is for store ${link}; leave x-image-meta-store out.`,
    );
  }
  return link ?? header ?? null;
}
