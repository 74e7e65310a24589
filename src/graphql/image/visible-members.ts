/** Which memberships of an image a caller sees, batched. */

import type { SeenImage } from '../../db/images.ts';
import type { ImageMember } from '../../domain/image.ts';
import { knownMembers } from '../../domain/policy.ts';
import type { GraphContext } from '../context.ts';

export async function visibleMembers(
  { app, caller, loaders }: GraphContext,
  image: Pick<SeenImage, 'id' | 'owner'>,
): Promise<ImageMember[]> {
  const members = await loaders.members.load(image.id);
  return knownMembers(app.policy, caller, { owner: image.owner, members });
}
