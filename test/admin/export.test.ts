/** `vitrine export`: what it writes is the catalog, and `vitrine import` makes the same one of it. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { exportFrom } from '../../src/admin/export-images.ts';
import { importInto } from '../../src/admin/import-images.ts';
import { type Database, type DatabaseAddress, openDatabase } from '../../src/db/client.ts';
import { aDatabase } from '../support/database.ts';
import { aPlace, databaseEnvironment, type Place } from '../support/installation.ts';
import { only } from '../support/size.ts';

let address: DatabaseAddress;
let db: Database;
let dir: string;
let place: Place;
const drops: (() => Promise<void>)[] = [];

async function anEmptyCatalog(): Promise<DatabaseAddress> {
  const database = await aDatabase(inject('database'));
  drops.push(database.drop);
  return database.address;
}

beforeAll(async () => {
  place = await aPlace();
});
afterAll(() => place.remove());
beforeEach(async () => {
  address = await anEmptyCatalog();
  db = openDatabase(address, { poolSize: 1, applicationName: 'test' });
  dir = await mkdtemp(join(tmpdir(), 'vitrine-export-'));
});
afterEach(async () => {
  await db.close();
  for (const drop of drops.splice(0)) await drop();
  await rm(dir, { recursive: true, force: true });
});

const odd = [
  '',
  ' ',
  '\\',
  '\\N',
  '\\.',
  '"',
  "'",
  '\t\n\r\b\f\v',
  '\u0001\u007f\u0085\u2028',
  'ä😀\uffff',
  '{}',
  'null',
  '𝒳',
];

async function fillOddly(): Promise<void> {
  const many = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`p${i}`, odd[i % odd.length]]));
  const strange = Object.fromEntries(odd.filter((text) => text !== '').map((text, i) => [text, odd[i]]));
  const own = {
    members: 'mine',
    properties: 'too',
    digests: '3',
    __proto: 'x',
    '7': 'seven',
    constructor: 'c',
  };
  const insert = (name: string | null, properties: string, more: object = {}) =>
    db.query(
      `insert into images (id, name, status, visibility, owner, kind, tags, properties, size, digests, created_at)
       values (gen_random_uuid(), $1::text, $2::text, $3::text, $4::text, 'image', $5::text[], $6::jsonb, $7::bigint,
         $8::jsonb, '2024-01-01 00:00:00.000001+00')`,
      Object.values({
        name,
        status: 'active',
        visibility: 'shared',
        owner: null,
        tags: [] as string[],
        properties,
        size: null,
        digests: {},
        ...more,
      }),
    );
  for (const text of odd)
    await insert(text, '{}', { owner: text, tags: odd.filter((tag) => tag !== '').toSorted() });
  await insert(null, JSON.stringify(many), { size: Number.MAX_SAFE_INTEGER });
  await insert('strange names', JSON.stringify(strange));
  await insert('own names', `{"__proto__": "p", ${JSON.stringify(own).slice(1)}`, {
    digests: { sha512: 'ab'.repeat(64), sha256: 'cd'.repeat(32), md5: 'ef'.repeat(16) },
  });
  for (const project of odd.filter((text) => text !== '')) {
    await db.query(
      `insert into image_members (image_id, project, status)
       select id, $1::text, 'rejected' from images where name = 'own names' or name is null`,
      [project],
    );
  }
}

const catalogOf = (from: Database) =>
  from.query(
    `select to_jsonb(i) - array['revision', 'tags'] as image, to_jsonb(array(select t from unnest(tags) t order by 1)) as tags,
       (select jsonb_agg(m order by project) from image_members m where m.image_id = i.id) as members
     from images i order by i.id`,
    [],
  );

test('an export loaded into an empty catalog is the same catalog, and its export the same bytes', async () => {
  await fillOddly();
  const [first, second] = [join(dir, 'first.ndjson'), join(dir, 'second.ndjson')];
  const count = await exportFrom(address, first);
  expect(count).toBe(odd.length + 3);

  const other = await anEmptyCatalog();
  const options = { onConflict: 'fail', isFatal: true, errorsFile: null, fromStart: false } as const;
  expect(await importInto(other, first, options)).toMatchObject({ loaded: count, bad: 0, stopped: null });
  const copy = openDatabase(other, { poolSize: 1 });
  expect(await catalogOf(copy)).toEqual(await catalogOf(db));
  await copy.close();
  await exportFrom(other, second);
  expect(await readFile(second, 'utf8')).toBe(await readFile(first, 'utf8'));
});

test('a line has the shape of the Image API, with custom properties flat beside the fields', async () => {
  await db.query(
    `insert into images (id, name, status, visibility, owner, kind, properties, created_at, updated_at)
     values ('00000000-0000-4000-8000-000000000001', 'a', 'queued', 'private', 'p', 'image',
       '{"os_distro": "debian"}', '2024-01-01 00:00:00+00', '2024-01-01 00:00:00.25+00')`,
    [],
  );
  const path = join(dir, 'one.ndjson');
  expect(await exportFrom(address, path)).toBe(1);
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
    id: '00000000-0000-4000-8000-000000000001',
    name: 'a',
    status: 'queued',
    visibility: 'private',
    owner: 'p',
    disk_format: null,
    container_format: null,
    size: null,
    virtual_size: null,
    min_disk: 0,
    min_ram: 0,
    checksum: null,
    os_hash_algo: null,
    os_hash_value: null,
    protected: false,
    os_hidden: false,
    tags: [],
    created_at: '2024-01-01T00:00:00Z',
    updated_at: '2024-01-01T00:00:00.250000Z',
    os_distro: 'debian',
  });
});

const process = only({ from: 'ci' });

test.skipIf(process.skip)(`without a file the lines go to standard output${process.why}`, async () => {
  await fillOddly();
  const path = join(dir, 'images.ndjson');
  const count = await exportFrom(address, path);
  const run = place.run(['export'], { env: databaseEnvironment(address) });
  expect(await run.exited).toEqual({ code: 0, signal: null });
  expect(run.output()).toContain(await readFile(path, 'utf8'));
  expect(run.output()).toContain(`${count} images.`);
});

test('a file is complete under its name, and gzipped by it', async () => {
  await fillOddly();
  await exportFrom(address, join(dir, 'plain.ndjson'));
  await exportFrom(address, join(dir, 'zipped.ndjson.gz'));
  expect(await readdir(dir)).toEqual(['plain.ndjson', 'zipped.ndjson.gz']);
  const unzipped = gunzipSync(await readFile(join(dir, 'zipped.ndjson.gz'))).toString();
  expect(unzipped).toBe(await readFile(join(dir, 'plain.ndjson'), 'utf8'));
});
