/**
 * Who may do what: decisions as pure functions of the policy in force, the caller and the object. The rules are a table
 * (`policy-rules.ts`) that operators override in part. Whether an image is seen at all also exists as SQL in
 * `db/image-visible.ts`; a test holds the two against each other.
 */
import { builtInRoles, type Caller, hasRole, isReadOnly } from './caller.ts';
import type { Image, ImageMember, MemberStatus } from './image.ts';
import { after, hasData } from './lifecycle.ts';
import type { MetadefNamespace } from './metadef/metadef.ts';
import {
  builtInRules,
  type Grants,
  grantsTo,
  type Relation,
  type RuleName,
  ruleNames,
  ruleOf,
} from './policy-rules.ts';

/** What the settings say: roles that there are besides the built-in ones, and rules in place of the built-in ones. */
export interface PolicyOverrides {
  readonly roles: readonly string[];
  readonly rules: Readonly<Partial<Record<RuleName, Grants>>>;
}

/** What a role may do something to. */
type Reach = 'any' | ReadonlySet<Relation>;

/** The rules in force, made once from the settings. */
export interface Policy {
  /** All there are, built in and declared. */
  readonly roles: readonly string[];
  /** As the table has them, or the settings. */
  readonly rules: Readonly<Record<RuleName, Grants>>;
  /** By role, with what comes by the roles it implies; a role that is not there may not. */
  readonly reaches: Readonly<Record<RuleName, ReadonlyMap<string, Reach>>>;
}

export function policyWith(overrides: PolicyOverrides): Policy {
  const roles = [...new Set([...builtInRoles, ...overrides.roles])];
  const rules = {} as Record<RuleName, Grants>;
  const reaches = {} as Record<RuleName, ReadonlyMap<string, Reach>>;
  for (const name of ruleNames) {
    const who = overrides.rules[name] ?? builtInRules[name].who;
    rules[name] = who;
    reaches[name] = new Map(roles.flatMap((role) => reachOf(who, role)));
  }
  return Object.freeze({ roles, rules, reaches });
}

function reachOf(who: Grants, role: string): [string, Reach][] {
  const grants = grantsTo(who, role);
  if (grants.includes('any')) return [[role, 'any']];
  return grants.length === 0 ? [] : [[role, new Set(grants.flat() as Relation[])]];
}

export const builtInPolicy = policyWith({ roles: [], rules: {} });

type IsRelated = (relation: Relation) => boolean;

/** Whether one of the caller's roles reaches an object of these relations, and its token lets it. */
function allows(policy: Policy, caller: Caller, rule: RuleName, isRelated: IsRelated): boolean {
  if (caller.isAnonymous || caller.grant) return false;
  if (isReadOnly(caller) && !ruleOf(rule).reads) return false;
  return caller.roles.some((role) => {
    const reach = policy.reaches[rule].get(role);
    if (reach === undefined || reach === 'any') return reach === 'any';
    for (const relation of reach) if (isRelated(relation)) return true;
    return false;
  });
}

const toAny: IsRelated = () => false;
const toSome: IsRelated = () => true;

/** What must be known of an image to decide about it. */
export type PolicyTarget = Pick<Image, 'id' | 'status' | 'visibility' | 'owner' | 'protected'> & {
  /** Of the caller's project; null when there is none. */
  membership: MemberStatus | null;
};

export type ImageOperation =
  | 'get'
  | 'download'
  | 'upload'
  | 'import'
  | 'copy'
  | 'update'
  | 'giveAway'
  | 'delete'
  | 'deactivate'
  | 'reactivate'
  | 'communitize'
  | 'publish'
  | 'share'
  | 'unshare'
  | 'respond'
  | 'deleteCopy'
  | 'addLocation'
  | 'listLocations';

export const ruleOfOperation: Readonly<Record<ImageOperation, RuleName>> = {
  get: 'get_image',
  download: 'download_image',
  upload: 'upload_image',
  import: 'import_image',
  copy: 'copy_image',
  update: 'modify_image',
  giveAway: 'change_image_owner',
  delete: 'delete_image',
  deactivate: 'deactivate',
  reactivate: 'reactivate',
  communitize: 'communitize_image',
  publish: 'publicize_image',
  share: 'add_member',
  unshare: 'delete_member',
  respond: 'modify_member',
  deleteCopy: 'delete_image_location',
  addLocation: 'add_image_location',
  listLocations: 'fetch_image_location',
};

/** Whom these are given for every image, it is there for, seen or not. */
const unseen: ReadonlySet<ImageOperation> = new Set(['addLocation', 'listLocations']);

function owns(caller: Caller, { owner }: { owner: string | null }): boolean {
  return caller.project !== null && owner === caller.project;
}

type Related = Pick<PolicyTarget, 'visibility' | 'owner' | 'membership'>;

