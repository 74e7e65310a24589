/** What a project may have: from Keystone where its limits are kept there, or its own limits and those of the settings. */
import { findOwnLimits } from '../db/own-limits.ts';
import { findUsage } from '../db/quotas.ts';
import { findReleased } from '../db/strays.ts';
import { QuotaExceededError } from '../domain/errors.ts';
import { type Allowance, type Amounts, isLimited, requireRoom, unlimited } from '../domain/quota.ts';
import type { App } from './app.ts';
import { removeStray } from './reap.ts';

/** @throws UnavailableError Keystone keeps the limits, does not answer, and never said those of this project */
export async function allowanceOf(app: App, project: string | null): Promise<Allowance> {
  if (project === null) return { project, limits: unlimited };
  const { defaults, unified } = app.quotas;
  const own = await (unified ? unified.limitsOf(project) : findOwnLimits(app.db, project));
  return { project, limits: { ...defaults, ...own } };
}

/**
 * Begins something that needs room in a project's quota. Where bytes are short, what the project has deleted is removed
 * at once, not in the background, and it is tried once more.
 * @throws QuotaExceededError and what `begin` throws
 */
export async function withRoom<T>(
  app: App,
  project: string | null,
  begin: (allowance: Allowance) => Promise<T>,
): Promise<T> {
  const allowance = await allowanceOf(app, project);
  try {
    return await begin(allowance);
  } catch (error) {
    if (!(await makeRoom(app, project, error))) throw error;
    return begin(allowance);
  }
}

/** Whether there may be more room after a refusal: something was removed, here or by the reaper meanwhile. */
export async function makeRoom(app: App, project: string | null, refusal: unknown): Promise<boolean> {
  if (project === null || !(refusal instanceof QuotaExceededError)) return false;
  if (!byteResources.has(refusal.resource)) return false;
  const stores = app.stores.writable.map(({ id }) => id);
  const objects = await findReleased(app.db, project, { stores, limit: removedAtOnce });
  const removed = await Promise.all(
    objects.map((object) => {
      const store = app.stores.writable.find(({ id }) => id === object.store);
      return store ? removeStray(app, store, object) : false;
    }),
  );
  return objects.length === 0 || removed.includes(true);
}

const byteResources = new Set(['image_size_total', 'image_stage_total']);
const removedAtOnce = 100;

/**
 * Says no to what would not find room now; nothing is reserved.
 * @throws QuotaExceededError
 */
export async function checkRoom(app: App, project: string | null, wanted: Partial<Amounts>): Promise<void> {
  await withRoom(app, project, async (allowance) => {
    if (!isLimited(allowance, wanted) || allowance.project === null) return;
    requireRoom(allowance, await findUsage(app.db, allowance.project), wanted);
  });
}
