/**
 * The directory of one machine where bytes wait for an import. Users do not know it as a store, so what it fails of
 * says neither its id nor a key; the cause is for the log.
 */
import { ConflictError, NotFoundError, UnavailableError } from '../domain/errors.ts';
import { fileStore } from './file.ts';
import { withRetries } from './retries.ts';
import type { WritableStore } from './store.ts';
import { type Around, wrapStore } from './wrap.ts';

/** Writing to a directory of this machine needs no more around it than what every file store has. */
export function stagingStore({ id, path }: { id: string; path: string }): WritableStore {
  const store = fileStore({ id, paths: [{ path, priority: 0 }], sparse: false });
  return withRetries(wrapStore(store as WritableStore, withoutNames));
}

const withoutNames: Around = async ({ run, signal }) => {
  try {
    return await run(signal);
  } catch (error) {
    throw unnamed(error);
  }
};

function unnamed(error: unknown): unknown {
  if (error instanceof UnavailableError) {
    const { reason, cause } = error;
    const message =
      reason === 'full'
        ? 'The staging area is full; try again later, or upload without staging'
        : 'The staging area refused; try again later, or upload without staging';
    return new UnavailableError(message, { reason }, { cause: cause ?? error });
  }
  if (error instanceof NotFoundError) {
    return new NotFoundError('The staging area no longer has these bytes; stage them again', {
      cause: error,
    });
  }
  if (error instanceof ConflictError)
    return new ConflictError(error.code, 'The staging area has these bytes already');
  return error;
}
