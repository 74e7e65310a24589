/** How far a resumable upload has come. */
import { findUpload, type Upload, type UploadState } from '../db/uploads.ts';
import { ConflictError, NotFoundError } from '../domain/errors.ts';
import type { App } from './app.ts';
import { finishNow } from './finish-resumable.ts';

export interface Resumable extends Upload {
  state: UploadState;
}

/**
 * The upload, open or done. One whose bytes are all here is done: where the answer to the last of them, or the server,
 * was lost before they were published, that is made up for now.
 *
 * @throws NotFoundError no such upload
 * @throws ConflictError GONE: it ended; BUSY: it is being finished
 * @throws as finishResumable
 */
export async function findResumable(app: App, id: string): Promise<Resumable> {
  const found = await requireResumable(app, id);
  if (found.state === 'done' || found.received !== found.length) return found;
  await finishNow(app, id, found.received);
  return requireResumable(app, id);
}

const ids = /^[\w-]{32}$/;

/** The same, as it stands. */
export async function requireResumable(app: App, id: string): Promise<Resumable> {
  const found = ids.test(id) ? await findUpload(app.db, id) : null;
  if (!found) throw new NotFoundError('There is no such upload, or no longer; begin a new one.');
  if (found.state === 'ended') {
    throw new ConflictError('GONE', 'The upload expired or was given up; begin a new one.');
  }
  return found;
}
