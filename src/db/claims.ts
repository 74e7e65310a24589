/**
 * Who is writing the bytes of an image, as rows. Publication has two phases: a claim (a row of the image and of the
 * copy) before the first byte, and one statement that makes the image active only for the claim that still holds.
 */
import { and, eq, sql } from 'drizzle-orm';
import { type Actor, changesOf, imageObject } from '../domain/audit.ts';
import type { Blocks } from '../domain/blocks.ts';
import type { DigestAlgorithm, ImageStatus } from '../domain/image.ts';
import type { ImageInspection } from '../domain/inspection.ts';
import type { Allowance } from '../domain/quota.ts';
import type { SignatureRecord } from '../domain/signature.ts';
import { recordChange } from './audit.ts';
import { insertBlocks } from './blocks.ts';
import type { Database } from './client.ts';
import { transaction } from './client.ts';
import { enqueueDigest } from './missing-digests.ts';
import { takeRoom } from './quotas.ts';
import { copies, images } from './tables.ts';

/** How long a writer may be silent before it counts as dead. It says so much more often. */
const leaseSeconds = 30;

export const lease = sql`now() + make_interval(secs => ${leaseSeconds})`;

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
export const actions = {
  saving: { begin: 'beginUpload', finish: 'finishUpload', fail: 'failUpload', end: 'endUpload' },
  uploading: { begin: 'beginStaging', finish: 'finishStaging', fail: 'failStaging', end: 'endStaging' },
} as const;

/** What the audit log says of an image. */
export const named = { id: images.id, name: images.name, owner: images.owner };

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
export const holds = (claim: Claim) =>
  and(
    eq(images.id, claim.imageId),
    eq(images.attempt, claim.attempt),
    eq(images.status, claim.status),
    sql`${images.leaseUntil} is not null`,
  );

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

/** The status of an image, or null when it is gone: why a claim could not be had. */
export async function findStatus(db: Database, id: string): Promise<ImageStatus | null> {
  const text = 'select status from images where id = $1::uuid';
  const [row] = await db.query<{ status: ImageStatus }>(text, [id]);
  return row?.status ?? null;
}
