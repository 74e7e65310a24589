/**
 * The built-in policy as one table: which role may do what, and to which objects. The decisions (`policy.ts`), the page
 * docs/policy.md and the isolation test are made of it. Names are Glance's where it has the rule.
 */

import { rolesOf } from './caller.ts';

/** What an object can be to a caller; several at once. */
export const relations = {
  owner: "it is the caller's project's",
  member: "it is shared, with the caller's project among others, whatever that answered",
  public: 'its visibility is public',
  community: 'its visibility is community',
  ownerless: 'it has no owner, as some old images',
  maker: "it is the caller's project's, and the caller made it",
} as const;
export type Relation = keyof typeof relations;

/** One of the relations is enough; any: whatever it is to the caller. */
export type Grant = 'any' | readonly Relation[];

/** Role -> to which objects. A role that is not there may not. */
export type Grants = Readonly<Record<string, Grant>>;

/** What rules are about, and the relations that it can have. */
export const objects = {
  image: ['owner', 'member', 'public', 'community', 'ownerless'],
  'new image': ['owner'],
  'members of an image': ['owner'],
  task: ['owner'],
  namespace: ['owner', 'public'],
  definitions: [],
  'audit entry': ['owner'],
  'all tasks': [],
  stores: [],
  'new token': ['owner'],
  token: ['owner', 'maker'],
  quotas: [],
} as const satisfies Record<string, readonly Relation[]>;
export type ObjectKind = keyof typeof objects;

export interface Rule {
  on: ObjectKind;
  who: Grants;
  /** What it allows: goes on after "may". */
  what: string;
  /** A robot token that is read-only may, too: it changes nothing. */
  reads?: true;
  /** Why the settings cannot override it at all, or only so. */
  limit?: { only: 'built in' | 'any or all'; why: string };
}

const any = 'any';
const own: Grant = ['owner'];
const wherever: Grant = objects.image;

/**
 * Whatever a rule on an image allows, the image has to be seen first (get_image): what is not seen is not there. Only
 * services, which see none, may deal with where the bytes of any are.
 */
export const builtInRules = {
  get_image: {
    on: 'image',
    who: { admin: any, reader: wherever },
    what: 'see it: by id, in lists (as far as those go), totals, facets and counts',
    reads: true,
    limit: {
      only: 'any or all',
      why: 'lists, totals and facets are answered by indexes that are made for these relations together',
    },
  },
  download_image: { on: 'image', who: { admin: any, member: any }, what: 'read its bytes', reads: true },
  download_deactivated_image: {
    on: 'image',
    who: { admin: any },
    what: 'read its bytes while it is deactivated, in place of download_image',
    reads: true,
  },
  add_image: { on: 'new image', who: { admin: any, member: own }, what: 'register it for that project' },
  modify_image: {
    on: 'image',
    who: { admin: any, member: own },
    what: 'change its fields, tags and properties',
  },
  change_image_owner: {
    on: 'image',
    who: { admin: any },
    what: 'give it to another project, with modify_image',
  },
  publicize_image: {
    on: 'image',
    who: { admin: any },
    what: 'make it public, with modify_image or add_image',
  },
  communitize_image: {
    on: 'image',
    who: { admin: any, member: own },
    what: 'make it a community image, with modify_image or add_image',
  },
  delete_image: { on: 'image', who: { admin: any, member: own }, what: 'delete it' },
  upload_image: { on: 'image', who: { admin: any, member: own }, what: 'send or stage its bytes' },
  import_image: { on: 'image', who: { admin: any, member: own }, what: 'have its bytes imported' },
  copy_image: { on: 'image', who: { admin: any }, what: 'have it copied to more stores' },
  delete_image_location: { on: 'image', who: { admin: any }, what: 'take one of several copies away' },
  add_image_location: {
    on: 'image',
    who: { admin: any, member: own, service: any },
    what: 'have it consist of bytes that stay on a web server; whom it is given to with any need not see the image',
  },
  fetch_image_location: {
    on: 'image',
    who: { admin: any, service: any },
    what: 'know the URLs of its copies, with no need to see the image',
    reads: true,
  },
  deactivate: { on: 'image', who: { admin: any, member: own }, what: 'deactivate it' },
  reactivate: { on: 'image', who: { admin: any, member: own }, what: 'reactivate it' },
  add_member: { on: 'image', who: { admin: any, member: own }, what: 'share it with a project' },
  delete_member: { on: 'image', who: { admin: any, member: own }, what: 'take a share back' },
  modify_member: {
    on: 'image',
    who: { admin: any, member: ['member'] },
    what: 'answer a share; with any also for other projects than the own',
  },
  get_members: {
    on: 'members of an image',
    who: { admin: any, reader: own },
    what: 'know all members of an image that is seen; a project always knows of its own membership',
    reads: true,
  },
  get_task: {
    on: 'task',
    who: { admin: any, reader: own },
    what: "see the tasks of that project's images",
    reads: true,
  },
  tasks_api_access: {
    on: 'all tasks',
    who: { admin: any },
    what: 'list the tasks of the whole service, and begin one that makes an image, with add_image and import_image',
    reads: true,
  },
  stores_info_detail: {
    on: 'stores',
    who: { admin: any, service: any },
    what: 'know where the stores keep their bytes',
    reads: true,
  },
  get_metadef_namespace: {
    on: 'namespace',
    who: { admin: any, reader: ['owner', 'public'] },
    what: 'see it and all that is in it',
    reads: true,
    limit: {
      only: 'built in',
      why: 'definitions are kept in memory, and searched by the database, by these relations',
    },
  },
  metadef_admin: { on: 'definitions', who: { admin: any }, what: 'write metadata definitions' },
  get_audit_log: {
    on: 'audit entry',
    who: { admin: any, reader: own },
    what: "read what the audit log says of that project's objects",
    reads: true,
  },
  add_token: {
    on: 'new token',
    who: { admin: any, reader: own },
    what: 'make a robot token for that project, with no role above the own ones',
  },
  get_token: {
    on: 'token',
    who: { admin: any, member: own, reader: ['maker'] },
    what: 'see it, by id and in lists; by owner only one with no role above the own ones',
    reads: true,
  },
  revoke_token: {
    on: 'token',
    who: { admin: any, member: own, reader: ['maker'] },
    what: 'take it away, being one that is seen; by owner only one with no role above the own ones',
  },
  manage_quotas: { on: 'quotas', who: { admin: any }, what: 'read and set the quotas of all projects' },
} as const satisfies Record<string, Rule>;

export type RuleName = keyof typeof builtInRules;
export const ruleNames = Object.keys(builtInRules) as RuleName[];
export const ruleOf = (name: RuleName): Rule => builtInRules[name];

/** What a rule gives to a role, by itself or by a role that comes with it; empty: nothing. */
export function grantsTo(who: Grants, role: string): readonly Grant[] {
  return rolesOf(role).flatMap((one) => (Object.hasOwn(who, one) ? [who[one] as Grant] : []));
}
