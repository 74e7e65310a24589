/** Exchanges with /v2, written down as they are to be: what is sent, and all that has to come back. */
import { expect } from 'vitest';
import type { Role } from '../../src/domain/caller.ts';
import type { TestServer } from './server.ts';

export interface RestRequest {
  /** Project of the token; null: none. */
  as?: string | null;
  role?: Role;
  headers?: Record<string, string>;
  /** Sent as JSON, with its media type unless `headers` says another. */
  json?: unknown;
  /** Sent as it stands. */
  body?: string | Uint8Array;
}

export interface RestAnswer {
  status: number;
  headers: Record<string, string>;
  /** Parsed where it is JSON; a text otherwise, '' for none. */
  // biome-ignore lint/suspicious/noExplicitAny: what comes is what is tested
  body: any;
}

export async function rest(
  server: TestServer,
  call: `${string} /${string}`,
  { as = 'blue', role, headers, json, body }: RestRequest = {},
): Promise<RestAnswer> {
  const [method = '', path = ''] = [call.slice(0, call.indexOf(' ')), call.slice(call.indexOf(' ') + 1)];
  const response = await fetch(server.url + path, {
    method,
    redirect: 'manual',
    headers: {
      ...(as === null ? {} : { 'x-auth-token': server.tokenOf(as, role) }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: json === undefined ? (body as BodyInit) : JSON.stringify(json),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: isJson && text !== '' ? JSON.parse(text) : text,
  };
}

/** The body of every refusal: nested, so that glanceclient finds the message. */
export const refusal = (code: number, title: string) => ({
  error: { code, title, message: expect.stringMatching(/\.$/), type: expect.stringMatching(/^[A-Z_]+$/) },
});

export const aTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
export const anId = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);

export const v20 = 'application/openstack-images-v2.0-json-patch';
export const v21 = 'application/openstack-images-v2.1-json-patch';
