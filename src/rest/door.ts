/**
 * The Image API v2 over HTTP: one frame around all operations of the table in `resources`. It finds the caller, keeps
 * the rules of bodies and media types, runs the operation and sends what it answers.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { App } from '../actions/app.ts';
import { type Call, notingDenial } from '../actions/denials.ts';
import { requireToken, requireWriter } from '../actions/require-image.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import { anonymous, type Caller, inRequest } from '../domain/caller.ts';
import type { Admission } from '../http/admission.ts';
import { HttpError } from '../http/problem.ts';
import { baseUrlOf, bufferBodies, problemFor } from '../http/server.ts';
import { parseJson } from './json.ts';
import type { Answer, Ask, Operation } from './operation.ts';
import { badRequest, inRest } from './problem.ts';
import { resources } from './resources.ts';
import { rootResources, unversionedUrl, versionsThere } from './versions.ts';

export interface RestOptions {
  app: App;
  authenticate: Authenticate;
  admission: Admission;
  /** Null: as the client calls us. */
  publicUrl: string | null;
}

const versions = versionsThere(resources.map(({ path }) => path));

/** /v2.N/... and what is asked for by Accept, as the one path that is served. */
export const plainUrl = ({ url = '', headers }: IncomingMessage) =>
  unversionedUrl(url, headers.accept, versions);

export function restRoutes(http: FastifyInstance, options: RestOptions): void {
  http.setErrorHandler((error, request, reply) => {
    const { statuses = {} } = request.routeOptions.config as { statuses?: Operation['statuses'] };
    const { status, headers, body } = inRest(problemFor(error, request, reply), error, statuses);
    reply.code(status).headers(headers).type(jsonType).send(JSON.stringify(body));
  });
  // What takes no body has nothing to do with how bodies are read.
  const [bare, reading] = [
    places.filter(({ operation }) => operation.body === undefined),
    places.filter(({ operation }) => operation.body !== undefined),
  ];
  http.register(async (scope) => {
    scope.addContentTypeParser('*', (_request, _body, done) => done(null));
    for (const place of bare) addWithoutBody(scope, place, options);
  });
  http.register(async (scope) => {
    bufferBodies(scope);
    for (const place of reading) addWithBody(scope, place, options);
  });
}

interface Place {
  method: string[];
  url: string;
  operation: Operation;
}

const places: Place[] = [
  ...rootResources(versions),
  ...resources.map(({ path, operations }) => ({ path: `/v2${path}`, operations })),
].flatMap(({ path: url, operations }) =>
  Object.entries(operations).map(([method, operation]) => ({
    method: method === 'GET' ? ['GET', 'HEAD'] : [method],
    url,
    operation,
  })),
);

function addWithoutBody(http: FastifyInstance, place: Place, options: RestOptions): void {
  const { method, url, operation } = place;
  http.route({
    method,
    url,
    config: { statuses: operation.statuses },
    onRequest(request, _reply, done) {
      done(hasBody(request) ? badRequest(`${request.method} has no body here; leave it out.`) : undefined);
    },
    async handler(request, reply) {
      const caller = await callerOf(options, operation, request);
      requireRate(options, operation, request, caller);
      return send(reply, await run(place, askOf(options, request, { caller, json: undefined })));
    },
  });
}

/** The caller is known before the body is read: one that is refused need not be sent. */
function addWithBody(http: FastifyInstance, place: Place, options: RestOptions): void {
  const { method, url, operation } = place;
  const callers = new WeakMap<FastifyRequest, Caller>();
  http.route({
    method,
    url,
    config: { statuses: operation.statuses },
    async onRequest(request) {
      const caller = await callerOf(options, operation, request);
      callers.set(request, caller);
      requireType(operation, request);
      requireRate(options, operation, request, caller);
    },
    async handler(request, reply) {
      const caller = callers.get(request) ?? anonymous;
      const ask = askOf(options, request, { caller, json: parseJson(request.body) });
      return send(reply, await run(place, ask));
    },
  });
}

/** @throws RateLimitedError before anything is done */
function requireRate(
  { admission }: RestOptions,
  { rates = [] }: Operation,
  request: FastifyRequest,
  caller: Caller,
): void {
  for (const rate of rates) admission.take(admission.payerOf(request, caller), rate, 1);
}

/** What is denied is noted, wherever it is denied. */
async function run({ method, operation }: Place, ask: Ask): Promise<Answer> {
  const { app, caller, params } = ask;
  const work = async () => {
    if (!method.includes('GET')) requireWriter(caller);
    return operation.run(ask);
  };
  if (operation.action === undefined) return work();
  return notingDenial(app, { caller, ...callOf(operation.action, params) }, work);
}

function callOf(action: string, { id, namespace }: Ask['params']): Call {
  if (/Metadef/.test(action)) return { action, type: 'metadefNamespace', id: namespace ?? null };
  return /Image/.test(action)
    ? { action, type: 'image', id: id ?? null }
    : { action, type: 'catalog', id: null };
}

async function callerOf(
  { authenticate }: RestOptions,
  { isOpen }: Operation,
  request: FastifyRequest,
): Promise<Caller> {
  requireShortId(request);
  const caller = inRequest(await authenticate(request.headers), request.id);
  if (!isOpen) requireToken(caller);
  return caller;
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

function requireType({ body }: Operation, request: FastifyRequest): void {
  if (typeof body !== 'object' || body.includes(mediaTypeOf(request))) return;
  const types = body.join(', ');
  throw new HttpError(415, 'UNSUPPORTED_MEDIA_TYPE', `Send this with a Content-Type of: ${types}.`, {
    'accept-patch': types,
  });
}

/** Clients send a Content-Type with every request: without a body it says nothing. */
function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

const mediaTypeOf = ({ headers }: FastifyRequest) =>
  headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? '';

function askOf(
  { app, admission, publicUrl }: RestOptions,
  request: FastifyRequest,
  { caller, json }: { caller: Caller; json: unknown },
): Ask {
  return {
    app,
    caller,
    params: request.params as Record<string, string>,
    query: request.query as Record<string, string | string[]>,
    headers: request.headers,
    mediaType: mediaTypeOf(request),
    json,
    baseUrl: baseUrlOf(request, publicUrl),
    take: (rate, count) => admission.take(admission.payerOf(request, caller), rate, count),
  };
}

const jsonType = 'application/json; charset=utf-8';

function send(reply: FastifyReply, { status, body, headers }: Answer): FastifyReply {
  reply.code(status);
  if (headers) reply.headers(headers);
  if (body === undefined) return reply.send();
  const isJson = typeof body === 'string' || Buffer.isBuffer(body);
  return reply.type(jsonType).send(isJson ? body : JSON.stringify(body));
}
