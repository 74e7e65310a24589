/** The section `quotas`: what each project may have that has no limits of its own. */
import { parseAmount } from './parse.ts';
import { keys, one } from './shape.ts';

const limit = (parse: (text: string) => number) =>
  one(parse)
    .optional()
    .transform((value) => value ?? null);
const count = limit((text) => parseAmount(text, 'COUNT'));
const bytes = limit((text) => parseAmount(text, 'BYTES'));

export const quotasSection = keys({ images: count, bytes, stagingBytes: bytes, uploads: count }).transform(
  (section) => Object.freeze(section),
);
