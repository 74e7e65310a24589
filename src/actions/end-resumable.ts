/** Ends a resumable upload that its client no longer wants: the image is queued again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { giveUpClaim } from '../db/given-up.ts';
import { deleteUpload } from '../db/uploads.ts';
import { ConflictError } from '../domain/errors.ts';
import type { App } from './app.ts';
import { type Resumable, requireResumable } from './find-resumable.ts';
import { holdUpload } from './hold-resumable.ts';

/** Whoever breaks off a request and ends the upload is soon told apart from somebody who still sends. */
const patienceMs = 1_000;
const lookEveryMs = 100;

/**
 * An upload that is done is only forgotten: the image stays.
 * @throws NotFoundError, ConflictError as requireResumable; ConflictError BUSY: bytes are coming
 */
export async function endResumable(app: App, id: string): Promise<void> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const upload = await requireResumable(app, id);
    if (upload.state === 'done') return deleteUpload(app.db, id);
    try {
      return await endOpen(app, upload);
    } catch (error) {
      const isBusy = error instanceof ConflictError && error.code === 'BUSY';
      if (!isBusy || performance.now() > until) throw error;
      await sleep(lookEveryMs);
    }
  }
}

async function endOpen(app: App, { id, received }: Resumable): Promise<void> {
  const { held, turn } = await holdUpload(app, id, { received, length: null });
  try {
    await giveUpClaim(app.db, held, null);
    await deleteUpload(app.db, id);
  } finally {
    await turn.end();
  }
}
