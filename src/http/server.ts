/**
 * The listener that all doors share: bounds on what a connection may cost, request ids, error bodies, logs and
 * metrics, and a stop that lets running work finish.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import cors from '@fastify/cors';
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Logger } from 'pino';
import type { Metrics } from './metrics.ts';
import { HttpError, internalProblem, problemOf } from './problem.ts';

/** Bounds of one connection and one request; stated in docs/operations.md. */
export const bounds = {
  headersTimeoutMs: 15_000,
  checkEveryMs: 5_000,
  keepAliveMs: 65_000,
  requestsPerSocket: 1_000,
  headerBytes: 16 * 1024,
  headers: 100,
  jsonBytes: 2 ** 20,
  jsonTimeoutMs: 30_000,
  idleMs: 120_000,
} as const;

export interface HttpOptions {
  corsOrigins: readonly string[] | '*';
  trustedProxies: readonly string[];
  metrics: Metrics;
  log: Logger;
}

/** A listener without routes. Bodies are not parsed: each door says how it reads its own. */
export async function createHttp({
  corsOrigins,
  trustedProxies,
  metrics,
  log,
}: HttpOptions): Promise<FastifyInstance> {
  const http = Fastify({
    loggerInstance: log as never,
    // One line a request, written when its answer is sent.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    requestIdHeader: false,
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    bodyLimit: bounds.jsonBytes,
    // Whole requests have no limit of their own here: an upload may take hours. JSON routes set theirs.
    requestTimeout: 0,
    connectionTimeout: bounds.idleMs,
    keepAliveTimeout: bounds.keepAliveMs,
    maxRequestsPerSocket: bounds.requestsPerSocket,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: false, maxParamLength: 255 },
    http: {
      headersTimeout: bounds.headersTimeoutMs,
      maxHeaderSize: bounds.headerBytes,
      connectionsCheckingInterval: bounds.checkEveryMs,
    },
    clientErrorHandler: refuseBrokenRequest,
  }) as unknown as FastifyInstance;
  // One more than allowed is let in, so that too many can be told from many.
  (http.server as Server).maxHeadersCount = bounds.headers + 1;
  holdContinue(http.server as Server);
  http.removeAllContentTypeParsers();

  if (corsOrigins === '*' || corsOrigins.length > 0) {
    await http.register(cors, {
      origin: corsOrigins === '*' ? '*' : [...corsOrigins],
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS'],
      exposedHeaders: [
        'x-openstack-request-id',
        'content-range',
        'etag',
        'repr-digest',
        'content-md5',
        'retry-after',
      ],
      maxAge: 600,
    });
  }
  http.addHook('onRequest', async (request, reply) => {
    reply.header('x-openstack-request-id', request.id);
    if (request.raw.rawHeaders.length > bounds.headers * 2) {
      throw new HttpError(431, 'TOO_MANY_HEADERS', `A request has at most ${bounds.headers} headers.`);
    }
  });
  http.addHook('onResponse', async (request, reply) => report(metrics, request, reply));
  http.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));
  addMethodAnswers(http);
  return http;
}

const ourIds = /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The id a client gave, when it has OpenStack's form; a new one otherwise. */
function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-openstack-request-id'];
  return typeof given === 'string' && ourIds.test(given) ? given : `req-${randomUUID()}`;
}

/** `Expect: 100-continue` is answered by the door that wants the body, after it knows that it does. */
function holdContinue(server: Server): void {
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
}

/** Lets the client send the body it holds back; harmless when it does not. */
export function sendContinue(request: FastifyRequest, reply: FastifyReply): void {
  if (request.headers.expect?.toLowerCase() === '100-continue') reply.raw.writeContinue();
}

/**
 * Bodies up to `bounds.jsonBytes` as a Buffer, within `bounds.jsonTimeoutMs`; for the routes of one door, which
 * may add parsers for types that it reads itself.
 */
export function bufferBodies(http: FastifyInstance): void {
  http.addHook('preParsing', async (request, reply) => {
    if (request.headers['content-type']?.startsWith('multipart/')) return;
    const timer = setTimeout(() => request.raw.destroy(), bounds.jsonTimeoutMs);
    request.raw.once('close', () => clearTimeout(timer)).once('end', () => clearTimeout(timer));
    sendContinue(request, reply);
  });
  http.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

/** Answers with what an error means, and logs what is a bug. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = problemOf(error) ?? problemOf(fastifyRefusal(error));
  if (!problem) request.log.error({ err: error }, 'a request failed');
  const { status, headers, body } = problem ?? internalProblem(request.id);
  reply.code(status).headers(headers).type('application/json; charset=utf-8').send(JSON.stringify(body));
}

/** What the frame itself refuses: too large a body, a bad length. */
function fastifyRefusal(error: unknown): HttpError | null {
  const { statusCode, message } = error as { statusCode?: number; message: string };
  const isRefusal = statusCode !== undefined && statusCode >= 400 && statusCode < 500;
  return isRefusal ? new HttpError(statusCode, 'BAD_REQUEST', message) : null;
}

/** Bytes that are no HTTP request: answered once, and the connection closed. */
function refuseBrokenRequest(error: Error & { code?: string }, socket: import('node:net').Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** A known path with another method is 405 with Allow, not 404. */
function addMethodAnswers(http: FastifyInstance): void {
  const routes: { pattern: RegExp; methods: string[] }[] = [];
  http.addHook('onRoute', ({ url, method }) => {
    const pattern = new RegExp(`^${url.replace(/:[^/]+/g, '[^/]+')}$`);
    routes.push({ pattern, methods: [method].flat() });
  });
  http.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const methods = routes.filter((route) => route.pattern.test(path)).flatMap((route) => route.methods);
    const error =
      methods.length > 0
        ? new HttpError(405, 'METHOD_NOT_ALLOWED', `${request.method} is not for this path.`, {
            allow: [...new Set(methods)].join(', '),
          })
        : new HttpError(404, 'NOT_FOUND', 'There is nothing at this path; GraphQL is at /graphql.');
    sendProblem(error, request, reply);
  });
}

function report(metrics: Metrics, request: FastifyRequest, reply: FastifyReply): void {
  const route = request.routeOptions.url ?? 'none';
  const { method } = request;
  metrics.requests.observe({ method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  request.log.info(
    {
      method,
      route,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      address: request.ip,
    },
    'request',
  );
}

/** Address of the service as this client knows it, without a slash at its end. */
export function baseUrlOf(request: FastifyRequest, publicUrl: string | null): string {
  return publicUrl ?? `${request.protocol}://${request.host}`;
}
