/** `vitrine import`: what is loaded, what is refused and why, and that a killed import loses and repeats nothing. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { exportFrom } from '../../src/admin/export-images.ts';
import { type ImportOptions, importInto } from '../../src/admin/import-images.ts';
import { type Database, type DatabaseAddress, openDatabase } from '../../src/db/client.ts';
import { migrate } from '../../src/db/migrate.ts';
import { aDatabase } from '../support/database.ts';
import { aPlace, databaseEnvironment, type Place } from '../support/installation.ts';
import { only, sized } from '../support/size.ts';
import { until } from '../support/until.ts';

let address: DatabaseAddress;
let db: Database;
let drop: () => Promise<void>;
let dir: string;
let place: Place;

beforeAll(async () => {
  place = await aPlace();
  const database = await aDatabase(inject('database'));
  ({ address, drop } = database);
  db = openDatabase(address, { poolSize: 1, applicationName: 'test' });
});
afterAll(async () => {
  await place.remove();
  await db.close();
  await drop();
});
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'vitrine-import-'));
  await db.query('truncate images, image_tombstones cascade', []);
  await db.query(`delete from installation where name like 'import%'`, []);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const defaults: ImportOptions = { onConflict: 'skip', isFatal: false, errorsFile: null, fromStart: false };

const idOf = (n: number) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;

/** What any Image API answers. */
function anAnswer(n: number, more: object = {}): object {
  return {
    id: idOf(n),
    name: `image-${n}`,
    status: 'active',
    visibility: 'shared',
    owner: 'p1',
    disk_format: 'qcow2',
    container_format: 'bare',
    size: 1024 * n,
    virtual_size: null,
    min_disk: 0,
    min_ram: 0,
    checksum: 'd41d8cd98f00b204e9800998ecf8427e',
    os_hash_algo: 'sha512',
    os_hash_value: 'ab'.repeat(64),
    protected: false,
    os_hidden: false,
    tags: ['b', 'a'],
    created_at: '2024-05-06T07:08:09Z',
    updated_at: '2024-05-07T07:08:09Z',
    self: `/v2/images/${idOf(n)}`,
    file: `/v2/images/${idOf(n)}/file`,
    schema: '/v2/schemas/image',
    os_distro: 'debian',
    os_version: `${n % 20}.04`,
    ...more,
  };
}

async function aFile(lines: readonly (object | string)[], name = 'images.ndjson'): Promise<string> {
  const path = join(dir, name);
  const text = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
  await writeFile(path, name.endsWith('.gz') ? gzipSync(text) : text);
  return path;
}

/** Loads lines; what came of it, and what was refused. */
async function load(lines: readonly (object | string)[], options: Partial<ImportOptions> = {}) {
  const file = await aFile(lines);
  const errorsFile = join(dir, 'errors.ndjson');
  const imported = await importInto(address, file, { ...defaults, errorsFile, ...options });
  const errors = (await readFile(errorsFile, 'utf8')).split('\n').filter((line) => line !== '');
  return {
    imported,
    errors: errors.map((line) => JSON.parse(line) as { line: number; kind: string; reason: string }),
  };
}

const one = async (n: number) => {
  const [row] = await db.query<Record<string, unknown>>('select * from images where id = $1::uuid', [
    idOf(n),
  ]);
  return row;
};
const countOf = async (table: string) =>
  (await db.query<{ n: number }>(`select count(*)::int as n from ${table}`, []))[0]?.n;

