/** Robot tokens as rows. A secret is looked up by its digest, and stands nowhere. */
import { eq, sql } from 'drizzle-orm';
import type { Token } from '../domain/token.ts';
import { readStoredFilter, withoutRelevance } from '../search/token-filter.ts';
import type { Database, Statements } from './client.ts';
import { tokens } from './tables.ts';

const columns = `id, project, user_id as "user", name, description, roles, read_only as "readOnly",
  image_filter as "imageFilter", created_at as "createdAt", expires_at as "expiresAt", last_used_at as "lastUsedAt"`;

export interface NewToken extends Omit<Token, 'id' | 'createdAt' | 'lastUsedAt'> {
  digest: string;
}

/** Those that are over are remembered so long. */
const rememberedDays = 30;

/** The tokens of a project cannot grow in number until the transaction ends; those that are long over are gone. */
export async function lockTokens(tx: Statements, project: string): Promise<number> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('tokens:' || ${project}, 0))`);
  await tx.execute(sql`delete from tokens
    where project = ${project} and expires_at < now() - make_interval(days => ${rememberedDays})`);
  const [row] = await tx
    .select({ n: sql<number>`count(*)::int` })
    .from(tokens)
    .where(eq(tokens.project, project));
  return row?.n ?? 0;
}

export async function insertToken(tx: Statements, token: NewToken): Promise<Token> {
  const row = { ...token, roles: [...token.roles] };
  const [made] = await tx.insert(tokens).values(row).returning();
  if (!made) throw new Error('A token was not inserted.');
  return withoutDigest(made);
}

/** The token, locked until the transaction ends; null when it is gone. */
export async function lockToken(tx: Statements, id: string): Promise<Token | null> {
  const [row] = await tx.select().from(tokens).where(eq(tokens.id, id)).for('update');
  return row ? withoutDigest(row) : null;
}

function withoutDigest({ digest: _, ...token }: typeof tokens.$inferSelect): Token {
  return token;
}

export async function deleteToken(tx: Statements, id: string): Promise<void> {
  await tx.delete(tokens).where(eq(tokens.id, id));
}

export async function findToken(db: Database, id: string): Promise<Token | null> {
  const [row] = await db.query<Token>(`select ${columns} from tokens where id = $1::uuid`, [id]);
  return row ?? null;
}

/** Oldest first. Those of one project are few. */
export async function findTokensOf(db: Database, project: string): Promise<Token[]> {
  return db.query<Token>(`select ${columns} from tokens where project = $1::text order by created_at, id`, [
    project,
  ]);
}

/** Of all projects: by project, oldest first. */
export async function findAllTokens(db: Database): Promise<Token[]> {
  return db.query<Token>(`select ${columns} from tokens order by project, created_at, id`, []);
}

/** A token that a request came with; its filter is one that can be compiled. */
export interface LiveToken extends Token {
  imageFilter: object | null;
  /** Until it expires, by the database's clock; null: it does not. */
  leftMs: number | null;
}

/** Null when there is none, or it is over. @throws UnavailableError its filter is of a newer version */
export async function findLiveToken(db: Database, digest: string): Promise<LiveToken | null> {
  const [row] = await db.query<Token & { leftMs: number | null }>(
    `select ${columns}, (extract(epoch from expires_at - now()) * 1000)::float8 as "leftMs" from tokens
     where digest = $1::text and (expires_at is null or expires_at > now())`,
    [digest],
  );
  if (!row) return null;
  const { imageFilter } = row;
  return {
    ...row,
    imageFilter: imageFilter === null ? null : withoutRelevance(readStoredFilter(imageFilter)),
  };
}

/** At most once a minute whoever asks: how long a token was not used is seen to the minute. */
export async function noteTokenUse(db: Database, id: string): Promise<void> {
  await db.query(
    `update tokens set last_used_at = now()
     where id = $1::uuid and (last_used_at is null or last_used_at < now() - interval '1 minute')`,
    [id],
  );
}
