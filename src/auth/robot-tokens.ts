/**
 * Robot tokens, as requests bring them. What the database said of one is believed for a moment, so that a burst of
 * requests asks once, and a token that is revoked is refused by every server within that moment.
 */
import { LRUCache } from 'lru-cache';
import { type Caller, callerWith, type RobotView } from '../domain/caller.ts';
import { digestOfSecret, isSecret, type Token } from '../domain/token.ts';
import type { TokenCheck } from './token-check.ts';

/** A revoked token may be good for so long; stated in docs/tokens.md. */
export const believedMs = 2_000;
/** Tokens in mind at once, good or not: whoever tries many does not fill the memory. */
const believedMax = 5_000;
const noteEveryMs = 60_000;

type FoundToken = Token & { imageFilter: object | null; leftMs: number | null };

export interface RobotTokensOptions {
  /** By the digest of the secret; null when there is none that is good now. */
  find(digest: string): Promise<FoundToken | null>;
  /** Called once a minute for a token in use. */
  noteUse(id: string): Promise<void>;
  /** What the filter of a token with such roles looks into. */
  viewOf(caller: Caller): RobotView;
  log: { warn(fields: object, message: string): void };
}

/** What is known of a token for a moment. */
interface Known {
  caller: Caller | null;
}

export function robotTokens({ find, noteUse, viewOf, log }: RobotTokensOptions): TokenCheck {
  const known = new LRUCache<string, Known>({ max: believedMax, ttl: believedMs });
  const asked = new Map<string, Promise<Known>>();
  const noted = new LRUCache<string, true>({ max: believedMax, ttl: noteEveryMs });

  async function ask(digest: string): Promise<Known> {
    const start = performance.now();
    const token = await find(digest);
    const found: Known = { caller: token && callerOf(token, viewOf) };
    const ttl = Math.min(believedMs, Math.max(1, Math.floor(token?.leftMs ?? believedMs)));
    known.set(digest, found, { ttl, start });
    return found;
  }

  function once(digest: string): Promise<Known> {
    const running = asked.get(digest);
    if (running) return running;
    const answer = ask(digest).finally(() => asked.delete(digest));
    asked.set(digest, answer);
    return answer;
  }

  function note(id: string): void {
    if (noted.has(id)) return;
    noted.set(id, true);
    noteUse(id).catch((error: unknown) => {
      noted.delete(id);
      log.warn({ err: error, token: id }, 'the use of a token was not noted');
    });
  }

  return {
    async callerOf(secret) {
      if (!isSecret(secret)) return null;
      // By digest: how long it takes tells nothing about how much of a guess was right.
      const digest = digestOfSecret(secret);
      const { caller } = known.get(digest) ?? (await once(digest));
      if (caller?.robot) note(caller.robot.tokenId);
      return caller;
    },
  };
}

function callerOf(token: FoundToken, viewOf: RobotTokensOptions['viewOf']): Caller {
  const { id, user, project, roles, readOnly, imageFilter } = token;
  const view = viewOf(callerWith({ user, project, roles }));
  const robot = Object.freeze({ tokenId: id, readOnly, imageFilter, view });
  return callerWith({ user, project, roles, robot });
}
