/** What clients ask about the service itself before they do something. */
import { type Answer, type Ask, ok, type Resource } from './operation.ts';
import { copyRemoval, listStoreDetails, listStores } from './stores.ts';

const importMethods = ({ app }: Ask): Answer =>
  ok({
    'import-methods': {
      description: 'Import methods available.',
      type: 'array',
      value: app.imports.methods,
    },
  });

/** What the caller's project uses, by the name of each limit. There are no limits yet, and so no names. */
const usage = (): Answer => ok({ usage: {} });

export const infoResources: readonly Resource[] = [
  { path: '/info/import', operations: { GET: { run: importMethods } } },
  { path: '/info/stores', operations: { GET: { run: listStores } } },
  { path: '/info/stores/detail', operations: { GET: { run: listStoreDetails } } },
  { path: '/info/usage', operations: { GET: { run: usage } } },
  { path: '/stores/:store/:id', operations: { DELETE: copyRemoval } },
];
