/** Stores: what there is, more of it for who operates them, and single copies taken out of one. */
import { deleteImageCopy } from '../actions/delete-image-copy.ts';
import { ForbiddenError } from '../domain/errors.ts';
import { maySeeStoreDetails } from '../domain/policy.ts';
import { isWritable, type Store } from '../stores/store.ts';
import { type Answer, type Ask, noContent, type Operation, ok } from './operation.ts';

/** Booleans are texts here, and only those that are true are there. */
const storeJson = ({ stores }: Ask['app'], store: Store) => {
  const description = stores.descriptionOf(store.id);
  return {
    id: store.id,
    ...(description !== null && { description }),
    ...(store.id === stores.default.id && { default: 'true' }),
    ...(!isWritable(store) && { 'read-only': 'true' }),
  };
};

export const listStores = ({ app }: Ask): Answer =>
  ok({ stores: app.stores.all.map((store) => storeJson(app, store)) });

export function listStoreDetails({ app, caller }: Ask): Answer {
  if (!maySeeStoreDetails(app.policy, caller)) {
    throw new ForbiddenError('You may not see where the stores are; /v2/info/stores has their names.');
  }
  const { stores } = app;
  return ok({
    stores: stores.all.map((store) => ({
      ...storeJson(app, store),
      type: store.type,
      weight: stores.weightOf(store.id),
      properties: stores.detailsOf(store.id),
    })),
  });
}

export const copyRemoval: Operation = {
  action: 'deleteImageCopy',
  statuses: { LAST_COPY: 403, UNKNOWN_STORE: 409 },
  async run({ app, caller, params }: Ask): Promise<Answer> {
    await deleteImageCopy(app, caller, { imageId: params.id ?? '', store: params.store ?? '' });
    return noContent;
  },
};
