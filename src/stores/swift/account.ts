/** Calls to one container of an account in Swift, each with a token that is accepted. */
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { beginCall, call, drop, type Line } from '../../cloud/http-call.ts';
import { connectionFailure, statusFailure } from '../../cloud/http-failure.ts';
import type { EndpointInterface, Grant, Session } from '../../cloud/keystone.ts';
import { UnavailableError } from '../../domain/errors.ts';
import { retried } from '../retries.ts';

export interface SwiftCall {
  method: string;
  /** Below the container: `''` is the container itself. Encoded here. */
  name: string;
  query?: Record<string, string>;
  headers?: OutgoingHttpHeaders;
  body?: string;
  signal?: AbortSignal | undefined;
  /** Statuses besides 2xx that are answers and not failures. */
  also?: readonly number[];
}

export interface Container {
  readonly store: string;
  readonly name: string;
  /** @throws UnavailableError any other status than 2xx and those of `also` */
  call(call: SwiftCall): Promise<IncomingMessage>;
  /** The same, where the body is of no interest. */
  status(call: SwiftCall): Promise<number>;
  /** The same, up to three times. After the first attempt a refusal may be about what that one did. */
  tried(call: SwiftCall): Promise<{ status: number; attempts: number }>;
  /** A request whose body the caller writes, with a token; `forget` when it is answered with 401. */
  begin(call: SwiftCall): Promise<{ request: ClientRequest; forget(): void }>;
}

export interface ContainerOptions {
  store: string;
  name: string;
  /** Where the account is looked for in the catalog; any region when left out. */
  region?: string | undefined;
  interface: EndpointInterface;
  session: Session;
  line: Line;
}

export function swiftContainer(options: ContainerOptions): Container {
  const { store, name, session, line } = options;

  function urlOf(grant: Grant, { name: object, query }: SwiftCall): string {
    const path = [name, ...(object === '' ? [] : object.split('/'))].map(encodeURIComponent).join('/');
    return `${accountUrl(grant, options)}/${path}${query ? `?${new URLSearchParams(query)}` : ''}`;
  }

  function requestOf(grant: Grant, asked: SwiftCall) {
    const { method, body, signal } = asked;
    const headers = { ...asked.headers, 'x-auth-token': grant.token };
    return {
      line,
      method,
      url: urlOf(grant, asked),
      headers,
      signal,
      ...(body === undefined ? {} : { body }),
    };
  }

  async function attempt(asked: SwiftCall): Promise<{ answer: IncomingMessage; grant: Grant }> {
    const grant = await session.grant();
    asked.signal?.throwIfAborted();
    try {
      return { answer: await call(requestOf(grant, asked)), grant };
    } catch (error) {
      asked.signal?.throwIfAborted();
      throw connectionFailure(store, error);
    }
  }

  async function answerTo(asked: SwiftCall): Promise<IncomingMessage> {
    let { answer, grant } = await attempt(asked);
    if (answer.statusCode === 401) {
      drop(answer);
      session.forget(grant);
      ({ answer, grant } = await attempt(asked));
    }
    const status = answer.statusCode ?? 0;
    if ((status >= 200 && status < 300) || asked.also?.includes(status)) return answer;
    drop(answer);
    throw statusFailure(store, status, { retryAfter: answer.headers['retry-after'] });
  }

  async function statusOf(asked: SwiftCall): Promise<number> {
    const answer = await answerTo(asked);
    drop(answer);
    return answer.statusCode ?? 0;
  }

  return {
    store,
    name,
    call: answerTo,
    status: statusOf,
    async tried(asked) {
      let attempts = 0;
      const attempt = () => {
        attempts++;
        return statusOf(asked);
      };
      return { status: await retried(attempt, asked.signal), attempts };
    },
    async begin(asked) {
      const grant = await session.grant();
      return { request: beginCall(requestOf(grant, asked)), forget: () => session.forget(grant) };
    },
  };
}

function accountUrl({ endpoints }: Grant, { store, region, interface: wanted }: ContainerOptions): string {
  const found = endpoints.find(
    (endpoint) =>
      endpoint.type === 'object-store' &&
      endpoint.interface === wanted &&
      (region === undefined || endpoint.region === region),
  );
  if (found) return found.url;
  const where = region === undefined ? '' : ` in region ${region}`;
  const message = `Store ${store} refused: Keystone's catalog has no ${wanted} object-store endpoint${where}`;
  throw new UnavailableError(`${message}; set region and interface to one that it has`, { store });
}
