/** One image: shown, changed, taken away. */
import { deleteImage } from '../../actions/delete-image.ts';
import { findImage, imageAfterChange, noImage } from '../../actions/require-image.ts';
import { updateImageBy } from '../../actions/update-image.ts';
import type { SeenImage } from '../../db/images.ts';
import { isKnown } from '../../http/conditions.ts';
import { type Answer, type Ask, noContent, ok } from '../operation.ts';
import { etagOf, requireMatch } from './etag.ts';
import { readPatch } from './image-patch.ts';
import { changeLocations, registrationsIn } from './location-patch.ts';
import { fieldsShown, shownImage } from './shown-image.ts';

export async function showImage({ app, caller, params, headers }: Ask): Promise<Answer> {
  const { id = '' } = params;
  const image = await findImage(app, caller, id, [...fieldsShown(app), 'revision']);
  if (!image) throw noImage(id);
  const answer = await shown(app, image);
  const { etag = '' } = answer.headers ?? {};
  return isKnown(headers['if-none-match'], etag) ? { status: 304, headers: { etag } } : answer;
}

async function shown(app: Ask['app'], image: SeenImage): Promise<Answer> {
  return ok(await shownImage(app, image), { etag: etagOf(image) });
}

export async function changeImage(ask: Ask): Promise<Answer> {
  const { app, caller, params, headers, json, mediaType } = ask;
  const { newOwner, locations, changeOf } = readPatch(json, mediaType, app.locations.showMultiple);
  const match = requireMatch(headers['if-match']);
  ask.take('imports', registrationsIn(locations));
  const { image } = await updateImageBy(app, caller, {
    id: params.id ?? '',
    newOwner,
    decide(row) {
      match?.(row);
      return changeOf(row);
    },
  });
  if (locations.length === 0) return shown(app, image);
  await changeLocations(ask, image.id, locations);
  return shown(app, await imageAfterChange(app, caller, image.id));
}

export async function removeImage({ app, caller, params, headers }: Ask): Promise<Answer> {
  await deleteImage(app, caller, { id: params.id ?? '', check: requireMatch(headers['if-match']) });
  return noContent;
}
