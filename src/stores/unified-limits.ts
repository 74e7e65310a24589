/**
 * Limits of projects as Keystone keeps them (unified limits): those registered for the image service, and those of
 * single projects. Asked for with a token for the whole system, as the user of the settings, who needs the role reader
 * there; remembered for a short while.
 *
 *   limit of the project -> registered limit -> none said (the caller has others)
 *
 * Keystone counts sizes in MiB, and -1 is no limit.
 */

import { call, drop, openLine, textOf } from '../cloud/http-call.ts';
import { connectionFailure, serverFailure, statusFailure } from '../cloud/http-failure.ts';
import { type KeystoneAccess, keystoneSession } from '../cloud/keystone.ts';
import type { AmountName, Limits } from '../domain/quota.ts';
import { quotas } from '../domain/quota.ts';

export interface UnifiedLimits {
  /**
   * What Keystone says of the project; what it says nothing of is left out. While Keystone is away, what it said last.
   * @throws UnavailableError it is away and never said anything of this project
   */
  limitsOf(project: string): Promise<Partial<Limits>>;
}

export interface UnifiedLimitsOptions {
  keystone: Omit<KeystoneAccess, 'authUrl'> & {
    /** Ends in /v3. */
    url: string;
    region?: string | undefined;
    connectTimeoutMs: number;
    answerTimeoutMs: number;
  };
  now?: () => number;
}

const rememberMs = 30_000;
/** After a failure it is not asked again for so long. */
const leaveAloneMs = 5_000;
/** Projects that are remembered: those asked for last. */
const rememberedMax = 10_000;
const server = { name: 'Keystone' };

/** As the Identity API v3 has them, "Unified Limits". */
interface Limit {
  resource_name: string;
  region_id: string | null;
  default_limit?: number;
  resource_limit?: number;
}

interface Known {
  /** What was said last; null: nothing yet. */
  limits: Partial<Limits> | null;
  until: number;
  asking: Promise<Partial<Limits>> | null;
  failure: unknown;
}

export function openUnifiedLimits({ keystone, now = Date.now }: UnifiedLimitsOptions): UnifiedLimits {
  const line = openLine({ connectMs: keystone.connectTimeoutMs });
  const access = { ...keystone, authUrl: keystone.url, isForSystem: true };
  const session = keystoneSession({ server, access, line, now });
  const known = new Map<string, Known>();

  async function get(path: string, signal: AbortSignal): Promise<unknown> {
    for (let isFirst = true; ; isFirst = false) {
      const grant = await session.grant();
      const headers = { 'x-auth-token': grant.token };
      const answer = await call({ line, method: 'GET', url: `${keystone.url}${path}`, headers, signal });
      const status = answer.statusCode ?? 0;
      if (status === 200) return JSON.parse(await textOf(answer));
      drop(answer);
      if (status !== 401 || !isFirst) throw statusFailure(server, status);
      session.forget(grant);
    }
  }

  async function fetchLimits(project: string): Promise<Partial<Limits>> {
    try {
      const signal = AbortSignal.timeout(keystone.answerTimeoutMs);
      const { services } = (await get('/services?type=image', signal)) as { services: { id: string }[] };
      const [service] = services;
      if (!service) return {};
      const about = `service_id=${encodeURIComponent(service.id)}`;
      const [registered, own] = (await Promise.all([
        get(`/registered_limits?${about}`, signal),
        get(`/limits?${about}&project_id=${encodeURIComponent(project)}`, signal),
      ])) as [{ registered_limits: Limit[] }, { limits: Limit[] }];
      return limitsFrom([...inRegion(registered.registered_limits), ...inRegion(own.limits)]);
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof TypeError) {
        throw serverFailure(server, 'answered with something else than limits', { cause: error });
      }
      throw connectionFailure(server, error);
    }
  }

  /** Those of our region count for more than those of none. */
  function inRegion(limits: Limit[]): Limit[] {
    const { region = null } = keystone;
    const anywhere = limits.filter(({ region_id }) => region_id === null);
    return region === null ? anywhere : [...anywhere, ...limits.filter((one) => one.region_id === region)];
  }

  /** The same question is asked once at a time. */
  function ask(project: string, entry: Known): Promise<Partial<Limits>> {
    entry.asking ??= fetchLimits(project)
      .then(
        (limits) => {
          Object.assign(entry, { limits, until: now() + rememberMs, failure: null });
          return limits;
        },
        (failure) => {
          Object.assign(entry, { until: now() + leaveAloneMs, failure });
          throw failure;
        },
      )
      .finally(() => {
        entry.asking = null;
      });
    return entry.asking;
  }

  return {
    async limitsOf(project) {
      const entry = known.get(project) ?? { limits: null, until: 0, asking: null, failure: null };
      known.delete(project);
      known.set(project, entry); // last in the order
      if (known.size > rememberedMax) known.delete(known.keys().next().value as string);
      try {
        if (entry.until <= now()) return await ask(project, entry);
      } catch (error) {
        if (entry.limits === null) throw error;
      }
      if (entry.limits === null) throw entry.failure;
      return entry.limits;
    },
  };
}

/** Of two for the same resource the later one counts. */
function limitsFrom(limits: readonly Limit[]): Partial<Limits> {
  const found: Partial<Record<AmountName, number | null>> = {};
  for (const { resource_name, default_limit, resource_limit } of limits) {
    const quota = quotas.find(({ resource }) => resource === resource_name);
    const limit = resource_limit ?? default_limit;
    if (!quota || typeof limit !== 'number') continue;
    if (limit < 0) found[quota.name] = null;
    else found[quota.name] = quota.unit === 'BYTES' ? limit * 2 ** 20 : limit;
  }
  return found;
}
