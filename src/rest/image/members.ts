/** Projects that an image is shared with, and their answers. */
import { z } from 'zod';
import { findImageMember, listImageMembers } from '../../actions/image-members.ts';
import { addImageMember, removeImageMember, respondToImageShare } from '../../actions/share-image.ts';
import { type ImageMember, memberStatuses } from '../../domain/image.ts';
import { requireShape } from '../json.ts';
import { type Answer, type Ask, noContent, ok } from '../operation.ts';
import { seconds } from './image-json.ts';

const memberJson = ({ imageId, project, status, createdAt, updatedAt }: ImageMember) => ({
  image_id: imageId,
  member_id: project,
  status,
  created_at: seconds(createdAt),
  updated_at: seconds(updatedAt),
  schema: '/v2/schemas/member',
});

export async function listMembers({ app, caller, params }: Ask): Promise<Answer> {
  const members = await listImageMembers(app, caller, { imageId: params.id ?? '' });
  return ok({ members: members.map(memberJson), schema: '/v2/schemas/members' });
}

const newMember = z.object({ member: z.string() });

export async function addMember({ app, caller, params, json }: Ask): Promise<Answer> {
  const { member: project } = requireShape(newMember, json);
  return ok(memberJson(await addImageMember(app, caller, { imageId: params.id ?? '', project })));
}

export async function showMember({ app, caller, params }: Ask): Promise<Answer> {
  const { id: imageId = '', member: project = '' } = params;
  return ok(memberJson(await findImageMember(app, caller, { imageId, project })));
}

const answer = z.object({ status: z.enum(memberStatuses) });

export async function answerShare({ app, caller, params, json }: Ask): Promise<Answer> {
  const { status } = requireShape(answer, json);
  const { id: imageId = '', member: project = '' } = params;
  return ok(memberJson(await respondToImageShare(app, caller, { imageId, project, status })));
}

export async function removeMember({ app, caller, params }: Ask): Promise<Answer> {
  const { id: imageId = '', member: project = '' } = params;
  await removeImageMember(app, caller, { imageId, project });
  return noContent;
}