const relationsTo =
  (caller: Caller, image: Related): IsRelated =>
  (relation) => {
    if (relation === 'owner') return owns(caller, image);
    if (relation === 'member') return image.visibility === 'shared' && image.membership !== null;
    if (relation === 'ownerless') return image.owner === null;
    return image.visibility === relation;
  };

/** Whether the image exists at all for this caller when it is named by id. */
export function canSee(policy: Policy, caller: Caller, image: Related & Pick<Image, 'id'>): boolean {
  if (caller.grant) return caller.grant.imageId === image.id;
  return allows(policy, caller, 'get_image', relationsTo(caller, image));
}

/** Whether the image exists for this caller when this is to be done to it. */
export function isThereFor(
  policy: Policy,
  caller: Caller,
  operation: ImageOperation,
  image: Related & Pick<Image, 'id'>,
): boolean {
  if (canSee(policy, caller, image)) return true;
  return unseen.has(operation) && allows(policy, caller, ruleOfOperation[operation], toAny);
}

/**
 * Which images lists are made of: all; what is usual for who reads, which is the relations of get_image; or none. There
 * is nothing in between.
 */
export type Sight = 'all' | 'usual' | 'none';

export function sightOf(policy: Policy, caller: Caller): Sight {
  if (allows(policy, caller, 'get_image', toAny)) return 'all';
  return allows(policy, caller, 'get_image', toSome) ? 'usual' : 'none';
}

/** Whether the caller may read the bytes of every image there is. */
export function mayReadAll(policy: Policy, caller: Caller): boolean {
  return sightOf(policy, caller) === 'all' && allows(policy, caller, 'download_image', toAny);
}

/** Whether the rules allow it, the image being seen; its status is not asked, but for what a deactivated one shows. */
export function mayDo(
  policy: Policy,
  caller: Caller,
  operation: ImageOperation,
  image: PolicyTarget,
): boolean {
  if (operation === 'get') return canSee(policy, caller, image);
  const isShut = operation === 'download' && image.status === 'deactivated';
  if (caller.grant) {
    return !isShut && caller.grant.imageId === image.id && caller.grant.operation === operation;
  }
  const rule = isShut ? 'download_deactivated_image' : ruleOfOperation[operation];
  return allows(policy, caller, rule, relationsTo(caller, image));
}

/** Whether there can be an image that the caller may do it to. */
export function mayEver(policy: Policy, caller: Caller, operation: ImageOperation): boolean {
  return allows(policy, caller, ruleOfOperation[operation], toSome);
}

/** What the caller may do with an image now: by role, ownership and status. */
export interface ImageCapabilities {
  update: boolean;
  delete: boolean;
  upload: boolean;
  import: boolean;
  copy: boolean;
  download: boolean;
  share: boolean;
  respond: boolean;
  publish: boolean;
  deactivate: boolean;
  reactivate: boolean;
}

export function capabilities(policy: Policy, caller: Caller, image: PolicyTarget): ImageCapabilities {
  const may = (operation: ImageOperation) => mayDo(policy, caller, operation, image);
  return {
    update: may('update'),
    delete: may('delete') && !image.protected,
    upload: may('upload') && after(image.status, 'beginUpload') !== null,
    import: may('import') && after(image.status, 'beginImport') !== null,
    copy: may('copy') && hasData(image.status),
    download: may('download') && hasData(image.status),
    share: may('share') && image.visibility === 'shared',
    respond: may('respond') && image.visibility === 'shared' && image.membership !== null,
    publish: may('update') && may('publish') && image.visibility !== 'public',
    deactivate: may('deactivate') && after(image.status, 'deactivate') !== null,
    reactivate: may('reactivate') && after(image.status, 'reactivate') !== null,
  };
}

/** Whether the caller may answer a share for `project`, the image being one whose shares they may answer. */
export function mayAnswerFor(policy: Policy, caller: Caller, project: string): boolean {
  return project === caller.project || allows(policy, caller, 'modify_member', toAny);
}

/** Those of an image's members that the caller may know of. */
export function knownMembers(
  policy: Policy,
  caller: Caller,
  { owner, members }: { owner: string | null; members: readonly ImageMember[] },
): ImageMember[] {
  const knowsAll = allows(policy, caller, 'get_members', () => owns(caller, { owner }));
  return members.filter(({ project }) => knowsAll || project === caller.project);
}

/** Of which images the caller may know all members. */
export type MembersKnown = 'all' | 'own' | 'none';

export function membersKnownTo(policy: Policy, caller: Caller): MembersKnown {
  if (allows(policy, caller, 'get_members', toAny)) return 'all';
  return allows(policy, caller, 'get_members', toSome) ? 'own' : 'none';
}

