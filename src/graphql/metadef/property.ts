/** The type MetadefProperty. */
import {
  imageResourceType,
  type MetadefProperty as MetadefPropertyRow,
} from '../../domain/metadef/metadef.ts';
import { connectionType } from '../connection.ts';
import type { GraphContext } from '../context.ts';
import { MetadefPropertyType } from '../enums.ts';
import { FacetType } from '../image/facet.ts';
import { Node } from '../node.ts';
import { namespaceOfPart } from './loaders.ts';
import { NamespaceType, ObjectType, PropertyType } from './refs.ts';

/** With the prefix of its namespace there; null when the namespace is not for that type. */
async function nameOn(
  { loaders }: GraphContext,
  { namespaceId, name }: MetadefPropertyRow,
  resourceType: string,
): Promise<string | null> {
  const associations = await loaders.metadefs.associations.load(namespaceId);
  const found = associations.find((one) => one.resourceType === resourceType);
  return found ? (found.prefix ?? '') + name : null;
}

export const MetadefProperty = PropertyType.implement({
  description:
    'What a property may hold: the words of JSON schema; null where the definition does not say. Ranges and lengths include their ends.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: '"MetadefProperty:<key>".', resolve: ({ id }) => `MetadefProperty:${id}` }),
    namespace: t.field({
      type: NamespaceType,
      description: 'Where it is defined.',
      resolve: (part, _args, { loaders }) => namespaceOfPart(loaders.metadefs, part),
    }),
    object: t.field({
      type: ObjectType,
      nullable: true,
      description: 'The object it stands in; null when it stands in the namespace itself.',
      resolve: ({ objectId }, _args, { loaders }) =>
        objectId === null ? null : loaders.metadefs.object.load(objectId),
    }),
    name: t.exposeString('name', { description: 'Name inside the namespace, without prefix.' }),
    nameOn: t.string({
      nullable: true,
      description:
        'Name as it stands on a resource of this type, prefix included (hw_cpu_cores on an image); null when the namespace is not for that type.',
      args: {
        resourceType: t.arg.string({
          required: true,
          defaultValue: imageResourceType,
          description: 'Name of the type.',
        }),
      },
      resolve: (property, { resourceType }, context) => nameOn(context, property, resourceType),
    }),
    title: t.exposeString('title', { description: 'For people.' }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'For people: what it is for.',
    }),
    type: t.expose('type', { type: MetadefPropertyType, description: 'What its values are.' }),
    enum: t.exposeStringList('enum', {
      nullable: true,
      description: 'Allowed values, as they are written on an image.',
    }),
    default: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What a form may begin with.',
      resolve: (property) => property.default,
    }),
    minimum: t.exposeFloat('minimum', {
      nullable: true,
      description: 'Least number.',
    }),
    maximum: t.exposeFloat('maximum', {
      nullable: true,
      description: 'Greatest number.',
    }),
    minLength: t.exposeInt('minLength', {
      nullable: true,
      description: 'Fewest characters.',
    }),
    maxLength: t.exposeInt('maxLength', {
      nullable: true,
      description: 'Most characters.',
    }),
    pattern: t.exposeString('pattern', {
      nullable: true,
      description: 'Regular expression (RE2) that matches somewhere in the text.',
    }),
    operators: t.exposeStringList('operators', {
      nullable: true,
      description: 'How several values are written on a flavor: <or>, <all-in> ...',
    }),
    required: t.boolean({
      description: 'A resource with other properties of the namespace should have this one.',
      resolve: (property) => property.required ?? false,
    }),
    readOnly: t.boolean({
      description: 'Not meant to be set by users.',
      resolve: (property) => property.readOnly ?? false,
    }),
    itemsType: t.expose('itemsType', {
      type: MetadefPropertyType,
      nullable: true,
      description: 'What the items of a list are.',
    }),
    itemsEnum: t.exposeStringList('itemsEnum', {
      nullable: true,
      description: 'Allowed items of a list.',
    }),
    minItems: t.exposeInt('minItems', {
      nullable: true,
      description: 'Fewest items.',
    }),
    maxItems: t.exposeInt('maxItems', {
      nullable: true,
      description: 'Most items.',
    }),
    uniqueItems: t.exposeBoolean('uniqueItems', {
      nullable: true,
      description: 'No item comes twice.',
    }),
    additionalItems: t.exposeBoolean('additionalItems', {
      nullable: true,
      description: 'Kept for clients of the Image API; says nothing here.',
    }),
    usage: t.field({
      type: FacetType,
      nullable: true,
      description: `Values in use on the images that images() gives the caller, most frequent first; null when the namespace is not
for images, and, with an error, when it would cost too much.`,
      args: { limit: t.arg.int({ defaultValue: 20, description: 'Buckets, at most 1000.' }) },
      resolve: async (property, { limit }, context) => {
        const name = await nameOn(context, property, imageResourceType);
        return name === null ? null : context.loaders.metadefs.usage(name, limit ?? 20);
      },
    }),
  }),
});

export const PropertyConnection = connectionType(MetadefProperty, {
  name: 'MetadefProperty',
  description: 'Properties, by name.',
  node: 'A property',
  totalCount: 'How many there are.',
});
