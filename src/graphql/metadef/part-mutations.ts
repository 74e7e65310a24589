/** Writing one property, object, tag or association of a namespace; the others stay as they are. */
import type { InputFieldBuilder, InputFieldMap } from '@pothos/core';
import {
  addMetadefAssociation,
  removeMetadefAssociation,
  updateMetadefAssociation,
} from '../../actions/metadef/change-association.ts';
import {
  addMetadefObject,
  type ChangedObject,
  removeMetadefObject,
  updateMetadefObject,
} from '../../actions/metadef/change-object.ts';
import {
  addMetadefProperty,
  type ChangedProperty,
  removeMetadefProperty,
  updateMetadefProperty,
} from '../../actions/metadef/change-property.ts';
import { addMetadefTag, removeMetadefTag, renameMetadefTag } from '../../actions/metadef/change-tag.ts';
import { ConflictError, ForbiddenError, NotFoundError, ValidationError } from '../../domain/errors.ts';
import type { MetadefNamespace } from '../../domain/metadef/metadef.ts';
import { builder, type SchemaTypes } from '../builder.ts';
import { ifRevision, ObjectInputType, PropertyInput } from './inputs.ts';
import { namespacePayload } from './namespace-mutations.ts';
import { NamespaceType, ObjectType, PropertyType } from './refs.ts';

const writeErrors = { types: [ValidationError, NotFoundError, ForbiddenError, ConflictError] };
const removeErrors = { types: [NotFoundError, ForbiddenError, ConflictError] };

type Fields = InputFieldBuilder<
  typeof builder extends PothosSchemaTypes.SchemaBuilder<infer T> ? T : SchemaTypes,
  'InputObject'
>;

type Args = Parameters<Parameters<typeof builder.mutationFields>[0]>[0];

/** The argument `input` of a mutation: these fields beside those that say which namespace. */
function inputOf<F extends InputFieldMap>(
  t: Args,
  mutation: string,
  { description, fields }: { description: string; fields(f: Fields): F },
) {
  const type = builder.inputType(`${mutation}Input`, {
    description,
    fields: (f) => ({
      namespace: f.string({ required: true, description: 'Name of the namespace.' }),
      ifRevision: f.int({ description: ifRevision }),
      ...fields(f),
    }),
  });
  return t.arg({ type, required: true, description });
}

const inObject = (t: Fields) => ({
  object: t.string({ description: 'Name of the object that it stands in; left out: the namespace itself.' }),
});

function propertyPayload(name: string) {
  return builder.objectRef<ChangedProperty>(name).implement({
    description: 'What became of it.',
    fields: (t) => ({
      property: t.field({ type: PropertyType, description: 'As it now stands.', resolve: (p) => p.property }),
      namespace: t.field({
        type: NamespaceType,
        description: 'Where it stands.',
        resolve: (p) => p.namespace,
      }),
    }),
  });
}

function objectPayload(name: string) {
  return builder.objectRef<ChangedObject>(name).implement({
    description: 'What became of it.',
    fields: (t) => ({
      object: t.field({ type: ObjectType, description: 'As it now stands.', resolve: (p) => p.object }),
      namespace: t.field({
        type: NamespaceType,
        description: 'Where it stands.',
        resolve: (p) => p.namespace,
      }),
    }),
  });
}

function removedPayload(name: string, nodeType: string) {
  return builder.objectRef<{ id: string; namespace: MetadefNamespace }>(name).implement({
    description: 'It is gone.',
    fields: (t) => ({
      id: t.id({ description: 'Id that it had.', resolve: ({ id }) => `${nodeType}:${id}` }),
      namespace: t.field({
        type: NamespaceType,
        description: 'The namespace without it.',
        resolve: (p) => p.namespace,
      }),
    }),
  });
}

