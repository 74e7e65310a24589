/** Writing namespaces of metadata definitions, with all that is in them. */
import {
  createMetadefNamespace,
  deleteMetadefNamespace,
  updateMetadefNamespace,
} from '../../actions/metadef/write-namespace.ts';
import { ConflictError, ForbiddenError, NotFoundError, ValidationError } from '../../domain/errors.ts';
import type { MetadefNamespace } from '../../domain/metadef/metadef.ts';
import { builder } from '../builder.ts';
import { MetadefVisibility } from '../enums.ts';
import { AssociationInputType, ifRevision, ObjectInputType, PropertyInput } from './inputs.ts';
import { NamespaceType } from './refs.ts';

/** A payload that holds the namespace as it now stands. */
export function namespacePayload(name: string) {
  return builder.objectRef<MetadefNamespace>(name).implement({
    description: 'What became of it.',
    fields: (t) => ({
      namespace: t.field({
        type: NamespaceType,
        description: 'The namespace as it now stands.',
        resolve: (namespace) => namespace,
      }),
    }),
  });
}

const CreateInput = builder.inputType('CreateMetadefNamespaceInput', {
  description: 'A namespace with all that is in it.',
  fields: (t) => ({
    namespace: t.string({ required: true, description: 'Up to 80 characters; unique in the service.' }),
    displayName: t.string({ description: 'Up to 80 characters.' }),
    description: t.string({ description: 'Up to 500 characters.' }),
    visibility: t.field({ type: MetadefVisibility, description: 'Default PRIVATE.' }),
    protected: t.boolean({ description: 'Default false.' }),
    owner: t.string({ description: "Id of a project; default the caller's." }),
    resourceTypes: t.field({ type: [AssociationInputType], description: 'What it is for; at most 100.' }),
    properties: t.field({ type: [PropertyInput], description: 'At most 10000.' }),
    objects: t.field({ type: [ObjectInputType], description: 'At most 1000.' }),
    tags: t.stringList({ description: 'Up to 80 characters each; at most 5000.' }),
  }),
});

builder.mutationField('createMetadefNamespace', (t) =>
  t.field({
    type: namespacePayload('CreateMetadefNamespacePayload'),
    nullable: true,
    description: 'Adds a namespace of metadata definitions. Only an admin.',
    errors: { types: [ValidationError, ForbiddenError, ConflictError] },
    args: { input: t.arg({ type: CreateInput, required: true, description: 'What to add.' }) },
    resolve: (_root, { input }, { app, caller }) => createMetadefNamespace(app, caller, input),
  }),
);

const UpdateInput = builder.inputType('UpdateMetadefNamespaceInput', {
  description: `A field left out stays; null clears displayName and description, and is a ValidationError elsewhere. Each list
given replaces the one there, as a whole: what has the same name and says the same stays as it is. All or nothing.`,
  fields: (t) => ({
    namespace: t.string({ required: true, description: 'Its name.' }),
    ifRevision: t.int({ description: ifRevision }),
    rename: t.string({ description: 'Its new name.' }),
    displayName: t.string({ description: 'Up to 80 characters.' }),
    description: t.string({ description: 'Up to 500 characters.' }),
    visibility: t.field({ type: MetadefVisibility, description: 'Who sees it.' }),
    protected: t.boolean({ description: 'Whether it, and what is in it, can be removed: true: not.' }),
    owner: t.string({ description: 'Id of a project.' }),
    resourceTypes: t.field({ type: [AssociationInputType], description: 'What it is for.' }),
    properties: t.field({ type: [PropertyInput], description: 'Those of the namespace itself.' }),
    objects: t.field({ type: [ObjectInputType], description: 'With all that is in them.' }),
    tags: t.stringList({ description: 'Up to 80 characters each.' }),
  }),
});

builder.mutationField('updateMetadefNamespace', (t) =>
  t.field({
    type: namespacePayload('UpdateMetadefNamespacePayload'),
    nullable: true,
    description:
      'Changes a namespace of metadata definitions. Only an admin. PROTECTED when a list leaves out what a protected namespace has.',
    errors: { types: [ValidationError, NotFoundError, ForbiddenError, ConflictError] },
    args: { input: t.arg({ type: UpdateInput, required: true, description: 'What to change.' }) },
    resolve: (_root, { input }, { app, caller }) => updateMetadefNamespace(app, caller, input),
  }),
);

const DeletePayload = builder.objectRef<{ id: string }>('DeleteMetadefNamespacePayload').implement({
  description: 'The namespace is gone, with everything in it.',
  fields: (t) => ({
    id: t.id({
      description: 'Id of the namespace that is gone.',
      resolve: ({ id }) => `MetadefNamespace:${id}`,
    }),
  }),
});

const DeleteInput = builder.inputType('DeleteMetadefNamespaceInput', {
  description: 'Which namespace to delete.',
  fields: (t) => ({
    namespace: t.string({ required: true, description: 'Its name.' }),
    ifRevision: t.int({ description: ifRevision }),
  }),
});

builder.mutationField('deleteMetadefNamespace', (t) =>
  t.field({
    type: DeletePayload,
    nullable: true,
    description:
      'Removes a namespace of metadata definitions with everything in it. Images stay as they are. Only an admin.',
    errors: { types: [NotFoundError, ForbiddenError, ConflictError] },
    args: { input: t.arg({ type: DeleteInput, required: true, description: 'What to delete.' }) },
    resolve: (_root, { input }, { app, caller }) => deleteMetadefNamespace(app, caller, input),
  }),
);
