/** A catalog to search in, with the server over it. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseAddress } from '../../src/db/client.ts';
import { openBenchDatabase } from './database.ts';
import { fillImages, middlingProject } from './images.ts';
import { startVitrine, type Vitrine } from './vitrine.ts';

export interface Catalog {
  address: DatabaseAddress;
  vitrine: Vitrine;
}

/** A database of its own with so many images, for as long as `work` lasts. */
export async function withCatalog<T>(
  { images, dataDir: parent }: { images: number; dataDir: string },
  work: (catalog: Catalog) => Promise<T>,
): Promise<T> {
  const dataDir = join(parent, String(images));
  await mkdir(dataDir);
  const database = await openBenchDatabase(process.env.DATABASE_URL ?? null, dataDir);
  try {
    const start = performance.now();
    await fillImages(database.address, images);
    const seconds = (performance.now() - start) / 1000;
    console.log(`${images} images, there after ${seconds.toFixed(0)} s`);
    const vitrine = await startVitrine(database.address, { dataDir, projects: [middlingProject] });
    return await working(vitrine, () => work({ address: database.address, vitrine }));
  } finally {
    await database.drop();
  }
}

/** On a database that is there, and stays as it is: a URL, or the directory of the embedded one's socket. */
export async function withOthersCatalog<T>(
  { database, dataDir }: { database: string; dataDir: string },
  work: (catalog: Catalog) => Promise<T>,
): Promise<T> {
  const address = database.startsWith('/')
    ? { socketDir: database, port: 5432, user: 'vitrine', database: 'vitrine' }
    : { url: database };
  const vitrine = await startVitrine(address, { dataDir, projects: [middlingProject], readsOnly: true });
  return working(vitrine, () => work({ address, vitrine }));
}

async function working<T>(vitrine: Vitrine, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await vitrine.stop();
  }
}
