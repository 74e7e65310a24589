/** Which memberships of an image a caller sees, batched. */

import type { SeenImage } from '../../db/images.ts';
import type { ImageMember } from '../../domain/image.ts';
import { knownMembers } from '../../domain/policy.ts';
import type { GraphContext } from '../context.ts';

export async function visibleMembers(
  { caller, loaders }: GraphContext,
  image: Pick<SeenImage, 'id' | 'owner'>,
): Promise<ImageMember[]> {
  return knownMembers(caller, image, await loaders.members.load(image.id));
}
