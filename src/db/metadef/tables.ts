/** The tables of metadata definitions. Everything in a namespace goes with it. */
import { sql } from 'drizzle-orm';
import { boolean, index, integer, jsonb, pgTable, primaryKey, unique, uuid } from 'drizzle-orm/pg-core';
import type { MetadefDefinition, MetadefVisibility } from '../../domain/metadef/metadef.ts';
import { instant, text, textArray } from '../tables.ts';

const times = () => ({
  createdAt: instant('created_at').notNull().default(sql`now()`),
  updatedAt: instant('updated_at').notNull().default(sql`now()`),
});

export const namespaces = pgTable(
  'metadef_namespaces',
  {
    id: uuid().primaryKey().defaultRandom(),
    namespace: text().notNull(),
    displayName: text('display_name'),
    description: text(),
    visibility: text().$type<MetadefVisibility>().notNull(),
    protected: boolean().notNull().default(false),
    owner: text(),
    revision: integer().notNull().default(1),
    ...times(),
  },
  (t) => [unique('metadef_namespaces_name').on(t.namespace)],
);

const namespaceId = () =>
  uuid('namespace_id')
    .notNull()
    .references(() => namespaces.id, { onDelete: 'cascade' });

export const objects = pgTable(
  'metadef_objects',
  {
    id: uuid().primaryKey().defaultRandom(),
    namespaceId: namespaceId(),
    name: text().notNull(),
    description: text(),
    required: textArray().notNull().default(sql`'{}'`),
    ...times(),
  },
  (t) => [unique('metadef_objects_name').on(t.namespaceId, t.name)],
);

export const properties = pgTable(
  'metadef_properties',
  {
    id: uuid().primaryKey().defaultRandom(),
    namespaceId: namespaceId(),
    /** Null: it stands in the namespace itself. */
    objectId: uuid('object_id').references(() => objects.id, { onDelete: 'cascade' }),
    name: text().notNull(),
    definition: jsonb().$type<MetadefDefinition>().notNull(),
    ...times(),
  },
  (t) => [
    unique('metadef_properties_name').on(t.namespaceId, t.objectId, t.name).nullsNotDistinct(),
    index('metadef_properties_object').on(t.objectId, t.name),
  ],
);

export const tags = pgTable(
  'metadef_tags',
  { namespaceId: namespaceId(), name: text().notNull(), ...times() },
  (t) => [primaryKey({ columns: [t.namespaceId, t.name] })],
);

/** Types of resources that namespaces may be for. */
export const resourceTypes = pgTable('metadef_resource_types', {
  name: text().primaryKey(),
  /** One that came with the service. */
  protected: boolean().notNull().default(false),
  ...times(),
});

export const associations = pgTable(
  'metadef_associations',
  {
    namespaceId: namespaceId(),
    resourceType: text('resource_type')
      .notNull()
      .references(() => resourceTypes.name),
    prefix: text(),
    propertiesTarget: text('properties_target'),
    ...times(),
  },
  (t) => [
    primaryKey({ columns: [t.namespaceId, t.resourceType] }),
    index('metadef_associations_type').on(t.resourceType),
  ],
);

/**
 * One row, whose number grows with every change of any definition: who keeps definitions in memory asks whether
 * they are still those. Kept by a trigger on the namespaces, which every change of what is in them touches.
 */
export const versions = pgTable('metadef_version', {
  only: boolean().primaryKey().default(true),
  version: integer().notNull().default(1),
});
