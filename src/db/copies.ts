/**
 * The bytes of images, as rows: who is writing, where they are, what is to be removed. Publication has two
 * phases: a claim (a row of the image and of the copy) before the first byte, and one statement that makes the
 * image active only for the claim that still holds.
 */
import { and, eq, inArray, isNotNull, isNull, notInArray, or, sql } from 'drizzle-orm';
import { type Actor, changesOf, imageObject, serviceFor } from '../domain/audit.ts';
import type { Blocks } from '../domain/blocks.ts';
import type { DigestAlgorithm, ImageFailure, ImageStatus } from '../domain/image.ts';
import type { ImageInspection } from '../domain/inspection.ts';
import type { Allowance } from '../domain/quota.ts';
import type { SignatureRecord } from '../domain/signature.ts';
import { recordChange, recordChanges } from './audit.ts';
import { insertBlocks } from './blocks.ts';
import type { Database, Statements } from './client.ts';
import { transaction } from './client.ts';
import { enqueueDigest } from './missing-digests.ts';
import { takeRoom } from './quotas.ts';
import { copies, images, strays, tombstones } from './tables.ts';

/** How long a writer may be silent before it counts as dead. It says so much more often. */
const leaseSeconds = 30;
const lease = sql`now() + make_interval(secs => ${leaseSeconds})`;

/** The right to write the bytes of an image: good until it is published, given up or taken over. */
export interface Claim {
  imageId: string;
  /** Fences: a later claim has a higher number. */
  attempt: number;
  store: string;
  key: string;
  /** What the image is meanwhile: being uploaded, or being staged for an import to follow. */
  status: 'saving' | 'uploading';
  /** Who writes: its end is said to be theirs. */
  by: Actor;
}

/** What the audit log calls the beginning and the ends of a claim. */
const actions = {
  saving: { begin: 'beginUpload', finish: 'finishUpload', fail: 'failUpload', end: 'endUpload' },
  uploading: { begin: 'beginStaging', finish: 'finishStaging', fail: 'failStaging', end: 'endStaging' },
} as const;

/** What the audit log says of an image. */
const named = { id: images.id, name: images.name, owner: images.owner };

/** A copy by its store, which is not told of the staging area of a machine. */
const copyIn = ({ status, store }: Pick<Claim, 'status' | 'store'>, state: string | null) =>
  status === 'saving' ? { copies: { [store]: state } } : {};

/** What the bytes that come may count in the quota of the image's project. */
export interface Room {
  allowance: Allowance;
  /** Bytes that will come; null when nobody knows: then some have to be left. */
  size: number | null;
}

/**
 * Takes the image from `queued` for writing, and what is known to come out of its project's quota; null when it is not
 * queued (any more), or another project's.
 * @throws QuotaExceededError there is less left
 */
export async function claimForUpload(
  db: Database,
  { imageId, store, key, status, by }: Omit<Claim, 'attempt'>,
  { allowance, size }: Room,
): Promise<Claim | null> {
  return transaction(db, async (tx) => {
    const [row] = await tx
      .update(images)
      .set({
        status,
        attempt: sql`${images.attempt} + 1`,
        leaseUntil: lease,
        revision: sql`${images.revision} + 1`,
        updatedAt: sql`now()`,
      })
      .where(
        and(
          eq(images.id, imageId),
          eq(images.status, 'queued'),
          sql`${images.owner} is not distinct from ${allowance.project}`,
        ),
      )
      .returning({ ...named, attempt: images.attempt });
    if (!row) return null;
    await takeRoom(tx, allowance, { uploads: 1, [countedAs[status]]: size ?? 1 });
    await tx.insert(copies).values({ imageId, store, key, state: stateWhile[status], bytes: size ?? 0 });
    const before = { status: 'queued', ...copyIn({ status, store }, null) };
    await recordChange(tx, {
      by,
      action: actions[status].begin,
      object: imageObject(row),
      changes: changesOf(before, { status, ...copyIn({ status, store }, 'uploading') }),
    });
    return { imageId, attempt: row.attempt, store, key, status, by };
  });
}

