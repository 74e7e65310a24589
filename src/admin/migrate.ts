/** `vitrine migrate`: the schema, without a server. */
import { mkdir } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import { openDatabaseServer } from '../db/address.ts';
import { migrate } from '../db/migrate.ts';

export async function migrateDatabase(config: Config): Promise<void> {
  await mkdir(config.dataDir, { recursive: true });
  const database = await openDatabaseServer(config, () => {});
  try {
    const applied = await migrate(database.address);
    console.log(
      applied === 0 ? 'The schema is up to date.' : `Applied ${applied} migration${applied > 1 ? 's' : ''}.`,
    );
  } finally {
    await database.close();
  }
}
