/**
 * Loads images in batches by COPY, one transaction each, which also notes how far the input was read: whatever
 * kills an import, the next one goes on after the last batch that is there.
 *
 * Two loads wait for each other. A batch and a migration do too; while what is derived is away (db/load-derived)
 * the whole load holds the lock of migrations.
 */
import type pg from 'pg';
import type { Instant } from '../domain/image.ts';
import type { DatabaseAddress } from './client.ts';
import { copyIn } from './copy-in.ts';
import { sqlState } from './failure.ts';
import { isDerivedAway, restoreDerived, takeDerivedAway } from './load-derived.ts';
import { imageColumns, imageRow, type LoadedImage, memberColumns, memberRows } from './load-rows.ts';
import { migrationLock } from './migrate.ts';
import { openPool } from './pool.ts';
import { type Piece, textBuffer } from './text-buffer.ts';

/** What becomes of an image whose id is there already. Ids of deleted images are never taken. */
export type OnConflict = 'skip' | 'replace' | 'fail';

/** An image ready for COPY: where its rows stand in the batch, and the line of the input that it came from. */
interface Row {
  readonly line: number;
  readonly id: string;
  readonly image: Piece;
  readonly members: Piece | null;
}

export interface Tombstone {
  id: string;
  owner: string | null;
  deletedAt: Instant;
}

/** The input up to some line, and what came of it. */
export interface Progress {
  /** Bytes of whole lines, and their CRC-32: the same bytes again are known by it. */
  bytes: number;
  crc: number;
  lines: number;
  loaded: number;
  replaced: number;
  skipped: number;
  tombstones: number;
  bad: number;
}

export interface Batch {
  readonly rows: readonly Row[];
  readonly tombstones: Tombstone[];
  /** Bytes of its rows. */
  size(): number;
  add(line: number, image: LoadedImage): void;
  /** What COPY reads, of these rows. */
  images(rows: readonly Row[]): Buffer;
  members(rows: readonly Row[]): Buffer;
}

/** Rows are written out at once: held as text they would cost more time than reading them. */
export function newBatch(): Batch {
  const rows: Row[] = [];
  const images = textBuffer();
  const members = textBuffer();
  return {
    rows,
    tombstones: [],
    size: () => images.size() + members.size(),
    add(line, image) {
      const memberText = memberRows(image);
      rows.push({
        line,
        id: image.id,
        image: images.add(imageRow(image)),
        members: memberText === '' ? null : members.add(memberText),
      });
    },
    images: (some) => images.only(some.map((row) => row.image)),
    members: (some) => members.only(some.map((row) => row.members).filter((piece) => piece !== null)),
  };
}

export type Refusal = { line: number; reason: string; kind: 'taken' | 'bad' };

/** The load was to stop at such a row; its batch is not loaded. */
export class RefusedError extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(`Line ${refusal.line}: ${refusal.reason}`);
    this.refusal = refusal;
  }
}

export interface LoadOptions {
  onConflict: OnConflict;
  /** Rows that PostgreSQL does not take stop the load. */
  isFatal: boolean;
}

export interface FinishSeconds {
  /** For the side tables, which belong to what is loaded. */
  fillSeconds: number;
  indexSeconds: number;
  vacuumSeconds: number;
}

export interface BulkLoad {
  /** Whether indexes and side tables are away until `finish`. */
  readonly isFast: boolean;
  /** How far an earlier load of an input with this name came; null: there was none, or it was finished. */
  findProgress(input: string): Promise<Progress | null>;
  /**
   * `progress` is after this batch, as far as it is known before: `loaded`, `replaced`, `skipped` and what
   * PostgreSQL finds bad are added. Tells what was not taken. One at a time.
   * @throws RefusedError  by the options
   */
  add(input: string, batch: Batch, progress: Progress): Promise<Refusal[]>;
  /** Makes what is away, and vacuums; with `input`, which was read to its end, nothing is left to go on with. */
  finish(input: string | null): Promise<FinishSeconds>;
  close(): Promise<void>;
}

/** Any number that nobody else uses: "load" in ASCII. */
const loadLock = 0x6c6f6164;
/** Builds at a time: more find neither processors nor memory. */
const builders = 2;

/** `onWait` hears that another import runs, which is waited for. */
export async function openBulkLoad(
  address: DatabaseAddress,
  { onWait, ...options }: LoadOptions & { onWait: () => void },
): Promise<BulkLoad> {
  const pool = openPool(address, { max: builders, applicationName: 'vitrine import' });
  const client = await pool.connect();
  try {
    await lockLoads(client, onWait);
    // What a crash of PostgreSQL takes it takes with the progress that stands beside it.
    await client.query('set synchronous_commit = off');
    const isFast = await beginFast(client);
    return bulkLoad(pool, client, { ...options, isFast });
  } catch (error) {
    client.release(true);
    await pool.end();
    throw error;
  }
}

