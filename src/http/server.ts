/**
 * The listener that all doors share: bounds on what a connection may cost, request ids, error bodies, logs and
 * metrics, and a stop that lets running work finish.
 */
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import cors, { type FastifyCorsOptions } from '@fastify/cors';
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Logger } from 'pino';
import { isLingering, lingerBeforeClose } from './linger.ts';
import type { Metrics } from './metrics.ts';
import { HttpError, internalProblem, type Problem, problemOf } from './problem.ts';

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
  /** What WWW-Authenticate says to who has no token. */
  challenge?: string;
  metrics: Metrics;
  log: Logger;
}

declare module 'fastify' {
  interface FastifyInstance {
    challenge: string;
  }
}

/** A listener without routes. Bodies are not parsed: each door says how it reads its own. */
export async function createHttp({
  corsOrigins,
  trustedProxies,
  challenge = 'Bearer realm="vitrine"',
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
    // Who is connected already gets its answer, the last on that connection; /readyz says that we stop.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    // What is too long for an id is an unknown id; the header limit bounds it.
    routerOptions: { ignoreTrailingSlash: false, maxParamLength: bounds.headerBytes },
    http: {
      headersTimeout: bounds.headersTimeoutMs,
      maxHeaderSize: bounds.headerBytes,
      connectionsCheckingInterval: bounds.checkEveryMs,
    },
    clientErrorHandler: refuseBrokenRequest,
    frameworkErrors: (_error, request, reply) => {
      reply.header('x-openstack-request-id', request.id);
      sendProblem(
        new HttpError(400, 'BAD_URL', 'The path is not well-formed: look at its percent signs.'),
        request,
        reply,
      );
    },
  }) as unknown as FastifyInstance;
  // One more than allowed is let in, so that too many can be told from many.
  (http.server as Server).maxHeadersCount = bounds.headers + 1;
  holdContinue(http.server as Server);
  http.removeAllContentTypeParsers();
  http.decorate('challenge', challenge);

  http.addHook('onRequest', async (request, reply) => {
    reply.header('x-openstack-request-id', request.id).header('x-content-type-options', 'nosniff');
    requirePlainHead(request.raw);
  });
  if (corsOrigins === '*' || corsOrigins.length > 0)
    await http.register(cors, { delegator: corsFor(corsOrigins) });
  // What a request's line holds is chosen below: looking for secrets in it costs more than writing it.
  const lines = log.child({}, { redact: [] });
  http.addHook('onResponse', (request, reply, done) => {
    report({ metrics, lines }, request, reply);
    done();
  });
  http.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));
  addMethodAnswers(http);
  return http;
}

/**
 * A request that other programs between us and the client might read differently is no request (RFC 9112 3.2 and
 * 6.1), nor is one on a connection that has had its last answer.
 */
function requirePlainHead({ rawHeaders, headers, httpVersion, socket }: IncomingMessage): void {
  if (isLingering(socket)) {
    socket.destroy();
    throw new HttpError(400, 'CLOSED', 'The connection had its last answer.');
  }
  if (rawHeaders.length > bounds.headers * 2) {
    throw new HttpError(431, 'TOO_MANY_HEADERS', `A request has at most ${bounds.headers} headers.`);
  }
  const coding = headers['transfer-encoding'];
  const hosts = rawHeaders.filter(
    (name, i) => i % 2 === 0 && name.length === 4 && name.toLowerCase() === 'host',
  );
  if (hosts.length > 1 || !/^1\.[01]$/.test(httpVersion) || (coding && coding.toLowerCase() !== 'chunked')) {
    throw new HttpError(
      400,
      'BAD_REQUEST',
      'Send HTTP/1.1 with one Host, and no transfer coding but chunked.',
      {
        connection: 'close',
      },
    );
  }
}

