/** Sharing an image with projects, and their answers. */

import { recordChange } from '../db/audit.ts';
import { type Statements, transaction } from '../db/client.ts';
import type { ImageRow, SeenImage } from '../db/images.ts';
import { countMembers, findMember, insertMember, removeMember, updateMember } from '../db/members.ts';
import { actorOf, changesOf, imageObject } from '../domain/audit.ts';
import type { Caller } from '../domain/caller.ts';
import {
  ConflictError,
  ForbiddenError,
  NotFoundError,
  QuotaExceededError,
  ValidationError,
} from '../domain/errors.ts';
import { limits, projectIssues } from '../domain/fields.ts';
import type { ImageMember, MemberStatus } from '../domain/image.ts';
import { mayAnswerFor } from '../domain/policy.ts';
import type { App } from './app.ts';
import { imageAfterChange, requireLockedImage } from './require-image.ts';

export interface ShareImage {
  imageId: string;
  /** Id of a project; it is not asked whether there is such a project. */
  project: string;
}

/**
 * Returns the membership, pending until that project answers.
 *
 * @throws NotFoundError, ForbiddenError as requireImage
 * @throws ValidationError    project is empty or too long
 * @throws ConflictError      NOT_SHARED: the image's visibility is another; ALREADY_EXISTS
 * @throws QuotaExceededError more members than an image can have
 */
export async function addImageMember(app: App, caller: Caller, input: ShareImage): Promise<ImageMember> {
  const { policy } = app;
  return transaction(app.db, async (tx) => {
    const image = await requireLockedImage(tx, caller, { id: input.imageId, operation: 'share', policy });
    const issues = projectIssues(['project'], input.project);
    if (issues.length > 0) throw new ValidationError(issues);
    requireShared(image);
    const member = await insertMember(tx, image.id, input.project);
    if (!member) {
      throw new ConflictError('ALREADY_EXISTS', `Image ${image.id} is shared with ${input.project} already.`);
    }
    const used = await countMembers(tx, image.id);
    if (used > limits.members) {
      throw new QuotaExceededError(
        { resource: 'members', limit: limits.members, used: used - 1, requested: 1 },
        `Image ${image.id} is shared with ${limits.members} projects, and that is the limit; remove one first.`,
      );
    }
    await record(tx, caller, { action: 'addImageMember', image, project: member.project, to: member.status });
    return member;
  });
}

interface Sharing {
  action: 'addImageMember' | 'removeImageMember' | 'respondToImageShare';
  image: ImageRow;
  project: string;
  /** The membership before and after; left out: there is none. */
  from?: MemberStatus;
  to?: MemberStatus;
}

function record(
  tx: Statements,
  caller: Caller,
  { action, image, project, from, to }: Sharing,
): Promise<void> {
  const changes = changesOf({ members: { [project]: from } }, { members: { [project]: to } });
  return recordChange(tx, { by: actorOf(caller), action, object: imageObject(image), changes });
}

/** What cannot be written is nowhere to be found. */
const canBeMember = (project: string) => projectIssues(['project'], project).length === 0;

/**
 * Returns the image. The project no longer sees it.
 *
 * @throws NotFoundError, ForbiddenError as requireImage; NotFoundError also when there is no such membership
 * @throws ConflictError NOT_SHARED
 */
export async function removeImageMember(app: App, caller: Caller, input: ShareImage): Promise<SeenImage> {
  const { policy } = app;
  const id = await transaction(app.db, async (tx) => {
    const image = await requireLockedImage(tx, caller, { id: input.imageId, operation: 'unshare', policy });
    requireShared(image);
    const { project } = input;
    const member = canBeMember(project) ? await findMember(tx, image.id, project) : null;
    if (!member) throw noMember(image.id, project);
    await removeMember(tx, image.id, project);
    await record(tx, caller, { action: 'removeImageMember', image, project, from: member.status });
    return image.id;
  });
  return imageAfterChange(app, caller, id);
}

export interface RespondToImageShare {
  imageId: string;
  /** Left out: the caller's. Another one only for an admin. */
  project?: string | null;
  status: MemberStatus;
}

/**
 * Returns the membership with the answer; pending takes an answer back.
 *
 * @throws NotFoundError  the image is not shared with the caller's project
 * @throws ForbiddenError the answer is another project's to give
 * @throws ConflictError  NOT_SHARED
 */
export async function respondToImageShare(
  app: App,
  caller: Caller,
  input: RespondToImageShare,
): Promise<ImageMember> {
  const { policy } = app;
  return transaction(app.db, async (tx) => {
    const image = await requireLockedImage(tx, caller, { id: input.imageId, operation: 'respond', policy });
    requireShared(image);
    const project = input.project ?? caller.project;
    if (project === null || !mayAnswerFor(policy, caller, project)) {
      throw new ForbiddenError(
        'Only an admin answers for another project than their own; leave project out.',
      );
    }
    const before = canBeMember(project) ? await findMember(tx, image.id, project) : null;
    const member = before && (await updateMember(tx, image.id, project, input.status));
    if (!member) throw noMember(image.id, project);
    const answer = { from: before.status, to: member.status };
    await record(tx, caller, { action: 'respondToImageShare', image, project, ...answer });
    return member;
  });
}

/** @throws ConflictError NOT_SHARED: its visibility is another */
export function requireShared(image: Pick<ImageRow, 'id' | 'visibility'>): void {
  if (image.visibility === 'shared') return;
  throw new ConflictError(
    'NOT_SHARED',
    `Image ${image.id} is ${image.visibility}; members are for images whose visibility is SHARED.`,
  );
}

export const noMember = (imageId: string, project: string) =>
  new NotFoundError(`Image ${imageId} is not shared with project ${JSON.stringify(project.slice(0, 255))}.`);
