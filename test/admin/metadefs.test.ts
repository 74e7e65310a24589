/** `vitrine metadefs` and `vitrine lint`: what they do, and that they are programs. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { loadNamespace, loadShippedNamespaces } from '../../src/actions/metadef/load-namespaces.ts';
import { readNamespaceFiles, shippedFolder } from '../../src/actions/metadef/read-files.ts';
import { lintDatabase, lintImages } from '../../src/admin/lint.ts';
import { diffMetadefs, exportMetadefs, loadMetadefs } from '../../src/admin/metadefs.ts';
import { readConfig } from '../../src/config/config.ts';
import { type Database, type DatabaseAddress, openDatabase } from '../../src/db/client.ts';
import { readNamespaces } from '../../src/db/metadef/contents.ts';
import { serviceFor } from '../../src/domain/audit.ts';
import { jsonFromDocument } from '../../src/domain/metadef/json-form.ts';
import { aDatabase } from '../support/database.ts';
import { aPlace, databaseEnvironment, type Place } from '../support/installation.ts';
import { only } from '../support/size.ts';

let address: DatabaseAddress;
let db: Database;
let drop: () => Promise<void>;
let place: Place;
beforeAll(async () => {
  place = await aPlace();
});
afterAll(() => place.remove());
beforeEach(async () => {
  const database = await aDatabase(inject('database'));
  ({ address, drop } = database);
  db = openDatabase(address, { poolSize: 4 });
  return async () => {
    await db.close();
    await drop();
  };
});

async function vitrine(...args: string[]) {
  const run = place.run(args, { env: databaseEnvironment(address) });
  const { code } = await run.exited;
  return { code, output: run.output() };
}

const config = () =>
  readConfig({ DATABASE_URL: urlOf(address), VITRINE_DATA_DIR: place.dataDir }, place.dataDir);

function urlOf(of: DatabaseAddress): string {
  if ('url' in of) return of.url;
  const { database, socketDir: host, port, user } = of;
  return `postgres:///${database}?${new URLSearchParams({ host, port: `${port}`, user })}`;
}

/** What the command prints on standard output, in this process: starting the program takes seconds. */
async function printed(command: () => Promise<unknown>): Promise<string> {
  let output = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += text;
    return true;
  });
  const log = vi.spyOn(console, 'log').mockImplementation((line) => {
    output += `${line}\n`;
  });
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  try {
    await command();
    return output;
  } finally {
    for (const spy of [write, log, error]) spy.mockRestore();
  }
}

/** Everything there is, without what differs from load to load. */
const snapshot = async () => (await readNamespaces(db)).map(jsonFromDocument);

const long = only({ from: 'ci' });

