/**
 * What follows from images and members alone: the secondary indexes, and the side tables that triggers keep. While
 * an empty catalog is filled they are away, and made again in one go afterwards. That they are away is written down
 * in the transaction that takes them away: an import that was killed leaves nothing missing for longer than until
 * the next import or start, since a migration begins with `restoreDerived`.
 *
 * All of it under the lock of migrations: no server starts in between.
 */
import type pg from 'pg';
import { countValuesSql } from './value-counts.ts';

const tables = ['images', 'image_members', 'image_terms', 'image_vocabulary', 'image_value_counts'] as const;
const recordName = 'import derived';

interface Derived {
  name: string;
  definition: string;
  /** Statements that follow: what a definition does not say. */
  settings?: string[];
}

/** What is away. */
interface Record {
  indexes: Derived[];
  triggers: Derived[];
  /** The side tables are as the images are, and the triggers keep them again. */
  isFilled: boolean;
}

/** Indexes that no constraint stands on: primary keys stay. */
const secondarySql = `
select c.relname as name, pg_get_indexdef(i.indexrelid) as definition, array(
    select format('alter index %I alter column %s set statistics %s', c.relname, a.attnum, a.attstattarget)
    from pg_attribute a where a.attrelid = i.indexrelid and a.attstattarget >= 0) as settings
from pg_index i join pg_class c on c.oid = i.indexrelid
where i.indrelid = any ($1::regclass[]) and not i.indisunique
  and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
order by 1`;

/** Dropped and not just disabled: rows would be gathered for them all the same. */
const triggersSql = `
select tgname as name, pg_get_triggerdef(oid) as definition
from pg_trigger where tgrelid = 'images'::regclass and not tgisinternal
order by 1`;

/** False: there are images, or somebody works with the tables; then everything stays as it is. */
export async function takeDerivedAway(client: pg.ClientBase): Promise<boolean> {
  await client.query(`begin; set local lock_timeout = '5s'`);
  try {
    await client.query(`lock table ${tables.join(', ')} in access exclusive mode`);
    const { rows: found } = await client.query('select 1 from images limit 1');
    if (found.length === 0) {
      const { rows: indexes } = await client.query<Derived>(secondarySql, [[...tables]]);
      const { rows: triggers } = await client.query<Derived>(triggersSql);
      for (const { name } of triggers) await client.query(`drop trigger ${quoted(name)} on images`);
      if (indexes.length > 0) {
        await client.query(`drop index ${indexes.map(({ name }) => quoted(name)).join(', ')}`);
      }
      await writeRecord(client, { indexes, triggers, isFilled: false });
    }
    await client.query('commit');
    return found.length === 0;
  } catch (error) {
    await client.query('rollback');
    if ((error as { code?: string }).code === '55P03') return false;
    throw error;
  }
}

/** Whether an import has taken them away: one that runs under the lock, or one that was killed. */
export async function isDerivedAway(client: pg.ClientBase): Promise<boolean> {
  return (await findRecord(client)) !== null;
}

async function findRecord(client: pg.ClientBase): Promise<Record | null> {
  const { rows: tables } = await client.query(`select to_regclass('installation') as there`);
  if (!tables[0]?.there) return null;
  const { rows } = await client.query('select value from installation where name = $1', [recordName]);
  return rows[0] ? (JSON.parse(rows[0].value) as Record) : null;
}

async function writeRecord(client: pg.ClientBase, record: Record): Promise<void> {
  await client.query(
    `insert into installation (name, value) values ($1, $2)
     on conflict (name) do update set value = excluded.value`,
    [recordName, JSON.stringify(record)],
  );
}

/**
 * Makes what is away, on all of these connections at once; what breaks off is gone on with by the next. Seconds of
 * the side tables and of the indexes. The caller holds the lock of migrations.
 */