/** Everything that is derived, by itself and as the triggers would have it. */
async function derived() {
  const indexes = await db.query(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
     where indrelid in ('images'::regclass, 'image_members'::regclass, 'image_terms'::regclass,
       'image_vocabulary'::regclass) order by 1`,
    [],
  );
  const triggers = await db.query(
    `select tgname, pg_get_triggerdef(oid) as definition, tgenabled from pg_trigger
     where tgrelid = 'images'::regclass and not tgisinternal order by 1`,
    [],
  );
  const records = await db.query(`select name from installation where name like 'import%'`, []);
  const terms = await db.query('select * from image_terms order by 1, 2, 3, 4', []);
  const words = await db.query('select * from image_vocabulary order by 1, 2', []);
  return { indexes, triggers, records, terms, words };
}

test('what an Image API answers is loaded with its id, owner, times, digests, tags, properties and members', async () => {
  const { imported, errors } = await load([
    anAnswer(1, { members: [{ member: 'p2', status: 'accepted' }, { member_id: 'p3' }], stores: 'a,b' }),
  ]);
  expect(errors).toEqual([]);
  expect(imported).toMatchObject({ loaded: 1, lines: 1, bad: 0, stopped: null });
  expect(await one(1)).toMatchObject({
    name: 'image-1',
    status: 'active',
    owner: 'p1',
    kind: 'image',
    size: 1024,
    checksum: 'd41d8cd98f00b204e9800998ecf8427e',
    digests: { sha512: 'ab'.repeat(64) },
    tags: ['a', 'b'],
    properties: { os_distro: 'debian', os_version: '1.04' },
    created_at: '2024-05-06T07:08:09.000000Z',
    updated_at: '2024-05-07T07:08:09.000000Z',
    revision: 1,
  });
  const members = await db.query('select project, status from image_members order by 1', []);
  expect(members).toEqual([
    { project: 'p2', status: 'accepted' },
    { project: 'p3', status: 'pending' },
  ]);
});

test('what old services write otherwise is read all the same', async () => {
  const { errors } = await load([
    '',
    anAnswer(1, {
      id: idOf(1).replaceAll('-', '').toUpperCase(),
      disk_format: 'QCOW2',
      protected: 'True',
      os_hidden: null,
      size: '77',
      min_disk: null,
      checksum: 'D41D8CD98F00B204E9800998ECF8427E',
      os_hash_algo: 'blake2b',
      os_hash_value: 'AB'.repeat(64),
      created_at: '2012-02-29T01:02:03',
      updated_at: '2012-02-29T01:02:03.5+02:00',
      tags: ['x', 'x'],
      empty: null,
      is_new: true,
      os_glance_importing_to_stores: '',
    }),
    JSON.stringify(anAnswer(2)).replace('"2.04"', '22.10'),
    anAnswer(3, { status: 'killed' }),
    anAnswer(4, { status: 'saving' }),
    anAnswer(5, { status: 'deleted', deleted_at: '2013-01-01T00:00:00Z' }),
  ]);
  expect(errors).toEqual([]);
  expect(await one(1)).toMatchObject({
    disk_format: 'qcow2',
    protected: true,
    hidden: false,
    size: 77,
    min_disk: 0,
    checksum: 'd41d8cd98f00b204e9800998ecf8427e',
    digests: { blake2b: 'ab'.repeat(64) },
    created_at: '2012-02-29T01:02:03.000000Z',
    updated_at: '2012-02-28T23:02:03.500000Z',
    tags: ['x'],
    properties: { os_distro: 'debian', os_version: '1.04', is_new: 'true' },
  });
  expect(await one(2)).toMatchObject({ properties: { os_version: '22.10' } });
  expect(await one(3)).toMatchObject({ status: 'killed' });
  expect(await one(4)).toMatchObject({ status: 'queued', size: null, checksum: null, digests: {} });
  expect(await one(5)).toBeUndefined();
  const tombstones = await db.query('select id, deleted_at from image_tombstones', []);
  expect(tombstones).toEqual([{ id: idOf(5), deleted_at: '2013-01-01T00:00:00.000000Z' }]);
});

test('every bad line is reported by its number with the reason, and the others are loaded', async () => {
  const bad: [object | string, RegExp][] = [
    ['{"id": ', /Not JSON/],
    ['[1]', /Not a JSON object/],
    [anAnswer(1, { id: 'x' }), /not a UUID/],
    [anAnswer(1, { id: undefined }), /id is missing/],
    [anAnswer(1, { status: 'gone' }), /status "gone" is none of/],
    [anAnswer(1, { visibility: undefined }), /visibility is missing/],
    [anAnswer(1, { name: 'n'.repeat(256) }), /longer than 255/],
    [anAnswer(1, { name: 'a\0b' }), /NUL/],
    [anAnswer(1, { name: '\ud800' }), /half a surrogate/],
    [anAnswer(1, { disk_format: 'floppy' }), /disk_format "floppy"/],
    [anAnswer(1, { size: -1 }), /size -1 is not a whole number/],
    [anAnswer(1, { min_ram: 2 ** 31 }), /min_ram/],
    [anAnswer(1, { checksum: 'zz' }), /not an MD5/],
    [anAnswer(1, { os_hash_value: 'ab' }), /not a sha512/],
    [anAnswer(1, { protected: 'perhaps' }), /not true or false/],
    [anAnswer(1, { created_at: '2023-02-29T00:00:00Z' }), /is not a time/],
    [anAnswer(1, { tags: [''] }), /tag cannot be empty/],
    [anAnswer(1, { tags: [7] }), /tag 7 is not text/],
    [anAnswer(1, { nested: { a: 1 } }), /value of nested is not text/],
    [anAnswer(1, { big: 'x'.repeat(65_537) }), /value of big is longer than 65536/],
    [anAnswer(1, { members: [{ status: 'accepted' }] }), /member has no project/],
  ];
  const { imported, errors } = await load([...bad.map(([line]) => line), anAnswer(2)]);
  expect(errors.map(({ line, kind }) => ({ line, kind }))).toEqual(
    bad.map((_, i) => ({ line: i + 1, kind: 'bad' })),
  );
  for (const [i, [, reason]] of bad.entries()) expect(errors[i]?.reason).toMatch(reason);
  expect(imported).toMatchObject({ loaded: 1, bad: bad.length });

  await writeFile(
    join(dir, 'latin1.ndjson'),
    Buffer.from(`${JSON.stringify(anAnswer(3, { name: 'é' }))}\n`, 'latin1'),
  );
  expect(await importInto(address, join(dir, 'latin1.ndjson'), defaults)).toMatchObject({
    loaded: 0,
    bad: 1,
  });
});

test('a bad line is fatal by flag: what stands before it is loaded, and the mended file goes on there', async () => {
  const lines = [anAnswer(1), anAnswer(2), 'bad', anAnswer(3)];
  const { imported } = await load(lines, { isFatal: true });
  expect(imported).toMatchObject({
    loaded: 2,
    lines: 2,
    stopped: expect.stringMatching(/^Line 3: Not JSON/),
  });
  expect(await countOf('images')).toBe(2);

  const mended = await load([anAnswer(1), anAnswer(2), anAnswer(4), anAnswer(3)], { isFatal: true });
  expect(mended.imported).toMatchObject({ loaded: 4, skipped: 0, linesBefore: 2, lines: 4, stopped: null });
  expect(await countOf('images')).toBe(4);
  expect((await derived()).records).toEqual([]);
});

test('an id that is taken is skipped, replaced or fatal; one of a deleted image is never taken again', async () => {
  await load([anAnswer(1, { members: [{ member: 'old' }] }), anAnswer(2, { status: 'deleted' })]);
  const again = [
    anAnswer(1, { name: 'new', status: 'deactivated', members: [{ member: 'new' }] }),
    anAnswer(2),
    anAnswer(3),
    anAnswer(3, { name: 'twice' }),
  ];

  const skipped = await load(again);
  expect(skipped.imported).toMatchObject({ loaded: 1, skipped: 3, bad: 0 });
  expect(skipped.errors).toEqual([
    { line: 1, kind: 'taken', reason: `The id ${idOf(1)} is there already.` },
    { line: 2, kind: 'taken', reason: `The id ${idOf(2)} belonged to an image that was deleted.` },
    { line: 4, kind: 'taken', reason: `The id ${idOf(3)} is there already.` },
  ]);
  expect(await one(1)).toMatchObject({ name: 'image-1' });

  const failed = await load([anAnswer(4), ...again], { onConflict: 'fail' });
  expect(failed.imported).toMatchObject({ loaded: 0, stopped: expect.stringContaining('Line 2: The id') });
  expect(await one(4)).toBeUndefined();

  const replaced = await load(again, { onConflict: 'replace' });
  expect(replaced.imported).toMatchObject({ loaded: 0, replaced: 3, skipped: 1 });
  expect(await one(1)).toMatchObject({ name: 'new', status: 'deactivated', revision: 2 });
  expect(await one(3)).toMatchObject({ name: 'twice' });
  expect(await db.query('select project from image_members', [])).toEqual([{ project: 'new' }]);
});

test('a replaced image keeps what is said of bytes that are here', async () => {
  await load([anAnswer(1)]);
  await db.query(
    `insert into image_copies (image_id, store, key, state) values ($1::uuid, 's', 'k', 'active')`,
    [idOf(1)],
  );
  await load([anAnswer(1, { name: 'new', size: 1, checksum: null, status: 'queued' })], {
    onConflict: 'replace',
  });
  expect(await one(1)).toMatchObject({ name: 'new', size: 1024, status: 'active' });
  expect((await one(1))?.checksum).not.toBeNull();
});

test('a load into an empty catalog leaves the indexes, triggers and side tables that writing image by image does', async () => {
  const lines = Array.from({ length: 60 }, (_, n) =>
    anAnswer(n, {
      visibility: ['public', 'community', 'shared', 'private'][n % 4],
      description: `Word${n % 7} für alle, "word${n % 7}" / ${'x'.repeat(n * 9)}`,
      title: String.fromCharCode(
        ...Array.from({ length: 700 }, (_, i) => (i % 5 === 0 ? 1 + i / 5 : 0x61 + (i % 26))),
      ),
      digests: { sha256: 'cd'.repeat(32) },
    }),
  );
  const before = await derived();
  await load(lines.slice(0, 1));
  await load(lines.slice(1)); // with the triggers
  const written = await derived();
  expect(written).toMatchObject({ indexes: before.indexes, triggers: before.triggers, records: [] });
  expect(written.terms.length).toBeGreaterThan(500);
  await db.query('truncate images cascade', []);
  await load(lines);
  expect(await derived()).toEqual(written);
});

test('an import that a server works beside takes nothing away from it', async () => {
  const server = openDatabase(address, { poolSize: 1 });
  try {
    await server.query('select 1', []);
    const { imported } = await load([anAnswer(1), anAnswer(2)]);
    expect(imported).toMatchObject({ loaded: 2, indexSeconds: 0 });
  } finally {
    await server.close();
  }
});

const long = only({ from: 'ci' });

test.skipIf(long.skip)(
  `standard input and gzip are read as files are, and a bad line makes the exit code 1${long.why}`,
  async () => {
    const file = await aFile([anAnswer(1)], 'images.ndjson.gz');
    expect(await importInto(address, file, defaults)).toMatchObject({ loaded: 1 });
    const lines = await aFile([anAnswer(2), 'nonsense', anAnswer(1)]);
    const run = place.run(['import'], {
      env: databaseEnvironment(address),
      under: ['sh', '-c', `exec "$0" "$@" < ${lines}`],
    });
    expect(await run.exited).toEqual({ code: 1, signal: null });
    expect(run.output()).toMatch(/^1 image loaded, 1 skipped .*1 bad line;/m);
    expect(await countOf('images')).toBe(2);
  },
);

test('two imports of one file at once wait for each other, and nothing is loaded twice', async () => {
  const file = await aFile(Array.from({ length: 200 }, (_, n) => anAnswer(n)));
  const both = await Promise.all([importInto(address, file, defaults), importInto(address, file, defaults)]);
  expect(both.map(({ loaded }) => loaded).toSorted()).toEqual([0, 200]);
  expect(await countOf('images')).toBe(200);
});

test.skipIf(long.skip)(
  `an import killed at any moment and started again ends as one that was not${long.why}`,
  { timeout: 1_200_000 },
  async () => {
    const count = 40_000;
    const lines = Array.from({ length: count }, (_, n) =>
      n % 1_000 === 7 ? 'bad' : anAnswer(n, n % 10 === 0 ? { members: [{ member: `m${n}` }] } : {}),
    );
    const file = await aFile(lines);
    const env = databaseEnvironment(address);
    const whole = await importInto(address, file, defaults);
    const wanted = join(dir, 'wanted.ndjson');
    await exportFrom(address, wanted);
    const wholeDerived = await derived();
    const seconds = whole.loadSeconds + whole.indexSeconds + whole.vacuumSeconds;

    for (let round = 0; round < sized({ quick: 1, ci: 2, full: 60 }); round++) {
      await db.query('truncate images cascade', []);
      let kills = 0;
      for (;;) {
        const run = place.run(['import', file], { env });
        const isLast = kills === 3;
        const timer = setTimeout(() => run.child.kill('SIGKILL'), 300 + Math.random() * seconds * 1_000);
        if (isLast) clearTimeout(timer);
        const { signal } = await run.exited;
        clearTimeout(timer);
        if (signal === null) {
          // The run before may have been killed after its last commit: then this one finds all of them there.
          const good = (count - count / 1000).toLocaleString('en');
          expect(run.output()).toMatch(
            new RegExp(
              `^(${good} images loaded|0 images loaded, ${good} skipped .*), ${count / 1000} bad lines`,
              'm',
            ),
          );
          break;
        }
        kills++;
        // A server that starts in between finds everything in its place.
        if (Math.random() < 0.3) await migrate(address);
      }
      const found = join(dir, 'found.ndjson');
      await exportFrom(address, found);
      expect(await readFile(found, 'utf8')).toBe(await readFile(wanted, 'utf8'));
      expect(await derived()).toEqual(wholeDerived);
    }
  },
);

test.skipIf(long.skip)(
  `after a kill a migration makes what was away${long.why}`,
  { timeout: 120_000 },
  async () => {
    const before = await derived();
    const file = await aFile(Array.from({ length: 60_000 }, (_, n) => anAnswer(n)));
    const run = place.run(['import', file], { env: databaseEnvironment(address) });
    await until(async () => (await countOf('images')) !== 0);
    await run.end('SIGKILL');
    await migrate(address);
    const { indexes, triggers } = await derived();
    expect({ indexes, triggers }).toEqual({ indexes: before.indexes, triggers: before.triggers });
    expect((await importInto(address, file, defaults)).loaded).toBe(60_000);
    expect(await countOf('images')).toBe(60_000);
  },
);
