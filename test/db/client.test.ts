/** Statements on connections that break at any moment. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Database, openDatabase, transaction } from '../../src/db/client.ts';
import { UnavailableError } from '../../src/domain/errors.ts';
import { aDatabase } from '../support/database.ts';
import { type DatabaseProxy, databaseProxy } from '../support/database-proxy.ts';

let fresh: Awaited<ReturnType<typeof aDatabase>>;
let proxy: DatabaseProxy;
let db: Database;
beforeAll(async () => {
  fresh = await aDatabase(inject('database'));
  proxy = await databaseProxy(fresh.address);
  db = openDatabase(proxy.through(fresh.address));
});
afterAll(async () => {
  await db.close();
  await proxy.close();
  await fresh.drop();
});

/** Long ones leave the process on another way than short ones. */
const padding = `/* ${'long '.repeat(400)}*/`;

test('a statement has its rows or is refused: a broken connection never makes them none', async () => {
  let answered = 0;
  let refused = 0;
  let goesOn = true;
  async function client(number: number): Promise<void> {
    for (let i = 0; goesOn; i++) {
      const text = `select $1::int as n ${i % 2 === 0 ? padding : ''}`;
      try {
        expect(await db.query(text, [number])).toEqual([{ n: number }]);
        answered++;
      } catch (error) {
        if (!(error instanceof UnavailableError)) throw error;
        refused++;
      }
    }
  }
  const clients = Promise.all(Array.from({ length: 12 }, (_, number) => client(number)));
  for (let cut = 0; cut < 40; cut++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    proxy.cut();
  }
  goesOn = false;
  await clients;
  expect(answered).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
});

test('a transaction that loses its connection is over: nothing of it is done, and nothing on another one', async () => {
  await db.query('create table if not exists steps (n int)', []);
  const work = transaction(db, async (tx) => {
    await tx.execute('insert into steps values (1)');
    proxy.cut();
    // Others get new connections meanwhile.
    await Promise.all(Array.from({ length: 8 }, () => db.query('select 1', []).catch(() => {})));
    await tx.execute('insert into steps values (2)');
  });
  await expect(work).rejects.toBeInstanceOf(UnavailableError);
  expect(await db.query('select n from steps', [])).toEqual([]);
});

test('a transaction that goes on after a failed statement is no success', async () => {
  const work = transaction(db, async (tx) => {
    await tx.execute('select 1 / 0').catch(() => {});
  });
  await expect(work).rejects.toThrow('ROLLBACK');
});

test('a statement that was prepared before a table changed runs after it', async () => {
  await db.query('create table if not exists changing (a int)', []);
  await db.query('insert into changing values (1)', []);
  const ask = () => Promise.all(Array.from({ length: 8 }, () => db.query('select * from changing', [])));
  await ask();
  await db.query('alter table changing add column b text', []);
  expect(await ask()).toEqual(Array(8).fill([{ a: 1, b: null }]));
});

test('numbers of eight bytes are numbers, instants keep their microseconds, lists and JSON go both ways', async () => {
  const text = `select $1::bigint as size, $2::timestamptz as at, $3::text[] as tags, $4::jsonb as properties, $5::boolean as yes`;
  const instant = '2026-01-02T03:04:05.678901Z';
  const values = [2 ** 53 - 1, instant, ['a,"b"', '', 'NULL', '{}'], '{"a": "\\u00e9"}', true];
  expect(await db.query(text, values)).toEqual([
    { size: 2 ** 53 - 1, at: instant, tags: ['a,"b"', '', 'NULL', '{}'], properties: { a: 'é' }, yes: true },
  ]);
});

test('a search that is prepared is planned once, and another each time', async () => {
  const text = `select current_setting('plan_cache_mode') as mode`;
  expect(await db.search(text, [], { prepared: true })).toEqual([{ mode: 'force_generic_plan' }]);
  expect(await db.search(text, [])).toEqual([{ mode: 'auto' }]);
});
