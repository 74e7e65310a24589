/**
 * The way out for every URL that a user names. A host is resolved once for each hop, every one of its addresses has to
 * be permitted, and the connection goes to one of those very addresses; a redirect is a URL like the first one.
 *
 *   text -> URL -> addresses -> all permitted? -> connect to one of them -> answer, or redirect: again from the left
 *
 * Whatever is refused is refused with the same words, so that nobody can find out what is behind; so is what only a
 * name server failed at, though that may be tried again.
 */
import type { IncomingMessage } from 'node:http';
import { addressOf } from '../../domain/address.ts';
import { invalid, UnavailableError, type ValidationError } from '../../domain/errors.ts';
import { hostOf } from '../../domain/host-rule.ts';
import { addressesOf, mayBeKnownLater, type Resolve, systemResolve } from './addresses.ts';
import { answerFrom } from './connect.ts';
import { type EgressSettings, egressRules } from './rules.ts';

export interface EgressRequest {
  url: string;
  method: 'GET' | 'HEAD';
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

export interface EgressAnswer {
  /** Of any status but a redirect. The caller reads its body, or destroys it. */
  answer: IncomingMessage;
  /** Where it came from in the end. */
  url: URL;
}

export interface Egress {
  /**
   * Looks at the URL itself, asking nobody: its scheme, port, and host where that is an address.
   * @throws ValidationError URL_REFUSED at `path`
   */
  requireUrl(url: string, path: string[]): void;
  /**
   * @throws ValidationError URL_REFUSED: not a URL that this service may fetch, or it leads to one
   * @throws UnavailableError whether it is one cannot be found out now
   * @throws Error with a code: the server cannot be reached, or broke off
   */
  request(asked: EgressRequest): Promise<EgressAnswer>;
  /** For one transfer as a whole, in milliseconds. */
  readonly timeoutMs: number;
}

export interface EgressOptions {
  resolve?: Resolve;
  connectMs?: number;
  answerMs?: number;
}

const redirects = new Set([301, 302, 303, 307, 308]);
/** A host with more addresses is tried at its first ones. */
const addressesTried = 4;

export function openEgress(settings: EgressSettings, options: EgressOptions = {}): Egress {
  const { resolve = systemResolve, connectMs = 5_000, answerMs = 30_000 } = options;
  const rules = egressRules(settings);

  /** Addresses that one may connect to: all that there are, or none. */
  async function permitted(url: URL): Promise<readonly string[]> {
    const host = hostOf(url);
    const found = await within(connectMs, addressesOf(host, resolve)).catch(unresolved);
    const isPermitted = (text: string) => {
      const address = addressOf(text);
      return address !== null && rules.permits(url, address);
    };
    if (found.length === 0 || !found.every(isPermitted)) throw refused();
    return found.slice(0, addressesTried);
  }

  async function hop(url: URL, { method, headers = {}, signal }: EgressRequest): Promise<IncomingMessage> {
    let failure: unknown = null;
    for (const address of await permitted(url)) {
      signal?.throwIfAborted();
      try {
        return await answerFrom({ url, address, method, headers, connectMs, answerMs, signal });
      } catch (error) {
        signal?.throwIfAborted();
        failure = error;
      }
    }
    throw failure;
  }

  /** Where a redirect leads to; null: it is none. */
  function nextOf(answer: IncomingMessage, from: URL): URL | null {
    if (!redirects.has(answer.statusCode ?? 0)) return null;
    const targets = answer.rawHeaders.filter((_, n) => n % 2 === 1 && isLocation(answer.rawHeaders[n - 1]));
    const target = targets.length === 1 ? rules.parse(targets[0] ?? '', from) : null;
    answer.destroy();
    if (!target || (from.protocol === 'https:' && target.protocol !== 'https:')) throw refused();
    return target;
  }

  return {
    timeoutMs: settings.timeoutMs,
    requireUrl(text, path) {
      const url = rules.parse(text);
      const address = url ? addressOf(hostOf(url)) : null;
      if (!url || (address !== null && !rules.permits(url, address))) throw refused(path);
    },
    async request(asked) {
      let url = rules.parse(asked.url);
      if (!url) throw refused();
      for (let followed = 0; ; followed++) {
        const answer = await hop(url, asked);
        const next = nextOf(answer, url);
        if (!next) return { answer, url };
        if (followed === settings.redirects) throw refused();
        url = next;
      }
    },
  };
}

const isLocation = (name: string | undefined) => name?.toLowerCase() === 'location';

const refusal =
  'This URL cannot be fetched: its host is unknown, or it is or leads to something that this service may not ' +
  'connect to; use a public http or https URL, or ask the operator to allow it (imports.egress)';

function refused(path = ['url']): ValidationError {
  return invalid(path, 'URL_REFUSED', refusal);
}

/** A host that is unknown has no addresses. */
function unresolved(cause: unknown): readonly string[] {
  if (mayBeKnownLater(cause)) throw new UnavailableError(refusal, {}, { cause });
  return [];
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('too late'), { code: 'ETIMEDOUT' })), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