const stateWhile = { saving: 'uploading', uploading: 'staging' } as const;

/** Out of which quota the bytes of a claim are. */
export const countedAs = { saving: 'bytes', uploading: 'stagingBytes' } as const;

/** A claim ends when its bytes are whole: what is staged then waits without one. */
const holds = (claim: Claim) =>
  and(
    eq(images.id, claim.imageId),
    eq(images.attempt, claim.attempt),
    eq(images.status, claim.status),
    sql`${images.leaseUntil} is not null`,
  );

/** What makes an image wait for data again. */
export const queuedAgain = {
  status: 'queued',
  leaseUntil: null,
  revision: sql`${images.revision} + 1`,
  updatedAt: sql`now()`,
} as const;

/** Says that the writer lives. False: the claim is lost and the writer must stop. */
export async function renewClaim(db: Database, claim: Claim): Promise<boolean> {
  return transaction(db, async (tx) => {
    const rows = await tx
      .update(images)
      .set({ leaseUntil: sql`greatest(${images.leaseUntil}, ${lease})` }) // a resumable upload has begun: it lasts longer
      .where(holds(claim))
      .returning({ id: images.id });
    return rows.length > 0;
  });
}

/** What the bytes turned out to be. */
export interface StoredBytes {
  size: number;
  /** Lower-case hex; md5 becomes the checksum. */
  digests: Partial<Record<DigestAlgorithm, string>>;
  /** What their blocks have to be from now on; missing where that is computed when they are first read whole. */
  blocks?: Blocks | null;
  /** What was seen in them; missing where they were only moved. */
  inspection?: ImageInspection;
  /** Bytes of the disk inside. */
  virtualSize?: number | null;
  /** Of a signature that is good for them. */
  signature?: SignatureRecord;
}

/** Makes the image active with these bytes. False: the claim was lost; the object belongs to nobody. */
export async function publishClaim(
  db: Database,
  claim: Claim,
  { size, digests, blocks, inspection, virtualSize, signature }: StoredBytes,
): Promise<boolean> {
  const { md5, ...others } = digests;
  return transaction(db, async (tx) => {
    const rows = await tx
      .update(images)
      .set({
        status: 'active',
        size,
        checksum: md5 ?? null,
        digests: others,
        inspection,
        virtualSize,
        signature: signature ?? null,
        leaseUntil: null,
        failure: null,
        revision: sql`${images.revision} + 1`,
        updatedAt: sql`now()`,
      })
      .where(holds(claim))
      .returning(named);
    const [row] = rows;
    if (!row) return false;
    if (blocks) await insertBlocks(tx, claim.imageId, blocks);
    await enqueueDigest(tx, claim.imageId);
    await tx
      .update(copies)
      .set({ state: 'active', size })
      .where(and(eq(copies.store, claim.store), eq(copies.key, claim.key)));
    const before = { status: claim.status, ...copyIn(claim, 'uploading') };
    const after = { status: 'active', size, checksum: md5, digests: others, ...copyIn(claim, 'active') };
    await recordChange(tx, {
      by: claim.by,
      action: actions[claim.status].finish,
      object: imageObject(row),
      changes: changesOf(before, after),
    });
    return true;
  });
}

/** The bytes wait in the staging area for an import. False: the claim was lost; the object belongs to nobody. */
export async function stageClaim(db: Database, claim: Claim, { size }: StoredBytes): Promise<boolean> {
  return transaction(db, async (tx) => {
    const rows = await tx
      .update(images)
      .set({ leaseUntil: null, updatedAt: sql`now()` })
      .where(holds(claim))
      .returning(named);
    const [row] = rows;
    if (!row) return false;
    await tx
      .update(copies)
      .set({ state: 'staged', size })
      .where(and(eq(copies.store, claim.store), eq(copies.key, claim.key)));
    await recordChange(tx, {
      by: claim.by,
      action: actions[claim.status].finish,
      object: imageObject(row),
      changes: changesOf(null, { staged: size }),
    });
    return true;
  });
}

