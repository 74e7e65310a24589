/** Properties with indexes of their own: built and taken away while the catalog is in use. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, onTestFinished, test, vi } from 'vitest';
import { addIndexes, listIndexes, removeIndexes } from '../../src/admin/index-properties.ts';
import { readConfig } from '../../src/config/config.ts';
import { connect, type Database, type DatabaseAddress, openDatabase } from '../../src/db/client.ts';
import {
  addHotProperty,
  ensureHotProperties,
  listHotProperties,
  openHotProperties,
  removeHotProperties,
} from '../../src/db/hot-properties.ts';
import { propertyValueSql } from '../../src/db/property-value.ts';
import type { PropertyOrder } from '../../src/search/image-order.ts';
import { aDatabase } from '../support/database.ts';
import { aServer } from '../support/server.ts';
import { until } from '../support/until.ts';

let address: DatabaseAddress;
let db: Database;
let drop: () => Promise<void>;
beforeAll(async () => {
  const database = await aDatabase(inject('database'));
  ({ address, drop } = database);
  db = openDatabase(address);
  await insert(odd, 2_000);
  await db.query('analyze images', []);
});
afterAll(async () => {
  await db.close();
  await drop();
});

const odd = `it's "odd" \\ \\' and $$ ünï_💿`;
const quiet = { log: () => {} };
const views: PropertyOrder[] = ['text', 'number', 'version'];
const defaults = [
  'architecture',
  'hw_architecture',
  'hypervisor_type',
  'image_type',
  'os_distro',
  'os_type',
  'os_version',
];

const insertSql = `
insert into images (id, name, status, visibility, kind, properties)
select gen_random_uuid(), 'x', 'active', 'public', 'image', jsonb_build_object($1::text, (random() * 1000)::int::text)
from generate_series(1, $2::int)`;
const insert = (name: string, count: number) => db.query(insertSql, [name, count]);

async function stateOf(name: string) {
  return (await listHotProperties(db, [])).find((one) => one.name === name) ?? null;
}

/** How a list in this order is found. */
async function planOf(name: string, view: PropertyOrder): Promise<string> {
  const value = propertyValueSql(pg.escapeLiteral(name), view, 'i.');
  const rows = await db.query<Record<string, string>>(
    `explain select id from images i order by ${value}, id limit 25`,
    [],
  );
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

async function definitions(): Promise<{ indexname: string; indexdef: string }[]> {
  return await db.query(
    `select indexname, indexdef from pg_indexes where indexname like 'images\\_hot%' order by 1`,
    [],
  );
}

/** A transaction that has read or written something; gives its end. */
async function anOpenTransaction(kind: string, ...statement: [string, ...unknown[]]) {
  const [text, ...values] = statement;
  const other = connect(address, { poolSize: 1 });
  await other.unsafe(`begin ${kind}`);
  await other.unsafe(text, values as string[]);
  return async () => {
    await other.unsafe('commit');
    await other.end();
  };
}

/** Begins to build: as far as the first index, which stays invalid until `end` is called. */
async function begunAndWaiting(name: string, signal?: AbortSignal) {
  // Who builds an index waits at its end for those who may not see it.
  const end = await anOpenTransaction('isolation level repeatable read', 'select from images limit 1');
  const adding = addHotProperty(address, name, { ...quiet, signal });
  await until(async () => {
    const rows = await db.query(
      `select from pg_stat_activity where datname = current_database() and query like 'create index concurrently%'
         and wait_event_type = 'Lock'`,
      [],
    );
    return rows.length > 0;
  });
  return { adding, end };
}

test('the default ones are there from the start, the same as those that are added', async () => {
  const found = await listHotProperties(db, ['os_type', 'other']);
  expect(found.filter((one) => one.isHot).map((one) => one.name)).toEqual(defaults);
  expect(found.filter((one) => one.isInSetting).map((one) => one.name)).toEqual(['os_type', 'other']);
  const before = await definitions();
  expect(before).toHaveLength(3 * defaults.length);
  await removeHotProperties(address, ['os_version'], { ...quiet, waitMs: 0 });
  expect(await definitions()).toHaveLength(3 * defaults.length - 3);
  await addHotProperty(address, 'os_version', quiet);
  expect(await definitions()).toEqual(before);
});

test('writers go on while indexes are built, and lists in that order use them', async () => {
  const { adding, end } = await begunAndWaiting(odd);
  await insert(odd, 10);
  await db.query(`update images set properties = properties || '{"a": "b"}' where name = 'x'`, []);
  await db.query(`delete from images where id = (select id from images limit 1)`, []);
  expect((await stateOf(odd))?.isHot).toBe(false);
  await end();
  await adding;
  expect(await stateOf(odd)).toMatchObject({ isHot: true, valid: views, isInSetting: false });
  expect((await stateOf(odd))?.sizeBytes).toBeGreaterThan(0);
  for (const view of views)
    expect(await planOf(odd, view)).toMatch(new RegExp(`Scan using images_hot_\\w+_${view}`));
});

test('every value is in the vocabulary, whether it was there before, comes meanwhile or later', async () => {
  const name = 'team';
  await db.query(
    `insert into images (id, status, visibility, kind, properties)
     select gen_random_uuid(), 'active', 'public', 'image', jsonb_build_object('team', v)
     from unnest(array['', 'before', repeat('x', 300)]) as v`,
    [],
  );
  const commit = await anOpenTransaction('', insertSql, name, 1);
  const adding = addHotProperty(address, name, quiet);
  await until(() => stateOf(name));
  await insert(name, 1);
  await commit();
  await adding;
  await insert(name, 1);
  const missing = await db.query(
    `select from images where properties ? $1 and not exists (
       select from image_vocabulary v where v.name = $1 and v.value = left(properties ->> $1, 255))`,
    [name],
  );
  expect(missing).toHaveLength(0);
  await removeHotProperties(address, [name], { ...quiet, waitMs: 0 });
  expect(await db.query('select from image_vocabulary where name = $1', [name])).toHaveLength(0);
});

test('what was broken off is not hot, and is made whole by the next one', async () => {
  const stopping = new AbortController();
  const { adding, end } = await begunAndWaiting('half', stopping.signal);
  stopping.abort(new Error('enough'));
  await expect(adding).rejects.toThrow('enough');
  await end();
  const broken = await db.query(`select from pg_index where not indisvalid`, []);
  expect(broken).toHaveLength(1);
  expect(await stateOf('half')).toMatchObject({ isHot: false, valid: [] });
  await ensureHotProperties(address, { db, names: [], ...quiet });
  expect(await stateOf('half')).toMatchObject({ isHot: true, valid: views });
  await removeHotProperties(address, ['half'], { ...quiet, waitMs: 0 });
  expect(await stateOf('half')).toBe(null);
});

test('two at once do it once', async () => {
  const logged: string[] = [];
  const log = (message: string) => void logged.push(message);
  await Promise.all([addHotProperty(address, 'twice', { log }), addHotProperty(address, 'twice', { log })]);
  expect(await stateOf('twice')).toMatchObject({ isHot: true });
  expect(logged.filter((line) => line.includes('index as text'))).toHaveLength(1);
  expect(logged).toContain('twice: is hot already');
});

test('the commands say what they do, and refuse what is no name', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'vitrine-index-'));
  onTestFinished(() => rm(dataDir, { recursive: true }));
  const said: string[] = [];
  const spy = vi.spyOn(console, 'log').mockImplementation((line: string) => void said.push(line));
  onTestFinished(() => spy.mockRestore());
  const config = readConfig({ VITRINE_DATA_DIR: dataDir, DATABASE_URL: urlOf(address) }, dataDir);
  await addIndexes(config, ['by_command', odd]);
  expect(said.join('\n')).toMatch(/^by_command: index as version built in \d+\.\d s$/m);
  expect(said).toContain(`${odd}: is hot already`);
  await listIndexes(config);
  expect(said.join('\n')).toMatch(/^by_command +ready +\d+\.\d MiB +added$/m);
  expect(said.join('\n')).toMatch(/^os_distro +ready +\d+\.\d MiB +setting$/m);
  await removeIndexes(config, ['was_never_there']);
  expect(said.at(-1)).toBe('was_never_there: was not there');
  await expect(addIndexes(config, ['fine', ''])).rejects.toThrow('"" is the name of a property');
  expect(await stateOf('fine')).toBe(null);
});

