/**
 * `vitrine export`: the catalog as it is at one moment, one image a line in the shape of GET /v2/images/{id}, as
 * `vitrine import` reads it; oldest first, then by id. Without bytes, and without the ids of deleted images.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Config } from '../config/config.ts';
import { openDatabaseServer } from '../db/address.ts';
import { readCatalog } from '../db/catalog.ts';
import type { DatabaseAddress } from '../db/client.ts';
import { migrate } from '../db/migrate.ts';
import { imageJson } from './bulk/image-json.ts';

/** `file` null or `-`: standard output. A file is complete or not there; gzipped when its name ends in .gz. */
export async function exportImages(config: Config, file: string | null): Promise<void> {
  await mkdir(config.dataDir, { recursive: true });
  const database = await openDatabaseServer(config, () => {});
  try {
    await migrate(database.address);
    const count = await exportFrom(database.address, file);
    console.error(`${count.toLocaleString('en')} images.`);
  } finally {
    await database.close();
  }
}

/** The same from a database that is open: how many images. */
export async function exportFrom(address: DatabaseAddress, file: string | null): Promise<number> {
  let count = 0;
  async function* lines(): AsyncGenerator<string, undefined> {
    for await (const images of readCatalog(address)) {
      count += images.length;
      yield images.map((image) => `${JSON.stringify(imageJson(image))}\n`).join('');
    }
  }
  if (file === null || file === '-') {
    await pipeline(lines, process.stdout, { end: false }).catch(unlessNobodyReads);
    return count;
  }
  const partial = `${file}.partial`;
  if (file.endsWith('.gz')) await pipeline(lines, createGzip({ level: 4 }), createWriteStream(partial));
  else await pipeline(lines, createWriteStream(partial));
  await rename(partial, file);
  return count;
}

/** `vitrine export | head` has what it wants. */
function unlessNobodyReads(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
