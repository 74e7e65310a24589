/**
 * The text that bare words are looked for in: which properties it takes in is a setting. The function that makes it
 * is in the database, below a generated column; with other properties it is written anew, and the images of before
 * are brought up to date in the background.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Database, DatabaseAddress } from './client.ts';
import { sqlState } from './failure.ts';
import { alone, type Upkeep, writersGone } from './upkeep.ts';

/** Those that the migration's own function takes in. */
export const defaultDescribing: readonly string[] = [
  'os_distro',
  'os_version',
  'title',
  'description',
  'image_description',
  'summary',
  'display_name',
];

/** The same function as the migration's, with these properties. */
export function searchTextSql(names: readonly string[]): string {
  const values = names.map((name) => `,\n    properties->>${pg.escapeLiteral(name)}`).join('');
  const body = `
begin
  return lower(concat_ws(E'\\x1f', name, array_to_string(tags, E'\\x1f')${values}) collate "default");
end `;
  return `create or replace function vitrine_search_text(name text, tags text[], properties jsonb) returns text
language plpgsql immutable parallel safe as ${pg.escapeLiteral(body)}`;
}

/** As the installation has it: which properties, and up to which image they are in its text; null: all of them. */
interface Progress {
  names: readonly string[];
  after: string | null;
}

const recordName = 'search_text';
const firstId = '00000000-0000-0000-0000-000000000000';

async function findProgress(query: Database['query']): Promise<Progress> {
  const [row] = await query<{ value: string }>('select value from installation where name = $1', [
    recordName,
  ]);
  return row ? (JSON.parse(row.value) as Progress) : { names: defaultDescribing.toSorted(), after: null };
}

const isSame = (one: readonly string[], other: readonly string[]) =>
  JSON.stringify(one) === JSON.stringify(other);

/**
 * Makes the search text of all images that of these properties; one query when it is. Goes on where one that was
 * broken off has stopped. Writers go on meanwhile, and write the new text.
 */
export async function ensureSearchText(
  address: DatabaseAddress,
  { db, names, ...upkeep }: Upkeep & { db: Database; names: readonly string[] },
): Promise<void> {
  const wanted = names.toSorted();
  const isDone = ({ names: found, after }: Progress) => isSame(found, wanted) && after === null;
  if (isDone(await findProgress(db.query))) return;
  await alone(address, { ...upkeep, lock: 'searchText' }, async (client) => {
    const query = async <Row>(text: string, params: readonly unknown[]) =>
      (await client.query(text, params as unknown[])).rows as Row[];
    let progress = await findProgress(query);
    if (isDone(progress)) return;
    if (!isSame(progress.names, wanted)) {
      progress = { names: wanted, after: firstId };
      await writeFunction(client, progress);
    }
    await writersGone(client, upkeep.signal);
    await refresh(client, progress, upkeep);
  });
}

async function writeFunction(client: pg.ClientBase, progress: Progress): Promise<void> {
  await client.query('begin');
  await client.query(searchTextSql(progress.names));
  await saveProgress(client, progress);
  await client.query('commit');
}

async function saveProgress(client: pg.ClientBase, progress: Progress): Promise<void> {
  await client.query(
    'insert into installation (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value',
    [recordName, JSON.stringify(progress)],
  );
}

const batchSize = 1_000;

/** A generated column is made again when one that it is made of is written; everything else stays as it is. */
const batchSql = `
with batch as (select id from images where id > $1 order by id limit ${batchSize}),
changed as (
  update images set name = name where id in (select id from batch)
    and search_text is distinct from vitrine_search_text(name, tags, properties)
  returning 1
)
select (select id from batch order by id desc limit 1) as last, (select count(*)::int from changed) as changed`;

async function refresh(client: pg.ClientBase, { names, after }: Progress, upkeep: Upkeep): Promise<void> {
  upkeep.log(`search text: brought up to date for ${names.join(', ') || 'no properties'}`);
  const started = performance.now();
  let changed = 0;
  for (let last = after; last !== null; ) {
    upkeep.signal?.throwIfAborted();
    const batchStarted = performance.now();
    const batch = await runBatch(client, last);
    changed += batch.changed;
    last = batch.last;
    await saveProgress(client, { names, after: last });
    // Half of the time is for others.
    if (last !== null) await sleep(performance.now() - batchStarted, undefined, { signal: upkeep.signal });
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  upkeep.log(`search text: up to date; ${changed} images changed in ${seconds} s`);
}

/** Again when it got into a deadlock with writers of the same images. */
async function runBatch(
  client: pg.ClientBase,
  after: string,
): Promise<{ last: string | null; changed: number }> {
  for (let attempt = 1; ; attempt++) {
    try {
      const { rows } = await client.query(batchSql, [after]);
      return rows[0];
    } catch (error) {
      if (sqlState(error) !== '40P01' || attempt >= 10) throw error;
    }
  }
}