/** Whether this claim's bytes have been published or staged: after a commit whose answer was lost. */
export async function isPublished(db: Database, claim: Claim): Promise<boolean> {
  const text = `select 1 from image_copies where store = $1::text and key = $2::text and state in ('active', 'staged')`;
  return (await db.query(text, [claim.store, claim.key])).length > 0;
}

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

/** In what state the copies of an image are. */
export async function findCopyStates(
  tx: Statements,
  imageId: string,
): Promise<{ store: string; state: string }[]> {
  return tx
    .select({ store: copies.store, state: copies.state })
    .from(copies)
    .where(and(eq(copies.imageId, imageId), notInArray(copies.state, ['staging', 'staged'])));
}

/**
 * Takes the copies of an image in a store away, and what is being written there in place of a damaged one; what an
 * import writes stays.
 */
export async function deleteCopiesIn(tx: Statements, imageId: string, store: string): Promise<void> {
  const isOver = or(inArray(copies.state, ['active', 'failed']), isNotNull(copies.leaseUntil));
  const gone = await tx
    .delete(copies)
    .where(and(eq(copies.imageId, imageId), eq(copies.store, store), isOver))
    .returning({ store: copies.store, key: copies.key });
  await releaseObjects(tx, gone);
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

/**
 * Takes the image away for ever: its row, its copies and members; the id stays taken, the objects follow. Those whose
 * writer lives are his until he has heard of it, so that they count as long as he may write.
 */
export async function deleteImageRow(tx: Statements, id: string): Promise<void> {
  const objects = await tx
    .select({ store: copies.store, key: copies.key })
    .from(copies)
    .where(eq(copies.imageId, id));
  await releaseObjects(tx, objects);
  await tx.execute(sql`
    update stray_objects s set held_until =
      case when c.task_id is not null then ${lease} when u.id is not null then u.held_until else i.lease_until end
    from image_copies c join images i on i.id = c.image_id
      left join uploads u on u.image_id = i.id and u.attempt = i.attempt
    where c.image_id = ${id} and c.state in ('uploading', 'staging') and s.store = c.store and s.key = c.key`);
  await tx.execute(sql`
    with gone as (delete from ${images} where ${images.id} = ${id} returning id, owner)
    insert into ${tombstones} (id, owner) select id, owner from gone`);
}

/** Whether an image of this id was deleted. */
export async function isTombstoned(tx: Statements, id: string): Promise<boolean> {
  const rows = await tx.select({ id: tombstones.id }).from(tombstones).where(eq(tombstones.id, id));
  return rows.length > 0;
}

/** The status of an image, or null when it is gone: why a claim could not be had. */
export async function findStatus(db: Database, id: string): Promise<ImageStatus | null> {
  const text = 'select status from images where id = $1::uuid';
  const [row] = await db.query<{ status: ImageStatus }>(text, [id]);
  return row?.status ?? null;
}

/** Objects that no row needs any more: removed in the background, and at once where the task runs. */
export async function releaseObjects(
  tx: Statements,
  objects: readonly { store: string; key: string }[],
): Promise<void> {
  if (objects.length === 0) return;
  await tx
    .insert(strays)
    .values(objects.map(({ store, key }) => ({ store, key, released: true })))
    .onConflictDoUpdate({ target: [strays.store, strays.key], set: { released: true, heldUntil: null } });
  await tx.execute(sql`select graphile_worker.add_job('reap', job_key => 'reap')`);
}

/** The image that a copy belongs to; null when there is no such copy. */
export async function findImageOfCopy(db: Database, copyId: string): Promise<string | null> {
  const text = 'select image_id as "imageId" from image_copies where id = $1::uuid';
  const [row] = await db.query<{ imageId: string }>(text, [copyId]);
  return row?.imageId ?? null;
}
