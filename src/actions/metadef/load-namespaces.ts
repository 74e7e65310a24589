/** Loads whole namespaces from files: those that came with the service, or an operator's. */
import { recordChange } from '../../db/audit.ts';
import { type Database, type Statements, transaction } from '../../db/client.ts';
import { sqlState } from '../../db/failure.ts';
import { claimOnce } from '../../db/installation.ts';
import {
  addResourceTypes,
  protectResourceTypes,
  readNamespaces,
  writeContent,
} from '../../db/metadef/contents.ts';
import { insertNamespace, lockNamespace, touchNamespace } from '../../db/metadef/namespaces.ts';
import { type Actor, changesOf, serviceFor } from '../../domain/audit.ts';
import { ConflictError } from '../../domain/errors.ts';
import { type LoadMode, mergedDocument } from '../../domain/metadef/merge.ts';
import type { MetadefNamespace, NamespaceDocument } from '../../domain/metadef/metadef.ts';
import { readNamespaceFiles, shippedFolder } from './read-files.ts';
import { recordingNamespace } from './record-namespace.ts';

/** What became of a namespace of a file. `kept`: it was there already, and the mode leaves it alone. */
export type Loaded = 'created' | 'changed' | 'unchanged' | 'kept';

/**
 * One namespace, whole or not at all. Whose it is and whether it is protected is not asked: this is the operator.
 */
export async function loadNamespace(
  db: Database,
  document: NamespaceDocument,
  { mode, by }: { mode: LoadMode; by: Actor },
): Promise<Loaded> {
  for (;;) {
    const [existing] = await readNamespaces(db, [document.namespace]);
    const wanted = existing ? mergedDocument(existing, document, mode) : document;
    if (wanted === null) return mode === 'new' ? 'kept' : 'unchanged';
    try {
      await transaction(db, (tx) =>
        recordingNamespace(tx, { by, action: 'loadMetadefNamespace', id: existing?.id ?? null }, () =>
          existing ? replace(tx, existing, wanted) : create(tx, wanted),
        ),
      );
      return existing ? 'changed' : 'created';
    } catch (error) {
      // Somebody else was first: look again.
      if (!(error instanceof ConflictError) && sqlState(error) !== '23505') throw error;
    }
  }
}

function partsOf({ properties, objects, tags, resourceTypes, ...rest }: NamespaceDocument) {
  const { namespace, displayName, description, visibility, owner, protected: isProtected } = rest;
  const fields = { namespace, displayName, description, visibility, owner, protected: isProtected };
  return { fields, content: { properties, objects, tags, resourceTypes } };
}

/** Its id. */
async function create(tx: Statements, document: NamespaceDocument): Promise<string> {
  const { fields, content } = partsOf(document);
  await addResourceTypes(tx, content.resourceTypes);
  const { id } = await insertNamespace(tx, fields);
  const lists = Object.entries(content).filter(([, list]) => list.length > 0);
  await writeContent(tx, id, Object.fromEntries(lists));
  return id;
}

/** Its id. @throws ConflictError it is no longer what was read */
async function replace(
  tx: Statements,
  existing: MetadefNamespace,
  document: NamespaceDocument,
): Promise<string> {
  const row = await lockNamespace(tx, existing.namespace);
  if (row?.id !== existing.id || row.revision !== existing.revision) {
    throw new ConflictError('BUSY', `Namespace ${existing.namespace} was changed meanwhile.`);
  }
  const { fields, content } = partsOf(document);
  await writeContent(tx, row.id, content);
  await touchNamespace(tx, row.id, fields);
  return row.id;
}

/**
 * The definitions that come with the service, once in the life of an installation: what an operator then removes
 * stays removed. A second server that starts meanwhile waits.
 */
export async function loadShippedNamespaces(db: Database, log: (message: string) => void): Promise<void> {
  const count = await transaction(db, async (tx) => {
    if (!(await claimOnce(tx, 'shipped_metadefs'))) return 0;
    const files = await readNamespaceFiles([shippedFolder]);
    const types = files.flatMap(({ document }) => document.resourceTypes.map((one) => one.resourceType));
    await protectResourceTypes(tx, types);
    for (const { document } of files) {
      if (!(await lockNamespace(tx, document.namespace))) await create(tx, document);
    }
    await recordChange(tx, {
      by: serviceFor(),
      action: 'loadShippedMetadefs',
      object: { type: 'catalog', id: null, owner: null },
      changes: changesOf(null, { namespaces: files.length }),
    });
    return files.length;
  });
  if (count > 0) log(`${count} namespaces of metadata definitions are loaded`);
}
