/**
 * What a failed system call means to the registry. Every driver that ends in errno codes translates with this
 * table, so that the same fault reads the same whichever store it hits. Messages name the store, never a path
 * on the host; the original error stays in `cause` for the log.
 */
import { errnoOf } from '../cloud/outage.ts';
import { ConflictError, DomainError, NotFoundError, UnavailableError } from '../domain/errors.ts';

/** Out of blocks, out of quota, past the largest file. */
const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The sentence for the codes an operator meets most; all others get the general one. */
const sentences: Record<string, string> = {
  EROFS: 'it is read-only',
  EACCES: 'its permissions do not allow it',
  EPERM: 'its permissions do not allow it',
  EIO: 'its disk reports an error',
  ESTALE: 'its network file system lost the file',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  ELOOP: 'the object is a symbolic link',
  ENOENT: 'its directory or the unfinished object is gone',
  ENOTDIR: 'its directory or the unfinished object is gone',
};

/** `error` in the words of the contract. Domain errors and what is no system call's failure pass unchanged. */
export function storeFailure(store: string, error: unknown): unknown {
  const code = errnoOf(error);
  if (code === null || error instanceof DomainError) return error;
  if (full.has(code)) {
    const message = `Store ${store} is full; make room in it or choose another store`;
    return new UnavailableError(message, { store, reason: 'full' }, { cause: error });
  }
  const why = sentences[code] ?? 'its file system failed';
  const message = `Store ${store} refused: ${why} (${code}); try again later or choose another store`;
  return new UnavailableError(message, { store, reason: 'refused' }, { cause: error });
}

export function nothingUnder(store: string, key: string, cause?: unknown): NotFoundError {
  return new NotFoundError(`Store ${store} has nothing under ${key}`, { cause });
}

/** Keys name one attempt each, so a key that is taken is a mistake of the caller, never to be overwritten. */
export function alreadyThere(store: string, key: string): ConflictError {
  return new ConflictError('ALREADY_EXISTS', `Store ${store} already holds ${key}; write under a new key`);
}