function urlOf(where: DatabaseAddress): string {
  if ('url' in where) return where.url;
  const { socketDir, port, user, database } = where;
  return `postgres:///${database}?host=${encodeURIComponent(socketDir)}&port=${port}&user=${user}`;
}

test('a server builds what its settings name in the background, and knows when it is there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-index-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'vitrine.yaml');
  await writeFile(file, 'search: { hotProperties: [os_distro, cost_center], describingProperties: [motto] }');
  const server = await aServer({ env: { VITRINE_CONFIG: file } });
  onTestFinished(() => server.stop());
  const { hot } = server.app.search;
  expect([hot.has('os_distro'), hot.has('os_type'), hot.has('never')]).toEqual([true, true, false]);
  await until(() => hot.has('cost_center'));
  await until(() => server.logged.some((line) => line.includes('search text: up to date')));
});

test('while the database is away nothing is hot after a while, and the log says so once', async () => {
  let isAway = false;
  const reading = {
    query: (text: string, params: readonly unknown[]) =>
      isAway ? Promise.reject(new Error('away')) : db.query(text, params),
  } as Pick<Database, 'query'>;
  const warnings: string[] = [];
  const log = { warn: (_fields: object, message: string) => void warnings.push(message) };
  const hot = await openHotProperties(reading, { log, everyMs: 50 });
  onTestFinished(() => hot.close());
  expect(hot.has('os_distro')).toBe(true);
  isAway = true;
  await until(() => !hot.has('os_distro'));
  await hot.refresh();
  await hot.refresh();
  expect(warnings).toHaveLength(1);
  isAway = false;
  await until(() => hot.has('os_distro'));
});
