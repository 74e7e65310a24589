/**
 * GraphQL over HTTP at /graphql. yoga answers everything; plain JSON POSTs, which are nearly all of them, go
 * straight into its pipeline, with the same plugins, context, limits and masking, and without its Request and
 * Response objects. Whatever is not plain is left to yoga; both answer the same, byte for byte.
 */
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { createYoga } from 'graphql-yoga';
import type { App } from '../actions/app.ts';
import { requireToken } from '../actions/require-image.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import { inRequest } from '../domain/caller.ts';
import type { Admission } from '../http/admission.ts';
import { lingerBeforeClose } from '../http/linger.ts';
import { HttpError } from '../http/problem.ts';
import { baseUrlOf, bufferBodies, isMultipart, problemFor } from '../http/server.ts';
import { createContext, type RequestFacts } from './context.ts';
import { type DocumentCache, documentCache } from './documents.ts';
import { topLevelError } from './errors.ts';
import { readMultipart } from './multipart.ts';
import { parseParams } from './params.ts';
import { type OperationOptions, operationPlugins } from './plugins.ts';
import { type Run, runIn, type ServerContext, type Yoga } from './run.ts';
import { schema } from './schema.ts';
import { mendSpool } from './spool.ts';

export interface GraphqlOptions {
  app: App;
  authenticate: Authenticate;
  admission: Admission;
  limits: OperationOptions['bounds'];
  publicUrl: string | null;
  introspection: boolean;
  graphiql: boolean;
}

interface Door extends GraphqlOptions {
  yoga: Yoga;
  run: Run;
}

const endpoint = '/graphql';

export function graphqlRoutes(http: FastifyInstance, options: GraphqlOptions): void {
  mendSpool();
  const documents = documentCache();
  const yoga = yogaOf(options, documents);
  const door: Door = { ...options, yoga, run: runIn(yoga, { app: options.app, documents }) };
  http.register(async (scope) => {
    bufferBodies(scope);
    // A request with files is a stream: it is not read before the token is known.
    scope.addContentTypeParser('multipart/form-data', (_request, _body, done) => done(null));
    scope.setErrorHandler(sendRefusal);
    scope.post(endpoint, (request, reply) =>
      isMultipart(request) ? answerMultipart(door, request, reply) : answer(door, request, reply),
    );
    scope.get(endpoint, (request, reply) => answer(door, request, reply));
  });
}

/** What is refused before it is GraphQL, in the form that GraphQL clients read; codes are those of the problem. */
function sendRefusal(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { status, headers, body } = problemFor(error, request, reply);
  const { message, type: code } = body.error;
  const errors = [{ message, extensions: { code } }];
  reply
    .code(status)
    .headers(headers)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ errors }));
}

function yogaOf({ app, introspection, graphiql, limits }: GraphqlOptions, documents: DocumentCache): Yoga {
  return createYoga<ServerContext, object>({
    schema: schema as never,
    graphqlEndpoint: endpoint,
    context: ({ facts }) => createContext(app, facts),
    plugins: operationPlugins({ introspection, bounds: limits }),
    multipart: false,
    batching: false,
    cors: false,
    landingPage: false,
    logging: false,
    maxRequestBodySize: false,
    healthCheckEndpoint: '/graphql/health',
    parserAndValidationCache: { documentCache: documents, errorCache: noCache },
    maskedErrors: { maskError },
    renderGraphiQL,
    graphiql: graphiql ? { title: 'Vitrine', defaultQuery, headers: defaultHeaders } : false,
  });
}

const noCache = { get: () => undefined, set: () => {} };

/** A bug outside of resolvers goes on to where the request is known: there it is logged and answered. */
function maskError(error: unknown): Error {
  const expected = topLevelError(error);
  if (!expected) throw error;
  return expected;
}

const defaultHeaders = JSON.stringify({ 'X-Auth-Token': '' });
const defaultQuery = `# This runs as it is. For images, put a token under "Headers" below:
# the first start wrote two of them to tokens.json in the data directory.
query Start {
  service {
    version
    imageSizeMax
  }
}

# Then, with a token:
#
# query Newest {
#   images(first: 10) {
#     totalCount
#     nodes { id name status size tags properties { name value } }
#   }
# }
`;

async function factsOf(options: GraphqlOptions, request: FastifyRequest): Promise<RequestFacts> {
  const { authenticate, admission } = options;
  const caller = await authenticate(request.headers);
  return {
    caller: inRequest(caller, request.id),
    purse: { admission, payer: admission.payerOf(request, caller) },
    requestId: request.id,
    baseUrl: baseUrlOf(request, options.publicUrl),
    signal: null,
  };
}

async function answer(door: Door, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const mediaType = plainAnswerType(request);
  if (mediaType === null) {
    requireCsrfSafety(request, door);
    requireReadableType(request);
  }
  const facts = await factsOf(door, request);
  const body = request.body instanceof Buffer ? request.body : null;
  const params = mediaType && body ? parseParams(body) : null;
  if (params && mediaType) return sendResult(reply, mediaType, await door.run(facts, params));
  return viaYoga(door.yoga, facts, { request, reply, body });
}

