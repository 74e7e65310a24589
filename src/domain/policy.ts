/**
 * Who may do what: the built-in roles as pure functions (Image API v2 default policies). Whether an image is
 * seen at all also exists as SQL in `db/image-visible.ts`; a test holds the two against each other.
 */
import { type Caller, hasRole, isReadOnly } from './caller.ts';
import type { Image, MemberStatus } from './image.ts';
import { after, hasData } from './lifecycle.ts';
import type { MetadefNamespace } from './metadef/metadef.ts';

/** What must be known of an image to decide about it. */
export type PolicyTarget = Pick<Image, 'id' | 'status' | 'visibility' | 'owner' | 'protected'>;

/** The state of the membership of the caller's project; null when there is none. */
export type Membership = MemberStatus | null;

export type ImageOperation =
  | 'get'
  | 'download'
  | 'upload'
  | 'import'
  | 'copy'
  | 'update'
  | 'delete'
  | 'deactivate'
  | 'reactivate'
  | 'communitize'
  | 'publish'
  | 'share'
  | 'respond'
  | 'deleteCopy';

export function owns(caller: Caller, image: Pick<Image, 'owner'>): boolean {
  return caller.project !== null && image.owner === caller.project;
}

/** Whether the image exists at all for this caller when it is named by id. */
export function canSee(
  caller: Caller,
  image: Pick<Image, 'id' | 'visibility' | 'owner'>,
  membership: Membership,
): boolean {
  if (caller.grant) return caller.grant.imageId === image.id;
  if (caller.isAnonymous || !hasRole(caller, 'reader')) return false;
  if (caller.isAdmin || owns(caller, image) || image.owner === null) return true;
  if (image.visibility === 'public' || image.visibility === 'community') return true;
  return image.visibility === 'shared' && membership !== null;
}

/** Whether role and ownership allow it, the image being seen; its status is not asked. */
export function mayDo(
  caller: Caller,
  image: PolicyTarget,
  operation: ImageOperation,
  membership: Membership,
): boolean {
  if (operation === 'get') return canSee(caller, image, membership);
  if (operation !== 'download' && isReadOnly(caller)) return false;
  if (operation === 'download' && image.status === 'deactivated') return caller.isAdmin;
  if (caller.grant) return caller.grant.imageId === image.id && caller.grant.operation === operation;
  switch (operation) {
    case 'download':
      return hasRole(caller, 'member') && canSee(caller, image, membership);
    case 'publish':
    case 'copy':
    case 'deleteCopy':
      return caller.isAdmin;
    case 'respond':
      return caller.isAdmin || (hasRole(caller, 'member') && membership !== null);
    default:
      return caller.isAdmin || (hasRole(caller, 'member') && owns(caller, image));
  }
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

export function capabilities(caller: Caller, image: PolicyTarget, membership: Membership): ImageCapabilities {
  const may = (operation: ImageOperation) => mayDo(caller, image, operation, membership);
  return {
    update: may('update'),
    delete: may('delete') && !image.protected,
    upload: may('upload') && after(image.status, 'beginUpload') !== null,
    import: may('import') && after(image.status, 'beginImport') !== null,
    copy: may('copy') && hasData(image.status),
    download: may('download') && hasData(image.status),
    share: may('share') && image.visibility === 'shared',
    respond: may('respond') && image.visibility === 'shared' && membership !== null,
    publish: may('publish') && image.visibility !== 'public',
    deactivate: may('deactivate') && after(image.status, 'deactivate') !== null,
    reactivate: may('reactivate') && after(image.status, 'reactivate') !== null,
  };
}

/** Whether the caller sees a task: its image's project does, and admins. */
export function canSeeTask(caller: Caller, task: { owner: string | null }): boolean {
  if (caller.isAnonymous || caller.grant || !hasRole(caller, 'reader')) return false;
  return caller.isAdmin || (caller.project !== null && task.owner === caller.project);
}

/** Whether the caller may make an image owned by `owner`. */
export function mayCreate(caller: Caller, owner: string | null): boolean {
  if (caller.isAnonymous || isReadOnly(caller)) return false;
  if (caller.isAdmin) return true;
  return hasRole(caller, 'member') && caller.project !== null && owner === caller.project;
}

/** What must be known of a namespace of metadata definitions to decide about it. */
export type NamespaceTarget = Pick<MetadefNamespace, 'visibility' | 'owner'>;

export function ownsNamespace(caller: Caller, { owner }: Pick<MetadefNamespace, 'owner'>): boolean {
  return caller.project !== null && owner === caller.project;
}

/** Whether a namespace, and all that is in it, exists at all for this caller. */
export function canSeeNamespace(caller: Caller, namespace: NamespaceTarget): boolean {
  if (caller.isAnonymous || caller.grant || !hasRole(caller, 'reader')) return false;
  return caller.isAdmin || namespace.visibility === 'public' || ownsNamespace(caller, namespace);
}

/** Whether the caller may write metadata definitions: since OSSN-0088 only admins, in the Image API too. */
export const mayManageMetadefs = (caller: Caller) => caller.isAdmin && !isReadOnly(caller);