export async function restoreDerived(
  clients: readonly [pg.ClientBase, ...pg.ClientBase[]],
): Promise<{ fillSeconds: number; indexSeconds: number }> {
  const [client] = clients;
  const record = await findRecord(client);
  if (record === null) return { fillSeconds: 0, indexSeconds: 0 };
  const start = performance.now();
  await buildersGone(client);
  for (const one of clients) await one.query('select pg_advisory_lock_shared($1)', [buildLock]);
  if (!record.isFilled) await fill(clients, record);
  const filled = performance.now();
  await inTurn(
    clients,
    record.indexes
      // What takes longest begins, and the small ones fill the time beside it.
      .toSorted((a, b) => cost(b) - cost(a))
      .map(({ definition, settings = [] }) =>
        [definition.replace('INDEX', 'INDEX IF NOT EXISTS'), ...settings].join('; '),
      ),
  );
  await client.query('delete from installation where name = $1', [recordName]);
  for (const one of clients) await one.query('select pg_advisory_unlock_shared($1)', [buildLock]);
  return { fillSeconds: (filled - start) / 1000, indexSeconds: (performance.now() - filled) / 1000 };
}

/** Any number that nobody else uses: "buil" in ASCII. Whoever builds holds it, shared. */
const buildLock = 0x6275696c;

/** A connection whose program was killed in the middle of an index builds on until it is there: it is waited for. */
async function buildersGone(client: pg.ClientBase): Promise<void> {
  await client.query('select pg_advisory_lock($1)', [buildLock]);
  await client.query('select pg_advisory_unlock($1)', [buildLock]);
}

/** What the triggers would have written, as they write it (vitrine_images_written, vitrine_values_written). */
async function fill(clients: readonly [pg.ClientBase, ...pg.ClientBase[]], record: Record): Promise<void> {
  const [client] = clients;
  // An import that was killed under a version before has left a database without the counts: their migration counts.
  const { rows } = await client.query(`select to_regclass('image_value_counts') is not null as counts`);
  const hasCounts = rows[0]?.counts === true;
  await client.query(`truncate image_terms, image_vocabulary${hasCounts ? ', image_value_counts' : ''}`);
  const others = [...(hasCounts ? [countValuesSql] : []), ...pieces(clients.length).map(termsSql)];
  await inTurn(clients, [wordsSql, ...others]);
  await client.query('begin');
  for (const { definition } of record.triggers) await client.query(definition);
  await writeRecord(client, { ...record, isFilled: true });
  await client.query('commit');
}

/** Words are looked for once, for both tables: they are what takes the time. */
const wordsSql = `
with found as materialized (
  select i.id, i.created_at, vitrine_audience(i.visibility, i.owner) as audience, word
  from images as i, vitrine_words(i.search_text) as word
), terms as (
  insert into image_terms (term, created_at, image_id, audience)
  select vitrine_term(E'\\x01', word), created_at, id, audience from found
)
insert into image_vocabulary (name, value)
select distinct '', word from found
union
select hot.name, left(i.properties ->> hot.name, 255)
from images as i join hot_properties as hot on i.properties ? hot.name`;

/** All other terms. */
const termsSql = (condition: string) => `
insert into image_terms (term, created_at, image_id, audience)
select term, i.created_at, i.id, vitrine_audience(i.visibility, i.owner)
from images as i, vitrine_terms(i.tags, i.properties, '', i.checksum, i.digests) as term
where ${condition}`;

/** Conditions that cut the images into pieces of about one size, by the first two digits of their ids. */
function pieces(count: number): string[] {
  const bound = (n: number) => {
    const digits = Math.round((256 * n) / count).toString(16);
    return `'${digits.padStart(2, '0')}000000-0000-0000-0000-000000000000'`;
  };
  return Array.from({ length: count }, (_, n) =>
    n + 1 < count ? `i.id >= ${bound(n)} and i.id < ${bound(n + 1)}` : `i.id >= ${bound(n)}`,
  );
}

/** Each connection takes the next statement when it has done one. */
async function inTurn(clients: readonly pg.ClientBase[], statements: readonly string[]): Promise<void> {
  const waiting = [...statements];
  await Promise.all(
    clients.map(async (client) => {
      await client.query(`set maintenance_work_mem = '256MB'; set work_mem = '128MB'`);
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await client.query(next);
      await client.query('reset maintenance_work_mem; reset work_mem');
    }),
  );
}

const cost = ({ definition }: Derived) => (/USING gin|image_terms/.test(definition) ? 1 : 0);
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
