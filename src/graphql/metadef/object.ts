/** The type MetadefObject. */
import { connectionType, pageArgs } from '../connection.ts';
import { Node } from '../node.ts';
import { namespaceOfPart } from './loaders.ts';
import { pageOfParts } from './parts-page.ts';
import { PropertyConnection } from './property.ts';
import { NamespaceType, ObjectType } from './refs.ts';

export const MetadefObject = ObjectType.implement({
  description: 'Properties that belong together. required names properties of this object.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: '"MetadefObject:<key>".', resolve: ({ id }) => `MetadefObject:${id}` }),
    namespace: t.field({
      type: NamespaceType,
      description: 'Where it is defined.',
      resolve: (part, _args, { loaders }) => namespaceOfPart(loaders.metadefs, part),
    }),
    name: t.exposeString('name', { description: 'Up to 80 characters; unique in its namespace.' }),
    description: t.exposeString('description', { nullable: true, description: 'For people.' }),
    required: t.exposeStringList('required', {
      description: 'Names of those of its properties that a resource with any of them should have.',
    }),
    properties: t.field({
      type: PropertyConnection,
      description: 'By name.',
      args: pageArgs,
      resolve: ({ id }, page, context) =>
        pageOfParts(context, { kind: 'objectProperties', parent: id }, page),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was added.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
  }),
});

export const ObjectConnection = connectionType(MetadefObject, {
  name: 'MetadefObject',
  description: 'Objects, by name.',
  node: 'An object',
  totalCount: 'How many there are.',
});
