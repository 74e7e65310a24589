/** What clients ask about the service itself before they do something. */
import type { App } from '../actions/app.ts';
import { listOwnQuotas } from '../actions/list-quotas.ts';
import type { Quota } from '../domain/quota.ts';
import { type Answer, type Ask, ok, type Resource } from './operation.ts';
import { copyRemoval, listStoreDetails, listStores } from './stores.ts';

const importMethods = ({ app }: Ask): Answer =>
  ok({
    'import-methods': {
      description: `Import methods available.${conversion(app)}`,
      type: 'array',
      value: app.imports.methods,
    },
  });

/** The version of the API has no field for it. */
function conversion({ imports }: App): string {
  if (!imports.converter) return '';
  const { from, to } = imports.converter.rule;
  return ` Disks (${from.filter((format) => format !== to).join(', ')}) are converted to ${to} on their way in.`;
}

/** What the caller's project may have and has: counts, and sizes in MiB, as Keystone keeps their limits. */
async function usage({ app, caller }: Ask): Promise<Answer> {
  const quotas = await listOwnQuotas(app, caller);
  return ok({ usage: Object.fromEntries(quotas.map((quota) => [quota.resource, usageJson(quota)])) });
}

const mebibyte = 2 ** 20;
/** In Keystone's words. */
const noLimit = -1;

function usageJson({ unit, limit, used }: Quota): { limit: number; usage: number } {
  const size = unit === 'BYTES' ? mebibyte : 1;
  return { limit: limit === null ? noLimit : Math.floor(limit / size), usage: Math.ceil(used / size) };
}

export const infoResources: readonly Resource[] = [
  { path: '/info/import', operations: { GET: { run: importMethods } } },
  { path: '/info/stores', operations: { GET: { run: listStores } } },
  { path: '/info/stores/detail', operations: { GET: { action: 'listStoreDetails', run: listStoreDetails } } },
  { path: '/info/usage', operations: { GET: { run: usage } } },
  { path: '/stores/:store/:id', operations: { DELETE: copyRemoval } },
];
