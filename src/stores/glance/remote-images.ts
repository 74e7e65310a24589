/**
 * Images of other regions: any Image API v2 service that the catalog of our Keystone names. We ask with our own
 * credentials, which may see more than the user does, so what comes back is looked at with the user's eyes. Addresses
 * are the operator's, as the catalog has them; a redirect is not followed.
 *
 *   find: catalog -> endpoint -> GET image -> may the user see it? -> is it active?
 *   open: GET file, from any byte on, and on from where it broke off
 */
import type { IncomingMessage } from 'node:http';
import { call, drop, openLine, textOf } from '../../cloud/http-call.ts';
import { connectionFailure, type Server, serverFailure, statusFailure } from '../../cloud/http-failure.ts';
import {
  type Endpoint,
  type EndpointInterface,
  type Grant,
  type KeystoneAccess,
  keystoneSession,
} from '../../cloud/keystone.ts';
import { ConflictError, invalid, NotFoundError } from '../../domain/errors.ts';
import { deadlines } from '../deadlines.ts';
import { excerpt } from '../excerpt.ts';
import { bodyOf } from '../http-body.ts';
import { retried, withRetries } from '../retries.ts';
import type { ByteRange, Store } from '../store.ts';
import { wrapStore } from '../wrap.ts';
import { maySee, memberIn, type RemoteDescription, remoteDescription } from './remote-description.ts';

export interface RemoteImagesOptions {
  keystone: Omit<KeystoneAccess, 'authUrl'> & {
    /** Ends in /v3. */
    url: string;
    connectTimeoutMs: number;
    answerTimeoutMs: number;
    /** Between two chunks. */
    idleTimeoutMs: number;
  };
  /** With what the names of properties begin that come along. */
  copiedProperties: readonly string[];
}

export interface RemoteImageRequest {
  region: string;
  /** A UUID. */
  imageId: string;
  serviceInterface: EndpointInterface;
  /** Whose eyes it is looked at with: the project of the caller, null without one; an admin sees everything. */
  project: string | null;
  isAdmin: boolean;
}

