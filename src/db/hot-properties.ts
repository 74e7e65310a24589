/**
 * Hot properties: those with indexes of their own, as text, number and version, and with their values in the
 * vocabulary. They are made and taken away while the catalog is in use, by one process at a time.
 *
 *   add      row in hot_properties -> values of the images into the vocabulary -> three indexes
 *   remove   indexes -> until every server has noticed -> row -> vocabulary
 *
 * A property is hot when all three indexes are valid. One that was broken off is not, and is finished by the next
 * `add`, or start of a server, or removed by the next `remove`.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Actor, serviceFor } from '../domain/audit.ts';
import type { PropertyOrder } from '../search/image-order.ts';
import type { Database, DatabaseAddress } from './client.ts';
import { sqlState } from './failure.ts';
import { orderedLength, propertyValueSql } from './property-value.ts';
import { alone, type Upkeep, writersGone } from './upkeep.ts';

const views: readonly PropertyOrder[] = ['text', 'number', 'version'];

export interface HotProperty {
  readonly name: string;
  /** Those of its indexes that are whole; with all three it is hot. */
  readonly valid: readonly PropertyOrder[];
  readonly isHot: boolean;
  /** Of its indexes. */
  readonly sizeBytes: number;
  readonly isInSetting: boolean;
}

/** `${indexName}` in SQL: names may hold anything, those of indexes not. */
const indexNameSql = `'images_hot_' || left(encode(sha256(convert_to(n.name, 'UTF8')), 'hex'), 12) || '_' || v.view`;

function indexName(name: string, view: PropertyOrder): string {
  return `images_hot_${createHash('sha256').update(name).digest('hex').slice(0, 12)}_${view}`;
}

const statesSql = `
select n.name, coalesce(array_agg(v.view order by v.ord) filter (where i.indisvalid), '{}') as valid,
  coalesce(sum(case when $2 then pg_relation_size(i.indexrelid) end), 0)::bigint as size, n.is_row
from (
  select name, bool_or(is_row) as is_row from (
    select name, true as is_row from hot_properties union all select name, false from unnest($1::text[]) as name
  ) as found group by name
) as n
cross join unnest($3::text[]) with ordinality as v (view, ord)
left join pg_index as i on i.indexrelid = to_regclass(${indexNameSql}) and i.indrelid = 'images'::regclass
group by n.name, n.is_row
order by n.name collate "C"`;

interface StateRow {
  name: string;
  valid: PropertyOrder[];
  size: number;
  is_row: boolean;
}

/** All that were added, and the `names` besides, by name. */
export async function listHotProperties(
  db: Pick<Database, 'query'>,
  names: readonly string[],
  { withSizes = true } = {},
): Promise<HotProperty[]> {
  const rows = await db.query<StateRow>(statesSql, [names, withSizes, views]);
  return rows.map(({ name, valid, size, is_row }) => ({
    name,
    valid,
    isHot: is_row && valid.length === views.length,
    sizeBytes: size,
    isInSetting: names.includes(name),
  }));
}

/** Who wants it; left out: the service, by its settings. */
interface Wanted {
  by?: Actor;
}

/** The audit log tells of properties that came or went, in the statement that says so: those of the CTE `which`. */
const recordSql = (action: 'addIndex' | 'removeIndex', which: string) => `
  insert into audit_log (actor_kind, actor_user, action, object_type, object_id, object_name)
  select $2, $3, '${action}', 'index', name, name from ${which}`;

/** Makes a property hot; nothing to do when it is. Writers go on meanwhile. */
export async function addHotProperty(
  address: DatabaseAddress,
  name: string,
  { by = serviceFor(), ...upkeep }: Upkeep & Wanted,
): Promise<void> {
  await alone(address, { ...upkeep, lock: 'hotProperties' }, async (client) => {
    if (await isWhole(client, name)) return upkeep.log(`${name}: is hot already`);
    await client.query(
      `with added as (insert into hot_properties (name) values ($1) on conflict do nothing returning name)
       ${recordSql('addIndex', 'added')}`,
      [name, by.kind, by.user],
    );
    // From here on every write keeps the vocabulary of this name; those of before are read from the images.
    await writersGone(client, upkeep.signal);
    await timed(`${name}: values read`, upkeep, () => fillVocabulary(client, name));
    for (const view of views) {
      await timed(`${name}: index as ${view} built`, upkeep, () => buildIndex(client, name, view));
    }
  });
}

/** How long a server may take to notice that a property is hot no more. */
const noticeMs = 25_000;

/**
 * Takes the indexes of properties away; they may still be asked for, as any other. Takes half a minute, in which
 * servers notice. What is broken off has not happened.
 */
export async function removeHotProperties(
  address: DatabaseAddress,
  names: readonly string[],
  { waitMs = noticeMs, log, signal, by = serviceFor() }: Upkeep & Wanted & { waitMs?: number },
): Promise<void> {
  await alone(address, { log, signal, lock: 'hotProperties' }, async (client) => {
    const all = names.flatMap((name) => views.map((view) => indexName(name, view)));
    const wereThere = await areThere(client, all);
    for (const index of all) await client.query(`drop index concurrently if exists ${index}`);
    if (wereThere) {
      log(`indexes dropped; servers notice within ${waitMs / 1000} s`);
      await sleep(waitMs, undefined, { signal });
    }
    const { rows } = await client.query<{ name: string }>(
      `with gone as (delete from hot_properties where name = any ($1) returning name),
       recorded as (${recordSql('removeIndex', 'gone')}) select name from gone`,
      [names, by.kind, by.user],
    );
    await writersGone(client, signal);
    await client.query(`delete from image_vocabulary where name = any ($1) and name <> ''`, [names]);
    const removed = rows.map((row) => row.name);
    for (const name of names) log(`${name}: ${removed.includes(name) ? 'removed' : 'was not there'}`);
  });
}

