/** What a project may have, and has. */
import { findUsage } from '../db/quotas.ts';
import type { Caller } from '../domain/caller.ts';
import { ForbiddenError } from '../domain/errors.ts';
import { mayManageQuotas } from '../domain/policy.ts';
import { type Quota, quotasOf } from '../domain/quota.ts';
import { allowanceOf } from './allowance.ts';
import type { App } from './app.ts';
import { requireToken } from './require-image.ts';
import { requireProject } from './set-quota.ts';

/**
 * Of the caller's project; none without one. What is used is exact.
 * @throws UnavailableError Keystone keeps the limits, does not answer, and never said those of this project
 */
export async function listOwnQuotas(app: App, { project }: Caller): Promise<Quota[]> {
  return project === null ? [] : quotasOfProject(app, project);
}

/**
 * Of any project: whether there is one only Keystone knows.
 * @throws ForbiddenError   not an admin
 * @throws ValidationError  no project can be called so
 * @throws UnavailableError as listOwnQuotas
 */
export async function listQuotas(app: App, caller: Caller, project: string): Promise<Quota[]> {
  requireToken(caller);
  if (!mayManageQuotas(app.policy, caller))
    throw new ForbiddenError('Only an admin reads the quotas of other projects.');
  requireProject(['project'], project);
  return quotasOfProject(app, project);
}

async function quotasOfProject(app: App, project: string): Promise<Quota[]> {
  const [{ limits }, used] = await Promise.all([allowanceOf(app, project), findUsage(app.db, project)]);
  return quotasOf(limits, used);
}