describe('definitions', () => {
  test('are the same after they were exported and loaded again', async () => {
    const before = await snapshot();
    expect(before.length).toBeGreaterThan(40);
    const folder = join(place.dataDir, 'exported');
    await printed(() => exportMetadefs(config(), folder, { json: false }));
    expect(await readdir(folder)).toHaveLength(before.length);
    expect(await printed(() => loadMetadefs(config(), [folder], 'overwrite'))).toContain(
      `${before.length} unchanged`,
    );
    expect(await printed(async () => expect(await diffMetadefs(config(), [folder])).toBe(true))).toBe('');
    expect(await snapshot()).toEqual(before);
  }, 90_000);

  test.skipIf(long.skip)(
    `are the same in a catalog that had none, out of one file of JSON${long.why}`,
    async () => {
      const before = await snapshot();
      const all = join(place.dataDir, 'all.json');
      await writeFile(all, (await vitrine('metadefs', 'export', '--json')).output);
      await db.query('delete from metadef_namespaces', []);
      expect(await printed(() => loadMetadefs(config(), [all], 'new'))).toContain(`${before.length} created`);
      expect(await snapshot()).toEqual(before);
    },
    90_000,
  );

  test('are written to a file each, whatever they are called', async () => {
    const names = ['A::B', 'A-B', 'A/B', 'ä', 'ö', 'x.schema', '..', 'A::B::', 'a b'];
    await db.query('delete from metadef_namespaces', []);
    for (const namespace of names) {
      await db.query(`insert into metadef_namespaces (namespace, visibility) values ($1::text, 'public')`, [
        namespace,
      ]);
    }
    const before = await snapshot();
    const folder = join(place.dataDir, 'odd');
    await printed(() => exportMetadefs(config(), folder, { json: true }));
    await db.query('delete from metadef_namespaces', []);
    for (const { document } of await readNamespaceFiles([folder]))
      await loadNamespace(db, document, { mode: 'new', by: serviceFor() });
    expect(await snapshot()).toEqual(before);
  }, 90_000);

  test.skipIf(long.skip)(
    `of a file that is wrong are all left as they are, and the file and its mistakes are named${long.why}`,
    async () => {
      const file = join(place.dataDir, 'wrong.yaml');
      await writeFile(file, 'namespace: wrong\nproperties:\n  p: { title: P, type: text, colour: red }\n');
      const before = await snapshot();
      const result = await vitrine('metadefs', 'load', '--overwrite', shippedFolder, file);
      expect(result.code).toBe(1);
      expect(result.output).toContain('wrong.yaml');
      expect(result.output).toContain('properties.p.type is one of string, integer');
      expect(result.output).toContain('properties.p.colour is not known here');
      expect(await snapshot()).toEqual(before);
    },
  );

  test.skipIf(long.skip)(`that differ are shown a line each, with exit code 1${long.why}`, async () => {
    await db.query(
      `update metadef_properties set definition = definition || '{"title": "Other"}' where name = 'cpu_policy'`,
      [],
    );
    await db.query(`delete from metadef_namespaces where namespace = 'OS::Compute::Watchdog'`, []);
    const diff = await vitrine('metadefs', 'diff');
    expect(diff.code).toBe(1);
    expect(diff.output.trim().split('\n')).toEqual([
      'OS::Compute::CPUPinning: ~ property cpu_policy',
      'OS::Compute::Watchdog: + namespace',
    ]);
  });

  test('that an operator took out stay out when a server starts', async () => {
    await db.query('delete from metadef_namespaces', []);
    await loadShippedNamespaces(db, () => {});
    expect(await snapshot()).toEqual([]);
  });

  test('are loaded once, however many servers start at the same moment', async () => {
    await db.query('delete from metadef_namespaces', []);
    await db.query(`delete from installation where name = 'shipped_metadefs'`, []);
    await Promise.all(Array.from({ length: 4 }, () => loadShippedNamespaces(db, () => {})));
    const shipped = await readNamespaceFiles([shippedFolder]);
    expect((await snapshot()).length).toBe(shipped.length);
  });

  test('loaded by several at once end as one of them has them, whole', async () => {
    const [first] = await readNamespaceFiles([join(shippedFolder, 'compute-libvirt-image.yaml')]);
    if (!first) throw new Error('There is no such file.');
    const versions = Array.from({ length: 6 }, (_, i) => ({
      ...first.document,
      displayName: `v${i}`,
      tags: [`t${i}`],
      properties: first.document.properties.map((property) => ({ ...property, title: `v${i}` })),
    }));
    await Promise.all(
      versions.map((document) => loadNamespace(db, document, { mode: 'overwrite', by: serviceFor() })),
    );
    const [after] = await readNamespaces(db, [first.document.namespace]);
    const winner = versions.find(({ displayName }) => displayName === after?.displayName);
    expect(after?.tags).toEqual(winner?.tags);
    expect(after?.properties).toEqual(winner?.properties);
  });
});

