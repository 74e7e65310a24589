/** Limits of single projects, in place of those of the settings. */
import { sql } from 'drizzle-orm';
import { type Actor, changesOf } from '../domain/audit.ts';
import { type Limits, type QuotaResource, quotas } from '../domain/quota.ts';
import { recordChange } from './audit.ts';
import type { Database } from './client.ts';
import { transaction } from './client.ts';
import { projectLock } from './quotas.ts';
import { projectQuotas } from './tables.ts';

/** Limits of its own that a project has, by the name of the amount. */
export async function findOwnLimits(db: Database, project: string): Promise<Partial<Limits>> {
  const text = 'select resource, max_amount as "limit" from project_quotas where project = $1::text';
  return limitsOf(await db.query(text, [project]));
}

const limitsOf = (rows: { resource: string; limit: number | null }[]): Partial<Limits> =>
  Object.fromEntries(
    quotas.flatMap(({ name, resource }) =>
      rows.filter((row) => row.resource === resource).map(({ limit }) => [name, limit]),
    ),
  );

/** Projects that have limits of their own. */
export async function findProjectsWithLimits(db: Database): Promise<string[]> {
  const rows = await db.query<{ project: string }>(
    'select distinct project from project_quotas order by project',
    [],
  );
  return rows.map(({ project }) => project);
}

export interface LimitChange {
  project: string;
  /** Null: no limit. */
  set: readonly { resource: QuotaResource; limit: number | null }[];
  unset: readonly QuotaResource[];
  by: Actor;
}

/** Changes the limits of its own that a project has: what they were, and are. */
export async function changeOwnLimits(
  db: Database,
  { project, set, unset, by }: LimitChange,
): Promise<{ before: Partial<Limits>; after: Partial<Limits> }> {
  return transaction(db, async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${projectLock}, hashtext(${project}))`);
    const read = async () =>
      limitsOf(
        await tx
          .select({ resource: projectQuotas.resource, limit: projectQuotas.limit })
          .from(projectQuotas)
          .where(sql`${projectQuotas.project} = ${project}`),
      );
    const before = await read();
    for (const resource of unset) {
      await tx
        .delete(projectQuotas)
        .where(sql`${projectQuotas.project} = ${project} and ${projectQuotas.resource} = ${resource}`);
    }
    for (const { resource, limit } of set) {
      const row = { limit, setBy: by.user, setAt: sql`now()` };
      await tx
        .insert(projectQuotas)
        .values({ project, resource, ...row })
        .onConflictDoUpdate({ target: [projectQuotas.project, projectQuotas.resource], set: row });
    }
    const after = await read();
    await recordChange(tx, {
      by,
      action: 'setQuota',
      object: { type: 'project', id: project, owner: project },
      changes: changesOf({ quotas: shown(before) }, { quotas: shown(after) }),
    });
    return { before, after };
  });
}

/** What the audit log says of limits: a limit of its own that is none is not the same as having no limit of its own. */
const shown = (limits: Partial<Limits>) =>
  Object.fromEntries(Object.entries(limits).map(([resource, limit]) => [resource, limit ?? 'none']));
