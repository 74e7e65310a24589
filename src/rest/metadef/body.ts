/** What bodies of metadata definitions may not say, whatever it is. */
import { requireObject } from '../json.ts';
import { notWritable } from '../problem.ts';

const readOnly = ['self', 'schema', 'created_at', 'updated_at'];

/** The body as it came. @throws HttpError 400 no object; 403 it says what the service alone does */
export function requireWritten(json: unknown): Record<string, unknown> {
  const body = requireObject(json);
  const found = readOnly.find((name) => Object.hasOwn(body, name));
  if (found !== undefined) throw notWritable(`Attribute ${found} is read-only.`);
  return body;
}
