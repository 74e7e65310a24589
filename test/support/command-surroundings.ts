/** What a command of `vitrine` has around it when a test calls it in this process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, vi } from 'vitest';
import { type Config, readConfig } from '../../src/config/config.ts';
import { type Database, openDatabase } from '../../src/db/client.ts';
import { aDatabase } from './database.ts';
import { databaseEnvironment } from './installation.ts';

export interface CommandSurroundings {
  config: Config;
  /** The same database, to look into. */
  db: Database;
  end(): Promise<void>;
}

/** A database of its own, and settings that lead to it; the environment has the variables of libpq until the end. */
export async function commandSurroundings(): Promise<CommandSurroundings> {
  const made = await aDatabase(inject('database'));
  const { DATABASE_URL = '', ...ofLibpq } = databaseEnvironment(made.address);
  for (const [name, value] of Object.entries(ofLibpq)) vi.stubEnv(name, value);
  const db = openDatabase(made.address, { poolSize: 2 });
  const dataDir = await mkdtemp(join(tmpdir(), 'vitrine-command-'));
  return {
    config: readConfig({ DATABASE_URL, VITRINE_DATA_DIR: dataDir }, dataDir),
    db,
    async end() {
      vi.unstubAllEnvs();
      await db.close();
      await made.drop();
      await rm(dataDir, { recursive: true });
    },
  };
}
