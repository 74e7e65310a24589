/**
 * `vitrine import` into an empty catalog against a bare COPY of the same rows into the same tables, both without
 * secondary indexes and triggers; what is built afterwards is reported apart.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type postgres from 'postgres';
import { exportFrom } from '../src/admin/export-images.ts';
import { type Imported, importInto } from '../src/admin/import-images.ts';
import { connect, type DatabaseAddress } from '../src/db/client.ts';
import { restoreDerived, takeDerivedAway } from '../src/db/load-derived.ts';
import { imageColumns } from '../src/db/load-rows.ts';
import { openPool } from '../src/db/pool.ts';
import { fillImages } from './support/images.ts';
import { median, report } from './support/rounds.ts';

/** Table -> what is copied: generated columns are not. */
const tables: Record<string, string> = {
  images: `images (${imageColumns.join(', ')})`,
  image_members: 'image_members',
  image_terms: 'image_terms',
  image_vocabulary: 'image_vocabulary',
  image_value_counts: 'image_value_counts',
};

/** Leaves the catalog empty. Files are made below `dir`. */
export async function measureImport(
  address: DatabaseAddress,
  { images, rounds, dir }: { images: number; rounds: number; dir: string },
): Promise<void> {
  const sql = connect(address, { poolSize: 1, statementTimeoutMs: 0, applicationName: 'bench' });
  const pathOf = (name: string) => join(dir, `${name}.copy`);
  const file = join(dir, 'images.ndjson');
  try {
    await fillImages(address, images);
    await exportFrom(address, file);
    for (const [name, what] of Object.entries(tables)) {
      await withConnection(address, async (one) =>
        pipeline(await one.unsafe(`copy ${what} to stdout`).readable(), createWriteStream(pathOf(name))),
      );
    }
    const imports: Imported[] = [];
    const bare: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await empty(sql);
      imports.push(
        await importInto(address, file, {
          onConflict: 'fail',
          isFatal: true,
          errorsFile: null,
          fromStart: true,
        }),
      );
      await empty(sql);
      bare.push(await copyBare(address, sql, pathOf));
    }
    await empty(sql);
    tell(images, imports, bare);
  } finally {
    await sql.end();
  }
}

/** postgres.js copies once a connection: the next one on it never ends. */
async function withConnection(
  address: DatabaseAddress,
  work: (sql: postgres.Sql) => Promise<void>,
): Promise<void> {
  const sql = connect(address, { poolSize: 1, statementTimeoutMs: 0, applicationName: 'bench' });
  try {
    await sql.unsafe('set synchronous_commit = off');
    await work(sql);
  } finally {
    await sql.end();
  }
}

async function empty(sql: postgres.Sql): Promise<void> {
  await sql.unsafe('truncate images cascade');
  await sql.unsafe('truncate image_terms, image_vocabulary, image_value_counts'); // a trigger does it, where there is one
  await sql.unsafe('checkpoint');
}

/** Seconds. */
async function copyBare(
  address: DatabaseAddress,
  sql: postgres.Sql,
  pathOf: (name: string) => string,
): Promise<number> {
  const pool = openPool(address, { max: 1, applicationName: 'bench' });
  const client = await pool.connect();
  try {
    if (!(await takeDerivedAway(client))) throw new Error('The catalog is not empty.');
    const start = performance.now();
    for (const [name, what] of Object.entries(tables)) {
      await withConnection(address, async (one) =>
        pipeline(
          createReadStream(pathOf(name), { highWaterMark: 1 << 20 }),
          await one.unsafe(`copy ${what} from stdin`).writable(),
        ),
      );
    }
    const seconds = (performance.now() - start) / 1000;
    await empty(sql);
    await restoreDerived([client]);
    return seconds;
  } finally {
    client.release(true);
    await pool.end();
  }
}

function tell(images: number, imports: readonly Imported[], bare: readonly number[]): void {
  const of = (value: (imported: Imported) => number) => median(imports.map(value));
  const seconds = of((imported) => imported.loadSeconds);
  console.log(
    `import of ${images} images: ${seconds.toFixed(1)} s, ${Math.round(images / seconds)} lines/s; then indexes ${of(
      (imported) => imported.indexSeconds,
    ).toFixed(1)} s, vacuum ${of((imported) => imported.vacuumSeconds).toFixed(1)} s`,
  );
  console.log(`bare COPY of its rows: ${median(bare).toFixed(1)} s`);
  const ratios = imports.map((imported, i) => (bare[i] ?? Number.NaN) / imported.loadSeconds);
  report('import against a bare COPY', median(ratios), { limit: 0.8, kind: 'least' });
}
