/**
 * Resumable uploads, as rows. Each has the claim of its image for as long as it is open; who appends to it holds it,
 * by a number that grows each time, and tells so while it lasts. All times are the database's.
 *
 * Images are locked before uploads, always.
 */
import { sql } from 'drizzle-orm';
import type { DigestState } from '../domain/blocks.ts';
import type { DigestAlgorithm, ImageFailure, Instant } from '../domain/image.ts';
import type { Claim } from './claims.ts';
import type { Database } from './client.ts';
import { transaction } from './client.ts';
import { releaseObjects } from './copies.ts';
import { recordGivenUp } from './given-up.ts';

/** How long who appends may be silent before others may. */
export const turnSeconds = 30;
/** Who began and sends nothing has this long; who sent something has a day from then on. */
const firstHours = 1;
const lifeHours = 24;

export interface Upload extends Claim {
  id: string;
  /** Bytes that will come; null as long as nobody said. */
  length: number | null;
  /** Bytes that are here. */
  received: number;
  expected: { algorithm: DigestAlgorithm; value: string }[];
  metadata: string | null;
  expiresAt: Instant;
}

/** Where an upload can be gone on with. */
export interface Progress {
  /** As the store said when it was paused. */
  paused: { offset: number; state: unknown; tail: Uint8Array };
  digestState: DigestState;
}

/** An upload, and the right to append to it. */
export interface HeldUpload extends Upload, Progress {
  turn: number;
}

const columns = `u.id, u.image_id as "imageId", u.attempt, 'saving' as status, u.store, u.key, u.length, u.received, u.expected, u.metadata,
  u.expires_at as "expiresAt", u.begun_by as by`;

export interface NewUpload extends Progress {
  id: string;
  length: number | null;
  expected: { algorithm: DigestAlgorithm; value: string }[];
  metadata: string | null;
}

/** The row of an upload that begins, and the claim for as long. Null: the claim was lost. */
export async function insertUpload(db: Database, claim: Claim, upload: NewUpload): Promise<Instant | null> {
  const rows = await db.query<{ expiresAt: Instant }>(
    `with claimed as (
       update images set lease_until = now() + make_interval(hours => $12::int)
       where id = $2::uuid and attempt = $3::int and status = 'saving' returning lease_until
     )
     insert into uploads (id, image_id, attempt, store, key, length, expected, metadata, write_state, tail, digest_state,
       expires_at, begun_by)
     select $1::text, $2::uuid, $3::int, $4::text, $5::text, $6::bigint, $7::jsonb, $8::text, $9::jsonb, $10::bytea,
       $11::jsonb, lease_until, $13::jsonb from claimed
     returning expires_at as "expiresAt"`,
    [
      upload.id,
      ...[claim.imageId, claim.attempt, claim.store, claim.key],
      ...[upload.length, JSON.stringify(upload.expected), upload.metadata],
      ...progressParams(upload),
      firstHours,
      JSON.stringify(claim.by),
    ],
  );
  return rows[0]?.expiresAt ?? null;
}

const progressParams = ({ paused, digestState }: Progress) => [
  JSON.stringify(paused.state),
  Buffer.from(paused.tail),
  JSON.stringify(digestState),
];

/** open: more may come; done: published; ended: given up, expired, or the image is gone. */
export type UploadState = 'open' | 'done' | 'ended';

/** Null: there is none, or it ended long ago. */
export async function findUpload(
  db: Database,
  id: string,
): Promise<(Upload & { state: UploadState }) | null> {
  const [row] = await db.query<Upload & { state: UploadState }>(
    `select ${columns},
       case when c.state = 'active' or u.digest_state is null then 'done'
            when i.status = 'saving' and i.attempt = u.attempt and u.expires_at > now() then 'open'
            else 'ended' end as state
     from uploads u join images i on i.id = u.image_id
     left join image_copies c on c.store = u.store and c.key = u.key
     where u.id = $1::text`,
    [id],
  );
  return row ?? null;
}

const isOpen = `i.id = u.image_id and i.attempt = u.attempt and i.status = 'saving'`;

/**
 * Takes an open upload that stands at `received` for appending, and sets its length where that is not known. Null: it
 * is held by another, stands elsewhere or is not open.
 */
