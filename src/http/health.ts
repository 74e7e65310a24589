/** Whether the process lives and whether it can serve: for people, load balancers and orchestrators. */
import type { FastifyInstance } from 'fastify';
import type { Metrics } from './metrics.ts';

/** A thing that must answer before we can: named, and asked with a deadline. */
export interface Check {
  name: string;
  /** False: others can still be served while it does not answer; it is only told of. */
  isNeeded: boolean;
  run(signal: AbortSignal): Promise<unknown>;
}

const deadlineMs = 2_000;

/** Load balancers ask with HEAD as often as with GET. */
const withHead = { exposeHeadRoute: true } as const;

/** `isDraining` makes the service unready while what runs may finish. */
export function healthRoutes(
  http: FastifyInstance,
  { checks, isDraining, metrics }: { checks: readonly Check[]; isDraining(): boolean; metrics: Metrics },
): void {
  async function outcome() {
    const results = await Promise.all(checks.map(async (check) => ({ check, result: await answers(check) })));
    const ready = !isDraining() && results.every(({ check, result }) => result === 'ok' || !check.isNeeded);
    return { results, ready };
  }

  http.get('/healthz', withHead, async () => ({ status: 'ok' }));

  http.get('/readyz', withHead, async (_request, reply) => {
    const { results, ready } = await outcome();
    reply.code(ready ? 200 : 503);
    const checked = Object.fromEntries(results.map(({ check, result }) => [check.name, result]));
    return { status: ready ? 'ready' : isDraining() ? 'draining' : 'not ready', checks: checked };
  });

  // What OpenStack's load balancers ask for: plain text, 200 or 503.
  http.get('/healthcheck', withHead, async (_request, reply) => {
    const { ready } = await outcome();
    reply.code(ready ? 200 : 503).type('text/plain; charset=utf-8');
    return ready ? 'OK' : 'Unavailable';
  });

  http.get('/metrics', async (_request, reply) => {
    reply.type(metrics.registry.contentType);
    return metrics.text();
  });
}

/** 'ok', or that it does not answer. Never waits longer than the deadline, whatever the check does. */
async function answers(check: Check): Promise<'ok' | 'no answer'> {
  const deadline = AbortSignal.timeout(deadlineMs);
  const timeout = new Promise<never>((_resolve, reject) => {
    deadline.addEventListener('abort', () => reject(deadline.reason), { once: true });
  });
  try {
    await Promise.race([check.run(deadline), timeout]);
    return 'ok';
  } catch {
    return 'no answer';
  }
}
