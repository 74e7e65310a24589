/**
 * One PostgreSQL for the whole run: the embedded one in a directory of its own, or the one that DATABASE_URL
 * names. Its schema is made once; every server of a test gets a copy.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import type { TestProject } from 'vitest/node';
import { loadShippedNamespaces } from '../../src/actions/metadef/load-namespaces.ts';
import { connect, type DatabaseAddress, openDatabase } from '../../src/db/client.ts';
import { openEmbeddedPostgres } from '../../src/db/embedded/server.ts';
import { migrate } from '../../src/db/migrate.ts';

declare module 'vitest' {
  interface ProvidedContext {
    database: DatabaseAddress;
  }
}

export const template = 'vitrine_template';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const external = process.env.DATABASE_URL;
  const dir = external ? null : await mkdtemp(join(tmpdir(), 'vitrine-test-'));
  const embedded = dir ? await openEmbeddedPostgres(dir) : null;
  const address: DatabaseAddress = embedded ? embedded.connection : { url: external ?? '' };
  const admin = connect(address, { poolSize: 1 });
  if (embedded) await forgetDisk(admin);
  await admin.unsafe(`drop database if exists ${template}`);
  await admin.unsafe(`create database ${template}`);
  await admin.end();
  await migrate(inDatabase(address, template));
  // Every server would load them at its first start.
  const made = openDatabase(inDatabase(address, template), { poolSize: 1 });
  await loadShippedNamespaces(made, () => {});
  await made.close();
  project.provide('database', address);
  return async () => {
    await embedded?.close();
    if (dir) await rm(dir, { recursive: true, force: true });
  };
}

/** Nothing outlives the run: no database is waited for until it is on the disk, when it is made or taken away. */
async function forgetDisk(admin: postgres.Sql): Promise<void> {
  await admin.unsafe('alter system set fsync = off');
  await admin.unsafe('select pg_reload_conf()');
}

/** The same server, another database. */
export function inDatabase(address: DatabaseAddress, name: string): DatabaseAddress {
  if (!('url' in address)) return { ...address, database: name };
  const url = new URL(address.url);
  url.pathname = `/${name}`;
  return { url: url.href };
}

let count = 0;

/**
 * A fresh copy of the schema, or of `from`: template0 has nothing in it. `drop` takes it away, whoever is still
 * connected.
 */
export async function aDatabase(
  address: DatabaseAddress,
  from = template,
): Promise<{ address: DatabaseAddress; drop(): Promise<void> }> {
  const name = `vitrine_${process.pid}_${++count}`;
  await asAdmin(address, `create database ${name} template ${from}`);
  return {
    address: inDatabase(address, name),
    drop: () => asAdmin(address, `drop database if exists ${name} with (force)`),
  };
}

async function asAdmin(address: DatabaseAddress, statement: string): Promise<void> {
  const admin = connect(address, { poolSize: 1 });
  try {
    await withRetry(() => admin.unsafe(statement));
  } finally {
    await admin.end();
  }
}

/** Two copies of one template cannot be made at the same moment (55006). */
async function withRetry(work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      const busy = error instanceof postgres.PostgresError && error.code === '55006';
      if (!busy || attempt > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
