/** Looks whether rows and bytes agree, as an operator would after a crash: straight at the database and the disk. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Database } from '../../src/db/client.ts';

interface Row {
  id: string;
  status: string;
  size: number | null;
  checksum: string | null;
  sha512: string | null;
  /** Of its copy, when it has one. */
  key: string | null;
  state: string | null;
  copySize: number | null;
}

/**
 * A sentence for everything that is wrong, when no upload runs: an active image whose file is not exactly what
 * the row says, another image with bytes, a file without a row, a file left unfinished, a second copy.
 */
export async function findDamage(db: Database, imagesDir: string): Promise<string[]> {
  const rows = await db.query<Row>(
    `select i.id, i.status, i.size, i.checksum, i.digests->>'sha512' as sha512,
      c.key, c.state, c.size as "copySize"
    from images i left join image_copies c on c.image_id = i.id`,
    [],
  );
  const damage: string[] = [];
  const seen = new Set<string>();
  for (const row of rows) {
    if (seen.has(row.id)) damage.push(`${row.id} has more than one copy`);
    seen.add(row.id);
    damage.push(...(await damageOf(row, imagesDir)));
  }
  const keys = new Set(rows.map((row) => row.key));
  for (const file of await filesBelow(imagesDir)) {
    if (!keys.has(basename(file))) damage.push(`${basename(file)} belongs to no row`);
  }
  return damage;
}

async function damageOf(row: Row, imagesDir: string): Promise<string[]> {
  const { id, status, key } = row;
  if (status === 'queued') return key === null ? [] : [`${id} is queued and has a copy`];
  if (status !== 'active') return [`${id} is ${status}`];
  if (key === null || row.state !== 'active') return [`${id} is active without a copy`];
  const path = join(imagesDir, key.slice(0, 2), key);
  const found = await stat(path).catch(() => null);
  if (!found) return [`${id} is active and its file is missing`];
  if (found.size !== row.size || found.size !== row.copySize) return [`${id} has a file of another size`];
  const [md5, sha512] = [createHash('md5'), createHash('sha512')];
  for await (const chunk of createReadStream(path)) {
    md5.update(chunk);
    sha512.update(chunk);
  }
  const isExact = md5.digest('hex') === row.checksum && sha512.digest('hex') === row.sha512;
  return isExact ? [] : [`${id} has a file with other bytes`];
}

/** Paths of all files of a store, unfinished ones too. */
export async function filesBelow(imagesDir: string): Promise<string[]> {
  const entries = await readdir(imagesDir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
