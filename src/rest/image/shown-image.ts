/** What an answer shows of an image: what there always is, and where its bytes are, as far as the settings say. */
import type { App } from '../../actions/app.ts';
import { locationsOf } from '../../actions/list-locations.ts';
import type { SeenField, SeenImage } from '../../db/images.ts';
import { findStoredCopies } from '../../db/stored-copies.ts';
import { imageJson, type ShownImage, shownFields } from './image-json.ts';

const showsPlaces = ({ locations }: App) => locations.showMultiple || locations.showDirectUrl;

/** What is read for it. */
export const fieldsShown = (app: App): readonly SeenField[] =>
  showsPlaces(app) ? [...shownFields, 'places'] : shownFields;

export async function shownImage(app: App, image: ShownImage & Pick<SeenImage, 'places'>): Promise<object> {
  const shown = imageJson(image, app.stores);
  if (!showsPlaces(app)) return shown;
  const places =
    image.places ?? (await findStoredCopies(app.db, image.id)).filter(({ damage }) => damage === null);
  const locations = await locationsOf(app, places);
  const [first] = locations;
  return {
    ...shown,
    ...(app.locations.showDirectUrl && first && { direct_url: first.url }),
    ...(app.locations.showMultiple && {
      locations: locations.map(({ url, store }) => ({ url, metadata: { store } })),
    }),
  };
}
