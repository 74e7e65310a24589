/** The types MetadefNamespace, MetadefResourceTypeAssociation and MetadefResourceType. */

import type { NamespaceList } from '../../actions/metadef/list-namespaces.ts';
import type { MetadefAssociation } from '../../domain/metadef/metadef.ts';
import { builder } from '../builder.ts';
import { connectionType, edgeCursors, pageArgs } from '../connection.ts';
import { MetadefVisibility } from '../enums.ts';
import { Node } from '../node.ts';
import { ObjectConnection } from './object.ts';
import { pageOfParts } from './parts-page.ts';
import { MetadefProperty, PropertyConnection } from './property.ts';
import { NamespaceType, ResourceTypeType } from './refs.ts';

const Association = builder.objectRef<MetadefAssociation>('MetadefResourceTypeAssociation').implement({
  description: 'That a namespace is for a type of resources.',
  fields: (t) => ({
    resourceType: t.field({
      type: ResourceTypeType,
      description: 'The type.',
      resolve: ({ resourceType }) => ({ name: resourceType }),
    }),
    prefix: t.exposeString('prefix', {
      nullable: true,
      description: 'What stands before the names of the properties there, such as hw_; null for nothing.',
    }),
    propertiesTarget: t.exposeString('propertiesTarget', {
      nullable: true,
      description: 'Which properties of the resource, where it has several kinds: image on a volume.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was said.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
  }),
});

export const Namespace = NamespaceType.implement({
  description: 'A set of metadata definitions. Whoever sees it sees everything in it.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({
      description: '"MetadefNamespace:<key>". Stays when the namespace is renamed.',
      resolve: ({ id }) => `MetadefNamespace:${id}`,
    }),
    namespace: t.exposeString('namespace', { description: 'Its name: unique, up to 80 characters.' }),
    displayName: t.exposeString('displayName', { nullable: true, description: 'For people.' }),
    description: t.exposeString('description', { nullable: true, description: 'For people.' }),
    visibility: t.expose('visibility', { type: MetadefVisibility, description: 'Who sees it.' }),
    protected: t.exposeBoolean('protected', {
      description: 'While true neither it nor anything in it can be removed.',
    }),
    owner: t.exposeString('owner', {
      nullable: true,
      description: 'Project that owns it; null for those that came with the service.',
    }),
    properties: t.field({
      type: PropertyConnection,
      description: 'Those that stand in the namespace itself, not in its objects; sorted by name.',
      args: pageArgs,
      resolve: ({ id }, page, context) =>
        pageOfParts(context, { kind: 'namespaceProperties', parent: id }, page),
    }),
    property: t.field({
      type: MetadefProperty,
      nullable: true,
      description: 'One that stands in the namespace itself; null when there is none of that name.',
      args: { name: t.arg.string({ required: true, description: 'Without prefix.' }) },
      resolve: ({ id }, { name }, { loaders }) =>
        name.includes('\0') || !name.isWellFormed()
          ? null
          : loaders.metadefs.propertyNamed.load({ namespaceId: id, name }),
    }),
    objects: t.field({
      type: ObjectConnection,
      description: 'Sorted by name.',
      args: pageArgs,
      resolve: ({ id }, page, context) =>
        pageOfParts(context, { kind: 'namespaceObjects', parent: id }, page),
    }),
    tags: t.stringList({
      description: 'Tags that it offers, sorted.',
      resolve: ({ id }, _args, { loaders }) => loaders.metadefs.tags.load(id),
    }),
    resourceTypes: t.field({
      type: [Association],
      description: 'What it is for, by name.',
      resolve: ({ id }, _args, { loaders }) => loaders.metadefs.associations.load(id),
    }),
    revision: t.exposeInt('revision', {
      description:
        'Grows by one at each change of the namespace or anything in it; pass it back as ifRevision.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'When it, or anything in it, last changed.',
    }),
  }),
});

export const NamespaceConnection = connectionType(Namespace, {
  name: 'MetadefNamespace',
  description: 'A page of namespaces.',
  node: 'A namespace',
  totalCount: 'Exact number of those that match and the caller may see.',
});

/** A list as the connection takes it. */
export const pageOfNamespaces = ({ namespaces, cursorOf, ...list }: NamespaceList) => ({
  nodes: namespaces,
  cursorOf,
  pageInfo: {
    hasNextPage: list.hasNextPage,
    hasPreviousPage: list.hasPreviousPage,
    ...edgeCursors(namespaces, cursorOf),
  },
  totalCount: list.totalCount,
});

ResourceTypeType.implement({
  description: 'A type of resources that have properties: OS::Glance::Image, OS::Nova::Flavor ...',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({
      description: '"MetadefResourceType:<name>".',
      resolve: ({ name }) => `MetadefResourceType:${name}`,
    }),
    name: t.exposeString('name', { description: 'As Heat names it.' }),
    protected: t.boolean({
      description: 'Whether it came with the service.',
      resolve: async ({ name }, _args, { loaders }) =>
        (await loaders.metadefs.resourceType.load(name))?.protected ?? false,
    }),
    namespaces: t.field({
      type: NamespaceConnection,
      description: 'Those that are for it, by name.',
      args: pageArgs,
      resolve: async ({ name }, page, { loaders }) =>
        pageOfNamespaces(await loaders.metadefs.namespacesFor(name, page)),
    }),
  }),
});
