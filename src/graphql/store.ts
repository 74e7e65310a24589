/** Stores, as users see them: names and what they can do, never where they are. */
import { requireToken } from '../actions/require-image.ts';
import { isWritable, type Store } from '../stores/store.ts';
import { builder } from './builder.ts';
import { Node } from './node.ts';

/** A store of the settings, or the name of one that they no longer have. */
type StoreLike = Store | { id: string; type: 'unknown' };

const isKnown = (store: StoreLike): store is Store => 'probe' in store;

export const StoreType = builder.objectRef<StoreLike>('Store').implement({
  description: 'A place that keeps bytes.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: '"Store:<name>".', resolve: (store) => `Store:${store.id}` }),
    name: t.string({ description: 'The id in the settings.', resolve: (store) => store.id }),
    type: t.exposeString('type', {
      description: 'The driver: file, swift, s3, http, memory; unknown when the settings no longer name it.',
    }),
    description: t.string({
      nullable: true,
      description: 'What the operator says of it; null when nothing.',
      resolve: (store, _args, { app }) => app.stores.descriptionOf(store.id),
    }),
    default: t.boolean({
      description: 'Where bytes go when nobody says where.',
      resolve: (store, _args, { app }) => store.id === app.stores.default.id,
    }),
    readOnly: t.boolean({
      description: 'Nothing can be written to it.',
      resolve: (store) => !isKnown(store) || !isWritable(store),
    }),
    available: t.boolean({
      description: 'It answers now.',
      resolve: async (store) => isKnown(store) && (await answers(store)),
    }),
  }),
});

async function answers(store: Store): Promise<boolean> {
  try {
    await store.probe(AbortSignal.timeout(2_000));
    return true;
  } catch {
    return false;
  }
}

builder.queryField('stores', (t) =>
  t.field({
    type: [StoreType],
    description: 'All stores of this service.',
    resolve: (_root, _args, { app, caller }) => {
      requireToken(caller);
      return [...app.stores.all];
    },
  }),
);
