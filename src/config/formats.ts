/** The section `formats`: which bytes are published. */
import { parseBoolean, parseByteSize } from './parse.ts';
import { keys, listOf, one } from './shape.ts';

/** Others lie in several files, or name some of the host. */
const vmdkTypes = ['streamOptimized', 'monolithicSparse'] as const;
const vmdkType = one((text) => {
  const known = vmdkTypes.find((type) => type === text);
  if (!known) throw new Error(`is one of ${vmdkTypes.join(', ')}: other types name files beside the image`);
  return known;
});

export const formatsSection = keys({
  requireMatch: one(parseBoolean).default(true),
  rawMayHide: one(parseBoolean).default(false),
  vmdkTypes: listOf(vmdkType, vmdkTypes.length).default([...vmdkTypes]),
  virtualSizeMax: one(parseByteSize).default(16 * 2 ** 40),
}).transform((section) => Object.freeze(section));
