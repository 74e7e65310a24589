/** Images whose bytes did not come: they wait for data again, and say why. */
import { and, eq, inArray, isNull, sql } from 'drizzle-orm';
import { changesOf, imageObject, serviceFor } from '../domain/audit.ts';
import type { ImageFailure, ImageStatus } from '../domain/image.ts';
import { recordChange, recordChanges } from './audit.ts';
import { actions, type Claim, holds, named } from './claims.ts';
import type { Database, Statements } from './client.ts';
import { transaction } from './client.ts';
import { releaseObjects } from './copies.ts';
import { copies, images } from './tables.ts';

/** What makes an image wait for data again. */
export const queuedAgain = {
  status: 'queued',
  leaseUntil: null,
  revision: sql`${images.revision} + 1`,
  updatedAt: sql`now()`,
} as const;

/** How a claim ended: given up just now, published before, or lost to somebody else. */
export type ClaimEnd = 'given up' | 'published' | 'lost';

/** Gives the image back as `queued`, with its failure if there is one, when the claim still holds; its object is to be removed unless it was published. */
export async function giveUpClaim(
  db: Database,
  claim: Claim,
  failure: ImageFailure | null,
): Promise<ClaimEnd> {
  return transaction(db, async (tx) => {
    const held = await tx
      .update(images)
      .set({ ...queuedAgain, failure })
      .where(holds(claim))
      .returning(named);
    const isOurs = and(eq(copies.store, claim.store), eq(copies.key, claim.key));
    const [published] = await tx
      .select()
      .from(copies)
      .where(and(isOurs, inArray(copies.state, ['active', 'staged'])));
    if (published) return 'published';
    await tx.delete(copies).where(isOurs);
    await releaseObjects(tx, [claim]);
    const [row] = held;
    if (!row) return 'lost';
    await recordChange(tx, {
      by: claim.by,
      action: failure ? actions[claim.status].fail : actions[claim.status].end,
      object: imageObject(row),
      ...asGivenUp(claim.status, failure),
    });
    return 'given up';
  });
}

/** The service gives images back as queued whose data did not come. */
export function recordGivenUp(
  tx: Statements,
  given: readonly Parameters<typeof imageObject>[0][],
  status: Claim['status'],
  failure: ImageFailure,
): Promise<void> {
  const action = actions[status].fail;
  const entry = { by: serviceFor(), action, ...asGivenUp(status, failure) };
  return recordChanges(
    tx,
    given.map((image) => ({ ...entry, object: imageObject(image) })),
  );
}

/** An image that waits for data again, as the audit log has it. */
export function asGivenUp(status: ImageStatus, failure: ImageFailure | null) {
  const changes = changesOf({ status }, { status: 'queued' });
  return { result: failure ? 'failed' : 'done', changes, message: failure?.message } as const;
}

/** Gives up every claim whose writer has been silent too long; returns how many. */
export async function giveUpSilentClaims(db: Database, failure: ImageFailure): Promise<number> {
  return transaction(db, async (tx) => {
    const lost = await tx
      .update(images)
      .set({ ...queuedAgain, failure })
      .where(and(inArray(images.status, ['saving', 'uploading']), sql`${images.leaseUntil} < now()`))
      .returning(named);
    for (const image of lost) {
      const objects = await tx
        .delete(copies)
        .where(and(eq(copies.imageId, image.id), inArray(copies.state, ['uploading', 'staging'])))
        .returning({ store: copies.store, key: copies.key, state: copies.state });
      await releaseObjects(tx, objects);
      const wasStaging = objects.some(({ state }) => state === 'staging');
      await recordGivenUp(tx, [image], wasStaging ? 'uploading' : 'saving', failure);
    }
    return lost.length;
  });
}

/** Gives up data that was staged and never imported for `days`; returns how many. */
export async function giveUpForgottenStages(
  db: Database,
  { days, failure }: { days: number; failure: ImageFailure },
): Promise<number> {
  return transaction(db, async (tx) => {
    const forgotten = await tx
      .select({ id: copies.imageId })
      .from(copies)
      .where(
        and(eq(copies.state, 'staged'), sql`${copies.createdAt} < now() - make_interval(days => ${days})`),
      );
    let given = 0;
    for (const { id } of forgotten) {
      const rows = await tx
        .update(images)
        .set({ ...queuedAgain, failure })
        .where(and(eq(images.id, id), eq(images.status, 'uploading'), isNull(images.leaseUntil)))
        .returning(named);
      if (rows.length === 0) continue;
      given++;
      await recordGivenUp(tx, rows, 'uploading', failure);
      const objects = await tx
        .delete(copies)
        .where(and(eq(copies.imageId, id), eq(copies.state, 'staged')))
        .returning({ store: copies.store, key: copies.key });
      await releaseObjects(tx, objects);
    }
    return given;
  });
}