export async function takeUpload(
  db: Database,
  id: string,
  { received, length }: { received: number; length: number | null },
): Promise<HeldUpload | null> {
  const isFree = `u.received = $2::bigint and (u.held_until is null or u.held_until < now())`;
  type Row = Upload & { turn: number; state: unknown; tail: Buffer } & Pick<Progress, 'digestState'>;
  const [row] = await db.query<Row>(
    `with kept as (
       update images i set lease_until = greatest(i.lease_until, now() + make_interval(secs => 2 * $4::int))
       from uploads u where u.id = $1::text and ${isOpen} and ${isFree} and u.expires_at > now()
       returning i.lease_until
     )
     update uploads u set turn = u.turn + 1, held_until = now() + make_interval(secs => $4::int),
       length = coalesce(u.length, $3::bigint), expires_at = kept.lease_until
     from kept where u.id = $1::text and ${isFree}
     returning ${columns}, u.turn, u.write_state as state, u.tail, u.digest_state as "digestState"`,
    [id, received, length, turnSeconds],
  );
  if (!row) return null;
  const { state, tail, ...upload } = row;
  return { ...upload, paused: { offset: upload.received, state, tail } };
}

type Held = Pick<HeldUpload, 'id' | 'turn'>;

/** Says that who appends lives, and that the upload is in use. False: it is no longer held. */
export async function keepUpload(db: Database, { id, turn }: Held): Promise<boolean> {
  const rows = await db.query(
    `with kept as (
       update images i set lease_until = now() + make_interval(hours => $3::int)
       from uploads u where u.id = $1::text and u.turn = $2::int and u.held_until is not null and ${isOpen}
       returning i.lease_until
     )
     update uploads u set held_until = now() + make_interval(secs => $4::int), expires_at = kept.lease_until
     from kept where u.id = $1::text and u.turn = $2::int and u.held_until is not null
     returning u.id`,
    [id, turn, lifeHours, turnSeconds],
  );
  return rows.length > 0;
}

/** Notes what has come. Null: it is no longer held, and nothing was noted. */
export async function saveUpload(
  db: Database,
  { id, turn }: Held,
  progress: Progress,
): Promise<Instant | null> {
  const rows = await db.query<{ expiresAt: Instant }>(
    `with kept as (
       update images i set lease_until = now() + make_interval(hours => $7::int)
       from uploads u where u.id = $1::text and u.turn = $2::int and u.held_until is not null and ${isOpen}
       returning i.lease_until
     )
     update uploads u set received = $3::bigint, write_state = $4::jsonb, tail = $5::bytea, digest_state = $6::jsonb,
       expires_at = kept.lease_until
     from kept where u.id = $1::text and u.turn = $2::int and u.held_until is not null
     returning u.expires_at as "expiresAt"`,
    [id, turn, progress.paused.offset, ...progressParams(progress), lifeHours],
  );
  return rows[0]?.expiresAt ?? null;
}

/** Lets others append. */
export async function letGoOfUpload(db: Database, { id, turn }: Held): Promise<void> {
  await db.query('update uploads set held_until = null where id = $1::text and turn = $2::int', [id, turn]);
}

/** Of an upload that is published: only what is asked for afterwards stays, whatever becomes of its copy. */
export async function closeUpload(db: Database, { id }: Pick<Held, 'id'>): Promise<void> {
  await db.query(
    `update uploads set received = coalesce(length, received), held_until = null, tail = null, write_state = null,
       digest_state = null where id = $1::text`,
    [id],
  );
}

export async function deleteUpload(db: Database, id: string): Promise<void> {
  await db.query('delete from uploads where id = $1::text', [id]);
}

/** Gives the images of expired uploads back as queued, says how many, and forgets what ended before. */
export async function giveUpExpiredUploads(db: Database, failure: ImageFailure): Promise<number> {
  return transaction(db, async (tx) => {
    type Lost = { store: string; key: string; id: string; name: string | null; owner: string | null };
    const { rows } = await tx.execute<Lost>(sql`
      with lost as (
        update images i set status = 'queued', lease_until = null, revision = i.revision + 1, updated_at = now(),
          failure = ${JSON.stringify(failure)}::jsonb
        from uploads u where i.id = u.image_id and i.attempt = u.attempt and i.status = 'saving'
          and i.lease_until < now() and u.expires_at < now()
        returning i.id, i.name, i.owner
      )
      delete from image_copies c using lost where c.image_id = lost.id and c.state = 'uploading'
      returning c.store, c.key, lost.id, lost.name, lost.owner`);
    await releaseObjects(tx, rows);
    await recordGivenUp(tx, rows, 'saving', failure);
    await tx.execute(sql`delete from uploads where expires_at < now()`);
    return rows.length;
  });
}
