/** Who an image is shared with, as far as the caller may know. */
import { findMembers } from '../db/members.ts';
import type { Caller } from '../domain/caller.ts';
import type { ImageMember } from '../domain/image.ts';
import { knownMembers } from '../domain/policy.ts';
import type { App } from './app.ts';
import { requireImage } from './require-image.ts';
import { noMember, requireShared, type ShareImage } from './share-image.ts';

/**
 * Oldest first.
 *
 * @throws NotFoundError the caller may not see the image
 * @throws ConflictError NOT_SHARED: the image's visibility is another
 */
export async function listImageMembers(
  app: App,
  caller: Caller,
  { imageId }: { imageId: string },
): Promise<ImageMember[]> {
  const image = await requireImage(app, caller, imageId, 'get');
  requireShared(image);
  const members = await findMembers(app.db, [image.id]);
  return knownMembers(app.policy, caller, { owner: image.owner, members });
}

/** One of them. @throws as listImageMembers; NotFoundError also when there is none, or none to know of */
export async function findImageMember(app: App, caller: Caller, input: ShareImage): Promise<ImageMember> {
  const members = await listImageMembers(app, caller, input);
  const member = members.find(({ project }) => project === input.project);
  if (!member) throw noMember(input.imageId, input.project);
  return member;
}
