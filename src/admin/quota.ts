/** `vitrine quota`: what projects may have and have, on the database of the settings, its servers running or not. */
import type { App } from '../actions/app.ts';
import { listQuotas } from '../actions/list-quotas.ts';
import { setQuota } from '../actions/set-quota.ts';
import type { Config } from '../config/config.ts';
import { parseAmount } from '../config/parse.ts';
import { findProjectsWithLimits } from '../db/own-limits.ts';
import { findDrift, findProjectsInUse, recountUsage } from '../db/usage-sums.ts';
import { callerWith } from '../domain/caller.ts';
import { type Quota, quotas } from '../domain/quota.ts';
import { thisOperator } from './operator.ts';
import { withApp } from './with-app.ts';

export interface ListFlags {
  json: boolean;
}

/** Whoever runs this has the database: an admin. */
const operator = callerWith({ user: null, project: null, roles: ['admin'] });

/** One project, or all that have something or limits of their own. */
export async function listProjectQuotas(
  config: Config,
  project: string | undefined,
  { json }: ListFlags,
): Promise<void> {
  await withApp(config, async (app) => {
    const projects = project === undefined ? await findProjects(app) : [project];
    for (const one of projects) {
      const found = await listQuotas(app, operator, one);
      if (json) console.log(JSON.stringify({ project: one, quotas: found }));
      else console.log(linesOf(one, found).join('\n'));
    }
    if (projects.length === 0) console.error('No project has anything, or limits of its own.');
  });
}

async function findProjects({ db }: App): Promise<string[]> {
  const found = await Promise.all([findProjectsInUse(db), findProjectsWithLimits(db)]);
  return [...new Set(found.flat())].sort();
}

/** Limits as `1 TiB`, `100` or `none`, by the names of the settings or those of Keystone. */
export async function setProjectQuota(
  config: Config,
  project: string,
  given: readonly string[],
): Promise<void> {
  const set = given.map((text) => {
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/.exec(text) ?? [];
    const { resource, unit } = requireQuota(name || text);
    return { resource, limit: limitOf(name, value, unit) };
  });
  await change(config, { project, set, unset: [] });
}

export async function unsetProjectQuota(
  config: Config,
  project: string,
  names: readonly string[],
): Promise<void> {
  const known = names.map((name) => requireQuota(name).resource);
  const unset = known.length > 0 ? known : quotas.map(({ resource }) => resource);
  await change(config, { project, set: [], unset });
}

async function change(config: Config, input: Parameters<typeof setQuota>[2]): Promise<void> {
  await withApp(config, async (app) => {
    const { after } = await setQuota(app, operator, { ...input, by: thisOperator() });
    console.log(linesOf(input.project, after).join('\n'));
    for (const { resource, limit, used } of after) {
      if (limit === null || used <= limit) continue;
      console.log(`It has more of ${resource} already: nothing goes, and nothing more comes.`);
    }
  });
}

function requireQuota(name: string) {
  const found = quotas.find((one) => one.name === name || one.resource === name);
  if (found) return found;
  const known = quotas.map((one) => `${one.name} (${one.resource})`).join(', ');
  throw new Error(`there is no quota ${JSON.stringify(name)}; there are ${known}`);
}

function limitOf(name: string, value: string, unit: 'BYTES' | 'COUNT'): number | null {
  if (value === 'none') return null;
  try {
    return parseAmount(value, unit);
  } catch (error) {
    throw new Error(`${name || 'a limit'} ${(error as Error).message}, 0, or none for no limit`);
  }
}

function linesOf(project: string, found: readonly Quota[]): string[] {
  const width = Math.max(...found.map(({ resource }) => resource.length));
  return [
    project,
    ...found.map(({ resource, unit, limit, used }) => {
      const shown = (amount: number) => (unit === 'BYTES' ? shownBytes(amount) : `${amount}`);
      return `  ${resource.padEnd(width)}  ${shown(used)} of ${limit === null ? 'no limit' : shown(limit)}`;
    }),
  ];
}

function shownBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let [amount, n] = [bytes, 0];
  while (amount >= 1024 && n < units.length - 1) [amount, n] = [amount / 1024, n + 1];
  return `${n === 0 ? amount : amount.toFixed(1)} ${units[n]}`;
}

/** True: all sums are what the rows say, or were made so. */
export async function checkQuotas(config: Config, { repair }: { repair: boolean }): Promise<boolean> {
  return withApp(config, async ({ db }) => {
    const drift = await findDrift(db);
    for (const { project, resource, kept, counted } of drift) {
      console.log(`${project}  ${resource}  kept ${kept}, counted ${counted}`);
    }
    console.error(drift.length === 0 ? 'All sums are what the rows say.' : `${drift.length} sums are wrong.`);
    if (drift.length === 0 || !repair) return drift.length === 0;
    await recountUsage(db, { images: drift.some(({ resource }) => resource === 'image_count_total') });
    console.error('They were counted anew.');
    return (await findDrift(db)).length === 0;
  });
}
