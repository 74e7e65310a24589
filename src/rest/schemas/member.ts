/** The schemas of a member, a project that an image is shared with, and of all members of an image. */
import { memberStatuses } from '../../domain/image.ts';
import { listSchema, readOnly, text, uuidPattern } from './collection.ts';

export const memberSchema = {
  name: 'member',
  properties: {
    created_at: text('Date and time of image member creation'),
    image_id: text('An identifier for the image', { pattern: uuidPattern }),
    member_id: text('An identifier for the image member (tenantId)'),
    status: text('The status of this image member', { enum: memberStatuses }),
    updated_at: text('Date and time of last modification of image member'),
    schema: readOnly({ type: 'string' }),
  },
};

export const membersSchema = listSchema('members', memberSchema);
