/** `vitrine index`: properties with indexes of their own, on the database of the settings, its servers running or not. */
import { mkdir } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import { parsePropertyName } from '../config/parse.ts';
import { openDatabaseServer } from '../db/address.ts';
import { type Database, type DatabaseAddress, openDatabase } from '../db/client.ts';
import {
  addHotProperty,
  type HotProperty,
  listHotProperties,
  removeHotProperties,
} from '../db/hot-properties.ts';
import type { Upkeep } from '../db/upkeep.ts';
import { thisOperator } from './operator.ts';

/** One after the other. @throws a name that cannot be one; what PostgreSQL refuses */
export async function addIndexes(config: Config, names: readonly string[]): Promise<void> {
  checkNames(names);
  await onDatabase(config, async ({ address, upkeep }) => {
    const by = thisOperator();
    for (const name of names) await addHotProperty(address, name, { ...upkeep, by });
  });
}

export async function removeIndexes(config: Config, names: readonly string[]): Promise<void> {
  checkNames(names);
  await onDatabase(config, async ({ address, upkeep }) => {
    await removeHotProperties(address, names, { ...upkeep, by: thisOperator() });
  });
  for (const name of names.filter((one) => config.search.hotProperties.includes(one))) {
    console.log(`${name}: is in search.hotProperties, so that the next start builds it again`);
  }
}

export async function listIndexes(config: Config): Promise<void> {
  await onDatabase(config, async ({ db }) => {
    const found = await listHotProperties(db, config.search.hotProperties);
    const width = Math.max(0, ...found.map(({ name }) => name.length));
    for (const one of found) console.log(lineOf(one, width));
  });
}

function lineOf({ name, valid, isHot, sizeBytes, isInSetting }: HotProperty, width: number): string {
  const state = isHot ? 'ready ' : `unfinished (${valid.join(', ') || 'no index'})`;
  const size = `${(sizeBytes / 2 ** 20).toFixed(1)} MiB`.padStart(12);
  return `${name.padEnd(width)}  ${state}  ${size}  ${isInSetting ? 'setting' : 'added'}`;
}

function checkNames(names: readonly string[]): void {
  for (const name of names) {
    try {
      parsePropertyName(name);
    } catch (error) {
      throw new Error(`${JSON.stringify(name)} ${(error as Error).message}`);
    }
  }
}

interface OnDatabase {
  address: DatabaseAddress;
  db: Database;
  upkeep: Upkeep;
}

/** Ctrl-C breaks it off; the embedded PostgreSQL is left properly all the same. */
async function onDatabase(config: Config, work: (on: OnDatabase) => Promise<void>): Promise<void> {
  const stopping = new AbortController();
  const stop = () => stopping.abort(new Error('Broken off; the same command goes on from here.'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  await mkdir(config.dataDir, { recursive: true });
  const { address, close } = await openDatabaseServer(config, () => {});
  const db = openDatabase(address, { poolSize: 1, applicationName: 'vitrine index' });
  try {
    await requireTables(db);
    const upkeep = { log: (message: string) => console.log(message), signal: stopping.signal };
    await work({ address, db, upkeep });
  } finally {
    await db.close();
    await close();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
  }
}

async function requireTables(db: Database): Promise<void> {
  const [row] = await db.query<{ there: boolean }>(
    `select to_regclass('hot_properties') is not null as there`,
    [],
  );
  if (!row?.there)
    throw new Error('The database does not have its tables yet; `vitrine migrate` makes them.');
}
