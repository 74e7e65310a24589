/** Objects without a row: those given up, and those found in a store. All times are the database's. */
import type { Instant } from '../domain/image.ts';
import type { Database } from './client.ts';

export interface StrayObject {
  store: string;
  key: string;
}

/** Of these keys in a store, notes those that no copy claims, with the time when they were first seen so. */
export async function noteStrays(db: Database, store: string, keys: readonly string[]): Promise<void> {
  await db.query(
    `insert into stray_objects (store, key, released)
     select $1::text, k, false from unnest($2::text[]) k
     where not exists (select 1 from image_copies c where c.store = $1::text and c.key = k)
     on conflict do nothing`,
    [store, keys],
  );
}

/** An object that no copy claims and nobody gave up. */
export interface Rowless {
  key: string;
  /** Since when that is known; null: it is news. */
  since: Instant | null;
  /** The grace is over. */
  isOver: boolean;
}

/** Those of these keys in a store; nothing is noted. */
export async function findRowless(
  db: Database,
  { store, keys, graceSeconds }: { store: string; keys: readonly string[]; graceSeconds: number },
): Promise<Rowless[]> {
  return db.query(
    `select k as key, s.seen_at as since,
       coalesce(s.seen_at < now() - make_interval(secs => $3::int), false) as "isOver"
     from unnest($2::text[]) k left join stray_objects s on s.store = $1::text and s.key = k
     where not coalesce(s.released, false)
       and not exists (select 1 from image_copies c where c.store = $1::text and c.key = k)
     order by k`,
    [store, keys, graceSeconds],
  );
}

/** Objects to remove from these stores now: released ones, and those seen without a row for `graceSeconds`. */
export async function findRemovable(
  db: Database,
  stores: readonly string[],
  graceSeconds: number,
): Promise<StrayObject[]> {
  return db.query(
    `select store, key from stray_objects s
     where store = any($1::text[]) and (released or seen_at < now() - make_interval(secs => $2::int))
     order by seen_at limit 1000`,
    [stores, graceSeconds],
  );
}

/** Whether a copy claims the object after all: asked again right before it is removed. */
export async function isClaimed(db: Database, { store, key }: StrayObject): Promise<boolean> {
  const text = 'select 1 from image_copies where store = $1::text and key = $2::text';
  return (await db.query(text, [store, key])).length > 0;
}

/** Objects of a project that are to be removed and still count, the largest first; none that is still being written. */
export function findReleased(
  db: Database,
  project: string,
  { stores, limit }: { stores: readonly string[]; limit: number },
): Promise<{ store: string; key: string }[]> {
  const text = `select store, key from stray_objects
    where owner = $1::text and released and bytes > 0 and store = any ($2::text[])
      and (held_until is null or held_until < now())
    order by bytes desc limit $3::int`;
  return db.query(text, [project, stores, limit]);
}

/** Objects in stores that no server knows any more count for nobody after a day: nobody will remove them. */
export async function forgetUnreachable(db: Database, stores: readonly string[]): Promise<void> {
  const text = `update stray_objects set bytes = 0
    where bytes <> 0 and store <> all ($1::text[]) and seen_at < now() - interval '1 day'`;
  await db.query(text, [stores]);
}

/** It could not be removed: others go first the next time. */
export async function postponeStray(db: Database, { store, key }: StrayObject): Promise<void> {
  const text = 'update stray_objects set seen_at = now() where store = $1::text and key = $2::text';
  await db.query(text, [store, key]);
}

/** The object is gone, or has a row; one that may still be written is removed once more, later. */
export async function forgetStray(db: Database, { store, key }: StrayObject): Promise<void> {
  await db.query(
    `delete from stray_objects where store = $1::text and key = $2::text
       and (held_until is null or held_until < now())`,
    [store, key],
  );
}

/** Their writers have ended: they go at once, for good. */
export async function endHolds(db: Database, keys: readonly string[]): Promise<void> {
  await db.query(
    `with ended as (
       update stray_objects set held_until = null where key = any ($1::text[]) and held_until is not null returning key
     )
     select graphile_worker.add_job('reap', job_key => 'reap') from ended limit 1`,
    [keys],
  );
}
