/** Gives a project limits of its own, or takes them away. */
import { changeOwnLimits } from '../db/own-limits.ts';
import { findUsage } from '../db/quotas.ts';
import { type Actor, actorOf } from '../domain/audit.ts';
import type { Caller } from '../domain/caller.ts';
import { ForbiddenError, invalid, ValidationError, type ValidationIssue } from '../domain/errors.ts';
import { projectIssues } from '../domain/fields.ts';
import { mayManageQuotas } from '../domain/policy.ts';
import {
  type Quota,
  type QuotaResource,
  quotas,
  quotasOf,
  requireLimit,
  requireResource,
} from '../domain/quota.ts';
import type { App } from './app.ts';
import { requireToken } from './require-image.ts';

export interface SetQuota {
  project: string;
  /** A limit of null is none, whatever the settings say. */
  set: readonly { resource: string; limit: number | bigint | null }[];
  /** Those of the settings count again. */
  unset: readonly string[];
  /** Who is said to have done it, where that is not the caller. */
  by?: Actor;
}

export interface QuotaChange {
  project: string;
  before: Quota[];
  after: Quota[];
}

/**
 * What the project could have and can have from now on. A limit below what is used takes nothing away: it only lets
 * nothing more in.
 *
 * @throws ForbiddenError  not an admin
 * @throws ValidationError an unknown resource, a limit that is none, the same resource twice, nothing to change; or
 *                         KEPT_IN_KEYSTONE: limits are not kept here
 */
export async function setQuota(app: App, caller: Caller, input: SetQuota): Promise<QuotaChange> {
  requireToken(caller);
  if (!mayManageQuotas(app.policy, caller))
    throw new ForbiddenError('Only an admin sets quotas; ask one for more.');
  const { project } = input;
  const change = requireChange(input);
  if (app.quotas.unified) {
    const message = `Limits are kept in Keystone here; set them there: openstack limit create --project ${project} ...`;
    throw invalid(['project'], 'KEPT_IN_KEYSTONE', message);
  }
  const { before, after } = await changeOwnLimits(app.db, {
    ...change,
    project,
    by: input.by ?? actorOf(caller),
  });
  const used = await findUsage(app.db, project);
  const { defaults } = app.quotas;
  return {
    project,
    before: quotasOf({ ...defaults, ...before }, used),
    after: quotasOf({ ...defaults, ...after }, used),
  };
}

function requireChange({ project, set, unset }: SetQuota) {
  if (set.length + unset.length > quotas.length) {
    throw invalid(
      ['set'],
      'TOO_MANY',
      `There are ${quotas.length} quotas; name each once, in set or in unset.`,
    );
  }
  const issues: ValidationIssue[] = [];
  const tried = <T>(read: () => T): T | null => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      issues.push(...error.issues);
      return null;
    }
  };
  tried(() => requireProject(['project'], project));
  const limits = set.map(({ resource, limit }, n) => ({
    resource: tried(() => requireResource(['set', `${n}`, 'resource'], resource)),
    limit: tried(() => requireLimit(['set', `${n}`, 'limit'], limit)),
  }));
  const gone = unset.map((resource, n) => tried(() => requireResource(['unset', `${n}`], resource)));
  tried(() => requireOnce([...limits.map(({ resource }) => resource), ...gone]));
  if (issues.length > 0) throw new ValidationError(issues);
  return {
    set: limits as { resource: QuotaResource; limit: number | null }[],
    unset: gone as QuotaResource[],
  };
}

function requireOnce(resources: readonly (QuotaResource | null)[]): void {
  if (resources.length === 0) {
    throw invalid(['set'], 'REQUIRED', 'Say in set or unset what is to change.');
  }
  const twice = resources.find((one, n) => one !== null && resources.indexOf(one) !== n);
  if (twice) throw invalid(['set'], 'CONTRADICTION', `${twice} is named twice; say once what becomes of it.`);
}

/** @throws ValidationError at `path`: no project can be called so */
export function requireProject(path: string[], project: string): void {
  const issues = projectIssues(path, project);
  if (issues.length > 0) throw new ValidationError(issues);
}
