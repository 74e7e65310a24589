/**
 * What projects have, as rows. Truth is in the rows of copies and of objects that are not removed yet:
 * each says what it counts. The sums of a project are kept by triggers (drizzle/0010), so that they are read at once.
 *
 * Who wants more decides under a lock of the project, with all that others took before in sight; only where there is
 * a limit. Locks are taken in this order, always: image, project, copies.
 */
import { sql } from 'drizzle-orm';
import { type Allowance, type AmountName, type Amounts, isLimited, requireRoom } from '../domain/quota.ts';
import type { Database, Statements } from './client.ts';
import { transaction } from './client.ts';

/** The first of two numbers of an advisory lock that nobody else uses: "vitq" in ASCII. */
export const projectLock = 0x76697471;

/** What a project has now. */
export async function findUsage(db: Database, project: string): Promise<Amounts> {
  const [row] = await db.query<Amounts>('select * from vitrine_usage($1::text)', [project]);
  return row as Amounts;
}

/**
 * Has the project wait with what it wants until this transaction ends, where there is a limit on any of it. The rows
 * that then take it are the caller's to write.
 * @throws QuotaExceededError there is less left
 */
export async function takeRoom(
  tx: Statements,
  allowance: Allowance,
  wanted: Partial<Amounts>,
): Promise<void> {
  if (isLimited(allowance, wanted)) requireRoom(allowance, await lockUsage(tx, allowance), wanted);
}

async function lockUsage(tx: Statements, { project }: Allowance): Promise<Amounts> {
  await tx.execute(sql`select pg_advisory_xact_lock(${projectLock}, hashtext(${project}))`);
  const { rows } = await tx.execute<Amounts & Record<string, unknown>>(
    sql`select * from vitrine_usage(${project})`,
  );
  return rows[0] as Amounts;
}

/** What is being written of an image: as many objects of the same bytes as there are keys. */
export interface Writing {
  imageId: string;
  /** Unique for each attempt. */
  keys: readonly string[];
  counts: Extract<AmountName, 'bytes' | 'stagingBytes'>;
  /** Whose image it is, as far as the writer knows. */
  project: string | null;
}

/** How many bytes each of the objects may have; or the image is another project's, or they are gone. */
export type Reserved = number | { movedTo: string | null } | 'gone';

/**
 * Reserves `atLeast` bytes for each object, and up to `ahead` more where they are to be had.
 * @throws QuotaExceededError there is less left
 */
export async function reserveBytes(
  db: Database,
  { imageId, keys, counts }: Omit<Writing, 'project'>,
  { allowance, atLeast, ahead }: { allowance: Allowance; atLeast: number; ahead: number },
): Promise<Reserved> {
  return transaction(db, async (tx) => {
    const { rows: found } = await tx.execute<{ owner: string | null }>(
      sql`select owner from images where id = ${imageId} for update`,
    );
    if (!found[0]) return 'gone';
    if (found[0].owner !== allowance.project) return { movedTo: found[0].owner };
    const states = counts === 'bytes' ? ['pending', 'uploading'] : ['staging'];
    const isTheirs = sql`image_id = ${imageId} and key = any (${textList(keys)}) and state = any (${textList(states)})`;
    const { rows } = await tx.execute<{ least: number | null; sum: number; objects: number }>(
      sql`select min(bytes)::float8 as least, coalesce(sum(bytes), 0)::float8 as sum, count(*)::int as objects
        from image_copies where ${isTheirs}`,
    );
    const { least, sum, objects } = rows[0] as { least: number | null; sum: number; objects: number };
    if (least === null) return 'gone';
    if (least >= atLeast) return least;
    let bytes = atLeast + ahead;
    const limit = allowance.limits[counts];
    if (limit !== null && allowance.project !== null) {
      const used = await lockUsage(tx, allowance);
      requireRoom(allowance, used, { [counts]: atLeast * objects - sum });
      bytes = Math.min(bytes, Math.floor((limit - used[counts] + sum) / objects));
    }
    await tx.execute(sql`update image_copies set bytes = ${bytes} where ${isTheirs}`);
    return bytes;
  });
}

const textList = (texts: readonly string[]) => sql`${sql.param(texts)}::text[]`;

/** What an image counts now: all of it moves with it to another project. */
export async function findUsageOfImage(tx: Statements, imageId: string): Promise<Amounts> {
  const { rows } = await tx.execute<Amounts & Record<string, unknown>>(sql`
    select 1 as images,
      coalesce(sum(bytes) filter (where not vitrine_is_staged(state)), 0)::float8 as bytes,
      coalesce(sum(bytes) filter (where vitrine_is_staged(state)), 0)::float8 as "stagingBytes",
      least(count(*) filter (where state in ('pending', 'uploading', 'staging', 'staged') and lease_until is null), 1)
        ::float8 as uploads
    from image_copies where image_id = ${imageId}`);
  return rows[0] as Amounts;
}
