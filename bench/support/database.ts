/** A database for one run of the benchmark, with the schema and nothing in it; it is gone afterwards. */
import { openDatabaseServer } from '../../src/db/address.ts';
import { connect, type DatabaseAddress } from '../../src/db/client.ts';
import { migrate } from '../../src/db/migrate.ts';

export interface BenchDatabase {
  readonly address: DatabaseAddress;
  drop(): Promise<void>;
}

/** In the server that `databaseUrl` names; null: the database of the embedded server below `dataDir`. */
export async function openBenchDatabase(databaseUrl: string | null, dataDir: string): Promise<BenchDatabase> {
  const server = await openDatabaseServer({ databaseUrl, dataDir }, () => {});
  if (databaseUrl === null) {
    await migrate(server.address);
    return { address: server.address, drop: () => server.close() };
  }
  const name = `vitrine_bench_${process.pid}`;
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  await statement(server.address, `create database ${name}`);
  await migrate({ url: url.href });
  return {
    address: { url: url.href },
    drop: () => statement(server.address, `drop database if exists ${name} with (force)`),
  };
}

async function statement(address: DatabaseAddress, text: string): Promise<void> {
  const sql = connect(address, { poolSize: 1, statementTimeoutMs: 0 });
  try {
    await sql.unsafe(text);
  } finally {
    await sql.end();
  }
}
