/** How far the scrub of sizes has come, among the facts of the installation. All times are the database's. */
import type { Database } from './client.ts';

const name = 'scrub_sizes';

/** Where a round goes on: behind this copy, or at the beginning. Null: the last one is over, and not old enough. */
export async function findScrubRound(
  db: Database,
  everySeconds: number,
): Promise<{ after: string | null } | null> {
  const text = `select value::jsonb->>'after' as after,
      coalesce((value::jsonb->>'overAt')::timestamptz > now() - make_interval(secs => $2::float8), false) as waits
    from installation where name = $1::text`;
  const [row] = await db.query<{ after: string | null; waits: boolean }>(text, [name, everySeconds]);
  if (row?.waits) return null;
  return { after: row?.after ?? null };
}

export async function saveScrubRound(
  db: Database,
  { after, isOver }: { after: string | null; isOver: boolean },
): Promise<void> {
  const text = `insert into installation (name, value)
    values ($1::text, jsonb_build_object('after', $2::text, 'overAt', case when $3::bool then now() end)::text)
    on conflict (name) do update set value = excluded.value`;
  await db.query(text, [name, after, isOver]);
}
