/** Look-ups of metadata definitions, batched within a request. */

import DataLoader from 'dataloader';
import type { App } from '../../actions/app.ts';
import type { PageInput } from '../../actions/list-images.ts';
import { listNamespaces, type NamespaceList } from '../../actions/metadef/list-namespaces.ts';
import { propertyUsages } from '../../actions/metadef/property-usage.ts';
import type { FoundPage } from '../../db/found-page.ts';
import type { Facet } from '../../db/image-facets.ts';
import { findNamespacesById } from '../../db/metadef/namespaces.ts';
import { countParts, findParts, type Part, type PartsOf, type PartsPage } from '../../db/metadef/pages.ts';
import {
  findAssociations,
  findObjectsById,
  findPropertiesById,
  findPropertiesByName,
  findResourceTypes,
  findTags,
  type PropertyKey,
} from '../../db/metadef/parts.ts';
import type { Caller } from '../../domain/caller.ts';
import type {
  MetadefAssociation,
  MetadefNamespace,
  MetadefObject,
  MetadefProperty,
  MetadefResourceType,
} from '../../domain/metadef/metadef.ts';
import type { Vocabulary } from '../../domain/metadef/vocabulary.ts';

/** What is in a namespace is only asked for by who has seen the namespace. */
export interface MetadefLoaders {
  /** What image properties mean, as it stands now: those who ask at once share the question. */
  vocabulary(): Vocabulary | Promise<Vocabulary>;
  /** Reads it ahead for the rest of a query: a page of images then need not wait at each property. */
  readVocabulary(): Promise<void>;
  /** By id; null when it is missing or the caller may not see it. */
  readonly namespace: DataLoader<string, MetadefNamespace | null>;
  /** By id, whoever may see them. */
  readonly object: DataLoader<string, MetadefObject | null>;
  readonly property: DataLoader<string, MetadefProperty | null>;
  readonly propertyNamed: DataLoader<PropertyKey, MetadefProperty | null>;
  /** Of a namespace. */
  readonly associations: DataLoader<string, MetadefAssociation[]>;
  readonly tags: DataLoader<string, string[]>;
  /** By name; null when the caller may not know of it. */
  readonly resourceType: DataLoader<string, MetadefResourceType | null>;
  /** A page of the parts of a namespace or object, and how many it has. */
  parts<K extends PartsOf>(kind: K, parent: string, page: PartsPage): Promise<FoundPage<Part<K>>>;
  partCount(kind: PartsOf, parent: string): Promise<number>;
  /** Values of an image property by its name, at most `limit` of them. */
  usage(name: string, limit: number): Promise<Facet>;
  /** A page of the namespaces for a resource type. */
  namespacesFor(resourceType: string, page: PageInput): Promise<NamespaceList>;
}

export function createMetadefLoaders(app: App, caller: Caller): MetadefLoaders {
  const { db } = app;
  let reading: Promise<Vocabulary> | undefined;
  let known: Vocabulary | undefined;
  const pages = new Map<string, DataLoader<string, FoundPage<unknown>>>();
  const counts = new Map<PartsOf, DataLoader<string, number>>();
  const usages = new Map<number, DataLoader<string, Facet>>();
  const lists = new Map<string, Promise<NamespaceList>>();
  return {
    async readVocabulary() {
      known = await app.metadefs.vocabulary.read();
    },
    vocabulary() {
      if (known) return known;
      reading ??= app.metadefs.vocabulary.read().finally(() => {
        reading = undefined;
      });
      return reading;
    },
    namespace: byId((ids) => findNamespacesById(db, caller, ids)),
    object: byId((ids) => findObjectsById(db, ids)),
    property: byId((ids) => findPropertiesById(db, ids)),
    propertyNamed: new DataLoader(
      async (keys: readonly PropertyKey[]) => {
        const found = new Map((await findPropertiesByName(db, keys)).map((p) => [keyText(p), p]));
        return keys.map((key) => found.get(keyText(key)) ?? null);
      },
      { cacheKeyFn: keyText as (key: PropertyKey) => never },
    ),
    associations: byNamespace((ids) => findAssociations(db, ids)),
    tags: new DataLoader(async (ids: readonly string[]) => {
      const groups = Map.groupBy(await findTags(db, ids), ({ namespaceId }) => namespaceId);
      return ids.map((id) => (groups.get(id) ?? []).map(({ name }) => name));
    }),
    resourceType: new DataLoader(async (names: readonly string[]) => {
      const found = new Map((await findResourceTypes(db, caller, names)).map((type) => [type.name, type]));
      return names.map((name) => found.get(name) ?? null);
    }),
    parts(kind, parent, page) {
      const key = JSON.stringify([kind, page]);
      const loader =
        pages.get(key) ?? new DataLoader((ids: readonly string[]) => findParts(db, kind, ids, page));
      pages.set(key, loader);
      return loader.load(parent) as Promise<never>;
    },
    partCount(kind, parent) {
      const loader =
        counts.get(kind) ?? new DataLoader((ids: readonly string[]) => countParts(db, kind, ids));
      counts.set(kind, loader);
      return loader.load(parent);
    },
    usage(name, limit) {
      const loader =
        usages.get(limit) ??
        new DataLoader((names: readonly string[]) => propertyUsages(app, caller, { names, limit }));
      usages.set(limit, loader);
      return loader.load(name);
    },
    namespacesFor(resourceType, page) {
      const key = JSON.stringify([resourceType, page]);
      const where = { resourceType: { eq: resourceType } };
      const list = lists.get(key) ?? listNamespaces(app, caller, { where, orderBy: [], page });
      lists.set(key, list);
      return list;
    },
  };
}

/** The namespace of a part that is seen: whoever sees a part sees its namespace. */
export async function namespaceOfPart(
  { namespace }: MetadefLoaders,
  { namespaceId }: { namespaceId: string },
): Promise<MetadefNamespace> {
  const found = await namespace.load(namespaceId);
  if (!found) throw new Error(`A part of namespace ${namespaceId} is seen, but not the namespace.`);
  return found;
}

const keyText = ({ namespaceId, name }: PropertyKey) => `${namespaceId} ${name}`;

function byId<T extends { id: string }>(find: (ids: readonly string[]) => Promise<T[]>) {
  return new DataLoader<string, T | null>(async (ids) => {
    const found = new Map((await find(ids)).map((one) => [one.id, one]));
    return ids.map((id) => found.get(id) ?? null);
  });
}

function byNamespace<T extends { namespaceId: string }>(find: (ids: readonly string[]) => Promise<T[]>) {
  return new DataLoader<string, T[]>(async (ids) => {
    const groups = Map.groupBy(await find(ids), ({ namespaceId }) => namespaceId);
    return ids.map((id) => groups.get(id) ?? []);
  });
}
