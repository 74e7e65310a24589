/** JSON bodies, and how what is wrong with them is told. */
import type { z } from 'zod';
import { badRequest } from './problem.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/** @throws HttpError 400 no body, not UTF-8, not JSON */
export function parseJson(body: unknown): unknown {
  if (!(body instanceof Uint8Array) || body.length === 0) throw badRequest('This needs a body of JSON.');
  try {
    return JSON.parse(utf8.decode(body));
  } catch {
    throw badRequest('The body is not JSON in UTF-8.');
  }
}

/** @throws HttpError 400 the JSON is something else */
export function requireObject(json: unknown, what = 'The body'): Record<string, unknown> {
  if (typeof json === 'object' && json !== null && !Array.isArray(json))
    return json as Record<string, unknown>;
  throw badRequest(`${what} is a JSON object.`);
}

/** The value when it fits. @throws HttpError 400 with the place in the body */
export function requireShape<T>(schema: z.ZodType<T>, value: unknown, at: readonly string[] = []): T {
  const { data, error } = schema.safeParse(value);
  if (!error) return data as T;
  const [issue] = error.issues;
  const path = [...at, ...(issue?.path ?? []).map(String)].join('.').slice(0, 300);
  throw badRequest(`${path === '' ? 'The body' : path}: ${issue?.message ?? 'not what it should be'}.`);
}
