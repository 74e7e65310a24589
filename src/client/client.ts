/** A thin typed client: one fetch an operation. Works in Node and in browsers. */
import type { TypedDocumentString } from './gen/graphql.ts';

export interface ClientOptions {
  /** Address of the service, such as https://images.example.org. */
  url: string;
  /** Asked before each request; null sends none. */
  token(): string | null | Promise<string | null>;
  /** Default the global one. */
  fetch?: typeof fetch;
}

/** An entry of `errors` in a GraphQL answer. */
export interface GraphqlFailure {
  message: string;
  path?: (string | number)[];
  extensions: { code: string; [key: string]: unknown };
}

/** The answer had errors at its top level; `data` is what came besides. */
export class GraphqlRequestError extends Error {
  readonly errors: readonly GraphqlFailure[];
  readonly data: unknown;
  readonly requestId: string | null;

  constructor(errors: readonly GraphqlFailure[], data: unknown, requestId: string | null) {
    super(errors.map((error) => error.message).join('; '));
    this.errors = errors;
    this.data = data;
    this.requestId = requestId;
  }
}

export interface Client {
  /**
   * Runs an operation made with `graphql()` of ./gen/gql.ts. Expected failures of mutations are part of the
   * result; what is thrown are errors at the top level and of the network.
   * @throws GraphqlRequestError
   */
  run<Result, Variables>(
    document: TypedDocumentString<Result, Variables>,
    ...variables: Variables extends Record<string, never> ? [] : [Variables]
  ): Promise<Result>;
}

export function createClient(options: ClientOptions): Client {
  const send = options.fetch ?? fetch;
  return {
    async run(document, ...[variables]) {
      const token = await options.token();
      const response = await send(`${options.url}/graphql`, {
        method: 'POST',
        headers: {
          accept: 'application/graphql-response+json, application/json',
          'content-type': 'application/json',
          ...(token === null ? {} : { 'x-auth-token': token }),
        },
        body: JSON.stringify({ query: document.toString(), variables }),
      });
      const requestId = response.headers.get('x-openstack-request-id');
      const body = (await response.json()) as { data?: unknown; errors?: GraphqlFailure[]; error?: Problem };
      if (body.error) throw new GraphqlRequestError([failureOf(body.error)], null, requestId);
      if (body.errors?.length) throw new GraphqlRequestError(body.errors, body.data ?? null, requestId);
      return body.data as never;
    },
  };
}

interface Problem {
  message: string;
  type: string;
}

const failureOf = ({ message, type }: Problem): GraphqlFailure => ({ message, extensions: { code: type } });
