/**
 * Cursors: the values of the order's keys at one row, as opaque text bound to a field and its order. They never
 * expire and hold nothing that the caller did not see, so they are not signed: a forged one can only name a
 * place between rows that the caller may see anyway.
 */
import { DomainError } from '../domain/errors.ts';
import { parseInstant } from '../domain/instant.ts';

/** A value of an ordering key; null for a row without one. */
export type KeyValue = string | number | null;
export type KeyType = 'text' | 'integer' | 'number' | 'instant' | 'uuid';

/** The cursor is not one of ours, or is of another field or order. */
export class BadCursorError extends DomainError {
  override readonly name = 'BadCursorError';
  readonly code = 'BAD_CURSOR';
}

/** `scope` names the field and its order, e.g. `images:-createdAt,-id`. */
export function makeCursor(scope: string, values: readonly KeyValue[]): string {
  return Buffer.from(JSON.stringify([scope, ...values])).toString('base64url');
}

/** Eight keys of 255 characters that JSON escapes, in base64, and room for the words and names of the order. */
const textMax = 32_768;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * The values in a cursor of this scope, of these types.
 * @throws BadCursorError it is not one of ours, or was made for another field or order
 */
export function readCursor(cursor: string, scope: string, types: readonly KeyType[]): KeyValue[] {
  const parsed = parse(cursor);
  if (!parsed)
    throw new BadCursorError('This is not a cursor of this service; take one from endCursor or startCursor.');
  const [madeFor, ...values] = parsed;
  if (madeFor !== scope) {
    throw new BadCursorError(
      'The cursor belongs to another field or orderBy; use it with the one it came from.',
    );
  }
  if (values.length !== types.length || !values.every((v, i) => fits(v, types[i] ?? 'text'))) {
    throw new BadCursorError('The cursor has been changed; take one from endCursor or startCursor.');
  }
  return values as KeyValue[];
}

function parse(cursor: string): unknown[] | null {
  if (cursor.length > textMax || !/^[A-Za-z0-9_-]+$/.test(cursor)) return null;
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function fits(value: unknown, type: KeyType): boolean {
  if (type === 'uuid') return typeof value === 'string' && uuid.test(value);
  if (type === 'instant') return typeof value === 'string' && parseInstant(value) === value;
  if (value === null) return true;
  if (type === 'integer') return Number.isSafeInteger(value);
  if (type === 'number') return Number.isFinite(value);
  return typeof value === 'string' && value.isWellFormed() && !value.includes('\0');
}
