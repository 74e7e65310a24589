/** Rules of metadata definitions that exist in SQL too: the two say the same. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Database, openDatabase } from '../../src/db/client.ts';
import { visibleNamespaceSql } from '../../src/db/metadef/filter.ts';
import { openVocabulary } from '../../src/db/metadef/vocabulary.ts';
import { newParams } from '../../src/db/params.ts';
import { anonymous, callerWith, callerWithGrant } from '../../src/domain/caller.ts';
import { elementsOf } from '../../src/domain/metadef/elements.ts';
import { metadefVisibilities } from '../../src/domain/metadef/metadef.ts';
import { canSeeNamespace } from '../../src/domain/policy.ts';
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

const pieces = [
  'a',
  'b c',
  ' ',
  '\t',
  '\n',
  '\u00a0',
  ',',
  ',,',
  '[',
  ']',
  '"',
  '\\',
  '<or>',
  '<in>',
  '<all-in>',
  '<x>',
  '1',
  'true',
  'é',
  '😀',
  '{',
  ':',
];
const anyText = fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((parts) => parts.join(''));
const json = fc
  .array(fc.oneof(fc.constantFrom(...pieces), fc.boolean(), fc.integer(), fc.constant(null)), {
    maxLength: 5,
  })
  .map((list) => JSON.stringify(list));

test('the elements of a list are the same in the database and here', async () => {
  const texts = fc.sample(fc.oneof(anyText, json), sized({ quick: 1_000, ci: 20_000, full: 200_000 }));
  const rows = await db.query<{ elements: string[] }>(
    'select vitrine_elements(value) as elements from unnest($1::text[]) with ordinality as t (value, n) order by n',
    [texts],
  );
  for (const [i, text] of texts.entries())
    expect({ text, elements: rows[i]?.elements }).toEqual({ text, elements: elementsOf(text) });
});

test('who sees a namespace by name also finds it in a list, and nobody else', async () => {
  const owners = [null, 'blue', 'red'];
  const all = metadefVisibilities.flatMap((visibility) => owners.map((owner) => ({ visibility, owner })));
  for (const { visibility, owner } of all) {
    await db.query(
      `insert into metadef_namespaces (namespace, visibility, owner) values ($1::text, $2::text, $3::text)`,
      [`seen-${visibility}-${owner}`, visibility, owner],
    );
  }
  const callers = [
    anonymous,
    callerWithGrant('0f6e2a0e-3c1f-4f0e-9d55-2f5b2c1f8a11', 'upload'),
    ...[null, 'blue', 'green'].flatMap((project) =>
      [[], ['other'], ['reader'], ['member'], ['admin']].map((roles) =>
        callerWith({ user: 'u', project, roles }),
      ),
    ),
  ];
  for (const caller of callers) {
    const params = newParams();
    const rows = await db.query<{ namespace: string }>(
      `select n.namespace from metadef_namespaces n where n.namespace like 'seen-%' and ${visibleNamespaceSql(caller, params)} order by 1`,
      params.values,
    );
    const seen = all
      .filter((one) => canSeeNamespace(caller, one))
      .map(({ visibility, owner }) => `seen-${visibility}-${owner}`);
    expect({ caller, seen: rows.map((row) => row.namespace) }).toEqual({ caller, seen: seen.sort() });
  }
});

test('definitions in memory are those in the database, whoever changed them and however', async () => {
  const admin = callerWith({ user: 'a', project: null, roles: ['admin'] });
  const [one, other] = [openVocabulary(db), openVocabulary(db)];
  const title = async () => {
    const found = await Promise.all(
      [one, other].map(async (cache) => (await cache.read()).find(admin, 'x_p')),
    );
    expect(found[0]).toEqual(found[1]);
    return found[0]?.property.title ?? null;
  };
  expect(await title()).toBeNull();
  expect(await one.read()).toBe(await one.read());
  await db.query(
    `with n as (insert into metadef_namespaces (namespace, visibility) values ('mem', 'public') returning id),
      p as (insert into metadef_properties (namespace_id, name, definition) select id, 'p', '{"title": "1", "type": "string"}' from n)
    insert into metadef_associations (namespace_id, resource_type, prefix) select id, 'OS::Glance::Image', 'x_' from n`,
    [],
  );
  expect(await title()).toBe('1');
  await db.query(
    `update metadef_properties set definition = '{"title": "2", "type": "string"}' where name = 'p'`,
    [],
  );
  await db.query(`update metadef_namespaces set revision = revision + 1 where namespace = 'mem'`, []);
  expect(await title()).toBe('2');
  await db.query(`delete from metadef_namespaces where namespace = 'mem'`, []);
  expect(await title()).toBeNull();
});
