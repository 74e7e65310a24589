/** A stop that lets running work finish: of requests, of connections, and of what outlives both. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';

/** Connections that fall idle are closed this often: a client may keep one open for as long as it likes. */
const sweepEveryMs = 100;
/** What is cut off needs a moment to undo what it began. Longer than that waits for a store or a database. */
const undoPatienceMs = 10_000;

export interface Work {
  /** Resolves when no handler runs, whether or not a client still waits for its answer. */
  ended(): Promise<void>;
}

/** Watches the handlers of all routes that are added from now on. */
export function watchWork(http: FastifyInstance): Work {
  const running = new Set<Promise<unknown>>();
  http.addHook('onRoute', (route) => {
    const { handler } = route;
    route.handler = function (request, reply) {
      const result: unknown = handler.call(this, request, reply);
      if (result instanceof Promise) {
        running.add(result);
        const forget = () => running.delete(result);
        result.then(forget, forget);
      }
      return result;
    };
  });
  return {
    async ended() {
      while (running.size > 0) await Promise.allSettled(running);
    },
  };
}

/**
 * Takes no new connections and closes idle ones; resolves when all requests are answered. Those that take longer
 * than `patienceMs` are told by `cut` and lose their connections, and may undo what they began.
 */
export async function drain(
  http: FastifyInstance,
  work: Work,
  { patienceMs, cut }: { patienceMs: number; cut(): void },
): Promise<void> {
  const patience = setTimeout(() => {
    cut();
    http.server.closeAllConnections();
  }, patienceMs);
  const sweep = setInterval(() => http.server.closeIdleConnections(), sweepEveryMs);
  try {
    await http.close();
  } finally {
    clearTimeout(patience);
    clearInterval(sweep);
  }
  const given = new AbortController();
  await Promise.race([
    work.ended(),
    sleep(undoPatienceMs, undefined, { signal: given.signal }).catch(() => {}),
  ]);
  given.abort();
}
