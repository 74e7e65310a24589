/** The type Image as others name it: its fields are in `image.ts`. */
import type { SeenImage } from '../../db/images.ts';
import { builder } from '../builder.ts';

export const ImageType = builder.objectRef<SeenImage>('Image');
