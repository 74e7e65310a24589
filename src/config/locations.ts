/** The section `locations`: whether images of /v2 show where their bytes are, and are changed by it. */
import { parseBoolean } from './parse.ts';
import { keys, one } from './shape.ts';

export const locationsSection = keys({
  showMultiple: one(parseBoolean).default(false),
  showDirectUrl: one(parseBoolean).default(false),
}).transform((section) => Object.freeze(section));
