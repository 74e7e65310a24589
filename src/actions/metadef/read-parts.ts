/** What is in a namespace, read whole or by one name, for who sees the namespace. */
import { findParts, type Part, type PartsOf } from '../../db/metadef/pages.ts';
import {
  findAssociations,
  findPropertiesByName,
  findResourceTypes,
  findTags,
} from '../../db/metadef/parts.ts';
import type { Caller } from '../../domain/caller.ts';
import type {
  MetadefAssociation,
  MetadefNamespace,
  MetadefObject,
  MetadefProperty,
  MetadefResourceType,
  MetadefTag,
} from '../../domain/metadef/metadef.ts';
import type { App } from '../app.ts';
import { requireToken } from '../require-image.ts';
import { findable, type PartName, requirePart } from './change-part.ts';
import { requireMetadefNamespace, type WhichNamespace } from './require-namespace.ts';

/** An object with what is in it. */
export type WholeObject = MetadefObject & { properties: MetadefProperty[] };

export interface WholeNamespace {
  namespace: MetadefNamespace;
  properties: MetadefProperty[];
  objects: WholeObject[];
  tags: MetadefTag[];
  associations: MetadefAssociation[];
}

/** More than rules let there be. */
const all = { limit: 1_000_000, from: null, backward: false };

async function allOf<K extends PartsOf>(app: App, kind: K, parent: string): Promise<Part<K>[]> {
  const [found] = await findParts(app.db, kind, [parent], all);
  return found?.items ?? [];
}

async function withProperties(app: App, objects: readonly MetadefObject[]): Promise<WholeObject[]> {
  const ids = objects.map(({ id }) => id);
  const found = ids.length > 0 ? await findParts(app.db, 'objectProperties', ids, all) : [];
  return objects.map((object, n) => ({ ...object, properties: found[n]?.items ?? [] }));
}

/** All lists by name. @throws NotFoundError missing, or not to be seen: so do all of these */
export async function readMetadefNamespace(
  app: App,
  caller: Caller,
  { namespace }: WhichNamespace,
): Promise<WholeNamespace> {
  return withItsParts(app, await requireMetadefNamespace(app, caller, namespace));
}

/** Of a namespace that the caller has been shown. */
export async function withItsParts(app: App, namespace: MetadefNamespace): Promise<WholeNamespace> {
  const [properties, objects, tags, associations] = await Promise.all([
    allOf(app, 'namespaceProperties', namespace.id),
    allOf(app, 'namespaceObjects', namespace.id).then((found) => withProperties(app, found)),
    findTags(app.db, [namespace.id]),
    findAssociations(app.db, [namespace.id]),
  ]);
  return { namespace, properties, objects, tags, associations };
}

export async function listMetadefProperties(
  app: App,
  caller: Caller,
  { namespace }: WhichNamespace,
): Promise<MetadefProperty[]> {
  return allOf(app, 'namespaceProperties', (await requireMetadefNamespace(app, caller, namespace)).id);
}

/**
 * @throws NotFoundError also for the property; for `resourceType` when the namespace is not for it, or the name has
 *                       not its prefix
 */
export async function findMetadefProperty(
  app: App,
  caller: Caller,
  input: WhichNamespace & { name: string; resourceType: string | null },
): Promise<MetadefProperty> {
  const { name, resourceType } = input;
  const row = await requireMetadefNamespace(app, caller, input.namespace);
  const part: PartName = { what: 'Property', name };
  let inside = name;
  if (resourceType !== null) {
    const associations = await findAssociations(app.db, [row.id]);
    const found = associations.find((one) => one.resourceType === resourceType);
    const { prefix } = requirePart(found, row, { what: 'Resource type', name: resourceType });
    inside = requirePart(name.startsWith(prefix ?? '') && name.slice(prefix?.length ?? 0), row, part);
  }
  const [found] = await findPropertiesByName(app.db, [{ namespaceId: row.id, name: findable(inside) }]);
  return requirePart(found, row, part);
}

export async function listMetadefObjects(
  app: App,
  caller: Caller,
  { namespace }: WhichNamespace,
): Promise<WholeObject[]> {
  const { id } = await requireMetadefNamespace(app, caller, namespace);
  return withProperties(app, await allOf(app, 'namespaceObjects', id));
}

/** @throws NotFoundError also for the object */
export async function findMetadefObject(
  app: App,
  caller: Caller,
  { namespace, name }: WhichNamespace & { name: string },
): Promise<WholeObject> {
  const row = await requireMetadefNamespace(app, caller, namespace);
  const named = (await allOf(app, 'namespaceObjects', row.id)).filter((object) => object.name === name);
  const [found] = await withProperties(app, named);
  return requirePart(found, row, { what: 'Object', name });
}

export async function listMetadefTags(
  app: App,
  caller: Caller,
  { namespace }: WhichNamespace,
): Promise<MetadefTag[]> {
  return findTags(app.db, [(await requireMetadefNamespace(app, caller, namespace)).id]);
}

/** @throws NotFoundError also for the tag */
export async function findMetadefTag(
  app: App,
  caller: Caller,
  { namespace, name }: WhichNamespace & { name: string },
): Promise<MetadefTag> {
  const row = await requireMetadefNamespace(app, caller, namespace);
  const found = (await findTags(app.db, [row.id])).find((tag) => tag.name === name);
  return requirePart(found, row, { what: 'Tag', name });
}

export async function listMetadefAssociations(
  app: App,
  caller: Caller,
  { namespace }: WhichNamespace,
): Promise<MetadefAssociation[]> {
  return findAssociations(app.db, [(await requireMetadefNamespace(app, caller, namespace)).id]);
}

/** Those of several namespaces that the caller has been shown, by the id of each. */
export async function associationsOf(
  app: App,
  namespaces: readonly MetadefNamespace[],
): Promise<Map<string, MetadefAssociation[]>> {
  const found = await findAssociations(
    app.db,
    namespaces.map(({ id }) => id),
  );
  return Map.groupBy(found, ({ namespaceId }) => namespaceId);
}

/** What came with the service, and what a namespace that the caller sees is for. */
export async function listMetadefResourceTypes(app: App, caller: Caller): Promise<MetadefResourceType[]> {
  requireToken(caller);
  return findResourceTypes(app.db, caller, null);
}
