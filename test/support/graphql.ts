/** Requests to /graphql that no client would make, and what every answer to them must keep. */
import { expect } from 'vitest';
import type { TestServer } from './server.ts';

export interface GraphqlAnswer {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what comes is what is tested
  data: any;
  errors: { message: string; path?: unknown; extensions: Record<string, unknown> }[];
}

export interface GraphqlRequest extends RequestInit {
  /** Null or left out: none. */
  token?: string | null;
  /** Behind the path. */
  search?: string;
  json?: unknown;
}

/** Sends it as it stands: JSON when it is `json`, otherwise whatever the rest says. */
export async function send(
  server: TestServer,
  { token, search = '', json, headers, ...init }: GraphqlRequest,
): Promise<GraphqlAnswer> {
  const response = await fetch(`${server.url}/graphql${search}`, {
    method: search ? 'GET' : 'POST',
    headers: {
      ...(token ? { 'x-auth-token': token } : {}),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    ...init,
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  const { data, errors = [] } = isJson ? JSON.parse(text) : {};
  return { status: response.status, headers: response.headers, text, data, errors };
}

/** Runs a document that may be wrong in any way. */
export function run(server: TestServer, query: string, variables?: unknown): Promise<GraphqlAnswer> {
  return send(server, { token: server.tokenOf('blue'), json: { query, variables } });
}

/** What must never be in an answer: frames, files, statements, names of what is inside. */
const inside =
  /\bat [^"]{1,100}:\d+:\d+|node_modules|file:\/\/|\.ts\b|\bselect\b.*\bfrom\b|insert into|PostgresError|::text|SyntaxError|TypeError|RangeError/i;
const ownExtensions = ['code', 'cost', 'limit', 'issues', 'errors'];

/** No bug, no leak, a code on every error, nothing but what clients are told of. */
export function expectClean(answer: GraphqlAnswer): void {
  expect(answer.status).toBeLessThan(500);
  expect(answer.text).not.toMatch(inside);
  expect(answer.text.length).toBeLessThan(100_000);
  expect(answer.headers.get('x-openstack-request-id')).toMatch(/^req-/);
  for (const { extensions } of answer.errors) {
    expect(extensions.code).toMatch(/^[A-Z_]+$/);
    expect(extensions.code).not.toBe('INTERNAL_SERVER_ERROR');
    expect(ownExtensions).toEqual(expect.arrayContaining(Object.keys(extensions)));
  }
}

/** The code of the one reason why nothing was run. */
export function refusal(answer: GraphqlAnswer): unknown {
  expectClean(answer);
  expect(answer.data).toBeUndefined();
  expect(answer.errors.length).toBeGreaterThan(0);
  return answer.errors[0]?.extensions.code;
}
