/** Who asks, and what the service is. */

import type { App } from '../actions/app.ts';
import { listOwnQuotas } from '../actions/list-quotas.ts';
import { requireToken } from '../actions/require-image.ts';
import type { Caller } from '../domain/caller.ts';
import { mayCreate, mayEver, mayManageMetadefs, sightOf } from '../domain/policy.ts';
import { version } from '../version.ts';
import { builder } from './builder.ts';
import { DiskFormat, ImportMethodName, importMethodWords, MetadefMode } from './enums.ts';
import { QuotaType } from './quota.ts';

const ViewerCapabilities = builder.objectRef<Caller>('ViewerCapabilities').implement({
  description: 'What the caller may do at all.',
  fields: (t) => ({
    createImage: t.boolean({
      description: 'createImage, in the own project.',
      resolve: (caller, _args, { app }) => mayCreate(app.policy, caller, caller.project),
    }),
    publish: t.boolean({
      description: 'Make images PUBLIC.',
      resolve: (caller, _args, { app }) => mayEver(app.policy, caller, 'publish'),
    }),
    copyImage: t.boolean({
      description: 'Copy images to more stores.',
      resolve: (caller, _args, { app }) => mayEver(app.policy, caller, 'copy'),
    }),
    manageMetadefs: t.boolean({
      description: 'Write metadata definitions.',
      resolve: (caller, _args, { app }) => mayManageMetadefs(app.policy, caller),
    }),
    seeAllProjects: t.boolean({
      description: 'See the images of all projects.',
      resolve: (caller, _args, { app }) => sightOf(app.policy, caller) === 'all',
    }),
  }),
});

const Viewer = builder.objectRef<Caller>('Viewer').implement({
  description: 'The caller, as the token says.',
  fields: (t) => ({
    user: t.exposeString('user', { nullable: true, description: 'Null where the token has none.' }),
    project: t.exposeString('project', { nullable: true, description: 'Null where the token has none.' }),
    roles: t.stringList({ description: 'As the token has them.', resolve: (caller) => [...caller.roles] }),
    isAdmin: t.exposeBoolean('isAdmin', {
      description:
        "Has the role admin: sees and changes everything, unless the operator's policy says otherwise.",
    }),
    can: t.field({
      type: ViewerCapabilities,
      description: 'What the caller may do at all.',
      resolve: (caller) => caller,
    }),
    quotas: t.field({
      type: [QuotaType],
      description: 'What the project of the caller may have and has; none without a project.',
      resolve: (caller, _args, { app }) => listOwnQuotas(app, caller),
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
    importConvertsTo: t.field({
      type: DiskFormat,
      nullable: true,
      description: 'The format that disks have once they were imported; null: the one they came in.',
      resolve: ({ imports }) => imports.converter?.rule.to ?? null,
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