/** Makes hot what the setting names, and finishes what was broken off. One query when there is nothing to do. */
export async function ensureHotProperties(
  address: DatabaseAddress,
  { db, names, ...upkeep }: Upkeep & { db: Database; names: readonly string[] },
): Promise<void> {
  const missing = (await listHotProperties(db, names, { withSizes: false })).filter((one) => !one.isHot);
  for (const { name } of missing) await addHotProperty(address, name, upkeep);
}

async function timed(what: string, { log, signal }: Upkeep, work: () => Promise<void>): Promise<void> {
  signal?.throwIfAborted();
  const started = performance.now();
  await work();
  log(`${what} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

async function isWhole(client: pg.ClientBase, name: string): Promise<boolean> {
  const { rows } = await client.query<StateRow>(statesSql, [[name], false, views]);
  const state = rows.find((row) => row.name === name);
  return state?.is_row === true && state.valid.length === views.length;
}

async function areThere(client: pg.ClientBase, indexes: readonly string[]): Promise<boolean> {
  const { rows } = await client.query(
    'select bool_or(to_regclass(name) is not null) as are_there from unnest($1::text[]) as name',
    [indexes],
  );
  return rows[0].are_there;
}

/** How many values go into the vocabulary at once: writers of the same values wait so long. */
const valuesAtOnce = 5_000;

async function fillVocabulary(client: pg.ClientBase, name: string): Promise<void> {
  await client.query('drop table if exists pg_temp.hot_values');
  await client.query('create temp table hot_values (value text collate "C")');
  await client.query(
    `insert into pg_temp.hot_values
     select distinct left(properties ->> $1, ${orderedLength}) from images
     where properties ? $1 and properties ->> $1 is not null`,
    [name],
  );
  await client.query('create index on pg_temp.hot_values (value)');
  let last: string | null = null;
  do {
    const { rows }: { rows: { last: string | null }[] } = await client.query(
      `with batch as (select value from pg_temp.hot_values where $2::text is null or value > $2 order by value limit ${valuesAtOnce}),
       added as (
         insert into image_vocabulary (name, value) select $1, value from batch order by value on conflict do nothing
       )
       select max(value) as last from batch`,
      [name, last],
    );
    last = rows[0]?.last ?? null;
  } while (last !== null);
  await client.query('drop table pg_temp.hot_values');
}

/** An index that a kill left invalid is built anew. */
async function buildIndex(client: pg.ClientBase, name: string, view: PropertyOrder): Promise<void> {
  const index = indexName(name, view);
  const expression = propertyValueSql(pg.escapeLiteral(name), view, '');
  for (let attempt = 1; ; attempt++) {
    const { rows } = await client.query(
      `select indisvalid from pg_index where indexrelid = to_regclass($1)`,
      [index],
    );
    if (rows[0]?.indisvalid) return;
    if (rows[0]) await client.query(`drop index concurrently if exists ${index}`);
    try {
      await client.query(`create index concurrently if not exists ${index} on images (${expression}, id)`);
    } catch (error) {
      // A migration or an import that wanted the table at the same time.
      if (sqlState(error) !== '40P01' || attempt >= 3) throw error;
    }
  }
}

/** What a server knows of hot properties. */
export interface HotProperties {
  /** Whether it has its three indexes and all its values in the vocabulary. */
  has(name: string): boolean;
  /** Reads them now; a failure is logged. */
  refresh(): Promise<void>;
  close(): void;
}

export interface HotPropertiesOptions {
  log: { warn(fields: object, message: string): void };
  everyMs?: number;
}

/** What was read longer ago than so many rounds is not believed: others count on it being noticed. */
const believedRounds = 2;

/** Reads which properties are hot, and again every 10 s until it is closed. @throws the database is away */
export async function openHotProperties(
  db: Pick<Database, 'query'>,
  { log, everyMs = 10_000 }: HotPropertiesOptions,
): Promise<HotProperties> {
  let names: ReadonlySet<string> = new Set();
  let readAt = 0;
  let reading: Promise<void> | null = null;
  let hasFailed = false;

  async function read(): Promise<void> {
    const at = performance.now();
    const found = await listHotProperties(db, [], { withSizes: false });
    names = new Set(found.filter((one) => one.isHot).map((one) => one.name));
    readAt = at;
    hasFailed = false;
  }

  function refresh(): Promise<void> {
    reading ??= read()
      .catch((error: unknown) => {
        if (!hasFailed) log.warn({ err: error }, 'which properties are hot is not known right now');
        hasFailed = true;
      })
      .finally(() => {
        reading = null;
      });
    return reading;
  }

  await read();
  const timer = setInterval(() => void refresh(), everyMs).unref();
  return {
    has: (name) => names.has(name) && performance.now() - readAt <= believedRounds * everyMs,
    refresh,
    close: () => clearInterval(timer),
  };
}