/** Whether the caller sees a task of an image of `owner`. */
export function canSeeTask(policy: Policy, caller: Caller, task: { owner: string | null }): boolean {
  return allows(policy, caller, 'get_task', () => owns(caller, task));
}

/** Of which images the caller sees the tasks. */
export function tasksSeenBy(policy: Policy, caller: Caller): 'all' | 'none' | { owner: string } {
  return reachOfProject(policy, caller, 'get_task');
}

/** Of a rule whose only relation is owner. */
function reachOfProject(policy: Policy, caller: Caller, rule: RuleName): 'all' | 'none' | { owner: string } {
  if (allows(policy, caller, rule, toAny)) return 'all';
  if (caller.project === null || !allows(policy, caller, rule, toSome)) return 'none';
  return { owner: caller.project };
}

/** Whether the caller may see the tasks of the whole service, and begin one that makes an image. */
export function mayUseTasks(policy: Policy, caller: Caller): boolean {
  return allows(policy, caller, 'tasks_api_access', toAny);
}

/** Whether the caller may know where a store keeps its bytes: services that read there themselves do. */
export function maySeeStoreDetails(policy: Policy, caller: Caller): boolean {
  return allows(policy, caller, 'stores_info_detail', toAny);
}

/** Whether the caller may make an image owned by `owner`. */
export function mayCreate(policy: Policy, caller: Caller, owner: string | null): boolean {
  return allows(policy, caller, 'add_image', () => owns(caller, { owner }));
}

/** What must be known of a namespace of metadata definitions to decide about it. */
export type NamespaceTarget = Pick<MetadefNamespace, 'visibility' | 'owner'>;

export const ownsNamespace = (caller: Caller, namespace: Pick<MetadefNamespace, 'owner'>): boolean =>
  owns(caller, namespace);

/** Whether a namespace, and all that is in it, exists at all for this caller: a rule that nothing overrides. */
export function canSeeNamespace(caller: Caller, namespace: NamespaceTarget): boolean {
  return allows(builtInPolicy, caller, 'get_metadef_namespace', (relation) =>
    relation === 'owner' ? owns(caller, namespace) : namespace.visibility === relation,
  );
}

/** The same as SQL has it. */
export function sightOfNamespaces(caller: Caller): Sight {
  if (allows(builtInPolicy, caller, 'get_metadef_namespace', toAny)) return 'all';
  return allows(builtInPolicy, caller, 'get_metadef_namespace', toSome) ? 'usual' : 'none';
}

/** Whether the caller may write metadata definitions. */
export function mayManageMetadefs(policy: Policy, caller: Caller): boolean {
  return allows(policy, caller, 'metadef_admin', toAny);
}

/**
 * Whose entries of the audit log the caller reads: all; those about what belonged to a project; none. An entry tells what
 * an image was like then: of which a token with a filter was nobody can tell.
 */
export function auditReadBy(policy: Policy, caller: Caller): 'all' | 'none' | { owner: string } {
  if (caller.robot?.imageFilter) return 'none';
  return reachOfProject(policy, caller, 'get_audit_log');
}

/** Whether the caller may make a robot token for the project; which roles it may have is asked apart from that. */
export function mayAddToken(policy: Policy, caller: Caller, project: string): boolean {
  return allows(policy, caller, 'add_token', () => owns(caller, { owner: project }));
}

/** What must be known of a robot token to decide about it. */
export interface TokenTarget {
  id: string;
  project: string;
  /** Who made it. */
  user: string | null;
  roles: readonly string[];
}

/** Whether a robot token is there for the caller. A robot has itself, and no others. */
export function canSeeToken(policy: Policy, caller: Caller, token: TokenTarget): boolean {
  if (caller.robot) return caller.robot.tokenId === token.id;
  return reachesToken(policy, caller, { rule: 'get_token', token });
}

/** Whether the caller may take it away, seeing it. */
export function mayRevokeToken(policy: Policy, caller: Caller, token: TokenTarget): boolean {
  return !caller.robot && reachesToken(policy, caller, { rule: 'revoke_token', token });
}

function reachesToken(
  policy: Policy,
  caller: Caller,
  { rule, token }: { rule: 'get_token' | 'revoke_token'; token: TokenTarget },
): boolean {
  if (allows(policy, caller, rule, toAny)) return true;
  if (!owns(caller, { owner: token.project })) return false;
  const isMaker = caller.user !== null && caller.user === token.user;
  const isBelow = token.roles.every((role) => hasRole(caller, role));
  return allows(policy, caller, rule, (relation) => (relation === 'maker' ? isMaker : isBelow));
}

/** Whether the caller reads and sets the quotas of all projects. */
export function mayManageQuotas(policy: Policy, caller: Caller): boolean {
  return allows(policy, caller, 'manage_quotas', toAny);
}
