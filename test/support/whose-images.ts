/** Arbitrary images as far as who sees them goes: whose they are, how visible, and shared with whom. */
import fc from 'fast-check';
import { imageVisibilities, memberStatuses } from '../../src/domain/image.ts';

export const project = fc.constantFrom('blue', 'red', 'green');

export const whoseImage = {
  owner: fc.option(project),
  visibility: fc.constantFrom(...imageVisibilities),
  hidden: fc.boolean(),
  members: fc.dictionary(project, fc.constantFrom(...memberStatuses)),
};
