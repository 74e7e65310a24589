/** Copies with what their bytes have to be: found for reading and checking, marked as what they turn out to be. */
import type { CopyDamage, Instant } from '../domain/image.ts';
import type { SignatureRecord } from '../domain/signature.ts';
import { recordOwnChangeSql } from './audit.ts';
import type { Database } from './client.ts';
import { sqlState } from './failure.ts';

/** A copy whose bytes were published once. */
export interface StoredCopy {
  id: string;
  imageId: string;
  store: string;
  key: string;
  /** Null: none that is known. A damaged copy is not active. */
  damage: CopyDamage | null;
  /** What the image says of the bytes: their number, and digests in lower-case hex. */
  size: number;
  checksum: string | null;
  digests: Record<string, string>;
}

const columns = `c.id, c.image_id as "imageId", c.store, c.key, c.damage, i.size, i.checksum, i.digests`;
const stored = `image_copies c join images i on i.id = c.image_id`;
const isStored = `i.status in ('active', 'deactivated') and i.size is not null
  and (c.state = 'active' or c.damage is not null)`;

/** All of an image, the oldest first. */
export function findStoredCopies(db: Database, imageId: string): Promise<StoredCopy[]> {
  const text = `select ${columns} from ${stored} where c.image_id = $1::uuid and ${isStored} order by c.created_at, c.id`;
  return db.query(text, [imageId]);
}

/** The next ones in the order of their ids; `store` null is all. */
export function findStoredCopiesAfter(
  db: Database,
  { after, store, limit }: { after: string | null; store: string | null; limit: number },
): Promise<StoredCopy[]> {
  const text = `select ${columns} from ${stored}
    where ${isStored} and ($1::uuid is null or c.id > $1::uuid) and ($2::text is null or c.store = $2::text)
    order by c.id limit $3::int`;
  return db.query(text, [after, store, limit]);
}

const since = 'coalesce(c.verified_at, c.created_at)';

/** A copy whose bytes were last read, or written, at `since`. */
export interface DueCopy extends StoredCopy {
  since: Instant;
}

export interface WhichDue {
  /** Goes on behind this one. */
  after: Pick<DueCopy, 'since' | 'id'> | null;
  /** Only those that nobody has read since then. */
  before: Instant;
  stores: readonly string[];
  /** One that could not be read is left alone for so long. */
  unreadPauseSeconds: number;
}

/** One that is marked as such is tried again after so long. */
const unreadablePause = `interval '1 day'`;

/** The active copy whose bytes were not read for the longest time; null when none is due. */
export async function findDueCopy(
  db: Database,
  { after, before, stores, unreadPauseSeconds }: WhichDue,
): Promise<DueCopy | null> {
  // A store at a time, as the index has them.
  const text = `select due.* from unnest($4::text[]) asked (store) cross join lateral (
      select ${columns}, ${since} as since from ${stored}
      where c.state = 'active' and ${isStored} and c.store = asked.store
        and ($1::timestamptz is null or (${since}, c.id) > ($1::timestamptz, $2::uuid))
        and ${since} < $3::timestamptz
        and (c.unread_at is null or c.unread_at < now() - make_interval(secs => $5::float8))
      order by ${since}, c.id limit 1) due
    order by due.since, due.id limit 1`;
  const params = [after?.since ?? null, after?.id ?? null, before, stores, unreadPauseSeconds];
  const [row] = await db.query<DueCopy>(text, params);
  return row ?? null;
}

/** Copies that are marked as unreadable, and were not tried for a while. */
export function findUnreadableCopies(db: Database, stores: readonly string[]): Promise<StoredCopy[]> {
  const text = `select ${columns} from ${stored}
    where c.damage is not null and c.damage->>'code' = 'UNREADABLE' and ${isStored} and c.store = any($1::text[])
      and (c.unread_at is null or c.unread_at < now() - ${unreadablePause})
    order by c.unread_at, c.id limit 1000`;
  return db.query(text, [stores]);
}

/** Active copies in the same store, those first that were read or written last. */
export function findOtherCopies(
  db: Database,
  { id, store }: Pick<StoredCopy, 'id' | 'store'>,
  limit: number,
): Promise<StoredCopy[]> {
  const text = `select ${columns} from ${stored}
    where c.state = 'active' and ${isStored} and c.store = $2::text and c.id <> $1::uuid
    order by ${since} desc, c.id desc limit $3::int`;
  return db.query(text, [id, store, limit]);
}

/** Whether there is a row: an image may be deleted while its copies are looked at. */
export async function isStillThere(db: Database, id: string): Promise<boolean> {
  return (await db.query('select 1 from image_copies where id = $1::uuid', [id])).length > 0;
}

/** Those whose damage only reading can tell to be over; `store` null is all. */
export function findCopiesOfBadBytes(db: Database, store: string | null): Promise<StoredCopy[]> {
  const text = `select ${columns} from ${stored}
    where c.damage is not null and c.damage->>'code' in ('OTHER_BYTES', 'UNREADABLE') and ${isStored}
      and ($1::text is null or c.store = $1::text) order by c.id`;
  return db.query(text, [store]);
}

