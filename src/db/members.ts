/** Projects that images are shared with. */
import { and, eq, sql } from 'drizzle-orm';
import type { ImageMember, MemberStatus } from '../domain/image.ts';
import type { Database, Statements } from './client.ts';
import { members } from './tables.ts';

/** All memberships of these images, by image, oldest first. At most `limits.members` an image. */
export async function findMembers(db: Database, imageIds: readonly string[]): Promise<ImageMember[]> {
  return db.query<ImageMember>(
    `select image_id as "imageId", project, status, created_at as "createdAt", updated_at as "updatedAt"
     from image_members where image_id = any($1::uuid[]) order by image_id, created_at, project`,
    [imageIds],
  );
}

/** One membership; null when there is none. */
export async function findMember(
  tx: Statements,
  imageId: string,
  project: string,
): Promise<ImageMember | null> {
  const [row] = await tx.select().from(members).where(isMember(imageId, project));
  return row ?? null;
}

const isMember = (imageId: string, project: string) =>
  and(eq(members.imageId, imageId), eq(members.project, project));

export async function countMembers(tx: Statements, imageId: string): Promise<number> {
  const [row] = await tx
    .select({ n: sql<number>`count(*)::int` })
    .from(members)
    .where(eq(members.imageId, imageId));
  return row?.n ?? 0;
}

/** The new membership, pending; null when it is there already. */
export async function insertMember(
  tx: Statements,
  imageId: string,
  project: string,
): Promise<ImageMember | null> {
  const [row] = await tx.insert(members).values({ imageId, project }).onConflictDoNothing().returning();
  return row ?? null;
}

/** False when there was none. */
export async function removeMember(tx: Statements, imageId: string, project: string): Promise<boolean> {
  const rows = await tx.delete(members).where(isMember(imageId, project)).returning();
  return rows.length > 0;
}

/** The membership with its new status; null when there is none. */
export async function updateMember(
  tx: Statements,
  imageId: string,
  project: string,
  status: MemberStatus,
): Promise<ImageMember | null> {
  const [row] = await tx
    .update(members)
    .set({ status, updatedAt: sql`now()` })
    .where(isMember(imageId, project))
    .returning();
  return row ?? null;
}
