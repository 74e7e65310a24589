/** The sums of what projects have, which triggers keep: added up, and held against the rows. */
import { sql } from 'drizzle-orm';
import type { QuotaResource } from '../domain/quota.ts';
import type { Database } from './client.ts';
import { transaction } from './client.ts';
import { countValuesSql } from './value-counts.ts';

/** Adds up what triggers have added since: the sums stay the same at every moment. */
export async function mergeUsage(db: Database): Promise<void> {
  await db.query(
    `with added as (delete from project_usage where not merged returning *)
    insert into project_usage as kept (owner, staged, bytes, merged)
    select owner, staged, sum(bytes), true from added group by 1, 2 order by 1, 2
    on conflict (owner, staged) where merged do update set bytes = kept.bytes + excluded.bytes`,
    [],
  );
  await db.query('delete from project_usage where merged and bytes = 0', []);
}

/** Projects that have images or bytes. */
export async function findProjectsInUse(db: Database): Promise<string[]> {
  const text = `select owner from images where owner is not null
    union select owner from project_usage where bytes <> 0 order by 1`;
  const rows = await db.query<{ owner: string }>(text, []);
  return rows.map(({ owner }) => owner);
}

/** Sums that are not what the rows say: of bytes, and of images. */
export interface Drift {
  project: string;
  resource: QuotaResource;
  kept: number;
  counted: number;
}

/** Reads all rows of copies and images, in one moment. */
export function findDrift(db: Database): Promise<Drift[]> {
  const text = `
    with kept as (select owner, staged, sum(bytes) as bytes from project_usage group by 1, 2),
      counted as (
        select i.owner, vitrine_is_staged(c.state) as staged, c.bytes from image_copies c join images i on i.id = c.image_id
        union all select owner, staged, bytes from stray_objects),
      summed as (select owner, staged, sum(bytes) as bytes from counted where owner is not null group by 1, 2),
      kept_images as (select owner, sum(images) as images from image_value_counts
        where name = '' and owner is not null group by 1),
      counted_images as (select owner, count(*) as images from images where owner is not null group by 1)
    select owner as project, case when staged then 'image_stage_total' else 'image_size_total' end as resource,
      coalesce(k.bytes, 0)::float8 as kept, coalesce(s.bytes, 0)::float8 as counted
    from kept k full join summed s using (owner, staged) where coalesce(k.bytes, 0) <> coalesce(s.bytes, 0)
    union all
    select owner, 'image_count_total', coalesce(k.images, 0)::float8, coalesce(c.images, 0)::float8
    from kept_images k full join counted_images c using (owner) where coalesce(k.images, 0) <> coalesce(c.images, 0)
    order by 1, 2`;
  return db.query(text, []);
}

/** Makes the sums of bytes what the rows say, and those of images where wanted; whoever changes any waits. */
export async function recountUsage(db: Database, { images }: { images: boolean }): Promise<void> {
  await transaction(db, async (tx) => {
    await tx.execute(
      sql`lock table images, image_copies, stray_objects, project_usage in share row exclusive mode`,
    );
    await tx.execute(sql`update image_copies c set owner = i.owner from images i
      where i.id = c.image_id and c.owner is distinct from i.owner`);
    await tx.execute(sql`delete from project_usage`);
    await tx.execute(sql`insert into project_usage (owner, staged, bytes, merged)
      select owner, staged, bytes, true from project_usage_of_rows`);
    if (!images) return;
    await tx.execute(sql`delete from image_value_counts`);
    await tx.execute(sql.raw(countValuesSql));
  });
}