describe('lint', () => {
  beforeEach(async () => {
    const insert = (owner: string, properties: object) =>
      db.query(
        `insert into images (id, status, visibility, owner, kind, properties)
          values (gen_random_uuid(), 'active', 'shared', $1::text, 'image', $2::jsonb)`,
        [owner, JSON.stringify(properties)],
      );
    await insert('blue', { hw_cpu_cores: 'x', os_distro: 'debian' });
    await insert('blue', { hw_cpu_cores: 'x' });
    await insert('blue', { hw_cpu_cores: '0' });
    await insert('red', { os_distr: 'debian', my_own: '1' });
    await insert('red', { my_own: '1' });
    await db.query(
      `with n as (insert into metadef_namespaces (namespace, visibility, owner) values ('of-red', 'private', 'red') returning id),
        p as (insert into metadef_properties (namespace_id, name, definition)
          select id, 'my_own', '{"title": "Mine", "type": "boolean", "enum": ["true"]}' from n)
      insert into metadef_associations (namespace_id, resource_type) select id, 'OS::Glance::Image' from n`,
      [],
    );
  });

  test('gathers all images by what is wrong with them, each by the definitions that its project sees', async () => {
    const report = await lintDatabase(address, null);
    expect(report).toMatchObject({ imagesChecked: 5, imagesWithIssues: 4 });
    const causes = report.causes.map(({ property, code, values, images }) => ({
      property,
      code,
      values: values.map(({ value, count }) => `${value} ${count}`),
      images: images.length,
    }));
    expect(causes).toEqual([
      { property: 'hw_cpu_cores', code: 'WRONG_TYPE', values: ['x 2'], images: 2 },
      { property: 'hw_cpu_cores', code: 'OUT_OF_RANGE', values: ['0 1'], images: 1 },
      { property: 'os_distr', code: 'UNKNOWN_NAME', values: ['debian 1'], images: 1 },
    ]);
    await db.query(`update images set properties = '{"my_own": "no"}' where owner = 'red'`, []);
    const { causes: after } = await lintDatabase(address, 'red');
    expect(after).toMatchObject([
      { property: 'my_own', code: 'NOT_IN_ENUM', images: [expect.any(String), expect.any(String)] },
    ]);
  });

  test('misses a property of any name', async () => {
    await db.query('delete from images', []);
    await db.query(
      `with n as (insert into metadef_namespaces (namespace, visibility) values ('odd', 'public') returning id),
        o as (insert into metadef_objects (namespace_id, name, required) select id, 'o', '{constructor}' from n returning id, namespace_id),
        p as (insert into metadef_properties (namespace_id, object_id, name, definition)
          select namespace_id, o.id, name, '{"title": "T", "type": "string"}' from o, unnest('{constructor,other_one}'::text[]) as name)
      insert into metadef_associations (namespace_id, resource_type) select id, 'OS::Glance::Image' from n`,
      [],
    );
    await db.query(
      `insert into images (id, status, visibility, owner, kind, properties)
        values (gen_random_uuid(), 'active', 'shared', 'blue', 'image', '{"other_one": "x"}')`,
      [],
    );
    const { causes } = await lintDatabase(address, null);
    expect(causes).toMatchObject([{ property: 'constructor', code: 'MISSING', values: [] }]);
  });

  test.skipIf(long.skip)(
    `is a program that says what it found, in words or in JSON, with exit code 1${long.why}`,
    async () => {
      const words = await vitrine('lint');
      expect(words.code).toBe(1);
      expect(words.output).toContain('hw_cpu_cores  WRONG_TYPE  2 images');
      expect(words.output).toContain('5 images checked, 4 with issues.');
      const json = await printed(async () =>
        expect(await lintImages(config(), { owner: 'red', json: true })).toBe(false),
      );
      expect(JSON.parse(json)).toMatchObject({ imagesChecked: 2, causes: [{ code: 'UNKNOWN_NAME' }] });
      await printed(async () =>
        expect(await lintImages(config(), { owner: 'green', json: false })).toBe(true),
      );
    },
    90_000,
  );
});
