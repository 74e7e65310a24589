/** Deactivating and reactivating an image. */
import { deactivateImage, reactivateImage } from '../../actions/change-activation.ts';
import { type Ask, noContent, type Operation } from '../operation.ts';

const changing = (action: string, change: typeof deactivateImage): Operation => ({
  action,
  // An image without data is not one to be forbidden, Glance says all the same.
  statuses: { WRONG_STATUS: 403 },
  async run({ app, caller, params }: Ask) {
    await change(app, caller, { id: params.id ?? '' });
    return noContent;
  },
});

export const deactivation = changing('deactivateImage', deactivateImage);
export const reactivation = changing('reactivateImage', reactivateImage);
