/** Who asks, and what the service is. */

import type { App } from '../actions/app.ts';
import { requireToken } from '../actions/require-image.ts';
import { type Caller, isReadOnly } from '../domain/caller.ts';
import { mayCreate, mayManageMetadefs } from '../domain/policy.ts';
import { version } from '../version.ts';
import { builder } from './builder.ts';
import { ImportMethodName, importMethodWords, MetadefMode } from './enums.ts';

const isChangingAdmin = (caller: Caller) => caller.isAdmin && !isReadOnly(caller);

const ViewerCapabilities = builder.objectRef<Caller>('ViewerCapabilities').implement({
  description: 'What the caller may do at all.',
  fields: (t) => ({
    createImage: t.boolean({
      description: 'createImage, in the own project.',
      resolve: (caller) => mayCreate(caller, caller.project),
    }),
    publish: t.boolean({ description: 'Make images PUBLIC.', resolve: isChangingAdmin }),
    copyImage: t.boolean({ description: 'Copy images to more stores.', resolve: isChangingAdmin }),
    manageMetadefs: t.boolean({
      description: 'Write metadata definitions.',
      resolve: mayManageMetadefs,
    }),
    seeAllProjects: t.exposeBoolean('isAdmin', { description: 'See the images of all projects.' }),
  }),
});

const Viewer = builder.objectRef<Caller>('Viewer').implement({
  description: 'The caller, as the token says.',
  fields: (t) => ({
    user: t.exposeString('user', { nullable: true, description: 'Null where the token has none.' }),
    project: t.exposeString('project', { nullable: true, description: 'Null where the token has none.' }),
    roles: t.stringList({ description: 'As the token has them.', resolve: (caller) => [...caller.roles] }),
    isAdmin: t.exposeBoolean('isAdmin', { description: 'Sees and changes everything.' }),
    can: t.field({
      type: ViewerCapabilities,
      description: 'What the caller may do at all.',
      resolve: (caller) => caller,
    }),
  }),
});

const ServiceInfo = builder.objectRef<App>('ServiceInfo').implement({
  description: 'What a front end needs to know before it offers something.',
  fields: (t) => ({
    version: t.string({ description: 'Version of the service.', resolve: () => version }),
    imageSizeMax: t.field({
      type: 'BigInt',
      description: 'Bytes of one image at most.',
      resolve: ({ limits }) => limits.imageSizeMax,
    }),
    importMethods: t.field({
      type: [ImportMethodName],
      description: 'The fields of ImportMethod that this service takes.',
      resolve: ({ imports }) => imports.methods.map((name) => importMethodWords[name]),
    }),
    metadefMode: t.field({
      type: MetadefMode,
      description: 'What becomes of images whose properties break their definitions.',
      resolve: ({ metadefs }) => metadefs.mode,
    }),
  }),
});

builder.queryFields((t) => ({
  viewer: t.field({
    type: Viewer,
    description: 'The caller. UNAUTHENTICATED without a token.',
    resolve: (_root, _args, { caller }) => {
      requireToken(caller);
      return caller;
    },
  }),
  service: t.field({
    type: ServiceInfo,
    description: 'What this service is. Needs no token.',
    resolve: (_root, _args, { app }) => app,
  }),
}));
