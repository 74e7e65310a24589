/** Counts of values that are kept: they are what is there, whatever was written and how. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Database, openDatabase } from '../../src/db/client.ts';
import { countValuesSql, mergeValueCounts } from '../../src/db/value-counts.ts';
import { aDatabase } from '../support/database.ts';
import { sized } from '../support/size.ts';

let db: Database;
let drop: () => Promise<void>;
beforeAll(async () => {
  const database = await aDatabase(inject('database'));
  drop = database.drop;
  db = openDatabase(database.address);
});
afterAll(async () => {
  await db.close();
  await drop();
});

const sums = `select name, value, visibility, owner, hidden, sum(images)::int as images from image_value_counts
  group by 1, 2, 3, 4, 5 having sum(images) <> 0 order by 1, 2, 3, 4, 5`;
const anew = `select v.name, v.value, i.visibility, i.owner, i.hidden, count(*)::int as images
  from images i, lateral (select '' collate "C" as name, '' collate "C" as value union all
    select key, case when octet_length(value) <= 512 then value end from jsonb_each_text(i.properties)) as v
  group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5`;

/** What is kept against what the images say. */
async function expectExact(): Promise<void> {
  expect(await db.query(sums, [])).toEqual(await db.query(anew, []));
}

const ids = Array.from({ length: 12 }, () => randomUUID());
const image = fc.record({
  owner: fc.constantFrom(null, 'blue', 'o'.repeat(255)),
  visibility: fc.constantFrom('public', 'shared'),
  hidden: fc.boolean(),
  properties: fc.dictionary(
    fc.constantFrom('a', 'b', '😀'.repeat(255)),
    fc.constantFrom('1', '', 'x'.repeat(600), '😀'.repeat(128)),
  ),
});
const write = fc.oneof(
  fc.tuple(fc.constant('put'), fc.subarray(ids, { minLength: 1 }), image),
  fc.tuple(fc.constant('touch'), fc.subarray(ids), image),
  fc.tuple(fc.constant('delete'), fc.subarray(ids), image),
  fc.tuple(fc.constant('merge'), fc.constant([] as string[]), image),
);

async function run([what, some, { owner, visibility, hidden, properties }]: [
  string,
  string[],
  {
    owner: string | null;
    visibility: string;
    hidden: boolean;
    properties: Record<string, string>;
  },
]): Promise<void> {
  if (what === 'merge') return mergeValueCounts(db);
  if (what === 'delete') await db.query('delete from images where id = any ($1::uuid[])', [some]);
  else if (what === 'touch') {
    await db.query('update images set revision = revision + 1 where id = any ($1::uuid[])', [some]);
  } else {
    await db.query(
      `insert into images (id, status, visibility, owner, kind, hidden, properties)
        select id, 'active', $2::text, $3::text, 'image', $4::boolean, $5::jsonb from unnest($1::uuid[]) as id
      on conflict (id) do update set visibility = excluded.visibility, owner = excluded.owner,
        hidden = excluded.hidden, properties = excluded.properties`,
      [some, visibility, owner, hidden, JSON.stringify(properties)],
    );
  }
}

test('after any writes, merged in between or not, the counts are those of the images', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 12 }), async (writes) => {
      for (const one of writes) await run(one);
      await expectExact();
    }),
    { numRuns: sized({ quick: 20, ci: 200, full: 3_000 }) },
  );
  await mergeValueCounts(db);
  await expectExact();
  const [rows] = await db.query<{ n: number }>(
    'select count(*)::int as n from image_value_counts where images = 0 or not merged',
    [],
  );
  expect(rows?.n).toBe(0);
});

test('writers of the same values do not wait for each other, and merging loses nothing of theirs', async () => {
  const properties = JSON.stringify({ os_distro: 'debian', hw_disk_bus: 'virtio' });
  let merging = true;
  const merger = (async () => {
    while (merging) await mergeValueCounts(db);
  })();
  await Promise.all(
    Array.from({ length: 60 }, async (_, i) => {
      const id = randomUUID();
      await db.query(
        `insert into images (id, status, visibility, owner, kind, properties) values ($1::uuid, 'active', 'shared', 'blue', 'image', $2::jsonb)`,
        [id, properties],
      );
      if (i % 3 === 0) await db.query('delete from images where id = $1::uuid', [id]);
      if (i % 3 === 1)
        await db.query(`update images set properties = '{"os_distro": "arch"}' where id = $1::uuid`, [id]);
    }),
  );
  merging = false;
  await merger;
  await expectExact();
});

test('made anew from the images they are the same, and an empty catalog has none', async () => {
  await db.query('truncate image_value_counts', []);
  await db.query(countValuesSql, []);
  await expectExact();
  await db.query('truncate images cascade', []);
  expect(await db.query('select * from image_value_counts', [])).toEqual([]);
});
