/** The definitions of image properties, kept in memory for as long as no definition changes. */
import { imageResourceType, type MetadefNamespace } from '../../domain/metadef/metadef.ts';
import { type ImageNamespace, type Vocabulary, vocabularyOf } from '../../domain/metadef/vocabulary.ts';
import type { Database } from '../client.ts';
import { namespaceColumns } from './namespaces.ts';
import { objectColumns, type PropertyRow, propertyColumns, propertyOf } from './pages.ts';

export interface VocabularyCache {
  /** As it stands now: one small statement when nothing has changed, all definitions of images otherwise. */
  read(): Promise<Vocabulary>;
}

export function openVocabulary(db: Database): VocabularyCache {
  let known: { version: number; vocabulary: Promise<Vocabulary> } | undefined;
  return {
    async read() {
      const version = await readVersion(db);
      if (known?.version !== version) {
        // Read after its number: it may be newer, and is then read once more, but never older.
        const vocabulary = readImageNamespaces(db).then(vocabularyOf);
        const mine = { version, vocabulary };
        known = mine;
        vocabulary.catch(() => {
          if (known === mine) known = undefined;
        });
      }
      return known.vocabulary;
    },
  };
}

async function readVersion(db: Database): Promise<number> {
  const [row] = await db.query<{ version: number }>('select version from metadef_version', []);
  return row?.version ?? 0;
}

async function readImageNamespaces(db: Database): Promise<ImageNamespace[]> {
  const ids = `(select a.namespace_id from metadef_associations a where a.resource_type = $1::text)`;
  const [namespaces, properties, objects] = await Promise.all([
    db.query<MetadefNamespace & { prefix: string }>(
      `select ${namespaceColumns}, coalesce(a.prefix, '') as prefix from metadef_namespaces n
        join metadef_associations a on a.namespace_id = n.id and a.resource_type = $1::text`,
      [imageResourceType],
    ),
    db.query<PropertyRow>(
      `select ${propertyColumns} from metadef_properties p where p.namespace_id in ${ids}
        order by p.name, (select o.name from metadef_objects o where o.id = p.object_id) nulls first`,
      [imageResourceType],
    ),
    db.query<ImageNamespace['objects'][number]>(
      `select ${objectColumns} from metadef_objects p where p.namespace_id in ${ids} order by p.name`,
      [imageResourceType],
    ),
  ]);
  const propertiesOf = Map.groupBy(properties.map(propertyOf), ({ namespaceId }) => namespaceId);
  const objectsOf = Map.groupBy(objects, ({ namespaceId }) => namespaceId);
  return namespaces.map(({ prefix, ...namespace }) => ({
    namespace,
    prefix,
    objects: objectsOf.get(namespace.id) ?? [],
    properties: propertiesOf.get(namespace.id) ?? [],
  }));
}
