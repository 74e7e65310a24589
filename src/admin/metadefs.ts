/** `vitrine metadefs`: loads, exports and compares metadata definitions, on the database of the settings. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { loadNamespace } from '../actions/metadef/load-namespaces.ts';
import { readNamespaceFiles, shippedFolder } from '../actions/metadef/read-files.ts';
import type { Config } from '../config/config.ts';
import { openDatabaseServer } from '../db/address.ts';
import { type Database, openDatabase } from '../db/client.ts';
import { readNamespaces } from '../db/metadef/contents.ts';
import { migrate } from '../db/migrate.ts';
import { jsonFromDocument } from '../domain/metadef/json-form.ts';
import { differences, type LoadMode } from '../domain/metadef/merge.ts';
import { thisOperator } from './operator.ts';

/** At most one of them. */
export interface LoadFlags {
  merge?: boolean;
  preferNew?: boolean;
  overwrite?: boolean;
}

export function loadModeOf({ merge, preferNew, overwrite }: LoadFlags): LoadMode {
  if (overwrite) return 'overwrite';
  if (preferNew) return 'prefer-new';
  return merge ? 'merge' : 'new';
}

/** Without files: those that come with the service. */
export async function loadMetadefs(config: Config, files: readonly string[], mode: LoadMode): Promise<void> {
  const documents = await readNamespaceFiles(filesOrShipped(files));
  await onDatabase(config, async (db) => {
    const counts = new Map<string, number>();
    for (const { document } of documents) {
      const loaded = await loadNamespace(db, document, { mode, by: thisOperator() });
      counts.set(loaded, (counts.get(loaded) ?? 0) + 1);
      if (loaded === 'created' || loaded === 'changed')
        console.log(`${loaded.padEnd(8)} ${document.namespace}`);
    }
    console.log([...counts].map(([what, count]) => `${count} ${what}`).join(', ') || 'nothing to load');
    if (counts.has('kept')) {
      console.log(
        'Those kept were there already: --merge adds what they lack, --prefer-new also changes what differs,',
      );
      console.log('--overwrite makes them what the files say.');
    }
  });
}

export interface ExportFlags {
  json: boolean;
}

/** A file for each namespace in `folder`; null: all on standard output, as one document of YAML after the other. */
export async function exportMetadefs(
  config: Config,
  folder: string | null,
  { json }: ExportFlags,
): Promise<void> {
  await onDatabase(config, async (db) => {
    const documents = (await readNamespaces(db)).map(jsonFromDocument);
    const text = (document: object) =>
      json ? `${JSON.stringify(document, null, 2)}\n` : stringify(document, { lineWidth: 110 });
    if (folder === null) {
      process.stdout.write(json ? text(documents) : documents.map((one) => `---\n${text(one)}`).join(''));
      return;
    }
    await mkdir(folder, { recursive: true });
    const ending = json ? 'json' : 'yaml';
    for (const document of documents) {
      await writeFile(join(folder, `${fileNameOf(String(document.namespace))}.${ending}`), text(document));
    }
    console.error(`${documents.length} namespaces.`);
  });
}

/** Another one for each namespace: what file systems make trouble of stands as its code. */
const fileNameOf = (namespace: string) =>
  namespace.replace(/::|[^A-Za-z0-9_]/gu, (found) =>
    found === '::' ? '-' : [...Buffer.from(found)].map((byte) => `%${byte.toString(16)}`).join(''),
  );

/** What loading the files with --overwrite would do. True: nothing. */
export async function diffMetadefs(config: Config, files: readonly string[]): Promise<boolean> {
  const documents = await readNamespaceFiles(filesOrShipped(files));
  let isSame = true;
  await onDatabase(config, async (db) => {
    const known = new Map((await readNamespaces(db)).map((one) => [one.namespace, one]));
    for (const { document } of documents) {
      const lines = differences(known.get(document.namespace), document);
      if (lines.length > 0) isSame = false;
      for (const line of lines) console.log(`${document.namespace}: ${line}`);
    }
  });
  return isSame;
}

const filesOrShipped = (files: readonly string[]) => (files.length > 0 ? files : [shippedFolder]);

async function onDatabase(config: Config, work: (db: Database) => Promise<void>): Promise<void> {
  await mkdir(config.dataDir, { recursive: true });
  const { address, close } = await openDatabaseServer(config, () => {});
  try {
    await migrate(address);
    const db = openDatabase(address, { poolSize: 1, applicationName: 'vitrine metadefs' });
    try {
      await work(db);
    } finally {
      await db.close();
    }
  } finally {
    await close();
  }
}