/** So long ago, by the database's clock. */
export async function findInstantAgo(db: Database, seconds: number): Promise<Instant> {
  const text = 'select now() - make_interval(secs => $1::float8) as ago';
  const [row] = await db.query<{ ago: Instant }>(text, [seconds]);
  return row?.ago as Instant;
}

/** As the audit log calls a copy: by its store. */
const copyField = `'copies.' || marked.store`;

/** False: it was marked already, or is gone. */
export async function markDamaged(db: Database, id: string, damage: CopyDamage): Promise<boolean> {
  const text = `with marked as (
      update image_copies set state = 'failed', damage = $2::jsonb
      where id = $1::uuid and state = 'active' returning image_id, store
    ), recorded as (${recordOwnChangeSql({
      action: 'markCopyDamaged',
      from: 'marked',
      field: copyField,
      before: `'active'`,
      after: `'failed'`,
    })}) select from marked`;
  return (await db.query(text, [id, JSON.stringify(damage)])).length > 0;
}

/** Takes the mark away again. False: it had none, is gone, or another copy has its place. */
export async function markWhole(db: Database, id: string): Promise<boolean> {
  const text = `with marked as (
      update image_copies c set state = 'active', damage = null
      where id = $1::uuid and damage is not null and not exists (
        select from image_copies other where other.image_id = c.image_id and other.store = c.store
          and other.state in ('pending', 'uploading', 'active'))
      returning image_id, store
    ), recorded as (${recordOwnChangeSql({
      action: 'markCopyWhole',
      from: 'marked',
      field: copyField,
      before: `'failed'`,
      after: `'active'`,
    })}) select from marked`;
  try {
    return (await db.query(text, [id])).length > 0;
  } catch (error) {
    // Another copy took the place after the look.
    if (sqlState(error) === uniqueViolation) return false;
    throw error;
  }
}

const uniqueViolation = '23505';

/** It could not be read once more. Returns how often in a row by now. */
export async function countUnread(db: Database, id: string): Promise<number> {
  const text = `update image_copies set unread_times = unread_times + 1, unread_at = now()
    where id = $1::uuid returning unread_times as times`;
  const [row] = await db.query<{ times: number }>(text, [id]);
  return row?.times ?? 0;
}

/** All its bytes were read, and are those that were published. */
export async function markVerified(db: Database, id: string): Promise<void> {
  const text = `update image_copies set verified_at = now(), unread_times = 0, unread_at = null where id = $1::uuid`;
  await db.query(text, [id]);
}

/**
 * Adds the SHA-256 to the digests of an image that lacks it. Neither revision nor updatedAt change: nobody changed the
 * image, and who holds its revision loses nothing.
 */
export async function addSha256(db: Database, imageId: string, sha256: string): Promise<void> {
  const text = `with added as (
      update images set digests = digests || jsonb_build_object('sha256', $2::text)
      where id = $1::uuid and status in ('active', 'deactivated') and not digests ? 'sha256' returning id as image_id
    ) ${recordOwnChangeSql({
      action: 'addDigest',
      from: 'added',
      field: `'digests.sha256'`,
      before: 'null::text',
      after: '$2::text',
    })}`;
  await db.query(text, [imageId, sha256]);
}

/** All digests to an image that was published without any, and its signature: what is shown of it is another then. */
export async function addDigests(
  db: Database,
  imageId: string,
  {
    checksum,
    digests,
    signature,
  }: Pick<StoredCopy, 'checksum' | 'digests'> & { signature?: SignatureRecord },
): Promise<void> {
  const text = `with added as (
      update images set checksum = $2::text, digests = $3::jsonb || digests, signature = $4::jsonb,
        revision = revision + 1, updated_at = now()
      where id = $1::uuid and status in ('active', 'deactivated') and checksum is null and not digests ? 'sha512'
      returning id as image_id, digests
    ) ${recordOwnChangeSql({
      action: 'addDigest',
      from: 'added',
      field: `'digests'`,
      before: 'null::jsonb',
      after: 'added.digests',
    })}`;
  const record = signature ? JSON.stringify(signature) : null;
  await db.query(text, [imageId, checksum, JSON.stringify(digests), record]);
}

/** Stores that hold copies, by rows alone. */
export function countByStore(db: Database): Promise<{ store: string; copies: number }[]> {
  const text = `select store, count(*)::int as copies from image_copies
    where state = 'active' or damage is not null group by store order by store`;
  return db.query(text, []);
}

/** How many damaged copies there are, by store. */
export function countDamaged(db: Database): Promise<{ store: string; copies: number }[]> {
  const text = `select store, count(*)::int as copies from image_copies where damage is not null group by store`;
  return db.query(text, []);
}
