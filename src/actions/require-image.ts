/** The step that most actions begin with: the image, seen and allowed, or the reason why not. */

import type { Statements } from '../db/client.ts';
import { findImageById, type ImageRow, lockImage, type SeenField, type SeenImage } from '../db/images.ts';
import { findMember } from '../db/members.ts';
import { isInTokenFilter } from '../db/token-filter.ts';
import { type Caller, isReadOnly } from '../domain/caller.ts';
import { ForbiddenError, NotFoundError, UnauthenticatedError } from '../domain/errors.ts';
import { type ImageVisibility, parseImageId } from '../domain/image.ts';
import {
  canSee,
  type ImageOperation,
  isThereFor,
  mayDo,
  type Policy,
  type PolicyTarget,
} from '../domain/policy.ts';
import { readable } from '../domain/property-protection.ts';
import type { App } from './app.ts';

/** @throws UnauthenticatedError no token came */
export function requireToken(caller: Caller): void {
  if (caller.isAnonymous) {
    throw new UnauthenticatedError('This needs a token: send it as X-Auth-Token or Authorization: Bearer.');
  }
}

/** @throws ForbiddenError it came with a token that changes nothing */
export function requireWriter(caller: Caller): void {
  if (isReadOnly(caller)) throw readOnlyToken();
}

const readOnlyToken = () =>
  new ForbiddenError(
    'This token is read-only: it reads and downloads, and changes nothing. Use another one.',
  );

/** The same words for missing and invisible. */
export function noImage(id: string): NotFoundError {
  return new NotFoundError(`No image ${JSON.stringify(id.slice(0, 64).toLowerCase())} was found.`);
}

/**
 * The image when the caller may see it, with the properties that they may read; null when not, for whatever reason.
 * Unselected fields are missing.
 */
export async function findImage(
  app: App,
  caller: Caller,
  id: string,
  fields?: readonly SeenField[],
): Promise<SeenImage | null> {
  requireToken(caller);
  const known = parseImageId(id);
  if (known === null) return null;
  const image = await findImageById(app.db, caller, known, fields);
  return image && canSee(app.policy, caller, image) ? readable(app.protection, caller, image) : null;
}

/**
 * The whole image, but for properties that the caller may not read.
 * @throws NotFoundError  missing, or the caller may not see it
 * @throws ForbiddenError seen, but `operation` is not for this caller
 */
export async function requireImage(
  app: App,
  caller: Caller,
  id: string,
  operation: ImageOperation,
): Promise<SeenImage> {
  requireToken(caller);
  const known = parseImageId(id);
  const image = known === null ? null : await findImageById(app.db, caller, known);
  if (!image || !isThereFor(app.policy, caller, operation, image)) throw noImage(id);
  if (!mayDo(app.policy, caller, operation, image)) throw forbidden(caller, image, operation);
  return readable(app.protection, caller, image);
}

/**
 * The image as it stands after the caller has made or changed it, also where they do not see it any more, or never will.
 * @throws NotFoundError it was deleted meanwhile
 */
export async function imageAfterChange(app: App, caller: Caller, id: string): Promise<SeenImage> {
  const image = await findImageById(app.db, caller, id);
  if (!image) throw noImage(id);
  return readable(app.protection, caller, image);
}

/** An image's row, with the membership of the caller's project. */
export type LockedImage = ImageRow & Pick<SeenImage, 'membership'>;

/**
 * The image's row, all of it, locked until the transaction ends: for changes that depend on what stands there.
 * @throws NotFoundError, ForbiddenError as requireImage
 */
export async function requireLockedImage(
  tx: Statements,
  caller: Caller,
  { id, operation, policy }: { id: string; operation: ImageOperation; policy: Policy },
): Promise<LockedImage> {
  requireToken(caller);
  const known = parseImageId(id);
  const row = known === null ? null : await lockImage(tx, known);
  if (!row) throw noImage(id);
  const member = caller.project === null ? null : await findMember(tx, row.id, caller.project);
  const seen = { ...row, membership: member?.status ?? null };
  const isThere = isThereFor(policy, caller, operation, seen) && (await isInTokenFilter(tx, caller, row.id));
  if (!isThere) throw noImage(id);
  if (!mayDo(policy, caller, operation, seen)) throw forbidden(caller, row, operation);
  return seen;
}

/**
 * After a change, before it is committed: an image that a token has in hand stays among those that it may.
 * @throws ForbiddenError the change would take it out of them, or add one that is none of them
 */
export async function requireInTokenFilter(tx: Statements, caller: Caller, id: string): Promise<void> {
  if (await isInTokenFilter(tx, caller, id)) return;
  throw new ForbiddenError(
    'This token is for certain images only, and the image would not be one of them; see imageFilter of the token.',
  );
}

/** @throws ForbiddenError the image may not be given this visibility */
export function requireVisibilityRight(
  policy: Policy,
  caller: Caller,
  image: PolicyTarget,
  visibility: ImageVisibility,
): void {
  const operation = visibilityRights[visibility];
  if (operation === undefined || mayDo(policy, caller, operation, image)) return;
  const roles = caller.roles.join(', ') || 'none';
  const others = visibility === 'public' ? 'COMMUNITY or SHARED' : 'SHARED or PRIVATE';
  throw new ForbiddenError(
    `You may not ${words[operation]} an image here (roles: ${roles}); use ${others}, or ask an admin.`,
  );
}

const visibilityRights: Partial<Record<ImageVisibility, ImageOperation>> = {
  public: 'publish',
  community: 'communitize',
};

const words: Record<ImageOperation, string> = {
  get: 'read',
  download: 'download',
  upload: 'upload data to',
  import: 'import data to',
  copy: 'copy to more stores',
  update: 'change',
  giveAway: 'give another owner to',
  delete: 'delete',
  deactivate: 'deactivate',
  reactivate: 'reactivate',
  communitize: 'offer to the community',
  publish: 'make public',
  share: 'share',
  unshare: 'take back shares of',
  respond: 'answer a share of',
  deleteCopy: 'delete single copies of',
  addLocation: 'register bytes for',
  listLocations: 'know where the bytes are of',
};

function forbidden(
  caller: Caller,
  image: { id: string; status: string },
  operation: ImageOperation,
): ForbiddenError {
  if (operation === 'download' && image.status === 'deactivated') {
    return new ForbiddenError(`Image ${image.id} is deactivated; its owner or an admin can reactivate it.`);
  }
  if (operation !== 'download' && isReadOnly(caller)) return readOnlyToken();
  const roles = caller.roles.length > 0 ? caller.roles.join(', ') : 'none';
  return new ForbiddenError(
    `You may not ${words[operation]} image ${image.id} (roles: ${roles}); ask its owner or an admin.`,
  );
}
