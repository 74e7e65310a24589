/** A migration killed at any of its statements: the old schema or the new one, and the next start goes on. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Database, type DatabaseAddress, openDatabase } from '../../src/db/client.ts';
import { aDatabase, inDatabase, template } from '../support/database.ts';
import { type DatabaseProxy, databaseProxy } from '../support/database-proxy.ts';
import { aPlace, databaseEnvironment, type Place } from '../support/installation.ts';
import { only, sized } from '../support/size.ts';

/** Each begins and ends the program several times. */
const long = only({ from: 'ci' });

let proxy: DatabaseProxy;
let place: Place;
beforeAll(async () => {
  proxy = await databaseProxy(inject('database'));
  place = await aPlace();
});
afterAll(async () => {
  await place.remove();
  await proxy.close();
});

async function ask<T>(address: DatabaseAddress, work: (db: Database) => Promise<T>): Promise<T> {
  const db = openDatabase(address, { poolSize: 1 });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

/** Every column, index and constraint of ours and of the queue, as text. */
function schemaOf(address: DatabaseAddress): Promise<unknown[]> {
  const text = `
    select format('%s.%s.%s %s', table_schema, table_name, column_name, data_type) as item
      from information_schema.columns where table_schema in ('public', 'graphile_worker', 'drizzle')
    union all select indexdef from pg_indexes where schemaname in ('public', 'graphile_worker')
    union all select conrelid::regclass || ' ' || pg_get_constraintdef(oid)
      from pg_constraint where connamespace = 'public'::regnamespace
    order by 1`;
  return ask(address, (db) => db.query(text, []));
}

/** Our part alone: what one transaction makes. */
const ours = /^(public\.|CREATE (UNIQUE )?INDEX \S+ ON public\.|image)/;

test.skipIf(long.skip)(
  `a migration killed before any piece of it leaves the old schema or the new, and the next one finishes${long.why}`,
  {
    timeout: 1_200_000,
  },
  async () => {
    const whole = await schemaOf(inDatabase(inject('database'), template));
    const wholeOfOurs = whole.filter((row) => ours.test((row as { item: string }).item));
    expect(wholeOfOurs.length).toBeGreaterThan(50);
    const pieces = await countPieces();
    const rounds = sized({ quick: 2, ci: 8, full: pieces });
    for (let round = 0; round < rounds; round++) {
      // Spread over all of them, at another place in each run.
      const piece = 1 + Math.floor(((round + (rounds < pieces ? Math.random() : 0)) * pieces) / rounds);
      const fresh = await aDatabase(inject('database'), 'template0');
      const env = databaseEnvironment(proxy.through(fresh.address));
      const stopped = proxy.stopAtPiece(piece);
      const killed = place.run(['migrate'], { env });
      await stopped;
      await killed.end('SIGKILL');
      proxy.cut();

      const left = (await schemaOf(fresh.address)).filter((row) => ours.test((row as { item: string }).item));
      expect([0, wholeOfOurs.length], `killed before piece ${piece} of ${pieces}`).toContain(left.length);
      const next = place.run(['migrate'], { env });
      expect(await next.exited, next.output()).toEqual({ code: 0, signal: null });
      expect(await schemaOf(fresh.address)).toEqual(whole);
      await fresh.drop();
    }
  },
);

/** How many pieces one undisturbed migration sends. */
async function countPieces(): Promise<number> {
  const fresh = await aDatabase(inject('database'), 'template0');
  const before = proxy.pieces();
  const migration = place.run(['migrate'], { env: databaseEnvironment(proxy.through(fresh.address)) });
  expect(await migration.exited, migration.output()).toEqual({ code: 0, signal: null });
  await fresh.drop();
  return proxy.pieces() - before;
}

test.skipIf(long.skip)(
  `two that migrate the same empty database at once both end well${long.why}`,
  async () => {
    const fresh = await aDatabase(inject('database'), 'template0');
    const env = databaseEnvironment(fresh.address);
    const both = [place.run(['migrate'], { env }), place.run(['migrate'], { env })];
    for (const one of both) expect(await one.exited, one.output()).toEqual({ code: 0, signal: null });
    const outputs = both.map((one) => one.output().trim()).toSorted();
    expect(outputs).toEqual([expect.stringMatching(/^Applied \d+ migration/), 'The schema is up to date.']);
    await fresh.drop();
  },
);
