/** What operators do with commands is in the audit log, too. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { repairStoredBytes } from '../../src/actions/repair-stored-bytes.ts';
import { byteRate } from '../../src/actions/slowly.ts';
import { importInto } from '../../src/admin/import-images.ts';
import { thisOperator } from '../../src/admin/operator.ts';
import { type Database, type DatabaseAddress, openDatabase } from '../../src/db/client.ts';
import { addHotProperty, removeHotProperties } from '../../src/db/hot-properties.ts';
import { anImage } from '../support/an-image.ts';
import { aDatabase } from '../support/database.ts';
import { aServer } from '../support/server.ts';

let address: DatabaseAddress;
let db: Database;
let drop: () => Promise<void>;
let dir: string;
beforeAll(async () => {
  ({ address, drop } = await aDatabase(inject('database')));
  db = openDatabase(address, { poolSize: 1 });
  dir = await mkdtemp(join(tmpdir(), 'vitrine-audit-'));
});
afterAll(async () => {
  await db.close();
  await drop();
  await rm(dir, { recursive: true, force: true });
});

const columns = `action, actor_kind as kind, actor_user as "user", result, object_type as type, object_id as id, changes`;
const entriesOf = (from: Pick<Database, 'query'>, actions: string[]) =>
  from.query<{ action: string; changes: { field: string; before: unknown; after: unknown }[] }>(
    `select ${columns} from audit_log where action = any($1::text[]) order by id`,
    [actions],
  );
const me = { kind: 'operator', user: userInfo().username };

test('a catalog that is loaded is one entry with its first images, and one with all counts', async () => {
  const file = join(dir, 'images.ndjson');
  const line = (id: string) =>
    `${JSON.stringify({ id, name: 'n', status: 'queued', visibility: 'shared', owner: 'p' })}\n`;
  const ids = [1, 2, 3].map((n) => `00000000-0000-4000-8000-00000000000${n}`);
  await writeFile(file, `${ids.map(line).join('')}no JSON\n`);
  await importInto(address, file, { onConflict: 'skip', isFatal: false, errorsFile: null, fromStart: false });
  const entries = await entriesOf(db, ['beginCatalogImport', 'finishCatalogImport', 'createImage']);
  expect(entries).toMatchObject([
    { ...me, action: 'beginCatalogImport', type: 'catalog' },
    { ...me, action: 'finishCatalogImport', result: 'done' },
  ]);
  expect(entries[1]?.changes).toEqual(
    expect.arrayContaining([
      { field: 'loaded', before: null, after: 3 },
      { field: 'bad', before: null, after: 1 },
    ]),
  );
});

test('a property that gets indexes of its own, or loses them, is one entry each', async () => {
  const quiet = { log: () => {}, by: thisOperator() };
  for (let n = 0; n < 2; n++) await addHotProperty(address, 'audited', quiet);
  for (let n = 0; n < 2; n++) await removeHotProperties(address, ['audited'], { ...quiet, waitMs: 0 });
  expect(await entriesOf(db, ['addIndex', 'removeIndex'])).toMatchObject([
    { ...me, action: 'addIndex', type: 'index', id: 'audited' },
    { ...me, action: 'removeIndex', type: 'index', id: 'audited' },
  ]);
});

test('the definitions that come with the service are one entry of the service', async () => {
  expect(await entriesOf(db, ['loadShippedMetadefs', 'loadMetadefNamespace'])).toMatchObject([
    { action: 'loadShippedMetadefs', kind: 'service', changes: [{ field: 'namespaces', before: null }] },
  ]);
});

test('a repair of stored bytes is one entry with counts, beside those of the copies', async () => {
  const server = await aServer();
  try {
    const id = await anImage(server.app, { size: 5 });
    const add = `insert into image_copies (image_id, store, key, state, size) values ($1::uuid, 'file', 'none.0', 'active', 5)`;
    await server.app.db.query(add, [id]);
    const { signal } = new AbortController();
    const check = { store: null, report: () => {}, rate: byteRate(1_000_000), signal };
    await repairStoredBytes(server.app, thisOperator(), check);
    expect(await entriesOf(server.app.db, ['repairStoredBytes', 'markCopyDamaged'])).toMatchObject([
      { kind: 'service', id, changes: [{ field: 'copies.file', before: 'active', after: 'failed' }] },
      { ...me, changes: [{ field: 'faults.ROW_WITHOUT_OBJECT no good copy', before: null, after: 1 }] },
    ]);
  } finally {
    await server.stop();
  }
});
