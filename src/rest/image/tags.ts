/** Single tags of an image. */
import { updateImage, updateImageBy } from '../../actions/update-image.ts';
import { NotFoundError } from '../../domain/errors.ts';
import { type Answer, type Ask, noContent } from '../operation.ts';

export async function addTag({ app, caller, params }: Ask): Promise<Answer> {
  await updateImage(app, caller, { id: params.id ?? '', addTags: [params.tag ?? ''] });
  return noContent;
}

export async function removeTag({ app, caller, params }: Ask): Promise<Answer> {
  const { id = '', tag = '' } = params;
  await updateImageBy(app, caller, {
    id,
    newOwner: null,
    decide({ tags }) {
      if (tags.includes(tag)) return { removeTags: [tag] };
      throw new NotFoundError(`Image ${id} has no tag ${JSON.stringify(tag.slice(0, 255))}.`);
    },
  });
  return noContent;
}