/** JSON is UTF-8 (RFC 8259 8.1); what a form could send is not for GraphQL. */
function requireReadableType({ method, headers }: FastifyRequest): void {
  if (method === 'GET') return;
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  const charset = parameters
    .find((p) => p.trim().startsWith('charset='))
    ?.replace(/^\s*charset="?|"?\s*$/g, '');
  if (jsonTypes.has(type.trim()) && (charset === undefined || charset === 'utf-8' || charset === 'utf8'))
    return;
  throw new HttpError(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send GraphQL as application/json, in UTF-8.', {
    accept: 'application/json',
  });
}

const jsonTypes = new Set(['application/json', 'application/graphql']);

/**
 * A browser sends some requests to other sites without asking. What such a request could be (a GET, a body of a
 * type that forms have) needs a header that only a page of ours, or one that CORS allows, can set.
 */
function requireCsrfSafety(request: FastifyRequest, { graphiql }: GraphqlOptions): void {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (request.method === 'POST' && jsonTypes.has(type)) return;
  const isPage = graphiql && request.method === 'GET' && request.headers.accept?.includes('text/html');
  if (isPage || csrfHeaders.some((name) => request.headers[name] !== undefined)) return;
  throw new HttpError(
    403,
    'CSRF',
    `This kind of request needs the header ${csrfHeaders[0]}, with any value.`,
  );
}

/** The first is ours; the others are what Apollo's and yoga's clients send by themselves. */
const csrfHeaders = [
  'x-vitrine-csrf',
  'apollo-require-preflight',
  'x-graphql-yoga-csrf',
  'graphql-preflight',
];

/**
 * The type that yoga would answer in, when it is one of the two plain ones and JSON was posted, which no other
 * site's page can do unasked; null leaves the choice to yoga.
 */
function plainAnswerType(request: FastifyRequest): string | null {
  const { accept = '*/*', 'content-type': type = '' } = request.headers;
  if (request.method !== 'POST' || !/^application\/json *(; *charset=utf-8)?$/i.test(type)) return null;
  if (accept === '*/*' || accept === 'application/json') return 'application/json';
  if (accept.includes('charset')) return null;
  if (/^application\/graphql-response\+json *(,|;|$)/.test(accept))
    return 'application/graphql-response+json';
  return /^application\/json *(,|;)/.test(accept) ? 'application/json' : null;
}

/** As yoga sends it: in the new media type a request that cannot be run is 400 (GraphQL over HTTP 6.4). */
function sendResult(reply: FastifyReply, mediaType: string, result: ExecutionResult): FastifyReply {
  const isRefused = result.data === undefined;
  const { status, headers = {} } = (isRefused && httpOf(result.errors?.[0])) || {};
  reply
    .code(status ?? (isRefused && mediaType !== 'application/json' ? 400 : 200))
    .headers(headers)
    .type(`${mediaType}; charset=utf-8`);
  return reply.send(JSON.stringify(isRefused ? { errors: result.errors?.map(withoutHttp) } : result));
}

interface AnswerHttp {
  status?: number;
  headers?: Record<string, string>;
}

/** The status and headers of what was one too many; of other errors they are for yoga. */
function httpOf(error: GraphQLError | undefined): AnswerHttp | null {
  const { code, http } = error?.extensions ?? {};
  return code === 'RATE_LIMITED' ? (http as AnswerHttp) : null;
}

/** What the pipeline says of status and headers is not for clients. */
function withoutHttp(error: GraphQLError): object {
  const { extensions, ...shown } = error.toJSON();
  return { ...shown, extensions: { ...extensions, http: undefined } };
}

interface Exchange {
  request: FastifyRequest;
  reply: FastifyReply;
  body: Buffer | null;
}

async function viaYoga(yoga: Yoga, facts: RequestFacts, exchange: Exchange): Promise<FastifyReply> {
  const { request, reply, body } = exchange;
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value));
  const init = { method: request.method, headers, body: body === null ? undefined : new Uint8Array(body) };
  const [, search = ''] = /\?(.*)/s.exec(request.url) ?? [];
  const response = await yoga.fetch(`http://localhost${endpoint}?${search}`, init as RequestInit, { facts });
  if (response.status === 406) {
    throw new HttpError(
      406,
      'NOT_ACCEPTABLE',
      'Answers are application/graphql-response+json or application/json.',
    );
  }
  for (const [name, value] of response.headers)
    if (!ofOneHop.has(name.toLowerCase())) reply.header(name, value);
  // GraphiQL sends tokens: it is not to be shown inside a page of somebody else.
  if (response.headers.get('content-type')?.startsWith('text/html')) reply.header('x-frame-options', 'DENY');
  return reply.code(response.status).send(Buffer.from(await response.arrayBuffer()));
}

/** Headers that speak of yoga's own connection, which there is none. */
const ofOneHop = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding']);

async function answerMultipart(
  door: Door,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  requireCsrfSafety(request, door);
  const facts = await factsOf(door, request);
  requireToken(facts.caller);
  const done = door.admission.begin(facts.purse.payer, 'uploads');
  try {
    const params = await readMultipart(request, reply, door.app.limits.imageSizeMax);
    const result = await door.run(facts, params);
    // A file that the operation did not want is still on its way.
    lingerBeforeClose(request, reply);
    return sendResult(reply, 'application/json', result);
  } finally {
    done();
  }
}