/** Active, and to be seen by who asked. */
export interface RemoteImage extends RemoteDescription {
  /**
   * Bytes from `start` on. Breaks of the connection are gone on from, a few times in a row; a chunk is only valid until
   * the next one is asked for. As with a store, the reader counts, and ends the iteration or gives the signal.
   * @throws UnavailableError the service does not answer, or says something else than the image did
   * @throws NotFoundError    the image has gone
   */
  open(start?: number, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

export interface RemoteImages {
  /**
   * @throws ValidationError  UNKNOWN_REGION, UNKNOWN_INTERFACE: the catalog has none such; INVALID_ID
   * @throws NotFoundError    there is no such image, or the caller may not see it
   * @throws ConflictError    WRONG_STATUS: it is not active
   * @throws UnavailableError Keystone or the service does not answer, or not as it should
   */
  find(request: RemoteImageRequest, signal?: AbortSignal): Promise<RemoteImage>;
}

const uuid = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;
/** Of the description of an image, and of the list of its members. */
const textMax = 4 * 2 ** 20;

export function openRemoteImages({ keystone, copiedProperties }: RemoteImagesOptions): RemoteImages {
  const line = openLine({ connectMs: keystone.connectTimeoutMs });
  const patience = { answerMs: keystone.answerTimeoutMs, idleMs: keystone.idleTimeoutMs };
  const session = keystoneSession({
    server: { name: 'Keystone' },
    access: { ...keystone, authUrl: keystone.url },
    line,
    now: Date.now,
  });

  interface Asked {
    region: string;
    serviceInterface: EndpointInterface;
    /** Below the endpoint. */
    path: string;
    headers?: Record<string, string>;
  }

  async function attempt(asked: Asked, grant: Grant, signal?: AbortSignal): Promise<IncomingMessage> {
    const url = `${imageEndpoint(grant.endpoints, asked)}${asked.path}`;
    const headers = { ...asked.headers, 'accept-encoding': 'identity', 'x-auth-token': grant.token };
    try {
      return await call({ line, method: 'GET', url, headers, signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw connectionFailure(serverOf(asked), error);
    }
  }

  /** The answer, with a token that is accepted. */
  async function ask(asked: Asked, signal?: AbortSignal): Promise<IncomingMessage> {
    const grant = await session.grant();
    signal?.throwIfAborted();
    const answer = await attempt(asked, grant, signal);
    if (answer.statusCode !== 401) return answer;
    drop(answer);
    session.forget(grant);
    return attempt(asked, await session.grant(), signal);
  }

  /** What is written there; null when there is nothing, or not for us. */
  async function written(asked: Asked, signal?: AbortSignal): Promise<unknown> {
    const within = deadlines(serverOf(asked), patience);
    const run = async (limited?: AbortSignal) => {
      const answer = await ask(asked, limited);
      const status = answer.statusCode ?? 0;
      if (status === 200) return parsed(asked, answer);
      drop(answer);
      if (status === 404 || status === 403) return null;
      throw statusFailure(serverOf(asked), status, { retryAfter: answer.headers['retry-after'] });
    };
    return retried(() => within({ name: 'stat', signal, run, discard: () => {} }), signal);
  }

  async function requireDescription(
    request: RemoteImageRequest,
    signal?: AbortSignal,
  ): Promise<RemoteDescription> {
    const { region, serviceInterface, imageId } = request;
    const path = `/v2/images/${imageId}`;
    const found = await written({ region, serviceInterface, path }, signal);
    if (found === null) throw missing(request);
    const image = remoteDescription(found, copiedProperties);
    if (image?.id !== imageId.toLowerCase()) throw unreadable(request);
    let isSeen = maySee(image, request);
    if (isSeen === 'members') {
      const members = await written({ region, serviceInterface, path: `${path}/members` }, signal);
      isSeen = memberIn(members, request.project);
    }
    if (!isSeen) throw missing(request);
    return image;
  }

  /** As a store of one object, so that what goes around stores goes around it. */
  function fileOf(request: RemoteImageRequest, size: number): Store {
    const { region, serviceInterface, imageId } = request;
    const server = serverOf(request);
    const path = `/v2/images/${imageId}/file`;

    async function read(range?: ByteRange, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
      const headers: Record<string, string> = range ? { range: `bytes=${range.start}-${range.end}` } : {};
      const answer = await ask({ region, serviceInterface, path, headers }, signal);
      const status = answer.statusCode ?? 0;
      const isPart = status === 206 && startOf(answer) === range?.start;
      if (status !== 200 && !isPart) {
        drop(answer);
        if (status === 404) throw missing(request);
        throw statusFailure(server, status, { retryAfter: answer.headers['retry-after'] });
      }
      const expected = isPart && range ? range.end + 1 - range.start : size;
      const said = answer.headers['content-length'];
      const isEncoded = (answer.headers['content-encoding'] ?? 'identity') !== 'identity';
      if (isEncoded || (said !== undefined && Number(said) !== expected)) {
        answer.destroy();
        throw serverFailure(server, 'has other bytes than it says of the image');
      }
      const chunks = bodyOf({ stream: answer, signal, failure: (error) => connectionFailure(server, error) });
      return range && !isPart ? excerpt(chunks, range) : chunks;
    }

    const store: Store = {
      id: server.name,
      type: 'glance',
      stat: async () => ({ size }),
      read: (_key, range, signal) => read(range, signal),
      probe: async () => {},
    };
    return withRetries(wrapStore(store, deadlines(server, patience)));
  }

  return {
    async find(request, signal) {
      if (!uuid.test(request.imageId))
        throw invalid(['imageId'], 'INVALID_ID', 'The id of an image is a UUID');
      const image = await requireDescription(request, signal);
      if (image.status !== 'active') throw notActive(request, image.status);
      const file = fileOf(request, image.size);
      return {
        ...image,
        open: async (start = 0, within = signal) => {
          if (start >= image.size) return nothing();
          return file.read(image.id, start === 0 ? undefined : { start, end: image.size - 1 }, within);
        },
      };
    },
  };

  async function parsed(asked: Asked, answer: IncomingMessage): Promise<unknown> {
    try {
      return JSON.parse(await textOf(answer, textMax));
    } catch (error) {
      if (error instanceof SyntaxError) throw unreadable(asked);
      throw connectionFailure(serverOf(asked), error);
    }
  }
}

const serverOf = ({ region }: { region: string }): Server & object => ({
  name: `The image service of region ${region}`,
});

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Of the first byte, as Content-Range says; null when it does not. */
function startOf(answer: IncomingMessage): number | null {
  const [, start] = /^bytes (\d{1,15})-/.exec(answer.headers['content-range'] ?? '') ?? [];
  return start === undefined ? null : Number(start);
}

/** Without a slash and the version at its end. */
function imageEndpoint(
  endpoints: readonly Endpoint[],
  { region, serviceInterface }: { region: string; serviceInterface: EndpointInterface },
): string {
  const images = endpoints.filter(({ type }) => type === 'image');
  const here = images.filter((endpoint) => endpoint.region === region);
  const found = here.find((endpoint) => endpoint.interface === serviceInterface);
  if (found) return found.url.replace(/\/v2(\.\d+)?$/, '');
  if (here.length > 0) {
    const message = `Region ${region} has no ${serviceInterface} image endpoint; there are ${listOf(here, (one) => one.interface)}`;
    throw invalid(['serviceInterface'], 'UNKNOWN_INTERFACE', message);
  }
  const known = images.length > 0 ? `there are ${listOf(images, (one) => one.region)}` : 'no region does';
  const message = `The catalog has no image endpoint in region ${JSON.stringify(region)}; ${known}`;
  throw invalid(['region'], 'UNKNOWN_REGION', message);
}

function listOf(endpoints: readonly Endpoint[], name: (endpoint: Endpoint) => string | null): string {
  return [...new Set(endpoints.map(name))]
    .filter((one) => one !== null)
    .sort()
    .join(', ');
}

const missing = ({ region, imageId }: RemoteImageRequest) =>
  new NotFoundError(`Image ${imageId} is not in region ${region}, or you may not see it`);

const notActive = ({ region, imageId }: RemoteImageRequest, status: string) =>
  new ConflictError(
    'WRONG_STATUS',
    `Image ${imageId} of region ${region} is ${status}; wait until it is active`,
  );

const unreadable = (asked: { region: string }) =>
  serverFailure(serverOf(asked), 'answered with something else than an image');
