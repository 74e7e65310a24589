/** DateTime, BigInt, JSON and Upload. */
import { GraphQLError, Kind } from 'graphql';
import { GraphQLUpload } from 'graphql-upload-ts';
import { instantOf, parseInstant } from '../domain/instant.ts';
import { builder } from './builder.ts';

const bigIntMax = 2n ** 63n - 1n;

function badInput(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
}

function readInstant(value: unknown) {
  const instant = typeof value === 'string' ? parseInstant(value) : null;
  if (instant === null) {
    throw badInput(`DateTime is an RFC 3339 time such as 2026-01-31T12:00:00Z, not ${shown(value)}.`);
  }
  return instant;
}

function readBigInt(value: unknown): number | bigint {
  const isText = typeof value === 'string' && /^\d{1,19}$/.test(value);
  if (isText || (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0)) {
    const exact = BigInt(value);
    if (exact <= bigIntMax) return exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : exact;
  }
  throw badInput(
    `BigInt is a whole number from 0 to 2^63-1, as a number or as decimal text, not ${shown(value)}.`,
  );
}

const shown = (value: unknown) => String(JSON.stringify(value)).slice(0, 100);

builder.scalarType('DateTime', {
  description:
    'RFC 3339. In: any offset and precision. Out: UTC, six decimals, Z. Keep it as text: a JavaScript Date loses the microseconds.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  serialize: (value) => (value instanceof Date ? instantOf(value) : value),
  parseValue: readInstant,
  parseLiteral: (node) => readInstant(node.kind === Kind.STRING ? node.value : undefined),
});

builder.scalarType('BigInt', {
  description:
    'Whole number from 0 to 2^63-1. Out: always a JSON number, never text; only sums can pass 2^53. In: number, or decimal text for exactness.',
  serialize: (value) => value,
  parseValue: readBigInt,
  parseLiteral: (node) =>
    readBigInt(node.kind === Kind.INT || node.kind === Kind.STRING ? node.value : undefined),
});

builder.scalarType('JSON', {
  description: 'Any JSON value.',
  serialize: (value) => value,
  parseValue: (value) => value as NonNullable<unknown>,
});

builder.scalarType('Upload', {
  description: 'File of a GraphQL multipart request (needs the CSRF header), streamed, never buffered whole.',
  serialize: () => {
    throw new Error('Upload is only for input.');
  },
  parseValue: (value) => GraphQLUpload.parseValue(value) as never,
  parseLiteral: () => {
    throw badInput('Upload comes as a variable of a multipart request.');
  },
});
