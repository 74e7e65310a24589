/** Which memberships of an image a caller sees: all for the owner and admins, otherwise only their project's. */

import type { SeenImage } from '../../db/images.ts';
import type { ImageMember } from '../../domain/image.ts';
import { owns } from '../../domain/policy.ts';
import type { GraphContext } from '../context.ts';

export async function visibleMembers(
  { caller, loaders }: GraphContext,
  image: Pick<SeenImage, 'id' | 'owner'>,
): Promise<ImageMember[]> {
  const all = await loaders.members.load(image.id);
  return caller.isAdmin || owns(caller, image)
    ? all
    : all.filter((member) => member.project === caller.project);
}