/** What pages of other origins may do. An OPTIONS request that is no preflight is answered as on any other path. */
function corsFor(origins: readonly string[] | '*') {
  const options: FastifyCorsOptions = {
    origin: origins === '*' ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    exposedHeaders: [
      'x-openstack-request-id',
      'content-range',
      'etag',
      'repr-digest',
      'content-md5',
      'retry-after',
      'www-authenticate',
      'location',
      ...['tus-resumable', 'tus-version', 'tus-extension', 'tus-max-size', 'tus-checksum-algorithm'],
      ...['upload-offset', 'upload-length', 'upload-defer-length', 'upload-expires', 'upload-metadata'],
    ],
    maxAge: 600,
  };
  return (request: FastifyRequest, done: (error: Error | null, options: FastifyCorsOptions) => void) =>
    done(null, { ...options, preflight: request.headers['access-control-request-method'] !== undefined });
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
    if (isMultipart(request)) return;
    const { 'content-length': length } = request.headers;
    if (Number(length) > bounds.jsonBytes) throw tooLarge();
    if (request.raw.complete) return; // small ones come along with their head
    const timer = setTimeout(() => request.raw.destroy(), bounds.jsonTimeoutMs);
    request.raw.once('close', () => clearTimeout(timer)).once('end', () => clearTimeout(timer));
    sendContinue(request, reply);
  });
  // JSON by its name as well: only types that are named are found without being taken apart.
  for (const type of ['application/json', '*']) {
    http.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  }
}

/** Files come with it, as a stream: the door reads it itself. */
export function isMultipart({ headers }: FastifyRequest): boolean {
  return /^multipart\/form-data\b/i.test(headers['content-type'] ?? '');
}

const tooLarge = () =>
  new HttpError(413, 'TOO_LARGE', `A request has at most ${bounds.jsonBytes} bytes here.`);

/** Answers with what an error means, and logs what is a bug. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { status, headers, body } = problemFor(error, request, reply);
  reply.code(status).headers(headers).type('application/json; charset=utf-8').send(JSON.stringify(body));
}

/** The answer to an error, for a door that has its own form of it. A bug is logged. */
export function problemFor(error: unknown, request: FastifyRequest, reply: FastifyReply): Problem {
  lingerBeforeClose(request, reply);
  const problem = problemOf(error) ?? problemOf(fastifyRefusal(error));
  if (!problem) request.log.error({ err: error }, 'a request failed');
  if (problem?.status === 401) problem.headers['www-authenticate'] = request.server.challenge;
  return problem ?? internalProblem(request.id);
}

/** What the frame itself refuses: too large a body, a bad length. */
function fastifyRefusal(error: unknown): HttpError | null {
  const { statusCode, message } = error as { statusCode?: number; message: string };
  if (statusCode === 413) return tooLarge();
  if (statusCode === 415) return new HttpError(415, 'UNSUPPORTED_MEDIA_TYPE', message);
  const isRefusal = statusCode !== undefined && statusCode >= 400 && statusCode < 500;
  return isRefusal ? new HttpError(statusCode, 'BAD_REQUEST', message) : null;
}

/** Bytes that are no HTTP request: answered once, and the connection closed. */
function refuseBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  // An answer that has begun on this connection must not get another one into its bytes.
  const { _httpMessage: answer } = socket as { _httpMessage?: ServerResponse | null };
  if (error.code === 'ECONNRESET' || !socket.writable || answer?.headersSent) {
    socket.destroy();
    return;
  }
  const refusal =
    refusals[error.code ?? ''] ?? new HttpError(400, 'BAD_REQUEST', 'This is not an HTTP/1.1 request.');
  const body = JSON.stringify(problemOf(refusal)?.body);
  socket.end(
    [
      `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`,
      'Connection: close',
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `x-openstack-request-id: req-${randomUUID()}`,
      '',
      body,
    ].join('\r\n'),
  );
  socket.destroySoon();
}

const refusals: Record<string, HttpError> = {
  HPE_HEADER_OVERFLOW: new HttpError(
    431,
    'TOO_LARGE_HEADERS',
    `A request has at most ${bounds.headers} headers and ${bounds.headerBytes} bytes of them.`,
  ),
  ERR_HTTP_REQUEST_TIMEOUT: new HttpError(408, 'TOO_SLOW', 'The request took too long to arrive.'),
};

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

function report(
  { metrics, lines }: { metrics: Metrics; lines: Logger },
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const route = request.routeOptions.url ?? 'none';
  const { method } = request;
  metrics.requests.observe({ method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  lines.info(
    {
      reqId: request.id,
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
