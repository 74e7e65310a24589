/** One image: shown, changed, taken away. */
import { deleteImage } from '../../actions/delete-image.ts';
import { findImage, noImage } from '../../actions/require-image.ts';
import { updateImageBy } from '../../actions/update-image.ts';
import type { SeenImage } from '../../db/images.ts';
import { isKnown } from '../../http/conditions.ts';
import { type Answer, type Ask, noContent, ok } from '../operation.ts';
import { etagOf, requireMatch } from './etag.ts';
import { imageJson, shownFields } from './image-json.ts';
import { readPatch } from './image-patch.ts';

const readFields = [...shownFields, 'revision'] as const;

export async function showImage({ app, caller, params, headers }: Ask): Promise<Answer> {
  const { id = '' } = params;
  const image = await findImage(app, caller, id, readFields);
  if (!image) throw noImage(id);
  const answer = shown(app, image);
  const { etag = '' } = answer.headers ?? {};
  return isKnown(headers['if-none-match'], etag) ? { status: 304, headers: { etag } } : answer;
}

function shown({ stores }: Ask['app'], image: SeenImage): Answer {
  return ok(imageJson(image, stores), { etag: etagOf(image) });
}

export async function changeImage({ app, caller, params, headers, json, mediaType }: Ask): Promise<Answer> {
  const { newOwner, changeOf } = readPatch(json, mediaType);
  const match = requireMatch(headers['if-match']);
  const { image } = await updateImageBy(app, caller, {
    id: params.id ?? '',
    newOwner,
    decide(row) {
      match?.(row);
      return changeOf(row);
    },
  });
  return shown(app, image);
}

export async function removeImage({ app, caller, params, headers }: Ask): Promise<Answer> {
  await deleteImage(app, caller, { id: params.id ?? '', check: requireMatch(headers['if-match']) });
  return noContent;
}
