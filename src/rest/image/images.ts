/** The collection of images: a page of it, and a new one. */
import { createImage } from '../../actions/create-image.ts';
import { listImages as listImagesOf } from '../../actions/list-images.ts';
import { type Answer, type Ask, ok } from '../operation.ts';
import { etagOf } from './etag.ts';
import { readImage } from './image-fields.ts';
import { readListQuery } from './list-query.ts';
import { pageLink } from './page-link.ts';
import { fieldsShown, shownImage } from './shown-image.ts';

export async function listImages(ask: Ask): Promise<Answer> {
  const { app, caller, query } = ask;
  const { limit, marker, ...asked } = readListQuery(ask);
  const list = await listImagesOf(app, caller, {
    ...asked,
    page: { first: limit, afterId: marker },
    fields: fieldsShown(app),
  });
  const last = list.images.at(-1);
  const next = last && (await list.hasNextPage()) ? pageLink('/v2/images', query, last.id) : null;
  return ok({
    images: await Promise.all(list.images.map((image) => shownImage(app, image))),
    first: pageLink('/v2/images', query, null),
    ...(next !== null && { next }),
    schema: '/v2/schemas/images',
  });
}

export async function addImage({ app, caller, json, baseUrl }: Ask): Promise<Answer> {
  const { image } = await createImage(app, caller, readImage(json));
  return {
    status: 201,
    body: await shownImage(app, image),
    headers: {
      location: `${baseUrl}/v2/images/${image.id}`,
      etag: etagOf(image),
      // What openstacksdk chooses the way of an upload by.
      'openstack-image-import-methods': app.imports.methods.join(','),
      'openstack-image-store-ids': app.stores.all.map(({ id }) => id).join(','),
    },
  };
}
