/** Facts of this installation that every server shares. */
import { randomBytes } from 'node:crypto';
import type { Database, Statements } from './client.ts';
import { installation } from './tables.ts';

/** The key that signs transfer targets: made once, by whichever server comes first. */
export async function findSigningKey(db: Database): Promise<string> {
  await db.query(
    `insert into installation (name, value) values ('signing_key', $1::text) on conflict (name) do nothing`,
    [randomBytes(32).toString('base64url')],
  );
  const [row] = await db.query<{ value: string }>(
    `select value from installation where name = 'signing_key'`,
    [],
  );
  if (!row) throw new Error('The signing key is missing.');
  return row.value;
}

/** True for whoever comes first in the life of the installation, if the transaction is committed. */
export async function claimOnce(tx: Statements, name: string): Promise<boolean> {
  const rows = await tx.insert(installation).values({ name, value: '' }).onConflictDoNothing().returning();
  return rows.length > 0;
}