async function lockLoads(client: pg.ClientBase, onWait: () => void): Promise<void> {
  const { rows } = await client.query('select pg_try_advisory_lock($1) as got', [loadLock]);
  if (rows[0]?.got) return;
  onWait();
  await client.query('select pg_advisory_lock($1)', [loadLock]);
}

/** Takes away what is derived when the catalog is empty and no server uses it, or goes on without it. */
async function beginFast(client: pg.ClientBase): Promise<boolean> {
  await client.query('select pg_advisory_lock($1)', [migrationLock]);
  const isFast =
    (await isDerivedAway(client)) || (!(await isServed(client)) && (await takeDerivedAway(client)));
  if (!isFast) await client.query('select pg_advisory_unlock($1)', [migrationLock]);
  return isFast;
}

/** Every server listens to the queue, whatever else it does. */
async function isServed(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query(`
    select 1 from pg_stat_activity
    where datname = current_database() and application_name in ('vitrine', 'vitrine queue') limit 1`);
  return rows.length > 0;
}

function bulkLoad(
  pool: pg.Pool,
  client: pg.PoolClient,
  { onConflict, isFatal, isFast }: LoadOptions & { isFast: boolean },
): BulkLoad {
  // Into an empty catalog no id is looked up until one is found to be taken.
  let looksUp: boolean | null = null;
  let changed = false;

  async function inTransaction<T>(work: () => Promise<T>): Promise<T> {
    await client.query(`begin; select pg_advisory_xact_lock(${migrationLock})`);
    try {
      const result = await work();
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch(() => {});
      throw error;
    }
  }

  async function attempt(input: string, batch: Batch, progress: Progress): Promise<Refusal[]> {
    const before = { ...progress };
    looksUp ??= !isFast || (await hasRows(client));
    try {
      return await inTransaction(async () => {
        const refusals = looksUp
          ? await insertCarefully(client, batch, { progress, onConflict })
          : await insertAll(client, batch, progress);
        const stop = refusals.find(({ kind }) => (kind === 'bad' ? isFatal : onConflict === 'fail'));
        if (stop) throw new RefusedError(stop);
        await insertTombstones(client, batch.tombstones);
        await noteProgress(client, input, progress);
        return refusals;
      });
    } catch (error) {
      Object.assign(progress, before);
      if (looksUp || !isAboutRows(error)) throw error;
      looksUp = true;
      return attempt(input, batch, progress);
    }
  }

  return {
    isFast,
    async findProgress(input) {
      const { rows } = await client.query<{ value: string }>(
        'select value from installation where name = $1',
        [recordOf(input)],
      );
      return rows[0] ? (JSON.parse(rows[0].value) as Progress) : null;
    },
    async add(input, batch, progress) {
      const refusals = await attempt(input, batch, progress);
      changed = true;
      if (batch.tombstones.length > 0) looksUp = true;
      return refusals;
    },
    async finish(input) {
      const seconds = isFast ? await restore(pool, client) : { fillSeconds: 0, indexSeconds: 0 };
      const start = performance.now();
      if (changed || isFast) await client.query(`vacuum (analyze) ${vacuumed}`);
      // The first commit that waits for the disk: everything before it is there then.
      await client.query('set synchronous_commit = on');
      await client.query('delete from installation where name = $1', [input === null ? '' : recordOf(input)]);
      return { ...seconds, vacuumSeconds: (performance.now() - start) / 1000 };
    },
    async close() {
      client.release(true); // the locks go with the connection
      await pool.end();
    },
  };
}

const recordOf = (input: string) => `import ${input}`;

const vacuumed = 'images, image_members, image_terms, image_vocabulary';

async function restore(pool: pg.Pool, client: pg.PoolClient) {
  const others: pg.PoolClient[] = [];
  try {
    for (let i = 1; i < builders; i++) others.push(await pool.connect());
    return await restoreDerived([client, ...others]);
  } finally {
    for (const other of others) other.release(true);
  }
}

async function hasRows(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query(`
    select exists (select from images) or exists (select from image_tombstones) as yes`);
  return rows[0]?.yes === true;
}

/** Constraints and values that PostgreSQL does not take; anything else is not the rows' fault. */
function isAboutRows(error: unknown): boolean {
  return /^(22|23|54)/.test(sqlState(error) ?? '');
}

/** All rows are thought to be new and good. */
async function insertAll(client: pg.ClientBase, batch: Batch, progress: Progress): Promise<Refusal[]> {
  await copyRows(client, batch, batch.rows);
  progress.loaded += batch.rows.length;
  return [];
}

/** Finds out which rows are new, and which ones PostgreSQL does not take. */
async function insertCarefully(
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
async function insertTombstones(client: pg.ClientBase, tombstones: readonly Tombstone[]): Promise<void> {
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

async function noteProgress(client: pg.ClientBase, input: string, progress: Progress): Promise<void> {
  await client.query(
    `insert into installation (name, value) values ($1, $2)
     on conflict (name) do update set value = excluded.value`,
    [recordOf(input), JSON.stringify(progress)],
  );
}
