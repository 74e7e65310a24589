/** What goes into a namespace, as GraphQL inputs: definitions, objects, associations. */
import type { AssociationInput, DefinitionInput, ObjectInput } from '../../domain/metadef/fields.ts';
import { builder } from '../builder.ts';
import { MetadefPropertyType } from '../enums.ts';

export const PropertyInput = builder.inputRef<DefinitionInput>('MetadefPropertyInput').implement({
  description: 'A definition, in the words of JSON schema. What is left out is not said.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Up to 80 characters, without prefix.' }),
    title: t.string({ required: true, description: 'For people, up to 255 characters.' }),
    description: t.string({ description: 'For people, up to 5000 characters.' }),
    type: t.field({ type: MetadefPropertyType, required: true, description: 'What its values are.' }),
    enum: t.stringList({ description: 'Allowed values, as they are written on an image; at most 1000.' }),
    default: t.field({ type: 'JSON', description: 'Up to 16 KiB and 8 levels, without $ref.' }),
    minimum: t.float({ description: 'Least number.' }),
    maximum: t.float({ description: 'Greatest number.' }),
    minLength: t.int({ description: 'Fewest characters.' }),
    maxLength: t.int({ description: 'Most characters.' }),
    pattern: t.string({ description: 'RE2, up to 1000 characters; it may match anywhere.' }),
    operators: t.stringList({ description: 'Such as <or>; at most 32.' }),
    required: t.boolean({ description: 'Whether it should stand beside the others of the namespace.' }),
    readOnly: t.boolean({ description: 'Not meant to be set by users.' }),
    itemsType: t.field({ type: MetadefPropertyType, description: 'What the items of a list are.' }),
    itemsEnum: t.stringList({ description: 'Allowed items of a list.' }),
    minItems: t.int({ description: 'Fewest items.' }),
    maxItems: t.int({ description: 'Most items.' }),
    uniqueItems: t.boolean({ description: 'No item comes twice.' }),
    additionalItems: t.boolean({ description: 'Kept for clients of the Image API; says nothing here.' }),
  }),
});

export const ObjectInputType = builder.inputRef<ObjectInput>('MetadefObjectInput').implement({
  description: 'An object with all that is in it.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Up to 80 characters; unique in its namespace.' }),
    description: t.string({ description: 'For people, up to 5000 characters.' }),
    required: t.stringList({ description: 'Names of properties given here.' }),
    properties: t.field({ type: [PropertyInput], description: 'At most 1000.' }),
  }),
});

export const AssociationInputType = builder
  .inputRef<AssociationInput>('MetadefResourceTypeAssociationInput')
  .implement({
    description: 'That the namespace is for a type of resources.',
    fields: (t) => ({
      resourceType: t.string({
        required: true,
        description: 'Name of the type, up to 80 characters; one that is new is added.',
      }),
      prefix: t.string({ description: 'What stands before the names of the properties there.' }),
      propertiesTarget: t.string({
        description: 'Which properties of the resource, where it has several kinds.',
      }),
    }),
  });

/** Added to a namespace's name where a change is asked for. */
export const ifRevision =
  'Refused with REVISION_MISMATCH unless the namespace is at this revision; left out, the last writer wins.';