builder.mutationFields((t) => ({
  addMetadefProperty: t.field({
    type: propertyPayload('AddMetadefPropertyPayload'),
    nullable: true,
    description: 'Adds a property to a namespace or to an object in it. Only an admin.',
    errors: writeErrors,
    args: {
      input: inputOf(t, 'AddMetadefProperty', {
        description: 'Which property, and where.',
        fields: (f) => ({
          ...inObject(f),
          property: f.field({ type: PropertyInput, required: true, description: 'The definition.' }),
        }),
      }),
    },
    resolve: (_root, { input }, { app, caller }) => addMetadefProperty(app, caller, input),
  }),
  updateMetadefProperty: t.field({
    type: propertyPayload('UpdateMetadefPropertyPayload'),
    nullable: true,
    description: 'Says a property anew, all of it; another name renames it. Only an admin.',
    errors: writeErrors,
    args: {
      input: inputOf(t, 'UpdateMetadefProperty', {
        description: 'Which property, and what it becomes.',
        fields: (f) => ({
          ...inObject(f),
          name: f.string({ required: true, description: 'Its name now.' }),
          property: f.field({
            type: PropertyInput,
            required: true,
            description: 'Takes the place of the definition there.',
          }),
        }),
      }),
    },
    resolve: (_root, { input }, { app, caller }) => updateMetadefProperty(app, caller, input),
  }),
  removeMetadefProperty: t.field({
    type: removedPayload('RemoveMetadefPropertyPayload', 'MetadefProperty'),
    nullable: true,
    description: 'Removes a property; an object that required it no longer does. Only an admin.',
    errors: removeErrors,
    args: {
      input: inputOf(t, 'RemoveMetadefProperty', {
        description: 'Which property to remove.',
        fields: (f) => ({
          ...inObject(f),
          name: f.string({ required: true, description: 'Its name.' }),
        }),
      }),
    },
    resolve: (_root, { input }, { app, caller }) => removeMetadefProperty(app, caller, input),
  }),
  addMetadefObject: t.field({
    type: objectPayload('AddMetadefObjectPayload'),
    nullable: true,
    description: 'Adds an object to a namespace. Only an admin.',
    errors: writeErrors,
    args: {
      input: inputOf(t, 'AddMetadefObject', {
        description: 'Which object, and where.',
        fields: (f) => ({
          object: f.field({ type: ObjectInputType, required: true, description: 'The object.' }),
        }),
      }),
    },
    resolve: (_root, { input }, { app, caller }) => addMetadefObject(app, caller, input),
  }),
  updateMetadefObject: t.field({
    type: objectPayload('UpdateMetadefObjectPayload'),
    nullable: true,
    description:
      'Says an object anew, its properties too: what is left out goes; another name renames it. Only an admin.',
    errors: writeErrors,
    args: {
      input: inputOf(t, 'UpdateMetadefObject', {
        description: 'Which object, and what it becomes.',
        fields: (f) => ({
          name: f.string({ required: true, description: 'Its name now.' }),
          object: f.field({
            type: ObjectInputType,
            required: true,
            description: 'Takes the place of the one there.',
          }),
        }),
      }),
    },
    resolve: (_root, { input }, { app, caller }) => updateMetadefObject(app, caller, input),
  }),
  removeMetadefObject: t.field({
    type: removedPayload('RemoveMetadefObjectPayload', 'MetadefObject'),
    nullable: true,
    description: 'Removes an object with the properties in it. Only an admin.',
    errors: removeErrors,
    args: {
      input: inputOf(t, 'RemoveMetadefObject', {
        description: 'Which object to remove.',
        fields: (f) => ({ name: f.string({ required: true, description: 'Its name.' }) }),
      }),
    },
    resolve: (_root, { input }, { app, caller }) => removeMetadefObject(app, caller, input),
  }),
  addMetadefTag: t.field({
    type: namespacePayload('AddMetadefTagPayload'),
    nullable: true,
    description: 'Adds a tag to a namespace. Only an admin.',
    errors: writeErrors,
    args: {
      input: inputOf(t, 'AddMetadefTag', {
        description: 'Which tag, and where.',
        fields: (f) => ({
          tag: f.string({ required: true, description: 'Up to 80 characters.' }),
        }),
      }),
    },
    resolve: (_root, { input }, { app, caller }) => addMetadefTag(app, caller, input),
  }),
  renameMetadefTag: t.field({
    type: namespacePayload('RenameMetadefTagPayload'),
    nullable: true,
    description: 'Gives a tag of a namespace another name. Only an admin.',
    errors: writeErrors,
    args: {
      input: inputOf(t, 'RenameMetadefTag', {
        description: 'Which tag, and its new name.',
        fields: (f) => ({
          tag: f.string({ required: true, description: 'The tag as it is now.' }),
          rename: f.string({ required: true, description: 'Its new name, up to 80 characters.' }),
        }),
      }),
    },
    resolve: (_root, { input }, { app, caller }) => renameMetadefTag(app, caller, input),
  }),
  removeMetadefTag: t.field({
    type: namespacePayload('RemoveMetadefTagPayload'),
    nullable: true,
    description: 'Removes a tag from a namespace. Only an admin.',
    errors: removeErrors,
    args: {
      input: inputOf(t, 'RemoveMetadefTag', {
        description: 'Which tag to remove.',
        fields: (f) => ({ tag: f.string({ required: true, description: 'The tag.' }) }),
      }),
    },
    resolve: (_root, { input }, { app, caller }) => removeMetadefTag(app, caller, input),
  }),
}));

/** How an association stands in an input beside the namespace. */
const association = (f: Fields) => ({
  resourceType: f.string({ required: true, description: 'Name of the type, up to 80 characters.' }),
  prefix: f.string({ description: 'What stands before the names of the properties there.' }),
  propertiesTarget: f.string({
    description: 'Which properties of the resource, where it has several kinds.',
  }),
});

builder.mutationFields((t) => ({
  addMetadefResourceTypeAssociation: t.field({
    type: namespacePayload('AddMetadefResourceTypeAssociationPayload'),
    nullable: true,
    description: 'Says that a namespace is for a type of resources; one that is new is added. Only an admin.',
    errors: writeErrors,
    args: {
      input: inputOf(t, 'AddMetadefResourceTypeAssociation', {
        description: 'Which namespace is for what.',
        fields: (f) => ({ ...association(f) }),
      }),
    },
    resolve: (_root, { input }, { app, caller }) => addMetadefAssociation(app, caller, input),
  }),
  updateMetadefResourceTypeAssociation: t.field({
    type: namespacePayload('UpdateMetadefResourceTypeAssociationPayload'),
    nullable: true,
    description: 'Says prefix and target anew; what is left out goes. Only an admin.',
    errors: writeErrors,
    args: {
      input: inputOf(t, 'UpdateMetadefResourceTypeAssociation', {
        description: 'Which association, and what it becomes.',
        fields: (f) => ({ ...association(f) }),
      }),
    },
    resolve: (_root, { input }, { app, caller }) => updateMetadefAssociation(app, caller, input),
  }),
  removeMetadefResourceTypeAssociation: t.field({
    type: namespacePayload('RemoveMetadefResourceTypeAssociationPayload'),
    nullable: true,
    description: 'Says that a namespace is not for a type of resources. Only an admin.',
    errors: removeErrors,
    args: {
      input: inputOf(t, 'RemoveMetadefResourceTypeAssociation', {
        description: 'Which association to remove.',
        fields: (f) => ({
          resourceType: f.string({ required: true, description: 'Name of the type.' }),
        }),
      }),
    },
    resolve: (_root, { input }, { app, caller }) => removeMetadefAssociation(app, caller, input),
  }),
}));
