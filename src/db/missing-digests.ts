/**
 * SHA-256 of images, and of each of their blocks, which are published without: a job for each, in the transaction that
 * publishes it.
 */
import { sql } from 'drizzle-orm';
import type { Database, Statements } from './client.ts';

/** Who uploads an image likes to use it: its bytes are read once more when that is under way, or it is gone again. */
const delay = sql`interval '60 seconds'`;

/** One at a time over all machines: the queue of that name sees to it. */
export async function enqueueDigest(tx: Statements, imageId: string): Promise<void> {
  await tx.execute(sql`select graphile_worker.add_job('digest_image',
    json_build_object('imageId', ${imageId}::text), queue_name => 'digests', job_key => 'digest:' || ${imageId}::text,
    run_at => now() + ${delay})`);
}

/**
 * Jobs for images that lack it and have none: published before there were such jobs, or given up by them. Whose copy
 * was ever read whole has one, so that only few are looked at. Returns how many; there may be more.
 */
export async function enqueueMissingDigests(db: Database): Promise<number> {
  const text = `select graphile_worker.add_job('digest_image', json_build_object('imageId', id),
      queue_name => 'digests', job_key => 'digest:' || id, priority => 1)
    from (select distinct i.id from image_copies c join images i on i.id = c.image_id
      where c.state = 'active' and c.verified_at is null and c.created_at < now() - interval '10 minutes'
        and i.status in ('active', 'deactivated')
        and (not i.digests ? 'sha256' or i.size > 0 and not exists (
          select from image_blocks b where b.image_id = i.id and b.part = 0 and b.digests is not null))
        and not exists (select from graphile_worker.jobs j where j.key = 'digest:' || i.id and j.attempts < j.max_attempts)
      limit 1000) missing`;
  return (await db.query(text, [])).length;
}
