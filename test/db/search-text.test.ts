/** The text that bare words are looked for in, when the setting names other properties. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connect, type Database, type DatabaseAddress, openDatabase } from '../../src/db/client.ts';
import { defaultDescribing, ensureSearchText, searchTextSql } from '../../src/db/search-text.ts';
import { aDatabase } from '../support/database.ts';
import { sized } from '../support/size.ts';

let address: DatabaseAddress;
let db: Database;
let drop: () => Promise<void>;
beforeAll(async () => {
  const database = await aDatabase(inject('database'));
  ({ address, drop } = database);
  db = openDatabase(address);
});
afterAll(async () => {
  await db.close();
  await drop();
});

const logged: string[] = [];
const log = (message: string) => void logged.push(message);
const ensure = (names: readonly string[], signal?: AbortSignal) =>
  ensureSearchText(address, { db, names, log, signal });

async function insert(properties: object, count = 1): Promise<void> {
  await db.query(
    `insert into images (id, name, status, visibility, kind, properties)
     select gen_random_uuid(), 'Some Name', 'active', 'public', 'image', $1::jsonb from generate_series(1, $2::int)`,
    [JSON.stringify(properties), count],
  );
}

async function countWith(word: string): Promise<number> {
  const rows = await db.query<{ n: number }>(
    `select count(*) as n from images i where search_text like '%' || $1::text || '%'
       and exists (select from image_terms t where t.image_id = i.id and t.term = vitrine_term(E'\\x01', $1))`,
    [word],
  );
  return rows[0]?.n ?? 0;
}

/** More than one batch. */
const many = sized({ quick: 1_100, ci: 2_500, full: 2_500 });
const odd = [`it's "odd" \\ and $$`, 'ünï_💿', 'a;b--c', '$1', 'x\ny'];

test('without a change nothing is done', async () => {
  await ensure(defaultDescribing);
  await ensure(defaultDescribing.toReversed());
  expect(logged).toEqual([]);
});

test('the function that is written for the default is that of the migration', async () => {
  const sample = `'N ame', array['One', 'two'], '{"os_distro": "Debian", "summary": "x", "other": "y"}'::jsonb`;
  const text = async () =>
    (await db.query<{ t: string }>(`select vitrine_search_text(${sample}) as t`, []))[0]?.t;
  const before = await text();
  await db.query(searchTextSql(defaultDescribing), []);
  expect(await text()).toBe(before);
});

test('with other properties words are found in them, before and after, and nothing else changes', async () => {
  await insert({ [odd[0] ?? '']: 'Findme', os_distro: 'debian' }, many);
  await insert({ os_type: 'linux' });
  const withoutText = `select md5(string_agg((to_jsonb(i) - 'search_text')::text, '' order by id)) as hash from images as i`;
  const before = await db.query(withoutText, []);
  expect([await countWith('findme'), await countWith('debian')]).toEqual([0, many]);

  await ensure(odd);
  expect([await countWith('findme'), await countWith('debian')]).toEqual([many, 0]);
  expect(await db.query(withoutText, [])).toEqual(before);
  expect(logged.at(-1)).toContain(`${many} images changed`);

  for (const name of odd) await insert({ [name]: 'newcomer' });
  expect(await countWith('newcomer')).toBe(odd.length);
});

test('one that was broken off goes on where it stopped, and two at once do it once', async () => {
  const stopping = new AbortController();
  const broken = ensureSearchText(address, {
    db,
    names: ['os_type'],
    signal: stopping.signal,
    log: () => stopping.abort(new Error('enough')),
  });
  await expect(broken).rejects.toThrow('enough');
  expect(await countWith('linux')).toBe(0);
  logged.length = 0;
  await Promise.all([ensure(['os_type']), ensure(['os_type']), ensure(['os_type'])]);
  expect(await countWith('linux')).toBe(1);
  expect(logged.filter((line) => line.includes('changed'))).toHaveLength(1);
  logged.length = 0;
  await ensure(['os_type']);
  expect(logged).toEqual([]);
});

test('an image that is written by an open transaction meanwhile is not left out', async () => {
  const writer = connect(address, { poolSize: 1 });
  const id = randomUUID();
  try {
    await writer.unsafe('begin');
    await writer`insert into images (id, name, status, visibility, kind, properties)
      values (${id}, 'late', 'active', 'public', 'image', '{"flavour": "vanilla"}')`;
    const ensured = ensure(['flavour']);
    // Only then is the function another one, and the refresh waits for this transaction.
    for (let waits = false; !waits; ) {
      const [row] = await db.query<{ value: string }>(
        `select value from installation where name = 'search_text'`,
        [],
      );
      waits = row?.value.includes('flavour') ?? false;
    }
    await writer.unsafe('commit');
    await ensured;
  } finally {
    await writer.end();
  }
  expect(await countWith('vanilla')).toBe(1);
});
