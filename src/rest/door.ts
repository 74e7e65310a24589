/**
 * The Image API v2 over HTTP: one frame around all operations of the table in `resources`. It finds the caller, keeps
 * the rules of bodies and media types, runs the operation and sends what it answers.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { App } from '../actions/app.ts';
import { requireToken } from '../actions/require-image.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import type { Caller } from '../domain/caller.ts';
import { HttpError } from '../http/problem.ts';
import { baseUrlOf, bufferBodies, problemFor } from '../http/server.ts';
import { parseJson } from './json.ts';
import type { Answer, Operation } from './operation.ts';
import { badRequest, inRest } from './problem.ts';
import { resources } from './resources.ts';
import { rootResources, unversionedUrl, versionsThere } from './versions.ts';

export interface RestOptions {
  app: App;
  authenticate: Authenticate;
  /** Null: as the client calls us. */
  publicUrl: string | null;
}

interface Seen {
  caller: Caller;
  operation: Operation;
}

const versions = versionsThere(resources.map(({ path }) => path));

/** /v2.N/... and what is asked for by Accept, as the one path that is served. */
export const plainUrl = ({ url = '', headers }: IncomingMessage) =>
  unversionedUrl(url, headers.accept, versions);

export function restRoutes(http: FastifyInstance, options: RestOptions): void {
  const frame: Frame = { ...options, seen: new WeakMap() };
  bufferBodies(http);
  http.setErrorHandler((error, request, reply) => {
    const problem = problemFor(error, request, reply);
    const statuses = frame.seen.get(request)?.operation.statuses ?? {};
    const { status, headers, body } = inRest(problem, error, statuses);
    reply.code(status).headers(headers).type(jsonType).send(JSON.stringify(body));
  });
  const inVersion = resources.map(({ path, operations }) => ({ path: `/v2${path}`, operations }));
  for (const { path, operations } of [...rootResources(versions), ...inVersion]) {
    for (const [method, operation] of Object.entries(operations)) {
      http.route(routeOf(frame, { method, url: path, operation }));
    }
  }
}

interface Frame extends RestOptions {
  /** Who asks for what, from the head of a request to its answer. */
  seen: WeakMap<FastifyRequest, Seen>;
}

interface Place {
  method: string;
  url: string;
  operation: Operation;
}

function routeOf(frame: Frame, { method, url, operation }: Place): RouteOptions {
  return {
    method: method === 'GET' ? ['GET', 'HEAD'] : method,
    url,
    // Before a body is read: one that is refused need not be sent.
    async onRequest(request) {
      const seen = { operation, caller: await frame.authenticate(request.headers) };
      frame.seen.set(request, seen);
      requireShortId(request);
      if (!operation.isOpen) requireToken(seen.caller);
      requireBody(operation, request);
    },
    handler: async (request, reply) => send(reply, await run(frame, request)),
  };
}

/** As Glance has it; the header is written into logs and tasks of other services. */
const requestIdMax = 64;

function requireShortId({ headers }: FastifyRequest): void {
  if ((headers['x-openstack-request-id']?.length ?? 0) <= requestIdMax) return;
  throw new HttpError(
    431,
    'TOO_LARGE_HEADERS',
    `X-OpenStack-Request-ID has at most ${requestIdMax} characters.`,
  );
}

/** Clients send a Content-Type with every request: without a body it says nothing. */
function requireBody({ body }: Operation, request: FastifyRequest): void {
  if (body === undefined) {
    if (hasBody(request)) throw badRequest(`${request.method} has no body here; leave it out.`);
    return;
  }
  if (body === 'json' || body.includes(mediaTypeOf(request))) return;
  const types = body.join(', ');
  throw new HttpError(415, 'UNSUPPORTED_MEDIA_TYPE', `Send this with a Content-Type of: ${types}.`, {
    'accept-patch': types,
  });
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

const mediaTypeOf = ({ headers }: FastifyRequest) =>
  headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? '';

async function run(frame: Frame, request: FastifyRequest): Promise<Answer> {
  const seen = frame.seen.get(request);
  if (!seen) throw new Error('A request was not looked at before it was run.');
  const { operation, caller } = seen;
  return operation.run({
    app: frame.app,
    caller,
    params: request.params as Record<string, string>,
    query: request.query as Record<string, string | string[]>,
    headers: request.headers,
    mediaType: mediaTypeOf(request),
    json: operation.body === undefined ? undefined : parseJson(request.body),
    requestId: request.id,
    baseUrl: baseUrlOf(request, frame.publicUrl),
  });
}

const jsonType = 'application/json; charset=utf-8';

function send(reply: FastifyReply, { status, body, headers }: Answer): FastifyReply {
  reply.code(status);
  if (headers) reply.headers(headers);
  if (body === undefined) return reply.send();
  return reply.type(jsonType).send(typeof body === 'string' ? body : JSON.stringify(body));
}
