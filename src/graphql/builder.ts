/** The one schema builder: says what all types and fields share. The files beside it declare their types on it. */
import SchemaBuilder from '@pothos/core';
import ErrorsPlugin from '@pothos/plugin-errors';
import type { FileUpload } from 'graphql-upload-ts';
import type { Instant } from '../domain/image.ts';
import type { GraphContext } from './context.ts';
import { denialsPlugin } from './denials.ts';
import { readOnlyPlugin } from './read-only.ts';

export interface SchemaTypes {
  Context: GraphContext;
  DefaultFieldNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    /** Output: a Date, or an instant as the domain has it. */
    DateTime: { Input: Instant; Output: Instant | Date };
    /** Input: a bigint only where a number would not be exact. */
    BigInt: { Input: number | bigint; Output: number };
    JSON: { Input: NonNullable<unknown>; Output: unknown };
    Upload: { Input: Promise<FileUpload>; Output: never };
  };
}

const capitalize = (name: string) => name.charAt(0).toUpperCase() + name.slice(1);

export const builder = new SchemaBuilder<SchemaTypes>({
  plugins: [ErrorsPlugin, denialsPlugin, readOnlyPlugin],
  defaultFieldNullability: false,
  errors: {
    directResult: true,
    defaultTypes: [],
    defaultUnionOptions: {
      name: ({ fieldName }) => `${capitalize(fieldName)}Result`,
      description: 'The payload, or the reason why there is none.',
    },
  },
});

builder.queryType({ description: 'Everything that can be read.' });
builder.mutationType({
  description:
    'Run one after the other. A field is null only with a top-level error (internal, timeout): then it is not known whether it took effect.',
});
