/** The database that the settings name: the embedded PostgreSQL, started if need be, or an external one. */
import type { DatabaseAddress } from './client.ts';
import { openEmbeddedPostgres } from './embedded/server.ts';

export interface OpenedDatabase {
  readonly address: DatabaseAddress;
  readonly isEmbedded: boolean;
  /** Leaves the embedded PostgreSQL; the last process to leave stops it. */
  close(): Promise<void>;
}

/** `url` null: the embedded one below `dataDir`. */
export async function openDatabaseServer(
  { databaseUrl, dataDir }: { databaseUrl: string | null; dataDir: string },
  log: (message: string) => void,
): Promise<OpenedDatabase> {
  if (databaseUrl !== null)
    return { address: { url: databaseUrl }, isEmbedded: false, close: async () => {} };
  const embedded = await openEmbeddedPostgres(dataDir, { log });
  return { address: embedded.connection, isEmbedded: true, close: () => embedded.close() };
}
