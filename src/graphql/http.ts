/**
 * GraphQL over HTTP at /graphql. yoga answers everything; plain JSON POSTs, which are nearly all of them, go
 * straight into its pipeline, with the same plugins, context, limits and masking, and without its Request and
 * Response objects. Whatever is not plain, and every answer without data, is left to yoga: nothing has run then.
 */
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ExecutionResult } from 'graphql';
import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { App } from '../actions/app.ts';
import { requireToken } from '../actions/require-image.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import { HttpError } from '../http/problem.ts';
import { baseUrlOf, bufferBodies } from '../http/server.ts';
import { createContext, type RequestFacts } from './context.ts';
import { readMultipart } from './multipart.ts';
import { operationPlugins, shownError } from './plugins.ts';
import { schema } from './schema.ts';

export interface GraphqlOptions {
  app: App;
  authenticate: Authenticate;
  publicUrl: string | null;
  introspection: boolean;
  graphiql: boolean;
}

export interface Params {
  query: string;
  variables?: Record<string, unknown> | null;
  operationName?: string | null;
}

interface ServerContext {
  facts: RequestFacts;
}
type Yoga = YogaServerInstance<ServerContext, object>;

const endpoint = '/graphql';

export function graphqlRoutes(http: FastifyInstance, options: GraphqlOptions): void {
  const yoga = yogaOf(options);
  http.register(async (scope) => {
    bufferBodies(scope);
    // A request with files is a stream: it is not read before the token is known.
    scope.addContentTypeParser('multipart/form-data', (_request, _body, done) => done(null));
    scope.post(endpoint, (request, reply) =>
      isMultipart(request)
        ? answerMultipart(options, yoga, request, reply)
        : answer(options, yoga, request, reply),
    );
    scope.get(endpoint, (request, reply) => answer(options, yoga, request, reply));
  });
}

const isMultipart = ({ headers }: FastifyRequest) =>
  /^multipart\/form-data\b/i.test(headers['content-type'] ?? '');

function yogaOf({ app, introspection, graphiql }: GraphqlOptions): Yoga {
  return createYoga<ServerContext, object>({
    schema: schema as never,
    graphqlEndpoint: endpoint,
    context: ({ facts }) => createContext(app, facts),
    plugins: operationPlugins({ introspection }),
    multipart: false,
    batching: false,
    cors: false,
    landingPage: false,
    logging: false,
    maxRequestBodySize: false,
    healthCheckEndpoint: '/graphql/health',
    maskedErrors: { maskError: (error) => shownError(error, { app, requestId: 'graphql' }) },
    renderGraphiQL,
    graphiql: graphiql ? { title: 'Vitrine', defaultQuery, headers: defaultHeaders } : false,
  });
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
  return {
    caller: await options.authenticate(request.headers),
    requestId: request.id,
    baseUrl: baseUrlOf(request, options.publicUrl),
    signal: null,
  };
}

async function answer(options: GraphqlOptions, yoga: Yoga, request: FastifyRequest, reply: FastifyReply) {
  requireCsrfSafety(request);
  const facts = await factsOf(options, request);
  const body = request.body instanceof Buffer ? request.body : null;
  const mediaType = plainAnswerType(request);
  const params = mediaType && body ? plainParams(body) : null;
  if (params && mediaType) {
    const result = await run(yoga, facts, params);
    if (result?.data !== undefined) {
      return reply.type(`${mediaType}; charset=utf-8`).send(resultJson(result));
    }
  }
  return viaYoga(yoga, facts, { request, reply, body });
}

/**
 * A browser sends some requests to other sites without asking. What such a request could be (a GET, a body of a
 * type that forms have) needs a header that only a page of ours, or one that CORS allows, can set.
 */
function requireCsrfSafety(request: FastifyRequest): void {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (request.method === 'POST' && (type === 'application/json' || type === 'application/graphql')) return;
  const isPage = request.method === 'GET' && request.headers.accept?.includes('text/html');
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

/** The type that yoga would answer in, when it is one of the two plain ones; null leaves the choice to yoga. */
function plainAnswerType(request: FastifyRequest): string | null {
  const { accept = '*/*', 'content-type': type = '' } = request.headers;
  if (request.method !== 'POST' || !/^application\/json *(; *charset=utf-8)?$/i.test(type)) return null;
  if (accept === '*/*' || accept === 'application/json') return 'application/json';
  if (accept.includes('charset')) return null;
  if (/^application\/graphql-response\+json *(,|;|$)/.test(accept))
    return 'application/graphql-response+json';
  return /^application\/json *(,|;)/.test(accept) ? 'application/json' : null;
}

/** A request that says nothing but query, variables and operationName, of the right types; null otherwise. */
function plainParams(body: Buffer): Params | null {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const { query, variables, operationName, ...others } = value as Record<string, unknown>;
  if (typeof query !== 'string' || Object.keys(others).length > 0) return null;
  if (variables != null && (typeof variables !== 'object' || Array.isArray(variables))) return null;
  if (operationName != null && typeof operationName !== 'string') return null;
  return value as Params;
}

/** Runs an operation in yoga's pipeline. Null: it cannot be parsed, is not valid, or is no single answer. */
async function run(yoga: Yoga, facts: RequestFacts, params: Params): Promise<ExecutionResult | null> {
  const enveloped = yoga.getEnveloped({ facts } as never);
  let document: ReturnType<typeof enveloped.parse>;
  try {
    document = enveloped.parse(params.query);
  } catch {
    return null;
  }
  if (enveloped.validate(enveloped.schema, document).length > 0) return null;
  const result = await enveloped.execute({
    schema: enveloped.schema,
    document,
    contextValue: await enveloped.contextFactory(),
    variableValues: params.variables ?? undefined,
    operationName: params.operationName,
  });
  return Symbol.asyncIterator in result ? null : (result as ExecutionResult);
}

/** The compiler leaves a function on its results, which JSON passes over. */
const resultJson = (result: object) => JSON.stringify(result);

interface Exchange {
  request: FastifyRequest;
  reply: FastifyReply;
  body: Buffer | null;
}

async function viaYoga(
  yoga: Yoga,
  facts: RequestFacts,
  { request, reply, body }: Exchange,
): Promise<FastifyReply> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value));
  const init = { method: request.method, headers, body: body === null ? undefined : new Uint8Array(body) };
  const response = await yoga.fetch(`http://localhost${request.raw.url}`, init as RequestInit, { facts });
  for (const [name, value] of response.headers) reply.header(name, value);
  return reply.code(response.status).send(Buffer.from(await response.arrayBuffer()));
}

async function answerMultipart(
  options: GraphqlOptions,
  yoga: Yoga,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  requireCsrfSafety(request);
  const facts = await factsOf(options, request);
  requireToken(facts.caller);
  const params = await readMultipart(request, reply, options.app.limits.imageSizeMax);
  const result = (await run(yoga, facts, params)) ?? (await withoutFiles(yoga, facts, params));
  return reply.type('application/json; charset=utf-8').send(resultJson(result));
}

/** Why a multipart request cannot be run: as for any other request, since nothing of its files is looked at. */
async function withoutFiles(
  yoga: Yoga,
  facts: RequestFacts,
  { query, operationName }: Params,
): Promise<object> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const body = JSON.stringify({ query, operationName });
  const response = await yoga.fetch(`http://localhost${endpoint}`, { ...init, body }, { facts });
  return (await response.json()) as object;
}
