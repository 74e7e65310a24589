/** What there is below /v2/images, but for the bytes. */
import type { Resource } from '../operation.ts';
import { deactivation, reactivation } from './activation.ts';
import { changeImage, removeImage, showImage } from './image.ts';
import { patchTypes } from './image-patch.ts';
import { addImage, listImages } from './images.ts';
import { importing } from './import.ts';
import { locationAdding, showLocations } from './locations.ts';
import { addMember, answerShare, listMembers, removeMember, showMember } from './members.ts';
import { addTag, removeTag } from './tags.ts';
import { listTasksOfImage } from './tasks.ts';

/** What If-Match refuses, where there is one. */
const stale = { REVISION_MISMATCH: 412 };

export const imageResources: readonly Resource[] = [
  {
    path: '/images',
    operations: {
      GET: { run: listImages },
      POST: { body: 'json', action: 'createImage', rates: ['creates'], run: addImage },
    },
  },
  {
    path: '/images/:id',
    operations: {
      GET: { run: showImage },
      // Formats that are fixed are fields that may not be written, and so is the last location.
      PATCH: {
        body: patchTypes,
        action: 'updateImage',
        statuses: { ...stale, WRONG_STATUS: 403, LAST_COPY: 403 },
        run: changeImage,
      },
      DELETE: { action: 'deleteImage', statuses: stale, run: removeImage },
    },
  },
  {
    path: '/images/:id/tags/:tag',
    operations: {
      PUT: { action: 'updateImage', run: addTag },
      DELETE: { action: 'updateImage', run: removeTag },
    },
  },
  {
    path: '/images/:id/members',
    operations: {
      GET: { run: listMembers },
      POST: { body: 'json', action: 'addImageMember', run: addMember },
    },
  },
  {
    path: '/images/:id/members/:member',
    operations: {
      // Of an image that has no members there is none to be found.
      GET: { statuses: { NOT_SHARED: 404 }, run: showMember },
      PUT: { body: 'json', action: 'respondToImageShare', run: answerShare },
      DELETE: { action: 'removeImageMember', run: removeMember },
    },
  },
  { path: '/images/:id/import', operations: { POST: importing } },
  {
    path: '/images/:id/locations',
    operations: { GET: { action: 'listImageLocations', run: showLocations }, POST: locationAdding },
  },
  { path: '/images/:id/tasks', operations: { GET: { run: listTasksOfImage } } },
  { path: '/images/:id/actions/deactivate', operations: { POST: deactivation } },
  { path: '/images/:id/actions/reactivate', operations: { POST: reactivation } },
];
