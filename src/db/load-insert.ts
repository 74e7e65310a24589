/** A batch into the tables by COPY: as it is, or row by row where some are there already or are not taken. */
import type pg from 'pg';
import { copyIn } from './copy-in.ts';
import { sqlState } from './failure.ts';
import type { Batch, OnConflict, Progress, Refusal, Row, Tombstone } from './load-batch.ts';
import { imageColumns, memberColumns } from './load-rows.ts';

/** Constraints and values that PostgreSQL does not take; anything else is not the rows' fault. */
export function isAboutRows(error: unknown): boolean {
  return /^(22|23|54)/.test(sqlState(error) ?? '');
}

/** All rows are thought to be new and good. */
export async function insertAll(client: pg.ClientBase, batch: Batch, progress: Progress): Promise<Refusal[]> {
  await copyRows(client, batch, batch.rows);
  progress.loaded += batch.rows.length;
  return [];
}

/** Finds out which rows are new, and which ones PostgreSQL does not take. */
export async function insertCarefully(
  client: pg.ClientBase,
  batch: Batch,
  { progress, onConflict }: { progress: Progress; onConflict: OnConflict },
): Promise<Refusal[]> {
  const known = await findIds(client, batch.rows);
  const fresh: Row[] = [];
  const again = new Map<string, Row>();
  const refusals: Refusal[] = [];
  for (const row of batch.rows) {
    const before = known.get(row.id);
    if (before === undefined) {
      known.set(row.id, 'image');
      fresh.push(row);
    } else if (before === 'image' && onConflict === 'replace') {
      again.set(row.id, row);
      progress.replaced++;
    } else {
      const reason = before === 'image' ? 'is there already' : 'belonged to an image that was deleted';
      refusals.push({ line: row.line, reason: `The id ${row.id} ${reason}.`, kind: 'taken' });
      progress.skipped++;
    }
  }
  const badFresh = await insertOrSplit(client, batch, fresh, copyRows);
  const badAgain = await insertOrSplit(client, batch, [...again.values()], replaceRows);
  progress.loaded += fresh.length - badFresh.length;
  progress.replaced -= badAgain.length;
  progress.bad += badFresh.length + badAgain.length;
  return [...refusals, ...badFresh, ...badAgain].toSorted((a, b) => a.line - b.line);
}

/** Which ids are taken, and by what. */
async function findIds(
  client: pg.ClientBase,
  rows: readonly Row[],
): Promise<Map<string, 'image' | 'tombstone'>> {
  const { rows: found } = await client.query<{ id: string; by: 'image' | 'tombstone' }>(
    `select id, 'image' as by from images where id = any ($1::uuid[])
     union all select id, 'tombstone' from image_tombstones where id = any ($1::uuid[])`,
    [rows.map((row) => row.id)],
  );
  return new Map(found.map(({ id, by }) => [id, by]));
}

type Insert = (client: pg.ClientBase, batch: Batch, rows: readonly Row[]) => Promise<void>;

/** All at once; when PostgreSQL does not take them, each half by itself, down to the rows that are to blame. */
async function insertOrSplit(
  client: pg.ClientBase,
  batch: Batch,
  rows: readonly Row[],
  insert: Insert,
): Promise<Refusal[]> {
  if (rows.length === 0) return [];
  await client.query('savepoint half');
  try {
    await insert(client, batch, rows);
    await client.query('release savepoint half');
    return [];
  } catch (error) {
    if (!isAboutRows(error)) throw error;
    await client.query('rollback to savepoint half; release savepoint half');
    const [first] = rows;
    if (rows.length === 1 && first) {
      return [{ line: first.line, reason: `PostgreSQL: ${(error as Error).message}.`, kind: 'bad' }];
    }
    const middle = rows.length >> 1;
    return [
      ...(await insertOrSplit(client, batch, rows.slice(0, middle), insert)),
      ...(await insertOrSplit(client, batch, rows.slice(middle), insert)),
    ];
  }
}

const copyRows: Insert = async (client, batch, rows) => {
  await copyImages(client, 'images', batch.images(rows));
  await copyMembers(client, batch.members(rows));
};

async function copyImages(client: pg.ClientBase, table: string, data: Buffer): Promise<void> {
  await copyIn(client, `copy ${table} (${imageColumns.join(', ')}) from stdin`, data);
}

async function copyMembers(client: pg.ClientBase, data: Buffer): Promise<void> {
  if (data.length === 0) return;
  await copyIn(client, `copy image_members (${memberColumns.join(', ')}) from stdin`, data);
}

/** What says what the bytes are stays with an image that has some here. */
const ofTheBytes = new Set([
  'status',
  'disk_format',
  'container_format',
  'size',
  'virtual_size',
  'checksum',
  'digests',
]);

const replaceSql = `
update images i set revision = i.revision + 1, ${imageColumns
  .filter((column) => column !== 'id')
  .map((column) =>
    ofTheBytes.has(column)
      ? `${column} = case when s.has_bytes then i.${column} else s.${column} end`
      : `${column} = s.${column}`,
  )
  .join(', ')}
from (
  select *, exists (select from image_copies c where c.image_id = r.id) as has_bytes from import_replaced r
) s
where i.id = s.id`;

/** Members are those of the input afterwards. */
const replaceRows: Insert = async (client, batch, rows) => {
  await client.query(`
    create temp table if not exists import_replaced on commit delete rows as
      select ${imageColumns.join(', ')} from images with no data;
    truncate import_replaced`);
  await copyImages(client, 'import_replaced', batch.images(rows));
  await client.query(replaceSql);
  await client.query('delete from image_members where image_id in (select id from import_replaced)');
  await copyMembers(client, batch.members(rows));
};

/** An id that is an image's, or gone already, stays what it is. */
export async function insertTombstones(
  client: pg.ClientBase,
  tombstones: readonly Tombstone[],
): Promise<void> {
  if (tombstones.length === 0) return;
  await client.query(
    `insert into image_tombstones (id, owner, deleted_at)
     select * from unnest($1::uuid[], $2::text[], $3::timestamptz[]) as t (id)
     where not exists (select from images i where i.id = t.id)
     on conflict do nothing`,
    [
      tombstones.map(({ id }) => id),
      tombstones.map(({ owner }) => owner),
      tombstones.map(({ deletedAt }) => deletedAt),
    ],
  );
}
